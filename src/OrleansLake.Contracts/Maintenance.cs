namespace OrleansLake.Contracts;

/// <summary>
/// Settings of the upkeep of a table by name (<c>compaction.schedule</c>, <c>expiry.max-snapshot-age</c>): what the table's own
/// properties do not say.
/// </summary>
[GenerateSerializer, Immutable, Alias("orleanslake.MaintenanceDefinition")]
public sealed record MaintenanceDefinition([property: Id(0)] Dictionary<string, string> Settings)
{
    /// <summary>The pipelines that write to the table: alerts are told as theirs.</summary>
    [Id(1)]
    public string[] Pipelines { get; init; } = [];

    /// <summary>Whether two say the same.</summary>
    public bool SameAs(MaintenanceDefinition? other) =>
        other is not null && Pipelines.SequenceEqual(other.Pipelines) && Settings.Count == other.Settings.Count && Settings.All(pair => other.Settings.GetValueOrDefault(pair.Key) == pair.Value);
}

/// <summary>Whether a run has begun.</summary>
/// <param name="RunId">Which; null: none.</param>
/// <param name="Message">Why not.</param>
[GenerateSerializer, Immutable, Alias("orleanslake.MaintenanceStart")]
public sealed record MaintenanceStart([property: Id(0)] Guid? RunId, [property: Id(1)] string? Message);

/// <summary>What a table's newest snapshot holds.</summary>
[GenerateSerializer, Immutable, Alias("orleanslake.MaintenanceCounts")]
public sealed record MaintenanceCounts(
    [property: Id(0)] long DataFiles, [property: Id(1)] long DeleteFiles, [property: Id(2)] long Rows, [property: Id(3)] long Bytes,
    [property: Id(4)] long Manifests, [property: Id(5)] long Snapshots);

/// <summary>One run of one task: what, why, before and after, what it cost, and what went wrong.</summary>
[GenerateSerializer, Immutable, Alias("orleanslake.MaintenanceRun")]
public sealed record MaintenanceRun
{
    /// <summary>Which run.</summary>
    [Id(0)]
    public required Guid RunId { get; init; }

    /// <summary>Which task.</summary>
    [Id(1)]
    public required string Task { get; init; }

    /// <summary><c>schedule</c> or <c>request</c>.</summary>
    [Id(2)]
    public required string Trigger { get; init; }

    /// <summary>Whether it only said what it would do.</summary>
    [Id(3)]
    public bool DryRun { get; init; }

    /// <summary>When it began, in milliseconds since 1970.</summary>
    [Id(4)]
    public required long StartedMs { get; init; }

    /// <summary>How long it took, in seconds; null: it goes on.</summary>
    [Id(5)]
    public double? Seconds { get; init; }

    /// <summary>The plan: what, and why.</summary>
    [Id(6)]
    public string[] Plan { get; init; } = [];

    /// <summary>The table before.</summary>
    [Id(7)]
    public MaintenanceCounts? Before { get; init; }

    /// <summary>The table after, with what others did meanwhile.</summary>
    [Id(8)]
    public MaintenanceCounts? After { get; init; }

    /// <summary>Files that went out of the table, or out of the store.</summary>
    [Id(9)]
    public long FilesRemoved { get; init; }

    /// <summary>Files that came.</summary>
    [Id(10)]
    public long FilesAdded { get; init; }

    /// <summary>Rows that went.</summary>
    [Id(11)]
    public long RowsRemoved { get; init; }

    /// <summary>Bytes that were read.</summary>
    [Id(12)]
    public long BytesRead { get; init; }

    /// <summary>Bytes that were written.</summary>
    [Id(13)]
    public long BytesWritten { get; init; }

    /// <summary>Bytes of the files that went.</summary>
    [Id(14)]
    public long BytesRemoved { get; init; }

    /// <summary>Snapshots that were committed.</summary>
    [Id(15)]
    public long[] Snapshots { get; init; } = [];

    /// <summary>What is worth knowing.</summary>
    [Id(16)]
    public string[] Notes { get; init; } = [];

    /// <summary>Why it did not come to its end; null where it did, or goes on.</summary>
    [Id(17)]
    public string? Error { get; init; }

    /// <summary>The groups of a compaction, each rewritten on some silo.</summary>
    [Id(18)]
    public MaintenanceJob[] Jobs { get; init; } = [];

    /// <summary>How long ingestion held it back, in seconds: of all its jobs together.</summary>
    [Id(19)]
    public double HeldSeconds { get; init; }

    /// <summary>Runs of the task in a row that failed, this one among them.</summary>
    [Id(20)]
    public int Failures { get; init; }

    /// <summary>Where it failed: when the schedule tries again, in milliseconds since 1970; null: it does not.</summary>
    [Id(21)]
    public long? AgainMs { get; init; }
}

/// <summary>One group of a compaction on the silo that rewrites it.</summary>
[GenerateSerializer, Immutable, Alias("orleanslake.MaintenanceJob")]
public sealed record MaintenanceJob
{
    /// <summary>Which of the run's jobs.</summary>
    [Id(0)]
    public int Number { get; init; }

