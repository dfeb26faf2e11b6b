using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Decode;

/// <summary>How JSON is decoded where there is a choice.</summary>
internal sealed record JsonDecoderOptions
{
    /// <summary>Whether digits behind the microseconds are cut off; else a record whose digits there are not zeros is refused.</summary>
    public bool CutFraction { get; init; }

    /// <summary>Rows that one call decodes at most.</summary>
    public int RowsPerCall { get; init; } = 4096;

    /// <summary>Bytes of JSON after which one call ends.</summary>
    public int BytesPerCall { get; init; } = 4 << 20;

    /// <summary>Bytes that are looked at together: 64, 32, 16 or 8 (no vectors); 0: what the machine does best.</summary>
    public int VectorWidth { get; init; }
}

/// <summary>
/// JSON objects to rows, led by the table's schema. A document is what RFC 8259 says, up to 128 containers deep, in UTF-8;
/// of equal names in one object the last wins; fields that the schema does not have are checked and passed over.
/// </summary>
/// <remarks>
/// What a token becomes; anything else is refused, nothing is changed silently:
/// <list type="table">
/// <item><term>boolean</term><description>true, false</description></item>
/// <item><term>int, long</term><description>a number without a fraction in any notation (1, 1.0, 1e3), within range</description></item>
/// <item><term>float, double</term><description>a number, to the nearest value; beyond the greatest finite one is refused</description></item>
/// <item><term>decimal(p,s)</term><description>a number that p digits, s of them behind the point, hold exactly</description></item>
/// <item><term>string</term><description>a string; an unpaired surrogate is refused</description></item>
/// <item><term>date</term><description>a string <c>YYYY-MM-DD</c></description></item>
/// <item><term>time</term><description>a string <c>hh:mm[:ss[.f…]]</c></description></item>
/// <item><term>timestamp</term><description>a string of both, joined by T or a space, without a zone</description></item>
/// <item><term>timestamptz</term><description>the same with a zone: Z, ±hh:mm, ±hhmm, ±hh</description></item>
/// <item><term>uuid</term><description>a string of 36 characters</description></item>
/// <item><term>fixed, binary</term><description>a string in base64 (RFC 4648, section 4)</description></item>
/// <item><term>struct</term><description>an object; absent fields are null</description></item>
/// <item><term>list</term><description>an array</description></item>
/// <item><term>map</term><description>an object; keys of other types than string as the text of their token</description></item>
/// </list>
/// null is null wherever the column is optional.
/// </remarks>
internal sealed unsafe class JsonDecoder : IRecordDecoder
{
    private readonly JsonNode _root;
    private readonly LeafColumn[] _leaves;
    private readonly JsonDecoderOptions _options;
    private readonly JsonState _state;
    private readonly int _width;

    /// <summary>A decoder of one schema. <paramref name="columns"/>: the Parquet schema made of it.</summary>
    public JsonDecoder(Schema schema, ParquetSchema columns, JsonDecoderOptions? options = null)
    {
        // Methods that are optimised at once check for ever whether a class is ready, unless it is before they are compiled.
        RuntimeHelpers.RunClassConstructor(typeof(JsonNumbers).TypeHandle);
        RuntimeHelpers.RunClassConstructor(typeof(DecimalToDouble).TypeHandle);
        (_root, _leaves) = JsonPlanCompiler.Compile(schema, columns);
        _options = options ?? new JsonDecoderOptions();
        _state = new JsonState { CutFraction = _options.CutFraction };
        _width = _options.VectorWidth != 0 ? _options.VectorWidth
            : Vector256.IsHardwareAccelerated ? 32
            : Vector128.IsHardwareAccelerated ? 16 : 8;
    }

    /// <inheritdoc />
    public IReadOnlyList<KeyValuePair<string, long>> TakeUnknownFields()
    {
        var counts = new List<KeyValuePair<string, long>>();
        foreach (var member in Unknown(_root).Where(member => member.Count > 0))
        {
            counts.Add(KeyValuePair.Create(member.Path, member.Count));
            member.Count = 0;
        }

        return counts;
    }

