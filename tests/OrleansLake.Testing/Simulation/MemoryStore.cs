using OrleansLake.Iceberg;

namespace OrleansLake.Testing.Simulation;

/// <summary>Objects in memory, shared by everyone in a simulation.</summary>
public sealed class MemoryStore(TimeProvider time) : IObjectStore
{
    private readonly SortedDictionary<string, (ReadOnlyMemory<byte> Content, DateTimeOffset At)> _objects = new(StringComparer.Ordinal);

    public IEnumerable<string> Locations => _objects.Keys;

    public HashSet<string> Deleted { get; } = [];

    public Task<long> GetSizeAsync(string location, CancellationToken cancellationToken) => Task.FromResult((long)Get(location).Length);

    public Task<ReadOnlyMemory<byte>> ReadAsync(string location, CancellationToken cancellationToken) => Task.FromResult(Get(location));

    public Task<ReadOnlyMemory<byte>> ReadRangeAsync(string location, long position, int length, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> content = Get(location);
        return position + length > content.Length
            ? throw new EndOfStreamException($"{location}: {position} + {length} is behind its end {content.Length}")
            : Task.FromResult(content.Slice((int)position, length));
    }

    public ObjectWriter OpenWrite(string location) => new Writer(this, location);

    public Task<bool> TryCreateAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        Task.FromResult(_objects.TryAdd(location, (content.ToArray(), time.GetUtcNow())));

    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        foreach ((string location, (ReadOnlyMemory<byte> content, DateTimeOffset at)) in _objects.Where(o => o.Key.StartsWith(prefix, StringComparison.Ordinal)).ToList())
        {
            yield return new ObjectInfo(location, content.Length, at);
        }
    }

    public Task DeleteAsync(IReadOnlyCollection<string> locations, CancellationToken cancellationToken)
    {
        foreach (string location in locations)
        {
            _objects.Remove(location);
            Deleted.Add(location);
        }

        return Task.CompletedTask;
    }

    private ReadOnlyMemory<byte> Get(string location) =>
        _objects.TryGetValue(location, out var found) ? found.Content : throw new ObjectNotFoundException(location);

    private sealed class Writer(MemoryStore store, string location) : ObjectWriter
    {
        private readonly MemoryStream _content = new();

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => _content.Length;

        public override long Position { get => _content.Position; set => throw new NotSupportedException(); }

        public override Task CompleteAsync(CancellationToken cancellationToken)
        {
            store._objects[location] = (_content.ToArray(), store.Time.GetUtcNow());
            return Task.CompletedTask;
        }

        public override void Flush() => _content.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => _content.Write(buffer, offset, count);
    }

    private TimeProvider Time => time;
}
