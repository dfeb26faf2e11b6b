using OrleansLake.Iceberg;

namespace OrleansLake.Testing.Iceberg;

/// <summary>A catalog of a simulation: its tables are loaded and swapped, and nobody asks for more.</summary>
internal abstract class SwapCatalog : ICatalog
{
    public abstract Task<LoadedTable?> LoadTableAsync(TableIdentifier identifier, CancellationToken cancellationToken);

    public abstract Task<CommitResult> CommitTableAsync(TableCommit commit, CancellationToken cancellationToken);

    public Task<LoadedTable> CreateTableAsync(TableIdentifier identifier, TableCreation creation, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<bool> DropTableAsync(TableIdentifier identifier, bool purge, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IReadOnlyList<TableIdentifier>> ListTablesAsync(IReadOnlyList<string> @namespace, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IReadOnlyList<IReadOnlyList<string>>> ListNamespacesAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<bool> TableExistsAsync(TableIdentifier identifier, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<LoadedTable> RegisterTableAsync(TableIdentifier identifier, string metadataLocation, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<bool> RenameTableAsync(TableIdentifier from, TableIdentifier to, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<bool> CreateNamespaceAsync(IReadOnlyList<string> @namespace, IReadOnlyDictionary<string, string> properties, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IReadOnlyDictionary<string, string>?> LoadNamespaceAsync(IReadOnlyList<string> @namespace, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<bool> UpdateNamespaceAsync(
        IReadOnlyList<string> @namespace, IReadOnlyDictionary<string, string> updates, IReadOnlyCollection<string> removals, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<bool> DropNamespaceAsync(IReadOnlyList<string> @namespace, CancellationToken cancellationToken) => throw new NotSupportedException();
}
