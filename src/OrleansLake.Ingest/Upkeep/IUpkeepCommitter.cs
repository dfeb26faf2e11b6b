using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>
/// Brings the changes of the upkeep into a table. In a silo that is the table's own committer, which lets ingestion go first;
/// by itself <see cref="DirectUpkeepCommitter"/>.
/// </summary>
public interface IUpkeepCommitter
{
    /// <summary>
    /// Stages the change on the table as it is and swaps, again after a conflict, until it is in or known not to come in.
    /// Unknown where nobody can tell: then nothing that the change has written may be deleted.
    /// </summary>
    /// <exception cref="ChangeConflictException">What others committed contradicts the change; it is not in. Thrown by staging, passed through.</exception>
    Task<CommitResult> CommitAsync(TableIdentifier table, Transaction change, CancellationToken cancellationToken);
}

/// <summary>Commits straight to the catalog, with the retries that the table's <c>commit.retry.*</c> properties name.</summary>
public sealed class DirectUpkeepCommitter(ICatalog catalog, IdSource ids, TimeProvider time) : IUpkeepCommitter
{
    private readonly TableChanges _changes = new(catalog, ids, time);

    /// <inheritdoc />
    public Task<CommitResult> CommitAsync(TableIdentifier table, Transaction change, CancellationToken cancellationToken) =>
        _changes.CommitAsync(table, change, cancellationToken);
}
