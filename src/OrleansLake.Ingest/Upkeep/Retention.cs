using System.Globalization;
using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>
/// Removes the rows that are too old: <c>DELETE … WHERE column &lt; date_trunc('day', now() AT TIME ZONE zone - period)</c>. Files all of
/// whose rows are go by metadata alone; of those at the boundary the old rows go. Rows without a time stay.
/// </summary>
/// <remarks>
/// <list type="bullet">
/// <item>No other row goes and none comes back: a change is refused where its file is gone or a delete came for it since it
/// was read, and made anew.</item>
/// <item>Rows that come while it runs are the next run's.</item>
/// <item>Files go out of the newest snapshot only; what earlier ones hold goes with their expiry.</item>
/// </list>
/// </remarks>
/// <param name="catalog">Where the table is loaded from.</param>
/// <param name="committer">Brings the changes in.</param>
/// <param name="ids">Names files and commits.</param>
/// <param name="time">The clock.</param>
public sealed class Retention(ICatalog catalog, IUpkeepCommitter committer, IdSource ids, TimeProvider time)
{
    private const int Attempts = 3;

    /// <summary>Awaited before each batch of rows: ingestion holds it back with it.</summary>
    public Func<CancellationToken, ValueTask> Pace { get; init; } = static _ => ValueTask.CompletedTask;

    /// <summary>Told which snapshot is read from, and (null) when that is over: no expiry may take it meanwhile.</summary>
    public Action<long?> OnBase { get; init; } = static _ => { };

    /// <summary>What retention would do to a table now; nothing is changed.</summary>
    /// <exception cref="FormatException">The column is not in the table, or neither a date nor a timestamp.</exception>
    public Task<RetentionPlan> PlanAsync(LoadedTable table, RetentionOptions options, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        if (options.HeldUntil > now)
        {
            string until = options.HeldUntil == DateTimeOffset.MaxValue ? "" : string.Create(CultureInfo.InvariantCulture, $" until {options.HeldUntil:yyyy-MM-dd}");
            return Task.FromResult(Empty(table, options) with { Remarks = [$"every row: the table is on legal hold{until}"] });
        }

        return PlanAsync(table, options, RetentionCutoff.Of(options, now), cancellationToken);
    }

    /// <summary>Carries a plan out.</summary>
    public async Task<UpkeepResult> ExecuteAsync(RetentionPlan plan, CancellationToken cancellationToken)
    {
        long started = time.GetTimestamp();
        var table = await UpkeepGuard.LoadAsync(catalog, plan, cancellationToken).ConfigureAwait(false);
        var result = new UpkeepResult { Operation = plan.Operation, Table = plan.Table, Before = await UpkeepCounts.OfAsync(table, cancellationToken).ConfigureAwait(false) };
        try
        {
            var current = plan;
            for (int attempt = 0; plan.Cutoff is { } cutoff; attempt++)
            {
                table = await UpkeepGuard.LoadAsync(catalog, plan, cancellationToken).ConfigureAwait(false);
                if (attempt > 0 || table.Metadata.FindSnapshot(plan.SnapshotId) is null)
                {
                    current = await PlanAsync(table, plan.Options, cutoff, cancellationToken).ConfigureAwait(false);
                }

                OnBase(current.SnapshotId);
                var part = await ExecuteAsync(table, current, cancellationToken).ConfigureAwait(false);
                result = result.With(part) with { StepsLeft = part.StepsLeft };
                if (part.StepsLeft == 0 || part.Error is not null || attempt + 1 == Attempts)
                {
                    break;
                }
            }
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            result = result with { Error = e.Message };
        }
        finally
        {
            OnBase(null);
        }

        table = await UpkeepGuard.LoadAsync(catalog, plan, cancellationToken).ConfigureAwait(false);
        return result with { After = await UpkeepCounts.OfAsync(table, cancellationToken).ConfigureAwait(false), Duration = time.GetElapsedTime(started) };
    }

    private static RetentionPlan Empty(LoadedTable table, RetentionOptions options) => new()
    {
        Table = table.Identifier,
        TableUuid = table.Metadata.TableUuid,
        SnapshotId = table.Metadata.FindRef(SnapshotRef.Main)?.SnapshotId,
        Options = options,
    };

