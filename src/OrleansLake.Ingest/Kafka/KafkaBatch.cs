using System.Buffers;

namespace OrleansLake.Ingest.Kafka;

/// <summary>One record of a <see cref="KafkaBatch"/>: its place in Kafka, and where its bytes lie in the batch's buffer.</summary>
public struct KafkaRecord
{
    /// <summary>Its offset in the topic-partition.</summary>
    public long Offset;

    /// <summary>Milliseconds since 1970, by producer or broker; −1 when there is none.</summary>
    public long TimestampMs;

    /// <summary>Where the value starts in <see cref="KafkaBatch.Buffer"/>.</summary>
    public int ValueStart;

    /// <summary>Bytes of the value; −1 for null (a tombstone).</summary>
    public int ValueLength;

    /// <summary>Where the key starts.</summary>
    public int KeyStart;

    /// <summary>Bytes of the key; −1 for null.</summary>
    public int KeyLength;

    /// <summary>Where the headers start, in the form of <see cref="KafkaHeaders"/>; see <see cref="HeadersLength"/>.</summary>
    public int HeadersStart;

    /// <summary>Bytes of the headers; 0 when there are none.</summary>
    public int HeadersLength;
}

/// <summary>
/// Records of one topic-partition in the order of their offsets, copied out of the client into one pooled buffer.
/// At least <see cref="Padding"/> readable bytes follow every value, so vector loads may run past its end. The first of them is
/// best a zero, as the Kafka client's batches have it: a decoder that needs one copies the values that have none.
/// </summary>
/// <remarks>One owner; <see cref="Dispose"/> returns the memory.</remarks>
public sealed class KafkaBatch : IDisposable
{
    /// <summary>Bytes that may be read behind any value.</summary>
    public const int Padding = 64;

    private byte[]? _buffer;
    private KafkaRecord[]? _records;

    /// <summary>Takes over two arrays of the shared pools.</summary>
    public KafkaBatch(TopicPartition topicPartition, OffsetRange range, int leaderEpoch, byte[] pooledBuffer, KafkaRecord[] pooledRecords, int count)
    {
        TopicPartition = topicPartition;
        Range = range;
        LeaderEpoch = leaderEpoch;
        _buffer = pooledBuffer;
        _records = pooledRecords;
        Count = count;
    }

    /// <summary>Where the records come from.</summary>
    public TopicPartition TopicPartition { get; }

    /// <summary>The consumer's positions before and after the batch: gaps in front of and behind its records belong to it.</summary>
    public OffsetRange Range { get; }

    /// <summary>Leader epoch of the last record; −1 when the broker does not tell.</summary>
    public int LeaderEpoch { get; }

    /// <summary>Records. Never inferred from <see cref="Range"/>; 0 where the positions moved over gaps only.</summary>
    public int Count { get; }

    /// <summary>The bytes of all records.</summary>
    public byte[] Buffer => _buffer ?? throw new ObjectDisposedException(nameof(KafkaBatch));

    /// <summary>The records.</summary>
    public ReadOnlySpan<KafkaRecord> Records => (_records ?? throw new ObjectDisposedException(nameof(KafkaBatch))).AsSpan(0, Count);

    /// <summary>How many records lie before an offset.</summary>
    public int CountBefore(long offset)
    {
        int count = 0;
        while (count < Count && Records[count].Offset < offset)
        {
            count++;
        }

        return count;
    }

    /// <summary>The value of a record; empty for null too (see <see cref="KafkaRecord.ValueLength"/>).</summary>
    public ReadOnlySpan<byte> ValueOf(in KafkaRecord record) => Buffer.AsSpan(record.ValueStart, Math.Max(0, record.ValueLength));

    /// <summary>The key of a record; empty for null too.</summary>
    public ReadOnlySpan<byte> KeyOf(in KafkaRecord record) => Buffer.AsSpan(record.KeyStart, Math.Max(0, record.KeyLength));

    /// <summary>The headers of a record in the form of <see cref="KafkaHeaders"/>.</summary>
    public ReadOnlySpan<byte> HeadersOf(in KafkaRecord record) => Buffer.AsSpan(record.HeadersStart, record.HeadersLength);

    /// <inheritdoc />
    public void Dispose()
    {
        if (_buffer is { } buffer && _records is { } records)
        {
            _buffer = null;
            _records = null;
            ArrayPool<byte>.Shared.Return(buffer);
            ArrayPool<KafkaRecord>.Shared.Return(records);
        }
    }
}
