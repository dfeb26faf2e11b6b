using System.Buffers;
using OrleansLake.Ingest.Kafka;

namespace OrleansLake.Ingest.Replay;

/// <summary>Dead letters of one topic-partition on their way back to the form that Kafka's records have.</summary>
internal sealed class DeadLetterBatch
{
    private readonly List<KafkaRecord> _records = [];
    private readonly ArrayBufferWriter<byte> _bytes = new();

    /// <summary>Bytes so far.</summary>
    public int SizeBytes => _bytes.WrittenCount;

    /// <summary>Records so far.</summary>
    public int Count => _records.Count;

    /// <summary>Adds a record; what is null in Kafka is null here.</summary>
    public void Add(long offset, long timestampMs, byte[]? key, byte[]? value, byte[]? headers)
    {
        var record = new KafkaRecord { Offset = offset, TimestampMs = timestampMs };
        (record.KeyStart, record.KeyLength) = Put(key);
        (record.ValueStart, record.ValueLength) = Put(value);
        (record.HeadersStart, record.HeadersLength) = Put(headers);
        record.HeadersLength = Math.Max(0, record.HeadersLength);
        _records.Add(record);
    }

    /// <summary>The batch, and a new one begins.</summary>
    public KafkaBatch Take(TopicPartition topicPartition)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(_bytes.WrittenCount + KafkaBatch.Padding);
        _bytes.WrittenSpan.CopyTo(buffer);
        buffer.AsSpan(_bytes.WrittenCount).Clear();
        KafkaRecord[] records = ArrayPool<KafkaRecord>.Shared.Rent(_records.Count);
        _records.CopyTo(records);
        var range = new OffsetRange(_records.Min(static record => record.Offset), _records.Max(static record => record.Offset) + 1);
        var batch = new KafkaBatch(topicPartition, range, -1, buffer, records, _records.Count);
        _records.Clear();
        _bytes.ResetWrittenCount();
        return batch;
    }

    /// <summary>Bytes, and a zero behind them that decoders like to find.</summary>
    private (int Start, int Length) Put(byte[]? bytes)
    {
        int start = _bytes.WrittenCount;
        if (bytes is null)
        {
            return (start, -1);
        }

        var target = _bytes.GetSpan(bytes.Length + 1);
        bytes.CopyTo(target);
        target[bytes.Length] = 0;
        _bytes.Advance(bytes.Length + 1);
        return (start, bytes.Length);
    }
}
