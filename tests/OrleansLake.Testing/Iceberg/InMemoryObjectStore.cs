using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using OrleansLake.Iceberg;

namespace OrleansLake.Testing.Iceberg;

/// <summary>Objects in memory, with the guarantees of a store: whole or not at all, create if absent.</summary>
public sealed class InMemoryObjectStore(TimeProvider time) : IObjectStore
{
    private readonly ConcurrentDictionary<string, (ReadOnlyMemory<byte> Content, DateTimeOffset Modified)> _objects = new(StringComparer.Ordinal);

    public InMemoryObjectStore()
        : this(TimeProvider.System)
    {
    }

    /// <summary>Every location, for assertions.</summary>
    public IReadOnlyCollection<string> Locations => [.. _objects.Keys];

    public Task<long> GetSizeAsync(string location, CancellationToken cancellationToken) => Answer(() => (long)Get(location).Length, cancellationToken);

    public Task<ReadOnlyMemory<byte>> ReadAsync(string location, CancellationToken cancellationToken) => Answer(() => Get(location), cancellationToken);

    public Task<ReadOnlyMemory<byte>> ReadRangeAsync(string location, long position, int length, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        return Answer(
            () =>
            {
                var content = Get(location);
                return position + length <= content.Length
                    ? content.Slice((int)position, length)
                    : throw new EndOfStreamException($"{location}: expected {length} bytes from {position}, got the end at {content.Length}");
            },
            cancellationToken);
    }

    public ObjectWriter OpenWrite(string location) => new Writer(this, location);

    public Task<bool> TryCreateAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        Answer(() => _objects.TryAdd(location, (content.ToArray(), time.GetUtcNow())), cancellationToken);

    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (!prefix.EndsWith('/'))
        {
            throw new ArgumentException($"expected a prefix that ends with a slash, got {prefix}");
        }

        await Task.CompletedTask;
        foreach (var (location, (content, modified)) in _objects.Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal)).ToList())
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return new ObjectInfo(location, content.Length, modified);
        }
    }

    public Task DeleteAsync(IReadOnlyCollection<string> locations, CancellationToken cancellationToken)
    {
        foreach (string location in locations)
        {
            cancellationToken.ThrowIfCancellationRequested();
            _objects.TryRemove(location, out _);
        }

        return Task.CompletedTask;
    }

    private ReadOnlyMemory<byte> Get(string location) => _objects.TryGetValue(location, out var found) ? found.Content : throw new ObjectNotFoundException(location);

    private static Task<T> Answer<T>(Func<T> answer, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled<T>(cancellationToken);
        }

        try
        {
            return Task.FromResult(answer());
        }
        catch (IOException e)
        {
            return Task.FromException<T>(e);
        }
    }

    private sealed class Writer(InMemoryObjectStore store, string location) : ObjectWriter
    {
        private readonly MemoryStream _content = new();
        private bool _completed;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => !_completed;

        public override long Length => _content.Length;

        public override long Position
        {
            get => _content.Position;
            set => throw new NotSupportedException("an object is written front to back");
        }

        public override void Write(byte[] buffer, int offset, int count) => _content.Write(buffer, offset, count);

        public override void Write(ReadOnlySpan<byte> buffer) => _content.Write(buffer);

        // A stream's own would go through the thread pool: a run on one seed would depend on who is quicker.
        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            _content.Write(buffer, offset, count);
            return Task.CompletedTask;
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            cancellationToken.ThrowIfCancellationRequested();
            _content.Write(buffer.Span);
            return ValueTask.CompletedTask;
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public override void Flush()
        {
        }

        public override Task CompleteAsync(CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_completed)
            {
                throw new InvalidOperationException($"{location} is complete already");
            }

            _completed = true;
            store._objects[location] = (_content.ToArray(), store.Now);
            return Task.CompletedTask;
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }

    private DateTimeOffset Now => time.GetUtcNow();
}
