namespace OrleansLake.Parquet;

/// <summary>Bytes that can be read at any place: a file, memory, or an object through range requests.</summary>
/// <remarks>
/// A source whose reads travel should answer <see cref="ReadAsync"/> as well: <see cref="ParquetReader.ReadAsync"/> asks for
/// few large ranges that way, and decodes from them without waiting.
/// </remarks>
public abstract class ByteSource
{
    /// <summary>Bytes in all.</summary>
    public abstract long Length { get; }

    /// <summary>Fills the span from a position on; both lie within <see cref="Length"/>.</summary>
    public abstract void Read(long position, Span<byte> destination);

    /// <summary>The same without keeping a thread; by default it reads at once.</summary>
    public virtual ValueTask ReadAsync(long position, Memory<byte> destination, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Read(position, destination.Span);
        return ValueTask.CompletedTask;
    }

    /// <summary>The bytes from a position on that lie in memory anyway, as many as lie together; empty where none do.</summary>
    public virtual ReadOnlyMemory<byte> Peek(long position) => default;

    /// <summary>Bytes in memory.</summary>
    public static ByteSource From(ReadOnlyMemory<byte> bytes) => new MemorySource(bytes);

    /// <summary>A stream that can seek. It stays open and belongs to the caller.</summary>
    public static ByteSource From(Stream stream) => stream.CanSeek
        ? new StreamSource(stream)
        : throw new ArgumentException("a Parquet file is read from its end: the stream must be able to seek", nameof(stream));

    private sealed class MemorySource(ReadOnlyMemory<byte> bytes) : ByteSource
    {
        public override long Length => bytes.Length;

        public override void Read(long position, Span<byte> destination) =>
            bytes.Span.Slice((int)position, destination.Length).CopyTo(destination);

        public override ReadOnlyMemory<byte> Peek(long position) => bytes[(int)position..];
    }

    private sealed class StreamSource(Stream stream) : ByteSource
    {
        public override long Length => stream.Length;

        public override void Read(long position, Span<byte> destination)
        {
            stream.Position = position;
            stream.ReadExactly(destination);
        }

        public override ValueTask ReadAsync(long position, Memory<byte> destination, CancellationToken cancellationToken)
        {
            stream.Position = position;
            return stream.ReadExactlyAsync(destination, cancellationToken);
        }
    }
}
