using System.Buffers;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Pump;

namespace OrleansLake.Ingest.Backfill;

/// <summary>A source whose topic-partitions end: at its end one is no longer read, and what a batch has behind it is left out.</summary>
/// <param name="source">Reads.</param>
/// <param name="ends">The first offset of each that is not read any more.</param>
/// <param name="onReached">Told, on the pump's thread, when one has been read to its end.</param>
internal sealed class BoundedSource(IRecordSource source, IReadOnlyDictionary<TopicPartition, long> ends, Action onReached) : IRecordSource
{
    private readonly HashSet<TopicPartition> _reached = [];
    private volatile int _reachedCount;

    /// <summary>How many stand at their end; any thread may ask.</summary>
    public int ReachedCount => _reachedCount;

    /// <inheritdoc />
    public string? Trouble => source.Trouble;

    /// <inheritdoc />
    public void Assign(TopicPartition topicPartition, long position) => Assign(topicPartition, position, -1);

    /// <inheritdoc />
    public void Assign(TopicPartition topicPartition, long position, int leaderEpoch)
    {
        if (position >= ends[topicPartition])
        {
            source.Unassign(topicPartition);
            Reach(topicPartition);
            return;
        }

        _reached.Remove(topicPartition);
        _reachedCount = _reached.Count;
        source.Assign(topicPartition, position, leaderEpoch);
    }

    /// <inheritdoc />
    public void Unassign(TopicPartition topicPartition)
    {
        _reached.Remove(topicPartition);
        _reachedCount = _reached.Count;
        source.Unassign(topicPartition);
    }

    /// <inheritdoc />
    public void SetPaused(TopicPartition topicPartition, bool paused)
    {
        if (!_reached.Contains(topicPartition))
        {
            source.SetPaused(topicPartition, paused);
        }
    }

    /// <inheritdoc />
    public KafkaBatch? Poll(TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (source.Poll(timeout, cancellationToken) is not { } batch)
        {
            return null;
        }

        long end = ends[batch.TopicPartition];
        if (batch.Range.Next < end)
        {
            return batch;
        }

        source.Unassign(batch.TopicPartition);
        Reach(batch.TopicPartition);
        if (batch.Range.Next == end)
        {
            return batch;
        }

        using (batch)
        {
            return Before(batch, end);
        }
    }

    /// <inheritdoc />
    public PartitionEnds? EndsOf(TopicPartition topicPartition)
    {
        long end = ends[topicPartition];
        return _reached.Contains(topicPartition) ? new PartitionEnds(0, end, end)
            : source.EndsOf(topicPartition) is { } found ? new PartitionEnds(found.LogStart, Math.Min(found.LastStable, end), Math.Min(found.HighWatermark, end))
            : null;
    }

    /// <inheritdoc />
    public void Dispose() => source.Dispose();

    private void Reach(TopicPartition topicPartition)
    {
        _reached.Add(topicPartition);
        _reachedCount = _reached.Count;
        onReached();
    }

    private static KafkaBatch Before(KafkaBatch batch, long end)
    {
        int count = 0;
        while (count < batch.Count && batch.Records[count].Offset < end)
        {
            count++;
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent(batch.Buffer.Length);
        batch.Buffer.CopyTo(buffer, 0);
        KafkaRecord[] records = ArrayPool<KafkaRecord>.Shared.Rent(Math.Max(1, count));
        batch.Records[..count].CopyTo(records);
        return new KafkaBatch(batch.TopicPartition, new OffsetRange(batch.Range.First, end), batch.LeaderEpoch, buffer, records, count);
    }
}
