namespace OrleansLake.Iceberg;

/// <summary>
/// Commits changes: stages, swaps, and on a conflict loads the table and stages again, as often and with such pauses as the
/// table's <c>commit.retry.*</c> properties say. For changes that stand alone; the committer of a pipeline has rules of its own.
/// </summary>
/// <param name="catalog">The catalog.</param>
/// <param name="ids">Spreads the pauses.</param>
/// <param name="time">Measures them.</param>
public sealed class TableChanges(ICatalog catalog, IdSource ids, TimeProvider time)
{
    /// <summary>Commits one change of metadata; Committed with the table as it is where nothing changes.</summary>
    public Task<CommitResult> CommitAsync(TableIdentifier identifier, Func<TableMetadata, IMetadataChange> change, CancellationToken cancellationToken) =>
        CommitAsync(identifier, new Transaction(time).Then(change), cancellationToken);

    /// <summary>Commits one change that makes a snapshot.</summary>
    /// <exception cref="ChangeConflictException">What others committed since contradicts it.</exception>
    public Task<CommitResult> CommitAsync(TableIdentifier identifier, SnapshotChange change, SnapshotExtras? extras, CancellationToken cancellationToken) =>
        CommitAsync(identifier, new Transaction(time).Then(change, extras), cancellationToken);

    /// <summary>Commits several changes in one swap.</summary>
    /// <exception cref="ChangeConflictException">What others committed since contradicts one of them.</exception>
    public async Task<CommitResult> CommitAsync(TableIdentifier identifier, Transaction transaction, CancellationToken cancellationToken)
    {
        long began = time.GetTimestamp();
        List<long> tried = [];
        for (int attempt = 0; ; attempt++)
        {
            var table = await catalog.LoadTableAsync(identifier, cancellationToken).ConfigureAwait(false)
                ?? throw new ArgumentException($"expected a table {identifier}, got none");
            if (tried.Count > 0 && tried.TrueForAll(id => table.Metadata.FindSnapshot(id) is not null))
            {
                // A client below that tried twice had told of the second try.
                return new CommitResult.Committed(table);
            }

            var staged = await transaction.StageAsync(table, cancellationToken).ConfigureAwait(false);
            if (staged.Updates.Count == 0)
            {
                return new CommitResult.Committed(table);
            }

            var result = await catalog.CommitTableAsync(new TableCommit(table, staged.Requirements, staged.Updates), cancellationToken).ConfigureAwait(false);
            tried = SnapshotsOf(staged);
            if (result is CommitResult.Unknown unknown)
            {
                return await LookUpAsync(identifier, tried, unknown, cancellationToken).ConfigureAwait(false);
            }

            var pauses = new RetryPauses(table.Metadata);
            if (result is not CommitResult.Conflict || attempt >= pauses.Retries || time.GetElapsedTime(began) >= pauses.Total)
            {
                return result;
            }

            await Task.Delay(pauses.After(attempt, ids), time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>A snapshot that the table has is in; without one to look for, or as long as it may come in yet, nobody knows.</summary>
    private async Task<CommitResult> LookUpAsync(TableIdentifier identifier, List<long> sought, CommitResult.Unknown unknown, CancellationToken cancellationToken)
    {
        if (sought.Count == 0)
        {
            return unknown;
        }

        try
        {
            var table = await catalog.LoadTableAsync(identifier, cancellationToken).ConfigureAwait(false);
            return table is not null && sought.TrueForAll(id => table.Metadata.FindSnapshot(id) is not null) ? new CommitResult.Committed(table) : unknown;
        }
        catch (IOException e)
        {
            return new CommitResult.Unknown(new AggregateException(unknown.Cause, e));
        }
    }

    private static List<long> SnapshotsOf(StagedChange staged) => [.. staged.Updates.OfType<TableUpdate.AddSnapshot>().Select(update => update.Snapshot.SnapshotId)];

    private sealed class RetryPauses(TableMetadata metadata)
    {
        public int Retries { get; } = MetadataHistory.Number(metadata, "commit.retry.num-retries", 4);

        public TimeSpan Total { get; } = TimeSpan.FromMilliseconds(MetadataHistory.LongNumber(metadata, "commit.retry.total-timeout-ms", 1_800_000));

        /// <summary>Twice as long each time, up to a limit, and never quite alike.</summary>
        public TimeSpan After(int attempt, IdSource ids)
        {
            long least = MetadataHistory.LongNumber(metadata, "commit.retry.min-wait-ms", 100);
            long most = MetadataHistory.LongNumber(metadata, "commit.retry.max-wait-ms", 60_000);
            double wait = Math.Min(most, least * Math.Pow(2, Math.Min(attempt, 30)));
            return TimeSpan.FromMilliseconds(wait * (0.5 + (ids.NewSnapshotId() % 1000 / 2000.0)));
        }
    }
}
