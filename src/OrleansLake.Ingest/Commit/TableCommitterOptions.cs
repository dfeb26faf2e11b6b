using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Commit;

/// <summary>What a <see cref="TableCommitter"/> is for, and its patience.</summary>
public sealed record TableCommitterOptions
{
    /// <summary>The table.</summary>
    public required TableIdentifier Table { get; init; }

    /// <summary>Its dead-letter table; null: its writers reject nothing.</summary>
    public TableIdentifier? DeadLetters { get; init; }

    /// <summary>The branch whose offsets readers resume from and that is anchored; reports name theirs.</summary>
    public string Branch { get; init; } = SnapshotRef.Main;

    /// <summary>Pipelines whose dead letters are to be sent to a topic once they are in their table.</summary>
    public IReadOnlySet<string> ForwardedPipelines { get; init; } = new HashSet<string>();

    /// <summary>How often the table is committed to.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long <see cref="TableCommitter.OutcomeAsync"/> waits before it says that nothing is decided.</summary>
    public TimeSpan OutcomeWait { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How long one call of a catalog or store may take. A swap that takes longer is unknown.</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The first pause after trouble; each further one is twice as long.</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The longest pause after trouble.</summary>
    public TimeSpan LongestPause { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a report that is ahead waits for one that lies before it.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Snapshots of ours older than this, counted from the newest, are expired by the commits themselves.</summary>
    public TimeSpan History { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Characters of summaries that the listed snapshots of ours may hold.</summary>
    public long HistoryCharacters { get; init; } = 2_000_000;

    /// <summary>The newest snapshots, which no expiry takes.</summary>
    public int KeptSnapshots { get; init; } = 100;

    /// <summary>Snapshots that must stay for now: the bases of running rewrites.</summary>
    public Func<IReadOnlyCollection<long>> ProtectedSnapshots { get; init; } = static () => [];

    /// <summary>
    /// Properties that a table should be created with, so that its metadata do not grow for ever: every commit writes a
    /// metadata file, and deletes the oldest.
    /// </summary>
    public static IReadOnlyDictionary<string, string> TableProperties { get; } = new Dictionary<string, string>
    {
        ["write.metadata.delete-after-commit.enabled"] = "true",
        ["write.metadata.previous-versions-max"] = "100",
        ["commit.manifest.min-count-to-merge"] = "100",
    };
}
