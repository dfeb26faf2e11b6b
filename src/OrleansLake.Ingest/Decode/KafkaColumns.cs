using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Kafka;

namespace OrleansLake.Ingest.Decode;

/// <summary>The topic.</summary>
internal sealed class TopicColumn(JsonNode node, string name) : FilledColumn(node, name)
{
    private byte[] _bytes = [];
    private string? _topic;

    public override void Fill(KafkaBatch batch, ReadOnlySpan<int> records, int firstRow)
    {
        if (!string.Equals(_topic, batch.TopicPartition.Topic, StringComparison.Ordinal))
        {
            _topic = batch.TopicPartition.Topic;
            _bytes = Encoding.UTF8.GetBytes(_topic);
        }

        for (int i = 0; i < records.Length; i++)
        {
            KafkaBytes.Add(Node.Leaf!, _bytes, 0);
        }
    }
}

/// <summary>The number of the partition within the topic.</summary>
internal sealed class PartitionColumn(JsonNode node, string name) : FilledColumn(node, name)
{
    public override void Fill(KafkaBatch batch, ReadOnlySpan<int> records, int firstRow)
    {
        for (int i = 0; i < records.Length; i++)
        {
            if (Node.Kind == JsonKind.Int)
            {
                Node.Leaf!.AddInt(batch.TopicPartition.Partition, 0);
            }
            else
            {
                Node.Leaf!.AddLong(batch.TopicPartition.Partition, 0);
            }
        }
    }
}

/// <summary>The offset of the record.</summary>
internal sealed class OffsetColumn(JsonNode node, string name) : FilledColumn(node, name)
{
    public override void Fill(KafkaBatch batch, ReadOnlySpan<int> records, int firstRow)
    {
        var all = batch.Records;
        foreach (int record in records)
        {
            Node.Leaf!.AddLong(all[record].Offset, 0);
        }
    }
}

/// <summary>The record's own timestamp, or the time of decoding.</summary>
internal sealed class TimestampColumn(JsonNode node, string name, TimeProvider? time) : FilledColumn(node, name)
{
    // A record of the oldest format has none.
    public override bool MayRefuse => time is null && Node.Required;

    public override (RejectReason Reason, string Message)? Refusal(KafkaBatch batch, in KafkaRecord record) =>
        record.TimestampMs < 0 ? (RejectReason.MissingRequired, $"expected {Node.TypeName}, got a record without a timestamp") : null;

    public override void Fill(KafkaBatch batch, ReadOnlySpan<int> records, int firstRow)
    {
        var all = batch.Records;
        long now = time is null ? 0 : (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        for (int i = 0; i < records.Length; i++)
        {
            long ms = all[records[i]].TimestampMs;
            if (time is not null)
            {
                Node.Leaf!.AddLong(Node.Kind == JsonKind.Long ? now / 1000 : Node.Nanos ? now * 1000 : now, 0);
            }
            else if (ms >= 0)
            {
                Node.Leaf!.AddLong(Node.Kind == JsonKind.Long ? ms : Node.Nanos ? ms * 1_000_000 : ms * 1000, 0);
            }
            else
            {
                AddNull(firstRow + i);
            }
        }
    }
}

/// <summary>The key of the record.</summary>
internal sealed class KeyColumn(JsonNode node, string name) : FilledColumn(node, name)
{
    public override bool MayRefuse => Node.Required || Node.Kind == JsonKind.String;

    public override (RejectReason Reason, string Message)? Refusal(KafkaBatch batch, in KafkaRecord record) =>
        record.KeyLength < 0
            ? Node.Required ? (RejectReason.MissingRequired, $"expected {Node.TypeName}, got a record without a key") : null
            : KafkaBytes.Refusal(Node, batch.KeyOf(record), "a key");

    public override void Fill(KafkaBatch batch, ReadOnlySpan<int> records, int firstRow)
    {
        var all = batch.Records;
        for (int i = 0; i < records.Length; i++)
        {
            ref readonly var record = ref all[records[i]];
            if (record.KeyLength < 0)
            {
                AddNull(firstRow + i);
            }
            else
            {
                KafkaBytes.Add(Node.Leaf!, batch.KeyOf(record), 0);
            }
        }
    }
}

/// <summary>The last header of one name.</summary>
internal sealed class HeaderColumn(JsonNode node, string name, string header) : FilledColumn(node, name)
{
    private readonly byte[] _header = Encoding.UTF8.GetBytes(header);

    public override bool MayRefuse => Node.Required || Node.Kind == JsonKind.String;

    public override (RejectReason Reason, string Message)? Refusal(KafkaBatch batch, in KafkaRecord record)
    {
        var value = Find(batch.HeadersOf(record), out bool isThere);
        return isThere ? KafkaBytes.Refusal(Node, value, $"a header {header}")
            : Node.Required ? (RejectReason.MissingRequired, $"expected {Node.TypeName}, got a record without a header {header}") : null;
    }

    public override void Fill(KafkaBatch batch, ReadOnlySpan<int> records, int firstRow)
    {
        var all = batch.Records;
        for (int i = 0; i < records.Length; i++)
        {
            var value = Find(batch.HeadersOf(all[records[i]]), out bool isThere);
            if (isThere)
            {
                KafkaBytes.Add(Node.Leaf!, value, 0);
            }
            else
            {
                AddNull(firstRow + i);
            }
        }
    }

