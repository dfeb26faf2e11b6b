using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Upkeep;

namespace OrleansLake.Grains;

/// <summary>
/// Swaps in the turn that the table's grain lends, so that ingestion goes first. What takes long (manifests) is staged before the
/// turn is asked for, and again in it only where the table has moved since. A swap that did not end as Committed is looked for before
/// anything else is done.
/// </summary>
internal sealed class GrainUpkeepCommitter(ITableGrain grain, ICatalog catalog, IdSource ids, TimeProvider time) : IUpkeepCommitter
{
    private const int Attempts = 8;
    private const int LookUps = 5;
    private static readonly TimeSpan FirstLoan = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);

    /// <inheritdoc />
    public async Task<CommitResult> CommitAsync(TableIdentifier table, Transaction change, CancellationToken cancellationToken)
    {
        CommitResult result = new CommitResult.Conflict("not tried");
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            LoadedTable @base = await LoadAsync(table, cancellationToken).ConfigureAwait(false);
            StagedChange staged = await change.StageAsync(@base, cancellationToken).ConfigureAwait(false);
            if (staged.Updates.Count == 0)
            {
                return new CommitResult.Committed(@base);
            }

            var borrower = ids.NewUuid();
            await BorrowAsync(borrower, FirstLoan * Math.Min(4, attempt + 1), cancellationToken).ConfigureAwait(false);
            try
            {
                LoadedTable now = await LoadAsync(table, cancellationToken).ConfigureAwait(false);
                if (now.MetadataLocation != @base.MetadataLocation)
                {
                    staged = await change.StageAsync(now, cancellationToken).ConfigureAwait(false);
                    if (staged.Updates.Count == 0)
                    {
                        return new CommitResult.Committed(now);
                    }
                }

                result = await SwapAsync(new TableCommit(now, staged.Requirements, staged.Updates), cancellationToken).ConfigureAwait(false);
                if (result is CommitResult.Committed)
                {
                    return result;
                }

                (result, bool mayComeYet) = await LookUpAsync(now, staged, result, cancellationToken).ConfigureAwait(false);
                if (result is CommitResult.Committed || mayComeYet)
                {
                    return result;
                }
            }
            finally
            {
                await ReturnAsync(borrower).ConfigureAwait(false);
            }

            await Task.Delay(FirstPause * (1 << attempt), time, cancellationToken).ConfigureAwait(false);
        }

        return result;
    }

    private async Task<CommitResult> SwapAsync(TableCommit commit, CancellationToken cancellationToken)
    {
        try
        {
            return await catalog.CommitTableAsync(commit, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or TimeoutException)
        {
            // It says nothing of whether the swap took place.
            return new CommitResult.Unknown(e);
        }
    }

    /// <summary>What became of a swap; whether it may still come in, by what is there now: once the base has moved, it cannot.</summary>
    private async Task<(CommitResult Result, bool MayComeYet)> LookUpAsync(LoadedTable @base, StagedChange staged, CommitResult failed, CancellationToken cancellationToken)
    {
        List<long> sought = [.. staged.Updates.OfType<TableUpdate.AddSnapshot>().Select(update => update.Snapshot.SnapshotId)];
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                LoadedTable now = await LoadAsync(@base.Identifier, cancellationToken).ConfigureAwait(false);
                if (sought.Count > 0 && sought.TrueForAll(id => now.Metadata.FindSnapshot(id) is not null))
                {
                    return (new CommitResult.Committed(now), false);
                }

                return (failed, failed is CommitResult.Unknown && now.MetadataLocation == @base.MetadataLocation);
            }
            catch (IOException) when (attempt < LookUps)
            {
                await Task.Delay(FirstPause * (1 << attempt), time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task BorrowAsync(Guid borrower, TimeSpan most, CancellationToken cancellationToken)
    {
        while (!await grain.BorrowTurnAsync(borrower, most).WaitAsync(cancellationToken).ConfigureAwait(false))
        {
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private async Task ReturnAsync(Guid borrower)
    {
        try
        {
            await grain.ReturnTurnAsync(borrower).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            // The table takes it back by itself.
        }
    }

    private async Task<LoadedTable> LoadAsync(TableIdentifier table, CancellationToken cancellationToken) =>
        await catalog.LoadTableAsync(table, cancellationToken).ConfigureAwait(false) ?? throw new InvalidOperationException($"table {table} is gone");
}
