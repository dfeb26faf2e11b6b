using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>Every operation of the upkeep by its name, for those who schedule them and for the command line.</summary>
/// <param name="catalog">Knows the tables.</param>
/// <param name="committer">Brings the changes in.</param>
/// <param name="ids">Names files and commits.</param>
/// <param name="time">The clock.</param>
public sealed class UpkeepTasks(ICatalog catalog, IUpkeepCommitter committer, IdSource ids, TimeProvider time)
{
    /// <summary>The names, in the order in which they do one another good.</summary>
    public static IReadOnlyList<string> Names { get; } = ["retention", "compaction", "manifests", "statistics", "expiry", "orphans"];

    /// <summary>Awaited before each batch of rows: ingestion holds the upkeep back with it.</summary>
    public Func<CancellationToken, ValueTask> Pace { get; init; } = static _ => ValueTask.CompletedTask;

    /// <summary>Snapshots that must stay for now: the bases of running rewrites.</summary>
    public Func<CancellationToken, Task<IReadOnlyCollection<long>>> Protected { get; init; } = static _ => Task.FromResult<IReadOnlyCollection<long>>([]);

    /// <summary>Told which snapshot a rewrite reads from, and (null) when that is over.</summary>
    public Action<long?> OnBase { get; init; } = static _ => { };

    /// <summary>What an operation would do now. Changes nothing.</summary>
    /// <param name="name">The operation.</param>
    /// <param name="table">The table as it is now.</param>
    /// <param name="options">What it asks for.</param>
    /// <param name="isDryRun">Whether the plan is all that is wanted: then it also says what a run finds out by itself.</param>
    /// <param name="cancellationToken">Stops looking.</param>
    /// <exception cref="ArgumentException">There is no operation of that name.</exception>
    public async Task<UpkeepPlan> PlanAsync(string name, LoadedTable table, UpkeepOptions options, bool isDryRun, CancellationToken cancellationToken) => name switch
    {
        "retention" when options.Retention is { } retention => await Retention().PlanAsync(table, retention, cancellationToken).ConfigureAwait(false),
        "retention" => new UnaskedPlan { Name = name, Table = table.Identifier, TableUuid = table.Metadata.TableUuid, SnapshotId = table.Metadata.CurrentSnapshotId },
        "compaction" => await Compaction().PlanAsync(table, options.Compaction, cancellationToken).ConfigureAwait(false),
        "manifests" => await ManifestUpkeep.PlanAsync(table, options.Manifests, cancellationToken).ConfigureAwait(false),
        "statistics" => StatisticsUpkeep.Plan(table, options.Statistics),
        "expiry" when isDryRun => await Expiry().PlanFilesAsync(table, options.Expiry, cancellationToken).ConfigureAwait(false),
        "expiry" => await Expiry().PlanAsync(table, options.Expiry, cancellationToken).ConfigureAwait(false),
        "orphans" => await Orphans().PlanAsync(table, options.Orphans, cancellationToken).ConfigureAwait(false),
        _ => throw new ArgumentException($"expected one of {string.Join(", ", Names)}, got \"{name}\"", nameof(name)),
    };

    /// <summary>Carries a plan out.</summary>
    public Task<UpkeepResult> ExecuteAsync(UpkeepPlan plan, CancellationToken cancellationToken) => plan switch
    {
        RetentionPlan retention => Retention().ExecuteAsync(retention, cancellationToken),
        UnaskedPlan => Task.FromResult(new UpkeepResult { Operation = plan.Operation, Table = plan.Table }),
        CompactionPlan compaction => Compaction().ExecuteAsync(compaction, cancellationToken),
        ManifestPlan manifests => new ManifestUpkeep(catalog, committer, ids, time).ExecuteAsync(manifests, cancellationToken),
        StatisticsPlan statistics => new StatisticsUpkeep(catalog, committer, ids, time) { Pace = Pace }.ExecuteAsync(statistics, cancellationToken),
        ExpiryPlan expiry => Expiry().ExecuteAsync(expiry, cancellationToken),
        OrphanPlan orphans => Orphans().ExecuteAsync(orphans, cancellationToken),
        _ => throw new ArgumentException($"expected a plan of {string.Join(", ", Names)}, got one of {plan.Operation}", nameof(plan)),
    };

    private Retention Retention() => new(catalog, committer, ids, time) { Pace = Pace, OnBase = OnBase };

    private Compaction Compaction() => new(catalog, committer, ids, time) { Pace = Pace, OnBase = OnBase };

    private SnapshotExpiry Expiry() => new(catalog, committer, ids, time) { Protected = Protected };

    private OrphanRemoval Orphans() => new(catalog, committer, ids, time);

    /// <summary>Of an operation that the table does not ask for.</summary>
    private sealed record UnaskedPlan : UpkeepPlan
    {
        public required string Name { get; init; }

        public override string Operation => Name;

        public override IReadOnlyList<UpkeepStep> Steps => [];
    }
}

/// <summary>What the upkeep of a table has left to do.</summary>
public sealed record UpkeepDebt
{
    /// <summary>Data files smaller than three quarters of the target size.</summary>
    public long SmallFiles { get; init; }

    /// <summary>Bytes of them.</summary>
    public long SmallFileBytes { get; init; }

    /// <summary>Delete files and deletion vectors, which every scan has to read.</summary>
    public long DeleteFiles { get; init; }

    /// <summary>Snapshots that the table lists.</summary>
    public long Snapshots { get; init; }

    /// <summary>Bytes that a scan of the newest snapshot may read.</summary>
    public long Bytes { get; init; }

    /// <summary>Bytes of files that nothing refers to, when that was last looked at; null: never.</summary>
    public long? OrphanBytes { get; init; }

    /// <summary>Of one state of a table; reads its manifests.</summary>
    public static async Task<UpkeepDebt> OfAsync(LoadedTable table, UpkeepOptions options, CancellationToken cancellationToken)
    {
        long small = 0, smallBytes = 0, deletes = 0, bytes = 0;
        if (table.Metadata.FindRef(SnapshotRef.Main) is { } head)
        {
            await foreach (var entry in SnapshotFiles.LiveAsync(table, head, cancellationToken).ConfigureAwait(false))
            {
                var file = entry.DataFile;
                bool isSmall = file.Content == DataFileContent.Data && file.FileSizeBytes < options.Compaction.TargetFileSizeBytes * 3 / 4;
                small += isSmall ? 1 : 0;
                smallBytes += isSmall ? file.FileSizeBytes : 0;
                deletes += file.Content == DataFileContent.Data ? 0 : 1;
                bytes += file.ContentSizeBytes ?? file.FileSizeBytes;
            }
        }

        return new UpkeepDebt { SmallFiles = small, SmallFileBytes = smallBytes, DeleteFiles = deletes, Snapshots = table.Metadata.Snapshots.Count, Bytes = bytes };
    }
}