    /// <summary>The silo.</summary>
    [Id(1)]
    public required string Silo { get; init; }

    /// <summary>When it began, in milliseconds since 1970.</summary>
    [Id(2)]
    public required long StartedMs { get; init; }

    /// <summary>How long it took, in seconds; null: it goes on.</summary>
    [Id(3)]
    public double? Seconds { get; init; }

    /// <summary>How long ingestion held it back, in seconds.</summary>
    [Id(4)]
    public double HeldSeconds { get; init; }

    /// <summary>Files that it replaced.</summary>
    [Id(5)]
    public long FilesRemoved { get; init; }

    /// <summary>Bytes that it read.</summary>
    [Id(6)]
    public long BytesRead { get; init; }

    /// <summary>Why it did not come to its end.</summary>
    [Id(7)]
    public string? Error { get; init; }
}

/// <summary>One task of a table.</summary>
[GenerateSerializer, Immutable, Alias("orleanslake.MaintenanceTask")]
public sealed record MaintenanceTask
{
    /// <summary>Its name.</summary>
    [Id(0)]
    public required string Name { get; init; }

    /// <summary>When it runs, as it is set; <c>off</c>: only on request.</summary>
    [Id(1)]
    public required string Schedule { get; init; }

    /// <summary>When it is due next, in milliseconds since 1970; null: never.</summary>
    [Id(2)]
    public long? DueMs { get; init; }

    /// <summary>When it last ended, in milliseconds since 1970; null: never.</summary>
    [Id(3)]
    public long? LastMs { get; init; }

    /// <summary>Runs in a row that failed.</summary>
    [Id(4)]
    public int Failures { get; init; }

    /// <summary>What the last one failed of; null: it did not.</summary>
    [Id(5)]
    public string? Error { get; init; }
}

/// <summary>What is left to do.</summary>
[GenerateSerializer, Immutable, Alias("orleanslake.MaintenanceDebt")]
public sealed record MaintenanceDebt(
    [property: Id(0)] long SmallFiles, [property: Id(1)] long SmallFileBytes, [property: Id(2)] long DeleteFiles, [property: Id(3)] long Snapshots,
    [property: Id(4)] long? OrphanBytes, [property: Id(5)] long AtMs);

/// <summary>How the upkeep of a table does.</summary>
[GenerateSerializer, Immutable, Alias("orleanslake.MaintenanceStatus")]
public sealed record MaintenanceStatus
{
    /// <summary>The table: <c>namespace.table</c>.</summary>
    [Id(0)]
    public required string Table { get; init; }

    /// <summary>Whether the schedule is kept.</summary>
    [Id(1)]
    public bool Enabled { get; init; }

    /// <summary>When the schedule may run; null: always.</summary>
    [Id(2)]
    public string? Window { get; init; }

    /// <summary>The tasks.</summary>
    [Id(3)]
    public MaintenanceTask[] Tasks { get; init; } = [];

    /// <summary>What runs now.</summary>
    [Id(4)]
    public MaintenanceRun? Running { get; init; }

    /// <summary>What is left to do, when it was last looked at; null: not yet.</summary>
    [Id(5)]
    public MaintenanceDebt? Debt { get; init; }

    /// <summary>What stands in the way as a whole (no table, settings that say nothing); null when nothing does.</summary>
    [Id(6)]
    public string? Trouble { get; init; }

    /// <summary>Whether somebody has paused the schedule by hand; tasks run on request all the same.</summary>
    [Id(7)]
    public bool Paused { get; init; }

    /// <summary>The silo that keeps the schedule; rewrites may be on any.</summary>
    [Id(8)]
    public string? Silo { get; init; }
}

/// <summary>One group of a compaction.</summary>
[GenerateSerializer, Immutable, Alias("orleanslake.CompactionJobOrder")]
public sealed record CompactionJobOrder
{
    /// <summary>Key of the table.</summary>
    [Id(0)]
    public required string TableKey { get; init; }

    /// <summary>Which table that was.</summary>
    [Id(1)]
    public required Guid TableUuid { get; init; }

    /// <summary>The snapshot that the plan was made from.</summary>
    [Id(2)]
    public required long SnapshotId { get; init; }

    /// <summary>Settings of the upkeep beside the table's properties.</summary>
    [Id(3)]
    public required Dictionary<string, string> Settings { get; init; }

    /// <summary>The data files of each bin.</summary>
    [Id(4)]
    public required string[][] Bins { get; init; }
}

/// <summary>How a job does.</summary>
/// <param name="Known">Whether it was started here; a silo that died takes its jobs with it.</param>
/// <param name="BaseSnapshotId">The snapshot that is read from.</param>
/// <param name="Result">How it ended; null: it goes on.</param>
[GenerateSerializer, Immutable, Alias("orleanslake.CompactionJobStatus")]
public sealed record CompactionJobStatus([property: Id(0)] bool Known, [property: Id(1)] long? BaseSnapshotId, [property: Id(2)] MaintenanceRun? Result)
{
    /// <summary>Where it is and how far; null: it could not be asked.</summary>
    [Id(3)]
    public MaintenanceJob? Job { get; init; }
}
