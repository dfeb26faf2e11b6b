using OrleansLake.Ingest.Kafka;

namespace OrleansLake.Ingest.Pump;

/// <summary>What a broker tells of one topic-partition.</summary>
/// <param name="LogStart">The oldest offset that it still has.</param>
/// <param name="LastStable">The end for readers of committed transactions.</param>
/// <param name="HighWatermark">The end.</param>
public readonly record struct PartitionEnds(long LogStart, long LastStable, long HighWatermark);

/// <summary>
/// Records of many topic-partitions through one consumer. Called by one thread. Broker trouble is not an exception here:
/// the source goes on trying and <see cref="Trouble"/> says what is wrong; only what needs a person is thrown
/// (<see cref="SourceStoppedException"/>, which names the topic-partition).
/// </summary>
public interface IRecordSource : IDisposable
{
    /// <summary>Begins to read a topic-partition at a position; one that is being read is moved there.</summary>
    void Assign(TopicPartition topicPartition, long position);

    /// <summary>
    /// The same, with the leader epoch of the record before the position (−1 unknown): where the broker can tell, a log that
    /// was truncated below the position since is noticed, and the topic-partition stops.
    /// </summary>
    void Assign(TopicPartition topicPartition, long position, int leaderEpoch) => Assign(topicPartition, position);

    /// <summary>Ceases to read it; records of it that were not yet polled are dropped.</summary>
    void Unassign(TopicPartition topicPartition);

    /// <summary>Holds its records back (memory) or lets them flow again; its position stays.</summary>
    void SetPaused(TopicPartition topicPartition, bool paused);

    /// <summary>The next records of one topic-partition, or null when none came within the time. The caller owns the batch.</summary>
    KafkaBatch? Poll(TimeSpan timeout, CancellationToken cancellationToken);

    /// <summary>What the broker last told of it; null before it told anything. Never blocks.</summary>
    PartitionEnds? EndsOf(TopicPartition topicPartition);

    /// <summary>What stands in the way of reading just now ("no broker reachable: …"); null when nothing does.</summary>
    string? Trouble { get; }
}

/// <summary>A topic-partition cannot be read on without a decision: truncated, made anew, records gone, access refused.</summary>
public sealed class SourceStoppedException(TopicPartition topicPartition, string message, Exception? inner = null)
    : Exception(message, inner)
{
    /// <summary>Which.</summary>
    public TopicPartition TopicPartition { get; } = topicPartition;
}
