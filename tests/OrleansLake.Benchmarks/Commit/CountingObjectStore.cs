using OrleansLake.Iceberg;
using OrleansLake.Testing.Iceberg;

namespace OrleansLake.Benchmarks.Commit;

/// <summary>Counts what another store is asked for.</summary>
internal sealed class CountingObjectStore(IObjectStore store) : IObjectStore
{
    internal int Reads { get; private set; }

    internal long BytesRead { get; private set; }

    internal int Writes { get; private set; }

    internal long BytesWritten { get; private set; }

    public Task<long> GetSizeAsync(string location, CancellationToken cancellationToken) => store.GetSizeAsync(location, cancellationToken);

    public async Task<ReadOnlyMemory<byte>> ReadAsync(string location, CancellationToken cancellationToken) => Count(await store.ReadAsync(location, cancellationToken));

    public async Task<ReadOnlyMemory<byte>> ReadRangeAsync(string location, long position, int length, CancellationToken cancellationToken) =>
        Count(await store.ReadRangeAsync(location, position, length, cancellationToken));

    public ObjectWriter OpenWrite(string location)
    {
        Writes++;
        return new Writer(this, store.OpenWrite(location));
    }

    public Task<bool> TryCreateAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        Writes++;
        BytesWritten += content.Length;
        return store.TryCreateAsync(location, content, cancellationToken);
    }

    public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken) => store.ListAsync(prefix, cancellationToken);

    public Task DeleteAsync(IReadOnlyCollection<string> locations, CancellationToken cancellationToken) => store.DeleteAsync(locations, cancellationToken);

    internal void Reset() => (Reads, BytesRead, Writes, BytesWritten) = (0, 0, 0, 0);

    private ReadOnlyMemory<byte> Count(ReadOnlyMemory<byte> content)
    {
        Reads++;
        BytesRead += content.Length;
        return content;
    }

    private sealed class Writer(CountingObjectStore counts, ObjectWriter writer) : ForwardingObjectWriter(writer)
    {
        public override void Write(ReadOnlySpan<byte> buffer)
        {
            counts.BytesWritten += buffer.Length;
            base.Write(buffer);
        }
    }
}
