using System.Globalization;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>The files that nothing refers to.</summary>
public sealed record OrphanPlan : UpkeepPlan
{
    /// <inheritdoc />
    public override string Operation => "orphans";

    /// <inheritdoc />
    public override IReadOnlyList<UpkeepStep> Steps => Files == 0
        ? []
        : [new UpkeepStep(Location, $"{Files} files deleted", $"nothing refers to them, and they are older than {Options.MinAge:g}", Files, Bytes)];

    /// <summary>Where was looked.</summary>
    public required string Location { get; init; }

    /// <summary>What counts as an orphan.</summary>
    public required OrphanOptions Options { get; init; }

    /// <summary>How many there are.</summary>
    public long Files { get; init; }

    /// <summary>Bytes of them.</summary>
    public long Bytes { get; init; }

    /// <summary>Files that nothing refers to and that are too young to tell: of a writer that is at work, most likely.</summary>
    public long YoungFiles { get; init; }

    /// <summary>Files that were listed.</summary>
    public long Listed { get; init; }
}

/// <summary>
/// Deletes files below a table's location that nothing refers to: what writers left that died, commits that did not come in,
/// expiries of others.
/// </summary>
/// <remarks>
/// Rule 19, in this order: the table is told a time T, and from then on refuses every file that was named before it; then
/// everything is gathered that the table as it is then, and every metadata file in its log, refers to; then files older than T are
/// deleted that are not among it. A file that is on its way to the table either came in before the table was told, and is seen, or
/// is refused. Our file names carry their time; of others the store's counts, and the minimum age is all that keeps them.
/// A listing is read as it comes and kept nowhere: memory is 16 bytes for each file that is referred to.
/// </remarks>
/// <param name="catalog">Knows the table.</param>
/// <param name="committer">Tells it.</param>
/// <param name="ids">Names that snapshot.</param>
/// <param name="time">Tells ages.</param>
public sealed class OrphanRemoval(ICatalog catalog, IUpkeepCommitter committer, IdSource ids, TimeProvider time)
{
    private const int FilesOfDeletion = 1000;

    /// <summary>Rules of the upkeep that hold.</summary>
    internal UpkeepRules Rules { get; init; } = UpkeepRules.All;

    /// <summary>Looks for them. Changes nothing.</summary>
    /// <exception cref="InvalidOperationException">Files of another table lie below this one's location.</exception>
    public Task<OrphanPlan> PlanAsync(LoadedTable table, OrphanOptions options, CancellationToken cancellationToken) => FindAsync(table, options, Horizon(options), Rules, cancellationToken);

    /// <summary>Looks for them without one who could delete them.</summary>
    /// <exception cref="InvalidOperationException">Files of another table lie below this one's location.</exception>
    public static Task<OrphanPlan> FindAsync(LoadedTable table, OrphanOptions options, TimeProvider time, CancellationToken cancellationToken) =>
        FindAsync(table, options, Horizon(options, time), UpkeepRules.All, cancellationToken);

    private static async Task<OrphanPlan> FindAsync(LoadedTable table, OrphanOptions options, DateTimeOffset horizon, UpkeepRules rules, CancellationToken cancellationToken)
    {
        CheckOwner(table);
        var search = new Search(table, await ReachableFiles.FindAsync(table, cancellationToken).ConfigureAwait(false), horizon, rules);
        var examples = new List<string>();
        long files = 0, bytes = 0, young = 0, listed = 0;
        await foreach (var info in table.Store.ListAsync(table.Metadata.Location.TrimEnd('/') + "/", cancellationToken).ConfigureAwait(false))
        {
            listed++;
            switch (search.Judge(info))
            {
                case Finding.Orphan:
                    files++;
                    bytes += info.SizeBytes;
                    if (examples.Count < UpkeepPlan.MostExamples)
                    {
                        examples.Add(info.Location);
                    }

                    break;
                case Finding.Young:
                    young++;
                    break;
                default:
                    break;
            }
        }

        return new OrphanPlan
        {
            Table = table.Identifier,
            TableUuid = table.Metadata.TableUuid,
            SnapshotId = table.Metadata.CurrentSnapshotId,
            Location = table.Metadata.Location,
            Options = options,
            Files = files,
            Bytes = bytes,
            YoungFiles = young,
            Listed = listed,
            Examples = examples,
            Remarks = young == 0 ? [] : [string.Create(CultureInfo.InvariantCulture, $"{young} files that nothing refers to are younger than {options.MinAge:g}")],
        };
    }

