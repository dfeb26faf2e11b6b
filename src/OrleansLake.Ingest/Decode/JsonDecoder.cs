using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Registry;
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

    /// <summary>Whether the id of a schema stands before each document.</summary>
    public bool IsFramed { get; init; }

    /// <summary>How records differ from rows; null: they do not.</summary>
    public RecordOptions? Records { get; init; }

    /// <summary>Tells the time of decoding, where a column is that.</summary>
    public TimeProvider? Time { get; init; }
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
    private readonly LeafColumn[] _readLeaves;
    private readonly FilledColumns? _filled;
    private readonly JsonRescue? _rescue;
    private readonly JsonDecoderOptions _options;
    private readonly JsonState _state;
    private readonly int _width;
    private readonly int _frame;

    /// <summary>A decoder of one schema. <paramref name="columns"/>: the Parquet schema made of it.</summary>
    public JsonDecoder(Schema schema, ParquetSchema columns, JsonDecoderOptions? options = null)
    {
        // Methods that are optimised at once check for ever whether a class is ready, unless it is before they are compiled.
        RuntimeHelpers.RunClassConstructor(typeof(JsonNumbers).TypeHandle);
        RuntimeHelpers.RunClassConstructor(typeof(DecimalToDouble).TypeHandle);
        _options = options ?? new JsonDecoderOptions();
        (_root, _leaves, _readLeaves, _filled, _rescue) = JsonPlanCompiler.Compile(schema, columns, _options.Records, _options.Time);
        _state = new JsonState { CutFraction = _options.CutFraction || _options.Records is { CutFraction: true }, Rescue = _rescue };
        _frame = _options.IsFramed ? ConfluentFrame.Length : 0;
        _state.New = _options.Records is { UnknownFields: UnknownFieldAction.Evolve, Growth: { } growth } ? new NewFields(growth) : null;
        _width = _options.VectorWidth != 0 ? _options.VectorWidth
            : Vector256.IsHardwareAccelerated ? 32
            : Vector128.IsHardwareAccelerated ? 16 : 8;
        switch (_width)
        {
            case 64:
                JsonRows<Scan512>.Prepare(_root);
                break;
            case 32:
                JsonRows<Scan256>.Prepare(_root);
                break;
            case 16:
                JsonRows<Scan128>.Prepare(_root);
                break;
            default:
                JsonRows<ScanScalar>.Prepare(_root);
                break;
        }
    }

    /// <inheritdoc />
    public IReadOnlyList<KeyValuePair<string, long>> TakeUnknownFields() => TakeUnknownFields(_root);

    /// <summary>What was counted in a plan.</summary>
    internal static IReadOnlyList<KeyValuePair<string, long>> TakeUnknownFields(JsonNode root)
    {
        var counts = new List<KeyValuePair<string, long>>();
        foreach (var member in All(root).SelectMany(node => node.Struct?.Unknown ?? []).Where(member => member.Count > 0))
        {
            counts.Add(KeyValuePair.Create(member.Path, member.Count));
            member.Count = 0;
        }

        return counts;
    }

    /// <inheritdoc />
    public IReadOnlyList<KeyValuePair<string, long>> TakeNulledFields() => TakeCounts(_root, JsonKind.Guarded);

    /// <inheritdoc />
    public IReadOnlyList<KeyValuePair<string, long>> TakeTextFields() => TakeCounts(_root, JsonKind.StringOrJson);

    /// <summary>What was counted in a plan at places of a kind.</summary>
    internal static IReadOnlyList<KeyValuePair<string, long>> TakeCounts(JsonNode root, JsonKind kind)
    {
        var counts = new List<KeyValuePair<string, long>>();
        foreach (var node in All(root).Where(node => node.Kind == kind && node.Count > 0))
        {
            counts.Add(KeyValuePair.Create(node.Path!.Text, node.Count));
            node.Count = 0;
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
        if (_filled is not null && _filled.FirstRefused(batch, firstRecord, endRecord, out var refusal) is var refused && refused < endRecord)
        {
            if (refused == firstRecord)
            {
                rejected.Add(refusal);
                return firstRecord + 1;
            }

            endRecord = refused;
        }

        if (_frame > 0 && FirstUnframed(batch, firstRecord, endRecord) is var unframed && unframed < endRecord)
        {
            if (unframed == firstRecord)
            {
                rejected.Add(new RejectedRecord(unframed, RejectReason.NotFramed, "", "expected a zero and the id of a schema before a JSON object, got something else"));
                return firstRecord + 1;
            }

            endRecord = unframed;
        }

        int frame = _frame;
        var columns = rows.Columns;
        int record = firstRecord;
        int row = rows.RowCount;
        int firstRejected = rejected.Count;
        for (int i = 0; i < _leaves.Length; i++)
        {
            _leaves[i].Attach(columns[i], row, endRecord - firstRecord);
        }

        long budget = _options.BytesPerCall;
        fixed (byte* buffer = batch.Buffer)
        {
            for (; record < endRecord && budget > 0; record++)
            {
                // A null value, of length −1, has no frame and stays below zero.
                int length = records[record].ValueLength - frame;
                byte* start = buffer + records[record].ValueStart + frame;
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

        _filled?.Fill(batch, firstRecord, record, rejected, firstRejected, rows.RowCount);
        _rescue?.Complete(rows.RowCount, row);
        foreach (var leaf in _leaves)
        {
            leaf.Detach(row);
        }

        rows.RowCount = row;
        _state.New?.Hold();
        return record;
    }

    private static int FirstUnframed(KafkaBatch batch, int firstRecord, int endRecord)
    {
        var records = batch.Records;
        int record = firstRecord;
        while (record < endRecord && (records[record].ValueLength < 0 || ConfluentFrame.TryRead(batch.ValueOf(records[record]), out _)))
        {
            record++;
        }

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

        if (state.HasExtras)
        {
            Count(state, row);
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
        bool isRow = isObject && _root.Kind == JsonKind.Struct;
        byte* behind = isRow ? JsonRows<TScan>.Struct(_root, p + 1, end, 0, _state)
            : _root.Kind == JsonKind.Struct ? JsonSkip<TScan>.Value(p, end, 0, failure)
            : JsonRows<TScan>.Any(_root, p, end, _state);
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

        if (!isRow && _root.Kind == JsonKind.Struct)
        {
            failure.Unfit(RejectReason.NotAnObject, "a JSON object", p, behind);
            return false;
        }

        return true;
    }

    private void Drop(int row)
    {
        foreach (var leaf in _readLeaves)
        {
            leaf.DropRow(row);
        }

        _state.Drop();
    }

    /// <summary>What an accepted record had that is not in its columns.</summary>
    internal static void Count(JsonState state, int row)
    {
        foreach (var member in state.Unknown)
        {
            (member.CountsAs ?? member).Count++;
        }

        foreach (var node in state.Changed)
        {
            node.Count++;
        }

        state.Rescue?.Finish(row);
        state.New?.Finish();
        state.Drop();
    }

    private static IEnumerable<JsonNode> All(JsonNode node) => node.Below.SelectMany(All).Prepend(node);
}
