using System.Globalization;
using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>
/// Puts few files of the target size in place of many small ones, applying deletes on the way.
/// </summary>
/// <remarks>
/// <list type="bullet">
/// <item>No row is lost, doubled or brought back: the change is refused where a replaced file is gone or a position delete came
/// for it since it was read; the files that come have the sequence number of the state that was read, so that equality deletes
/// which came since still apply. https://iceberg.apache.org/spec/#sequence-numbers</item>
/// <item>Each group is a commit. Where others were faster, only what they touched is written again.</item>
/// <item>A file that a swap may have named is never deleted here; what was not committed is left to the removal of orphans.</item>
/// </list>
/// </remarks>
/// <param name="catalog">Where the table is loaded from.</param>
/// <param name="committer">Brings the changes in.</param>
/// <param name="ids">Names files and commits.</param>
/// <param name="time">The clock.</param>
public sealed class Compaction(ICatalog catalog, IUpkeepCommitter committer, IdSource ids, TimeProvider time)
{
    /// <summary>How often a bin is written that others touch again and again.</summary>
    private const int Attempts = 3;

    /// <summary>A plan older than this is looked at again before its files are read: snapshots leave the metadata.</summary>
    private static readonly TimeSpan PlanAge = TimeSpan.FromMinutes(20);

    /// <summary>Awaited before each batch of rows: ingestion holds the compaction back with it.</summary>
    public Func<CancellationToken, ValueTask> Pace { get; init; } = static _ => ValueTask.CompletedTask;

    /// <summary>
    /// Told which snapshot is read from, and (null) when that is over: no expiry may take it meanwhile
    /// (<see cref="Commit.TableCommitterOptions.ProtectedSnapshots"/>).
    /// </summary>
    public Action<long?> OnBase { get; init; } = static _ => { };

    /// <summary>What compaction would do to a table; nothing is changed.</summary>
    public Task<CompactionPlan> PlanAsync(LoadedTable table, CompactionOptions options, CancellationToken cancellationToken) =>
        new CompactionPlanner(table, options, time).PlanAsync(cancellationToken);

    /// <summary>Carries a plan out, group by group.</summary>
    public async Task<UpkeepResult> ExecuteAsync(CompactionPlan plan, CancellationToken cancellationToken)
    {
        long started = time.GetTimestamp();
        var table = await UpkeepGuard.LoadAsync(catalog, plan, cancellationToken).ConfigureAwait(false);
        var result = new UpkeepResult { Operation = plan.Operation, Table = plan.Table, Before = await UpkeepCounts.OfAsync(table, cancellationToken).ConfigureAwait(false) };
        if (plan.IsEmpty)
        {
            return result with { After = result.Before, Duration = time.GetElapsedTime(started) };
        }

        result = result with { CostBefore = await QueryCost.OfAsync(table, plan.Options.Probe, cancellationToken).ConfigureAwait(false) };
        long planned = time.GetTimestamp();
        try
        {
            foreach (var group in plan.Groups)
            {
                result = result.With(await ExecuteAsync(plan, group, time.GetElapsedTime(planned) > PlanAge, cancellationToken).ConfigureAwait(false));
                if (result.Error is not null)
                {
                    break;
                }
            }

            if (result.Error is null)
            {
                result = result.With(await RemoveDanglingAsync(plan, cancellationToken).ConfigureAwait(false));
            }
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            result = result with { Error = e.Message };
        }

        table = await UpkeepGuard.LoadAsync(catalog, plan, cancellationToken).ConfigureAwait(false);
        var cost = await QueryCost.OfAsync(table, plan.Options.Probe, cancellationToken).ConfigureAwait(false);
        return result with
        {
            CostAfter = cost,
            Notes = [.. result.Notes, cost.Beside(result.CostBefore!)],
            After = await UpkeepCounts.OfAsync(table, cancellationToken).ConfigureAwait(false),
            StepsLeft = plan.Steps.Count - result.StepsDone,
            Duration = time.GetElapsedTime(started),
        };
    }

    /// <summary>Carries out one group of a plan, wherever that was made.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="group">The group.</param>
    /// <param name="isOld">Whether the table is looked at anew before files are read.</param>
    /// <param name="cancellationToken">Ends it early; what was not committed is not in the table.</param>
    public async Task<UpkeepResult> ExecuteAsync(CompactionPlan plan, CompactionGroup group, bool isOld, CancellationToken cancellationToken)
    {
        long started = time.GetTimestamp();
        var run = new CompactionRun(plan, group, ids, time) { Pace = Pace };
        try
        {
            var table = await UpkeepGuard.LoadAsync(catalog, plan, cancellationToken).ConfigureAwait(false);
            await run.StartAsync(table, isOld, cancellationToken).ConfigureAwait(false);
            for (int attempt = 0; attempt < Attempts && run.HasWork; attempt++)
            {
                OnBase(run.BaseSnapshotId);
                await run.WriteAsync(cancellationToken).ConfigureAwait(false);
                try
                {
                    run.Settle(await committer.CommitAsync(plan.Table, run.Change(), cancellationToken).ConfigureAwait(false));
                    break;
                }
                catch (Exception e) when (e is ChangeConflictException or StaleFilesException)
                {
                    run.Note($"others were faster: {e.Message}");
                    table = await UpkeepGuard.LoadAsync(catalog, plan, cancellationToken).ConfigureAwait(false);
                    await run.MoveAsync(table, writtenAnew: e is StaleFilesException, cancellationToken).ConfigureAwait(false);
                }
            }
        }
        finally
        {
            OnBase(null);
        }

        return run.Result() with { Duration = time.GetElapsedTime(started) };
    }

    /// <summary>Takes delete files out that apply to nothing any more.</summary>
    private async Task<UpkeepResult> RemoveDanglingAsync(CompactionPlan plan, CancellationToken cancellationToken)
    {
        var result = new UpkeepResult { Operation = plan.Operation, Table = plan.Table };
        var dangling = plan.Dangling.ToList();
        if (dangling.Count == 0)
        {
            return result;
        }

        var table = await UpkeepGuard.LoadAsync(catalog, plan, cancellationToken).ConfigureAwait(false);
        if (table.Metadata.FindRef(SnapshotRef.Main) is not { } head)
        {
            return result;
        }

        var change = new RewriteFiles(SnapshotRef.Main, head, ids, time);
        foreach (var file in dangling)
        {
            change.RemoveDeletes(file);
        }

        StagedSnapshot? staged = null;
        try
        {
            var end = await committer.CommitAsync(plan.Table, UpkeepGuard.Guarded(change, plan, head.SequenceNumber, [], time, snapshot => staged = snapshot), cancellationToken).ConfigureAwait(false);
            return end is CommitResult.Committed
                ? result with { StepsDone = dangling.Count, FilesRemoved = dangling.Count, BytesRemoved = dangling.Sum(file => file.FileSizeBytes), SnapshotsCommitted = [staged!.Snapshot.SnapshotId] }
                : result with { Notes = [$"delete files that apply to nothing: {CompactionRun.TextOf(end)}"] };
        }
        catch (ChangeConflictException e)
        {
            return result with { Notes = [string.Create(CultureInfo.InvariantCulture, $"delete files that apply to nothing: others were faster: {e.Message}")] };
        }
    }
}
