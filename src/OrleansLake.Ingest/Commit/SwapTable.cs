using Microsoft.Extensions.Logging;
using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Commit;

/// <summary>How a swap ended, once that is known.</summary>
internal abstract record SwapEnd(Lineage Lineage)
{
    /// <summary>It is part of the branch.</summary>
    public sealed record Landed(Lineage Lineage, SnapshotPlace Place) : SwapEnd(Lineage);

    /// <summary>The branch went on without it: whether its reports may be committed must be judged again, on this state.</summary>
    public sealed record NotIn(Lineage Lineage) : SwapEnd(Lineage);
}

/// <summary>One table as its committer holds it: loaded, swapped, and found again after a swap that failed.</summary>
/// <remarks>
/// <list type="bullet">
/// <item>A failed swap, a conflict included, is unknown until its snapshot was looked for in freshly loaded metadata.</item>
/// <item>One that is not there can still come in while the base stands; only another swap from the same base tells. So the
/// very same swap is tried again: of the two, one at most can succeed.</item>
/// <item>Nothing is deleted, whatever happens.</item>
/// </list>
/// </remarks>
internal sealed partial class SwapTable(
    TableIdentifier identifier,
    ICatalog catalog,
    TableCommitterOptions options,
    TimeProvider time,
    Pauses pauses,
    ProtocolRules rules,
    CommitMetrics metrics,
    ILogger logger)
{
    private readonly LineageReader _lineages = new(rules);

    /// <summary>The table as last seen; null before that.</summary>
    public LoadedTable? Known { get; private set; }

    /// <summary>The commit of which nobody knows whether it is in.</summary>
    public Guid? InDoubt { get; private set; }

    /// <summary>Told of every failure and of its end; the table's status shows it.</summary>
    public Action<Exception?> OnTrouble { get; init; } = static _ => { };

    /// <summary>The table, freshly loaded.</summary>
    public async Task<LoadedTable> LoadAsync(CancellationToken cancellationToken)
    {
        LoadedTable table = await Timed.CallAsync(token => catalog.LoadTableAsync(identifier, token), options.CallTimeout, time, cancellationToken)
            ?? throw new PipelineStoppedException($"table {identifier} does not exist; create it: ./lake table create {identifier}");
        if (table.Metadata.FormatVersion < 2)
        {
            throw new PipelineStoppedException($"table {identifier} has format version 1, which has no sequence numbers; upgrade it: ALTER TABLE {identifier} SET TBLPROPERTIES ('format-version'='2')");
        }

        // A load that began before a swap may end after it.
        bool isOlder = Known is { } known && known.Metadata.TableUuid == table.Metadata.TableUuid && known.Metadata.LastUpdatedMs > table.Metadata.LastUpdatedMs;
        Known = isOlder ? Known : table;
        return table;
    }

    /// <summary>Looks at the table anew the next time.</summary>
    public void Forget() => Known = null;

    /// <summary>Swaps a change that makes no snapshot: whether it is in, the table tells once it is loaded again.</summary>
    public async Task<CommitResult> ChangeAsync(TableCommit commit, CancellationToken cancellationToken)
    {
        CommitResult result = await TrySwapAsync(commit, cancellationToken);
        Known = (result as CommitResult.Committed)?.Table ?? Known;
        return result;
    }

    /// <summary>The lineage of a branch in a state of the table.</summary>
    public Task<Lineage> ReadLineageAsync(LoadedTable table, string branch, CancellationToken cancellationToken, long downTo = long.MaxValue) =>
        Timed.CallAsync(token => _lineages.ReadAsync(table, branch, downTo, token), options.CallTimeout, time, cancellationToken);

    /// <summary>Swaps, and comes back when it is known what became of it, however long that takes.</summary>
    public async Task<SwapEnd> SwapAsync(TableCommit commit, Snapshot snapshot, string branch, Guid commitId, CancellationToken cancellationToken)
    {
        long started = time.GetTimestamp();
        try
        {
            for (int attempt = 0; ; attempt++)
            {
                CommitResult result = await TrySwapAsync(commit, cancellationToken);
                if (result is CommitResult.Committed committed)
                {
                    Known = committed.Table;
                    Lineage lineage = await FindLineageAsync(committed.Table, branch, commit.Base.Metadata.LastSequenceNumber, cancellationToken);
                    return new SwapEnd.Landed(lineage, PlaceOf(lineage, snapshot));
                }

                InDoubt = commitId;
                metrics.SwapFailed(identifier, result is CommitResult.Conflict);
                if (result is CommitResult.Unknown unknown)
                {
                    LogUnknown(identifier, commitId, unknown.Cause.Message);
                    OnTrouble(unknown.Cause);
                }

                Lineage fresh = await LookUpAsync(branch, commit.Base.Metadata.LastSequenceNumber, cancellationToken);
                if (rules.HasFlag(ProtocolRules.FailedSwapsAreLookedUp) && fresh.Snapshots.Any(ancestor => ancestor.SnapshotId == snapshot.SnapshotId))
                {
                    LogFound(identifier, commitId, snapshot.SnapshotId);
                    return new SwapEnd.Landed(fresh, PlaceOf(fresh, snapshot));
                }

                if (result is CommitResult.Conflict || fresh.Table.MetadataLocation != commit.Base.MetadataLocation || !rules.HasFlag(ProtocolRules.FailedSwapsAreLookedUp))
                {
                    LogLost(identifier, commitId, (result as CommitResult.Conflict)?.Reason ?? "its base has moved");
                    return new SwapEnd.NotIn(fresh);
                }

                // Files must not grow old in here: someone's orphan removal may take them. Should this swap come in after all,
                // whatever is made of its reports meanwhile finds the branch moved, or its ranges taken.
                if (time.GetElapsedTime(started) > ReportJudge.OldestReport / 2)
                {
                    LogLost(identifier, commitId, "it has been unknown for too long");
                    return new SwapEnd.NotIn(fresh);
                }

                await pauses.WaitAsync(attempt, cancellationToken);
            }
        }
        finally
        {
            InDoubt = null;
        }
    }

    private static SnapshotPlace PlaceOf(Lineage lineage, Snapshot snapshot) =>
        lineage.Table.Metadata.FindSnapshot(snapshot.SnapshotId) is { } listed
            ? new SnapshotPlace(listed.SnapshotId, listed.SequenceNumber)
            : new SnapshotPlace(snapshot.SnapshotId, snapshot.SequenceNumber);

    private async Task<CommitResult> TrySwapAsync(TableCommit commit, CancellationToken cancellationToken)
    {
        try
        {
            return await Timed.CallAsync(token => catalog.CommitTableAsync(commit, token), options.CallTimeout, time, cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && e is not ArgumentException)
        {
            // Whatever it was, it says nothing of whether the swap took place.
            return new CommitResult.Unknown(e);
        }
    }

    /// <summary>Freshly loaded metadata, asked for until they come.</summary>
    private async Task<Lineage> LookUpAsync(string branch, long downTo, CancellationToken cancellationToken)
    {
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                return await ReadLineageAsync(await LoadAsync(cancellationToken), branch, cancellationToken, downTo);
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                OnTrouble(e);
                await pauses.WaitAsync(attempt, cancellationToken);
            }
        }
    }

    /// <summary>The lineage of a state that is ours already: trouble on the way to it must not lose the news.</summary>
    private async Task<Lineage> FindLineageAsync(LoadedTable table, string branch, long downTo, CancellationToken cancellationToken)
    {
        try
        {
            return await ReadLineageAsync(table, branch, cancellationToken, downTo);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            OnTrouble(e);
            return await LookUpAsync(branch, downTo, cancellationToken);
        }
    }
}

/// <summary>Pauses after trouble: twice as long each time, up to a limit, and never quite alike.</summary>
internal sealed class Pauses(TableCommitterOptions options, TimeProvider time, IdSource ids)
{
    public Task WaitAsync(int attempt, CancellationToken cancellationToken)
    {
        double most = Math.Min(options.LongestPause.TotalMilliseconds, options.FirstPause.TotalMilliseconds * Math.Pow(2, Math.Min(attempt, 20)));
        double share = 0.5 + (ids.NewSnapshotId() % 1000 / 2000.0);
        return Task.Delay(TimeSpan.FromMilliseconds(most * share), time, cancellationToken);
    }
}
