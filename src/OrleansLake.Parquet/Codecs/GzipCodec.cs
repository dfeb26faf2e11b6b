using System.IO.Compression;
using OrleansLake.Parquet.Buffers;

namespace OrleansLake.Parquet.Codecs;

/// <summary>Gzip, one member or several after each other.</summary>
internal sealed unsafe class GzipCodec(int? level) : IPageCodec
{
    private readonly ZLibCompressionOptions _options = new() { CompressionLevel = Math.Clamp(level ?? 6, 0, 9) };

    public void Compress(ReadOnlySpan<byte> page, ByteBuffer destination)
    {
        using var gzip = new GZipStream(new ByteBufferStream(destination), _options);
        gzip.Write(page);
    }

    public void Decompress(ReadOnlySpan<byte> page, Span<byte> destination)
    {
        fixed (byte* from = page)
        {
            using var source = new UnmanagedMemoryStream(from, page.Length);
            using var gzip = new GZipStream(source, CompressionMode.Decompress);
            CompressedStream.ReadExactly(gzip, destination, "gzip");
        }
    }

    // Deflate's longest match, 258 bytes, takes two bits at least.
    public long LargestResult(ReadOnlySpan<byte> page) => 1032L * page.Length;
}