    private ReadOnlySpan<byte> Find(ReadOnlySpan<byte> headers, out bool isThere)
    {
        ReadOnlySpan<byte> found = default;
        isThere = false;
        for (int taken; (taken = KafkaBytes.NextHeader(headers, out var name, out var value, out bool isNull)) > 0; headers = headers[taken..])
        {
            if (name.SequenceEqual(_header))
            {
                found = value;
                isThere = !isNull;
            }
        }

        return found;
    }
}

/// <summary>All headers: a list of structs of name and value in their order, or a map in which the last of a name stays.</summary>
internal sealed class HeadersColumn : FilledColumn
{
    private readonly JsonNode _name;
    private readonly JsonNode _value;
    private readonly bool _isMap;

    public HeadersColumn(JsonNode node, string name)
        : base(node, name)
    {
        _isMap = node.Kind is JsonKind.Map or JsonKind.TracedMap;
        if (_isMap)
        {
            (_name, _value) = (node.Key!, node.Element!);
        }
        else
        {
            var fields = node.Element?.Struct?.Fields;
            (_name, _value) = fields is { Length: 2 } ? (fields[0].Node!, fields[1].Node!) : (node, node);
        }
    }

    public override bool MayRefuse => _value.Required || _value.Kind == JsonKind.String;

    /// <summary>Whether a column of that type holds headers.</summary>
    public static bool Takes(IcebergType type) => type switch
    {
        ListType { Element: StructType { Fields: [{ Type: StringType }, { Type: StringType or BinaryType }] } } => true,
        MapType { Key: StringType, Value: StringType or BinaryType } => true,
        _ => false,
    };

    public override (RejectReason Reason, string Message)? Refusal(KafkaBatch batch, in KafkaRecord record)
    {
        var headers = batch.HeadersOf(record);
        for (int taken; (taken = KafkaBytes.NextHeader(headers, out var name, out var value, out bool isNull)) > 0; headers = headers[taken..])
        {
            if (isNull && _value.Required)
            {
                return (RejectReason.MissingRequired, $"expected {_value.TypeName}, got a header {Encoding.UTF8.GetString(name)} without a value");
            }

            if (KafkaBytes.Refusal(_value, value, $"a header {Encoding.UTF8.GetString(name)}") is { } refusal)
            {
                return refusal;
            }
        }

        return null;
    }

    public override void Fill(KafkaBatch batch, ReadOnlySpan<int> records, int firstRow)
    {
        var all = batch.Records;
        for (int i = 0; i < records.Length; i++)
        {
            var headers = batch.HeadersOf(all[records[i]]);
            int repetition = 0;
            for (int taken; (taken = KafkaBytes.NextHeader(headers, out var name, out var value, out bool isNull)) > 0; headers = headers[taken..])
            {
                if (_isMap && IsFollowed(headers[taken..], name))
                {
                    continue;
                }

                KafkaBytes.Add(_name.Leaf!, name, repetition);
                if (isNull)
                {
                    _value.AddAbsent(_value.NullDefinition, repetition, firstRow + i);
                }
                else
                {
                    KafkaBytes.Add(_value.Leaf!, value, repetition);
                }

                repetition = Node.ElementRepetition;
            }

            if (repetition == 0)
            {
                Node.AddAbsent(Node.Definition, 0, firstRow + i);
            }
        }
    }

    private static bool IsFollowed(ReadOnlySpan<byte> headers, ReadOnlySpan<byte> wanted)
    {
        for (int taken; (taken = KafkaBytes.NextHeader(headers, out var name, out _, out _)) > 0; headers = headers[taken..])
        {
            if (name.SequenceEqual(wanted))
            {
                return true;
            }
        }

        return false;
    }
}

/// <summary>Bytes of Kafka's to columns of strings or bytes.</summary>
internal static class KafkaBytes
{
    /// <summary>Adds one value.</summary>
    public static void Add(LeafColumn leaf, ReadOnlySpan<byte> bytes, int repetition)
    {
        bytes.CopyTo(MemoryMarshal.CreateSpan(ref leaf.RoomForBytes(bytes.Length), bytes.Length));
        leaf.AddBytes(bytes.Length, repetition);
    }

    /// <summary>Whether bytes are no text where the column wants one.</summary>
    public static (RejectReason Reason, string Message)? Refusal(JsonNode node, ReadOnlySpan<byte> bytes, string what) =>
        node.Kind == JsonKind.String && !Utf8.IsValid(bytes) ? (RejectReason.InvalidUtf8, $"expected UTF-8 for a string, got {what} that is not") : null;

    /// <summary>The first of the headers, which are in the form of <see cref="KafkaHeaders"/>, and the bytes that it takes; 0: there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int NextHeader(ReadOnlySpan<byte> headers, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value, out bool isNull)
    {
        name = value = default;
        isNull = true;
        if (headers.Length == 0)
        {
            return 0;
        }

        int nameLength = BinaryPrimitives.ReadInt32LittleEndian(headers);
        name = headers.Slice(4, nameLength);
        int valueLength = BinaryPrimitives.ReadInt32LittleEndian(headers[(4 + nameLength)..]);
        isNull = valueLength < 0;
        valueLength = Math.Max(0, valueLength);
        value = headers.Slice(8 + nameLength, valueLength);
        return 8 + nameLength + valueLength;
    }
}