    /// <inheritdoc />
    public int Decode(KafkaBatch batch, int firstRecord, ColumnBatch rows, List<RejectedRecord> rejected) => _width switch
    {
        64 => Decode<Scan512>(batch, firstRecord, rows, rejected),
        32 => Decode<Scan256>(batch, firstRecord, rows, rejected),
        16 => Decode<Scan128>(batch, firstRecord, rows, rejected),
        _ => Decode<ScanScalar>(batch, firstRecord, rows, rejected),
    };

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Decode<TScan>(KafkaBatch batch, int firstRecord, ColumnBatch rows, List<RejectedRecord> rejected)
        where TScan : struct, IByteScan
    {
        var records = batch.Records;
        int endRecord = Math.Min(records.Length, firstRecord + _options.RowsPerCall);
        var columns = rows.Columns;
        int record = firstRecord;
        int row = rows.RowCount;
        for (int i = 0; i < _leaves.Length; i++)
        {
            _leaves[i].Attach(columns[i], row, endRecord - firstRecord);
        }

        long budget = _options.BytesPerCall;
        fixed (byte* buffer = batch.Buffer)
        {
            for (; record < endRecord && budget > 0; record++)
            {
                int length = records[record].ValueLength;
                byte* start = buffer + records[record].ValueStart;
                budget -= length;
                if (length > 0 && start[length] != 0)
                {
                    start = _state.DocumentRoom(start, length);
                }

                if (length > 0 && Row<TScan>(start, start + length, row))
                {
                    row++;
                    continue;
                }

                rejected.Add(length > 0
                    ? new RejectedRecord(record, _state.Failure.Reason, _state.Failure.Path, _state.Failure.Message)
                    : length == 0
                        ? new RejectedRecord(record, RejectReason.EmptyValue, "", "expected a JSON object, got no bytes")
                        : new RejectedRecord(record, RejectReason.NullValue, "", "expected a JSON object, got a null value"));
                _state.Failure.Reset();
            }
        }

        foreach (var leaf in _leaves)
        {
            leaf.Detach(row);
        }

        rows.RowCount = row;
        return record;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool Row<TScan>(byte* start, byte* end, int row)
        where TScan : struct, IByteScan
    {
        var state = _state;
        state.Row = row;
        state.Failure.Start = start;
        bool complete = Document<TScan>(start, end);
        if (!complete && (state.Failure.Duplicate || state.Failure.Reason is not (RejectReason.MalformedJson or RejectReason.TooDeep or RejectReason.NotAnObject)))
        {
            // A value that does not fit may be one of several of its name, of which only the last counts.
            Drop(row);
            state.Failure.Reset();
            state.Careful = true;
            complete = Document<TScan>(start, end);
            state.Careful = false;
        }

        if (!complete)
        {
            Drop(row);
            return false;
        }

        if (state.Unknown.Count > 0)
        {
            CountUnknown();
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool Document<TScan>(byte* start, byte* end)
        where TScan : struct, IByteScan
    {
        var failure = _state.Failure;
        byte* p = JsonSkip<TScan>.WhiteSpace(start, end);
        bool isObject = *p == '{';
        byte* behind = isObject ? JsonRows<TScan>.Struct(_root, p + 1, end, 0, _state) : JsonSkip<TScan>.Value(p, end, 0, failure);
        if (behind == null)
        {
            return false;
        }

        behind = JsonSkip<TScan>.WhiteSpace(behind, end);
        if (behind < end)
        {
            failure.Malformed("the end of the document", behind, end);
            return false;
        }

        if (!isObject)
        {
            failure.Unfit(RejectReason.NotAnObject, "a JSON object", p, behind);
        }

        return isObject;
    }

    private void Drop(int row)
    {
        foreach (var leaf in _leaves)
        {
            leaf.DropRow(row);
        }

        _state.Unknown.Clear();
    }

    private void CountUnknown()
    {
        foreach (var member in _state.Unknown)
        {
            member.Count++;
        }

        _state.Unknown.Clear();
    }

    private static IEnumerable<JsonMember> Unknown(JsonNode? node)
    {
        if (node is null)
        {
            return [];
        }

        var below = Unknown(node.Element);
        return node.Struct is not { } fields ? below : fields.Unknown.Concat(fields.Fields.SelectMany(field => Unknown(field.Node)));
    }
}
