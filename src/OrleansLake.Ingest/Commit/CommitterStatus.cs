namespace OrleansLake.Ingest.Commit;

/// <summary>How a committer is.</summary>
public sealed record CommitterStatus
{
    /// <summary>Reports without an answer.</summary>
    public required int WaitingReports { get; init; }

    /// <summary>What stands in the way just now; null when nothing does.</summary>
    public string? Trouble { get; init; }

    /// <summary>Since when.</summary>
    public DateTimeOffset? TroubleSince { get; init; }

    /// <summary>A swap of which nobody knows yet whether it is in: its commit id.</summary>
    public Guid? InDoubt { get; init; }

    /// <summary>Topic-partitions that two writers report in turn, and who they are.</summary>
    public IReadOnlyList<string> Duels { get; init; } = [];

    /// <summary>The last snapshot that it committed.</summary>
    public long? LastSnapshotId { get; init; }

    /// <summary>When.</summary>
    public DateTimeOffset? LastCommit { get; init; }

    /// <summary>The age, at that commit, of the oldest record that it took in.</summary>
    public TimeSpan? Freshness { get; init; }

    /// <summary>The current schema as it last saw it.</summary>
    public int? SchemaId { get; init; }
}

/// <summary>What one round of commits did.</summary>
/// <param name="Snapshots">Snapshots of rows that it added.</param>
/// <param name="Answered">Reports that have an answer now.</param>
/// <param name="Trouble">What ended it early; null when nothing did. The reports stay and are tried again by the next one.</param>
public sealed record CommitRound(int Snapshots, int Answered, Exception? Trouble);
