using OrleansLake.Ingest.Commit;

namespace OrleansLake.Ingest.Pump;

/// <summary>
/// The committer of a table as a pump sees it, near or far: messages may be lost, late or repeated, and a call that throws
/// says nothing of what became of it.
/// </summary>
public interface ICommitter
{
    /// <summary>Hands a report in. Returns at once; the answer is asked for.</summary>
    Task EnqueueAsync(DataWritten report, CancellationToken cancellationToken);

    /// <summary>What became of it; waits up to about 20 s before it says <see cref="ReportAnswer.Pending"/>.</summary>
    Task<ReportAnswer> OutcomeAsync(Guid reportId, CancellationToken cancellationToken);

    /// <summary>
    /// Where a pipeline stands in the table now: what a reader resumes from. <paramref name="topicIds"/>: ids of the topics by
    /// name, as the broker tells them: they say which of the dead letters are of the records that will be read.
    /// </summary>
    Task<ResumePoint> ResumeAsync(
        string pipeline, string generation, IReadOnlyList<TopicPartition> topicPartitions, IReadOnlyDictionary<string, string> topicIds, CancellationToken cancellationToken);
}

/// <summary>The table's word on where a pipeline stands.</summary>
/// <param name="TableUuid">Which table.</param>
/// <param name="LastSequenceNumber">The table's last sequence number.</param>
/// <param name="SchemaId">The current schema.</param>
/// <param name="Partitions">One for each topic-partition asked for that the table knows; missing: it has no offset yet.</param>
public sealed record ResumePoint(Guid TableUuid, long LastSequenceNumber, int SchemaId, IReadOnlyList<ResumePosition> Partitions);

/// <summary>The table's next offset of one topic-partition.</summary>
/// <param name="TopicPartition">Which.</param>
/// <param name="Next">The next offset to read; −1: the table has none, but its dead-letter table has records of it (the table was rolled back).</param>
/// <param name="LeaderEpoch">The leader epoch of the record before; −1 unknown.</param>
/// <param name="DeadLettersNext">The next offset by the dead-letter table: at or above <paramref name="Next"/>.</param>
/// <param name="DeadLetterOffsets">Offsets from <paramref name="Next"/> on whose records the dead-letter table already holds.</param>
/// <param name="DeadLettersRows">Dead letters of it that the table ever took in: another number later says that others came in since.</param>
public sealed record ResumePosition(TopicPartition TopicPartition, long Next, int LeaderEpoch, long DeadLettersNext, IReadOnlyList<long> DeadLetterOffsets, long DeadLettersRows = 0);
