using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Tests.Upkeep;

/// <summary>A store whose deletions take one object each, and die when told so.</summary>
internal sealed class DyingStore(IObjectStore inner, Func<bool> lives) : IObjectStore
{
    public Task<long> GetSizeAsync(string location, CancellationToken cancellationToken) => inner.GetSizeAsync(location, cancellationToken);

    public Task<ReadOnlyMemory<byte>> ReadAsync(string location, CancellationToken cancellationToken) => inner.ReadAsync(location, cancellationToken);

    public Task<ReadOnlyMemory<byte>> ReadRangeAsync(string location, long position, int length, CancellationToken cancellationToken) => inner.ReadRangeAsync(location, position, length, cancellationToken);

    public ObjectWriter OpenWrite(string location) => inner.OpenWrite(location);

    public Task<bool> TryCreateAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => inner.TryCreateAsync(location, content, cancellationToken);

    public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken) => inner.ListAsync(prefix, cancellationToken);

    public async Task DeleteAsync(IReadOnlyCollection<string> locations, CancellationToken cancellationToken)
    {
        foreach (string location in locations)
        {
            await (lives() ? inner.DeleteAsync([location], cancellationToken) : throw new IOException("died"));
        }
    }
}

/// <summary>A catalog whose tables lie in another store.</summary>
internal sealed class StoreCatalog(ICatalog inner, IObjectStore store) : ICatalog
{
    public async Task<LoadedTable?> LoadTableAsync(TableIdentifier identifier, CancellationToken cancellationToken) =>
        await inner.LoadTableAsync(identifier, cancellationToken) is { } table ? table with { Store = store } : null;

    public async Task<CommitResult> CommitTableAsync(TableCommit commit, CancellationToken cancellationToken) => await inner.CommitTableAsync(commit, cancellationToken) switch
    {
        CommitResult.Committed(var table) => new CommitResult.Committed(table with { Store = store }),
        var other => other,
    };

    public Task<LoadedTable> CreateTableAsync(TableIdentifier identifier, TableCreation creation, CancellationToken cancellationToken) => inner.CreateTableAsync(identifier, creation, cancellationToken);

    public Task<bool> DropTableAsync(TableIdentifier identifier, bool purge, CancellationToken cancellationToken) => inner.DropTableAsync(identifier, purge, cancellationToken);

    public Task<bool> TableExistsAsync(TableIdentifier identifier, CancellationToken cancellationToken) => inner.TableExistsAsync(identifier, cancellationToken);

    public Task<LoadedTable> RegisterTableAsync(TableIdentifier identifier, string metadataLocation, CancellationToken cancellationToken) => inner.RegisterTableAsync(identifier, metadataLocation, cancellationToken);

    public Task<bool> RenameTableAsync(TableIdentifier from, TableIdentifier to, CancellationToken cancellationToken) => inner.RenameTableAsync(from, to, cancellationToken);

    public Task<IReadOnlyList<TableIdentifier>> ListTablesAsync(IReadOnlyList<string> @namespace, CancellationToken cancellationToken) => inner.ListTablesAsync(@namespace, cancellationToken);

    public Task<IReadOnlyList<IReadOnlyList<string>>> ListNamespacesAsync(CancellationToken cancellationToken) => inner.ListNamespacesAsync(cancellationToken);

    public Task<bool> CreateNamespaceAsync(IReadOnlyList<string> @namespace, IReadOnlyDictionary<string, string> properties, CancellationToken cancellationToken) => inner.CreateNamespaceAsync(@namespace, properties, cancellationToken);

    public Task<IReadOnlyDictionary<string, string>?> LoadNamespaceAsync(IReadOnlyList<string> @namespace, CancellationToken cancellationToken) => inner.LoadNamespaceAsync(@namespace, cancellationToken);

    public Task<bool> UpdateNamespaceAsync(IReadOnlyList<string> @namespace, IReadOnlyDictionary<string, string> updates, IReadOnlyCollection<string> removals, CancellationToken cancellationToken) => inner.UpdateNamespaceAsync(@namespace, updates, removals, cancellationToken);

    public Task<bool> DropNamespaceAsync(IReadOnlyList<string> @namespace, CancellationToken cancellationToken) => inner.DropNamespaceAsync(@namespace, cancellationToken);
}
