using OrleansLake.Iceberg.Rest;

namespace OrleansLake.Iceberg;

/// <summary>The store of a table whose catalog says where its files lie and with which credentials: each location in its own.</summary>
internal sealed class LentObjectStore(TableStorage storage) : IObjectStore
{
    public Task<long> GetSizeAsync(string location, CancellationToken cancellationToken) => storage.StoreOf(location).GetSizeAsync(location, cancellationToken);

    public Task<ReadOnlyMemory<byte>> ReadAsync(string location, CancellationToken cancellationToken) => storage.StoreOf(location).ReadAsync(location, cancellationToken);

    public Task<ReadOnlyMemory<byte>> ReadRangeAsync(string location, long position, int length, CancellationToken cancellationToken) =>
        storage.StoreOf(location).ReadRangeAsync(location, position, length, cancellationToken);

    public ObjectWriter OpenWrite(string location) => storage.StoreOf(location).OpenWrite(location);

    public Task<bool> TryCreateAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        storage.StoreOf(location).TryCreateAsync(location, content, cancellationToken);

    public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken) => storage.StoreOf(prefix).ListAsync(prefix, cancellationToken);

    public async Task DeleteAsync(IReadOnlyCollection<string> locations, CancellationToken cancellationToken)
    {
        foreach (var group in locations.GroupBy(storage.StoreOf))
        {
            await group.Key.DeleteAsync([.. group], cancellationToken).ConfigureAwait(false);
        }
    }

    public Task<int> DeleteUnfinishedAsync(string prefix, DateTimeOffset begunBefore, CancellationToken cancellationToken) =>
        storage.StoreOf(prefix).DeleteUnfinishedAsync(prefix, begunBefore, cancellationToken);
}
