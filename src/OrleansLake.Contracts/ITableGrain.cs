using Orleans.Concurrency;

namespace OrleansLake.Contracts;

/// <summary>
/// One table: groups reports into snapshots and commits them, one at a time. Key: <see cref="GrainKeys.Table"/>. It awaits
/// no other grain; what is new about the schema rides in its answers. A twin in another silo or cluster does no harm: the
/// catalog's swap and the offsets in the table decide.
/// </summary>
[Alias("orleanslake.ITableGrain")]
public interface ITableGrain : IGrainWithStringKey
{
    /// <summary>Takes a report in and returns; what becomes of it is asked by <see cref="OutcomeAsync"/>.</summary>
    [Alias("Report"), AlwaysInterleave]
    Task ReportAsync(ReportEnvelope report);

    /// <summary>What became of a report. Waits up to 20 s before it says <see cref="ReportOutcomeKind.Pending"/>.</summary>
    [Alias("Outcome"), AlwaysInterleave]
    Task<ReportOutcome> OutcomeAsync(Guid reportId);

    /// <summary>Where a pipeline stands in the table now.</summary>
    [Alias("Resume"), AlwaysInterleave]
    Task<ResumeAnswer> ResumeAsync(ResumeQuestion question);

    /// <summary>Moves offsets by an empty snapshot that says why.</summary>
    [Alias("Move")]
    Task<ReportOutcome> MoveAsync(MoveRequest move);

    /// <summary>Reads the table's schema anew and says which holds.</summary>
    [Alias("ReloadSchema")]
    Task<SchemaReload> ReloadSchemaAsync();

    /// <summary>Adds columns for fields that records have, each once however many ask.</summary>
    [Alias("GrowSchema"), AlwaysInterleave]
    Task<SchemaGrowthAnswer> GrowSchemaAsync(SchemaGrowth growth);

    /// <summary>How the table does.</summary>
    [Alias("Status"), AlwaysInterleave]
    Task<TableStatus> StatusAsync();

    /// <summary>
    /// Lends the upkeep the turn to swap, once no report waits: ingestion goes first. Waits up to 20 s; false: ask again. It is taken
    /// back after <paramref name="most"/>, 20 s at the longest.
    /// </summary>
    [Alias("BorrowTurn"), AlwaysInterleave]
    Task<bool> BorrowTurnAsync(Guid borrower, TimeSpan most);

    /// <summary>Takes it back.</summary>
    [Alias("ReturnTurn"), AlwaysInterleave]
    Task ReturnTurnAsync(Guid borrower);

    /// <summary>Snapshots that a running rewrite was made from: no expiry takes them for the next ten minutes; none: it is over.</summary>
    [Alias("Protect"), AlwaysInterleave]
    Task ProtectAsync(Guid holder, long[] snapshots);

    /// <summary>All that are protected now.</summary>
    [Alias("Protected"), AlwaysInterleave]
    Task<long[]> ProtectedAsync();
}

/// <summary>A report in its own binary form, which the commit part owns and versions.</summary>
[GenerateSerializer, Immutable, Alias("orleanslake.ReportEnvelope")]
public sealed record ReportEnvelope([property: Id(0)] Guid ReportId, [property: Id(1)] byte[] Report);

/// <summary>How a report ended.</summary>
[GenerateSerializer, Alias("orleanslake.ReportOutcomeKind")]
public enum ReportOutcomeKind
{
    /// <summary>Not decided: ask again.</summary>
    Pending,

    /// <summary>In the table.</summary>
    Committed,

    /// <summary>Not in the table and never will be.</summary>
    Refused,

    /// <summary>Nothing is known of it: send it again as it is.</summary>
    NotKnown,
}

/// <summary>What became of a report.</summary>
[GenerateSerializer, Immutable, Alias("orleanslake.ReportOutcome")]
public sealed record ReportOutcome
{
    /// <summary>How it ended.</summary>
    [Id(0)]
    public required ReportOutcomeKind Kind { get; init; }

    /// <summary>Committed: the snapshot that it is in.</summary>
    [Id(1)]
    public long SnapshotId { get; init; }

    /// <summary>Committed: that snapshot's sequence number.</summary>
    [Id(2)]
    public long SequenceNumber { get; init; }

    /// <summary>Committed: the schema that is current now.</summary>
    [Id(3)]
    public int CurrentSchemaId { get; init; }

    /// <summary>Refused: the reason by its name.</summary>
    [Id(4)]
    public string? Reason { get; init; }

    /// <summary>Refused: the topic-partitions that are to blame.</summary>
    [Id(5)]
    public RefusedPosition[] Ranges { get; init; } = [];

    /// <summary>Refused: in words.</summary>
    [Id(6)]
    public string? Message { get; init; }
}

/// <summary>One topic-partition of a refused report.</summary>
[GenerateSerializer, Immutable, Alias("orleanslake.RefusedPosition")]
public sealed record RefusedPosition(
    [property: Id(0)] string Topic, [property: Id(1)] int Partition, [property: Id(2)] long First, [property: Id(3)] long Next,
    [property: Id(4)] long? CommittedNext);

/// <summary>Asks where a pipeline stands; <c>TopicIds</c> are those that the broker tells, by the topics' names.</summary>
[GenerateSerializer, Immutable, Alias("orleanslake.ResumeQuestion")]
public sealed record ResumeQuestion(
    [property: Id(0)] string Pipeline, [property: Id(1)] string Generation, [property: Id(2)] NamedTopicPartition[] TopicPartitions,
    [property: Id(3)] Dictionary<string, string>? TopicIds = null);

/// <summary>A topic-partition by name and number.</summary>
[GenerateSerializer, Immutable, Alias("orleanslake.NamedTopicPartition")]
public sealed record NamedTopicPartition([property: Id(0)] string Topic, [property: Id(1)] int Partition);

/// <summary>Where a pipeline stands.</summary>
[GenerateSerializer, Immutable, Alias("orleanslake.ResumeAnswer")]
public sealed record ResumeAnswer(
    [property: Id(0)] Guid TableUuid, [property: Id(1)] long LastSequenceNumber, [property: Id(2)] int SchemaId,
    [property: Id(3)] ResumeAt[] TopicPartitions);

/// <summary>Where one topic-partition stands.</summary>
[GenerateSerializer, Immutable, Alias("orleanslake.ResumeAt")]
public sealed record ResumeAt(
    [property: Id(0)] string Topic, [property: Id(1)] int Partition, [property: Id(2)] long Next, [property: Id(3)] int LeaderEpoch,
    [property: Id(4)] long DeadLettersNext, [property: Id(5)] long[] DeadLetterOffsets, [property: Id(6)] long DeadLettersRows = 0);