    private static async Task<RetentionPlan> PlanAsync(LoadedTable table, RetentionOptions options, RetentionCutoff cutoff, CancellationToken cancellationToken)
    {
        var metadata = table.Metadata;
        var plan = Empty(table, options) with { Cutoff = cutoff };
        var condition = RetentionChange.IsOld(metadata, options, cutoff).Bind(metadata.CurrentSchema);
        if (metadata.FindRef(SnapshotRef.Main) is not { } head)
        {
            return plan;
        }

        var filter = new FileFilter(metadata, condition);
        var whole = new Dictionary<(int, PartitionKey), List<FileScanTask>>();
        var boundary = new Dictionary<(int, PartitionKey), List<FileScanTask>>();
        await foreach (var task in ScanPlan.FilesAsync(table, head, condition, cancellationToken).ConfigureAwait(false))
        {
            var kind = filter.MustMatch(task.File) ? whole : boundary;
            var partition = (task.File.SpecId, task.File.Partition);
            if (!kind.TryGetValue(partition, out var tasks))
            {
                kind[partition] = tasks = [];
            }

            tasks.Add(task);
        }

        var keep = options.Boundary == RetentionBoundary.Keep;
        return plan with
        {
            Whole = Bins(whole.Values),
            Boundary = keep ? [] : Bins(boundary.Values),
            Remarks = keep && boundary.Count > 0 ? [string.Create(CultureInfo.InvariantCulture, $"{boundary.Values.Sum(tasks => tasks.Count)} files some of whose rows may be older")] : [],
        };

        IReadOnlyList<RetentionBin> Bins(IEnumerable<List<FileScanTask>> partitions) =>
            [.. partitions.Select(tasks => new RetentionBin(CompactionPlanner.NameOf(metadata, tasks[0].File), tasks)).OrderBy(bin => bin.PartitionName, StringComparer.Ordinal)];
    }

    private async Task<UpkeepResult> ExecuteAsync(LoadedTable table, RetentionPlan plan, CancellationToken cancellationToken)
    {
        var result = new UpkeepResult { Operation = plan.Operation, Table = plan.Table };
        var change = new RetentionChange(table, plan, ids, time, Pace);
        if (plan.Whole.Count > 0)
        {
            result = result.With(await CommitAsync(plan, plan.Whole.Count, () => Task.FromResult<RetentionRemoval?>(change.RemoveWhole()), cancellationToken).ConfigureAwait(false));
        }

        foreach (var bin in plan.Boundary)
        {
            if (result.Error is null)
            {
                result = result.With(await CommitAsync(plan, 1, () => change.RemoveOldAsync(bin, cancellationToken), cancellationToken).ConfigureAwait(false));
            }
        }

        return result;
    }

    private async Task<UpkeepResult> CommitAsync(RetentionPlan plan, int steps, Func<Task<RetentionRemoval?>> make, CancellationToken cancellationToken)
    {
        var result = new UpkeepResult { Operation = plan.Operation, Table = plan.Table };
        if (await make().ConfigureAwait(false) is not { } removal)
        {
            return result with { StepsDone = steps };
        }

        StagedSnapshot? staged = null;
        try
        {
            var guarded = UpkeepGuard.Guarded(removal.Change, plan, removal.ReadAt, removal.Added, time, snapshot => staged = snapshot);
            var end = await committer.CommitAsync(plan.Table, guarded, cancellationToken).ConfigureAwait(false);
            return end is CommitResult.Committed
                ? result with
                {
                    StepsDone = steps,
                    SnapshotsCommitted = [staged!.Snapshot.SnapshotId],
                    FilesRemoved = removal.Removed.Count,
                    FilesAdded = removal.Added.Count,
                    BytesRemoved = removal.Removed.Sum(file => file.FileSizeBytes),
                    BytesRead = removal.BytesRead,
                    BytesWritten = removal.Added.Sum(file => file.ContentSizeBytes ?? file.FileSizeBytes),
                    RowsRemoved = removal.Rows,
                }
                : result with { StepsLeft = steps, Error = CompactionRun.TextOf(end) };
        }
        catch (Exception e) when (e is ChangeConflictException or StaleFilesException)
        {
            return result with { StepsLeft = steps, Notes = [$"others were faster: {e.Message}"] };
        }
    }
}
