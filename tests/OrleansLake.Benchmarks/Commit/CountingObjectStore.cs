using OrleansLake.Iceberg;

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

    private sealed class Writer(CountingObjectStore counts, ObjectWriter writer) : ObjectWriter
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => writer.Length;

        public override long Position
        {
            get => writer.Position;
            set => throw new NotSupportedException();
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            counts.BytesWritten += buffer.Length;
            writer.Write(buffer);
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            counts.BytesWritten += buffer.Length;
            return writer.WriteAsync(buffer, cancellationToken);
        }

        public override void Flush() => writer.Flush();

        public override Task CompleteAsync(CancellationToken cancellationToken) => writer.CompleteAsync(cancellationToken);

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                writer.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