    /// <summary>Deletes them: those that are orphans once the table has been told, which may be more or fewer than the plan found.</summary>
    public async Task<UpkeepResult> ExecuteAsync(OrphanPlan plan, CancellationToken cancellationToken)
    {
        long started = time.GetTimestamp();
        var before = await LoadAsync(plan, cancellationToken).ConfigureAwait(false);
        var result = new UpkeepResult { Operation = plan.Operation, Table = plan.Table, Before = await UpkeepCounts.OfAsync(before, cancellationToken).ConfigureAwait(false) };
        if (plan.IsEmpty)
        {
            return result with { After = result.Before, Duration = time.GetElapsedTime(started) };
        }

        var horizon = Horizon(plan.Options);
        LoadedTable table = before;
        List<long> snapshots = [];
        if (Rules.HasFlag(UpkeepRules.FenceBeforeOrphans))
        {
            var (told, error) = await TellAsync(plan, horizon, cancellationToken).ConfigureAwait(false);
            if (told is null)
            {
                return result with { After = result.Before, Duration = time.GetElapsedTime(started), StepsLeft = plan.Steps.Count, Error = error };
            }

            table = told;
            snapshots.AddRange(told.Metadata.Snapshots.Where(snapshot => before.Metadata.FindSnapshot(snapshot.SnapshotId) is null && LineageReader.NoFileBeforeOf(snapshot) == horizon.ToUnixTimeMilliseconds()).Select(snapshot => snapshot.SnapshotId));
        }

        var (files, bytes) = await DeleteAsync(table, horizon, cancellationToken).ConfigureAwait(false);
        return result with
        {
            After = await UpkeepCounts.OfAsync(table, cancellationToken).ConfigureAwait(false),
            Duration = time.GetElapsedTime(started),
            StepsDone = plan.Steps.Count,
            FilesRemoved = files,
            BytesRemoved = bytes,
            SnapshotsCommitted = snapshots,
            Notes = [string.Create(CultureInfo.InvariantCulture, $"{files} files of {bytes} bytes deleted that were older than {horizon:yyyy-MM-dd HH:mm:ss}Z")],
        };
    }

    private DateTimeOffset Horizon(OrphanOptions options) => Horizon(options, time);

    private static DateTimeOffset Horizon(OrphanOptions options, TimeProvider time) => DateTimeOffset.FromUnixTimeMilliseconds((time.GetUtcNow() - options.MinAge).ToUnixTimeMilliseconds());

    private async Task<(long Files, long Bytes)> DeleteAsync(LoadedTable table, DateTimeOffset horizon, CancellationToken cancellationToken)
    {
        var search = new Search(table, await ReachableFiles.FindAsync(table, cancellationToken).ConfigureAwait(false), horizon, Rules);
        string prefix = table.Metadata.Location.TrimEnd('/') + "/";
        var batch = new List<string>(FilesOfDeletion);
        long files = 0, bytes = 0;
        await foreach (var info in table.Store.ListAsync(prefix, cancellationToken).ConfigureAwait(false))
        {
            if (search.Judge(info) == Finding.Orphan)
            {
                batch.Add(info.Location);
                bytes += info.SizeBytes;
                if (batch.Count == FilesOfDeletion)
                {
                    await FlushAsync().ConfigureAwait(false);
                }
            }
        }

        await FlushAsync().ConfigureAwait(false);
        files += await table.Store.DeleteUnfinishedAsync(prefix, horizon, cancellationToken).ConfigureAwait(false);
        return (files, bytes);

        async Task FlushAsync()
        {
            await table.Store.DeleteAsync(batch, cancellationToken).ConfigureAwait(false);
            files += batch.Count;
            batch.Clear();
        }
    }

