using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Commit;

/// <summary>What a report says of one topic-partition.</summary>
public sealed record WrittenRange
{
    /// <summary>Which.</summary>
    public required TopicPartition TopicPartition { get; init; }

    /// <summary>Consumer positions before and after the records.</summary>
    public required OffsetRange Range { get; init; }

    /// <summary>Leader epoch of the last record; −1 when the broker does not tell.</summary>
    public int LeaderEpoch { get; init; } = -1;

    /// <summary>Records that became rows of the table.</summary>
    public required long Rows { get; init; }

    /// <summary>Records that went to the dead letters.</summary>
    public required long Rejected { get; init; }

    /// <summary>Positions without a record: control records, aborted transactions, compaction. Rows + Rejected + Gap = length of the range.</summary>
    public required long Gap { get; init; }

    /// <summary>
    /// True: <see cref="Range"/> starts at an offset that the table gave, by its resume point or as the end of an earlier
    /// report. False: the table had none when the writer began, and the range starts where the pipeline's settings say.
    /// Null: not told; then a table without an offset is believed only while its lineage is the one that the writer knew.
    /// </summary>
    public bool? ContinuesTable { get; init; }

    /// <summary>
    /// Rows of <see cref="DataWritten.DeadLetterFiles"/> that are of this topic-partition; null: <see cref="Rejected"/>. Fewer
    /// than that where the dead-letter table already held some of the rejected records.
    /// </summary>
    public long? DeadLetters { get; init; }

    /// <summary>
    /// The dead-letter table's next offset as the writer knew it when it left out records that the table holds already
    /// (<c>ResumePosition.DeadLettersNext</c>); null: it left none out. Another writer's dead letters that the table has
    /// taken since refuse the report.
    /// </summary>
    public long? DeadLettersNext { get; init; }

    /// <summary>
    /// With <see cref="DeadLettersNext"/>: the dead letters of the topic-partition that the table had then taken in
    /// (<c>ResumePosition.DeadLettersRows</c>, and those of this writer since). Below its next offset others may come in by a
    /// writer with another schema, and that offset does not tell.
    /// </summary>
    public long? DeadLettersRows { get; init; }

    /// <summary>Timestamp of the oldest record in milliseconds since 1970; null when there is none. Freshness is counted from it.</summary>
    public long? OldestTimestampMs { get; init; }
}

/// <summary>
/// A report: files that a writer has closed, and the records that are in them. Committed or refused as a whole; sent again
/// as it is when its answer is lost.
/// </summary>
public sealed record DataWritten
{
    /// <summary>Made before the report is first sent.</summary>
    public required Guid ReportId { get; init; }

    /// <summary>Who wrote: one life of one pump.</summary>
    public required string WriterId { get; init; }

    /// <summary>The pipeline's name.</summary>
    public required string Pipeline { get; init; }

    /// <summary>The pipeline's generation: one that is deleted and made again does not inherit offsets.</summary>
    public required string Generation { get; init; }

    /// <summary>Id of the Kafka cluster; null where the broker does not tell.</summary>
    public string? ClusterId { get; init; }

    /// <summary>Ids of the topics, by name, where the broker tells them.</summary>
    public IReadOnlyDictionary<string, string> TopicIds { get; init; } = new Dictionary<string, string>();

    /// <summary>The table that the files were written for.</summary>
    public required Guid TableUuid { get; init; }

    /// <summary>The branch that they shall be committed to.</summary>
    public string Branch { get; init; } = SnapshotRef.Main;

    /// <summary>The schema that the files were written with.</summary>
    public required int SchemaId { get; init; }

    /// <summary>Ids of every field in the files.</summary>
    public required IReadOnlyList<int> FieldIds { get; init; }

    /// <summary>The table's last sequence number that the writer knew when it first sent the report.</summary>
    public required long LastSequenceNumber { get; init; }

    /// <summary>When the report was first sent, in milliseconds since 1970.</summary>
    public required long FirstSentMs { get; init; }

    /// <summary>Files of the table.</summary>
    public required IReadOnlyList<DataFile> Files { get; init; }

    /// <summary>Files of the dead-letter table.</summary>
    public IReadOnlyList<DataFile> DeadLetterFiles { get; init; } = [];

    /// <summary>One a topic-partition whose records are in the files, or whose position moved.</summary>
    public required IReadOnlyList<WrittenRange> Ranges { get; init; }
}

/// <summary>Why a report was refused.</summary>
public enum RefusalReason
{
    /// <summary>A range starts behind the committed offsets: someone else has committed those records.</summary>
    Stale,

    /// <summary>A range starts ahead, and what lies between may still be on its way: send again.</summary>
    NotYet,

    /// <summary>The table went back, or its history left the metadata: write the rows again under new names.</summary>
    Rewound,

    /// <summary>A range starts ahead and nothing is on its way that could fill the gap.</summary>
    Gap,

    /// <summary>Another table stands there now.</summary>
    OtherTable,

    /// <summary>A field that was written has left the schema.</summary>
    FieldGone,

    /// <summary>The report is older than the table allows.</summary>
    TooOld,

    /// <summary>The topic was made anew or truncated, or the pipeline's generation is another.</summary>
    OtherTopic,

    /// <summary>The report contradicts itself: its counts, ranges or files do not add up. A fault of the writer.</summary>
    Malformed,
}

/// <summary>One topic-partition of a refused report.</summary>
/// <param name="TopicPartition">Which.</param>
/// <param name="Reported">The range as reported.</param>
/// <param name="CommittedNext">The table's next offset; null when it has none.</param>
public sealed record RefusedRange(TopicPartition TopicPartition, OffsetRange Reported, long? CommittedNext);

/// <summary>What became of a report.</summary>
public abstract record ReportAnswer
{
    private ReportAnswer() { }

    /// <summary>It is in the table, in this snapshot.</summary>
    public sealed record Committed(long SnapshotId, long SequenceNumber, int CurrentSchemaId) : ReportAnswer;

    /// <summary>It is not and will not be. <paramref name="Ranges"/>: the topic-partitions that are to blame.</summary>
    public sealed record Refused(RefusalReason Reason, IReadOnlyList<RefusedRange> Ranges, string Message) : ReportAnswer;

    /// <summary>Not decided: ask again.</summary>
    public sealed record Pending : ReportAnswer;

    /// <summary>Nothing is known of it (the committer is new): send it again as it is.</summary>
    public sealed record NotKnown : ReportAnswer;
}
