namespace OrleansLake.Parquet;

/// <summary>Bytes that can be read at any place: a file, memory, or an object through range requests.</summary>
public abstract class ByteSource
{
    /// <summary>Bytes in all.</summary>
    public abstract long Length { get; }

    /// <summary>Fills the span from a position on; both lie within <see cref="Length"/>.</summary>
    public abstract void Read(long position, Span<byte> destination);

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
    }

    private sealed class StreamSource(Stream stream) : ByteSource
    {
        public override long Length => stream.Length;

        public override void Read(long position, Span<byte> destination)
        {
            stream.Position = position;
            stream.ReadExactly(destination);
        }
    }
}