    /// <summary>An empty snapshot on main, and on each branch that we ever committed to, that says it; none where one that stands says as much.</summary>
    private async Task<(LoadedTable? Table, string? Error)> TellAsync(OrphanPlan plan, DateTimeOffset horizon, CancellationToken cancellationToken)
    {
        long limit = horizon.ToUnixTimeMilliseconds();
        var changes = new Dictionary<string, AppendFiles>();
        var extras = new SnapshotExtras
        {
            Summary = new Dictionary<string, string> { [SummaryKeys.NoFileBefore] = limit.ToString(CultureInfo.InvariantCulture), [SummaryKeys.Reason] = "orphans" },
        };
        var change = new Transaction(time).Then(async (table, token) =>
        {
            CheckOwner(table);
            CheckPlace(UpkeepGuard.SameTable(table, plan), plan);
            var all = new Transaction(time);
            foreach (string branch in BranchesOf(table.Metadata))
            {
                if (!changes.TryGetValue(branch, out var append))
                {
                    changes[branch] = append = new AppendFiles(branch, ids, time);
                }

                all.Then(append, extras);
            }

            return await all.StageAsync(table, token).ConfigureAwait(false);
        });
        return await committer.CommitAsync(plan.Table, change, cancellationToken).ConfigureAwait(false) switch
        {
            // What came in between is seen by a state that is loaded now.
            CommitResult.Committed => (await LoadAsync(plan, cancellationToken).ConfigureAwait(false), null),
            CommitResult.Conflict conflict => (null, $"others were faster each time: {conflict.Reason}"),
            CommitResult.Unknown unknown => (null, $"whether the table knows which files may no longer come is not known, so none was deleted: {unknown.Cause.Message}"),
            var other => throw new InvalidOperationException($"a commit that ends as {other}"),
        };
    }

    private static IEnumerable<string> BranchesOf(TableMetadata metadata) =>
        metadata.Refs.Where(pair => !pair.Value.IsTag && pair.Key != SnapshotRef.Main && metadata.AncestorsOf(pair.Value.SnapshotId).Any(snapshot => LineageReader.IsOurs(snapshot) && snapshot.Summary.GetValueOrDefault(SummaryKeys.Branch) == pair.Key))
            .Select(pair => pair.Key)
            .Prepend(SnapshotRef.Main);

    private async Task<LoadedTable> LoadAsync(OrphanPlan plan, CancellationToken cancellationToken)
    {
        var table = await UpkeepGuard.LoadAsync(catalog, plan, cancellationToken).ConfigureAwait(false);
        CheckOwner(table);
        CheckPlace(table, plan);
        return table;
    }

    private static void CheckPlace(LoadedTable table, OrphanPlan plan)
    {
        if (table.Metadata.Location != plan.Location)
        {
            throw new InvalidOperationException($"{plan.Table}: expected it at {plan.Location}, where was looked, got {table.Metadata.Location}");
        }
    }

    private static void CheckOwner(LoadedTable table)
    {
        if (table.Metadata.Properties.GetValueOrDefault("gc.enabled")?.Equals("false", StringComparison.OrdinalIgnoreCase) == true)
        {
            throw new InvalidOperationException($"{table.Identifier}: gc.enabled is false: another table may use files below {table.Metadata.Location}");
        }
    }

    private enum Finding
    {
        Reachable,
        Orphan,
        Young,
    }

    /// <summary>One search through a listing.</summary>
    private sealed class Search(LoadedTable table, LocationSet reachable, DateTimeOffset horizon, UpkeepRules rules)
    {
        private const string MetadataSuffix = ".metadata.json";

        private readonly string _metadata = ReachableFiles.FolderOf(table.Metadata) + "/";
        private readonly string _notes = ExpiryNotes.FolderOf(table.Metadata);

        public Finding Judge(ObjectInfo info)
        {
            if (info.Location.EndsWith(MetadataSuffix, StringComparison.Ordinal))
            {
                CheckMetadata(info.Location);
            }

            // Notes of what an expiry still has to delete go when that is done.
            if (info.Location.StartsWith(_notes, StringComparison.Ordinal) || reachable.Contains(info.Location))
            {
                return Finding.Reachable;
            }

            // Both: a clock of the store's that goes wrong must not make a file of ours old, nor a copy make one young.
            bool isOld = info.LastModified < horizon && (FileNameTime.Of(info.Location) is not { } madeMs || madeMs < horizon.ToUnixTimeMilliseconds());
            return isOld || !rules.HasFlag(UpkeepRules.OnlyOldOrphans) ? Finding.Orphan : Finding.Young;
        }

        /// <summary>Another table below this one, or one that was dropped here and may be wanted back: its files are not ours to judge.</summary>
        private void CheckMetadata(string location)
        {
            int slash = location.LastIndexOf('/') + 1;
            bool isElsewhere = LocationSet.DigestOf(location[..slash]) != LocationSet.DigestOf(_metadata);
            if (isElsewhere || location.AsSpan(slash).StartsWith("dropped-", StringComparison.Ordinal))
            {
                throw new InvalidOperationException(
                    $"{table.Identifier}: {location} is metadata of another table below {table.Metadata.Location}: which files are whose cannot be told, so none is deleted");
            }
        }
    }
}
