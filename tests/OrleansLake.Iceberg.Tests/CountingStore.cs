using System.Collections.Concurrent;

namespace OrleansLake.Iceberg.Tests;

/// <summary>A store that remembers what was read of it.</summary>
internal sealed class CountingStore(IObjectStore inner) : IObjectStore
{
    public ConcurrentBag<string> Reads { get; } = [];

    public Task<long> GetSizeAsync(string location, CancellationToken cancellationToken) => inner.GetSizeAsync(location, cancellationToken);

    public Task<ReadOnlyMemory<byte>> ReadAsync(string location, CancellationToken cancellationToken)
    {
        Reads.Add(location);
        return inner.ReadAsync(location, cancellationToken);
    }

    public Task<ReadOnlyMemory<byte>> ReadRangeAsync(string location, long position, int length, CancellationToken cancellationToken)
    {
        Reads.Add(location);
        return inner.ReadRangeAsync(location, position, length, cancellationToken);
    }

    public ObjectWriter OpenWrite(string location) => inner.OpenWrite(location);

    public Task<bool> TryCreateAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => inner.TryCreateAsync(location, content, cancellationToken);

    public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken) => inner.ListAsync(prefix, cancellationToken);

    public Task DeleteAsync(IReadOnlyCollection<string> locations, CancellationToken cancellationToken) => inner.DeleteAsync(locations, cancellationToken);
}
