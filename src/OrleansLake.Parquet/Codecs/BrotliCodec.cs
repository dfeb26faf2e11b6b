using System.IO.Compression;
using OrleansLake.Parquet.Buffers;

namespace OrleansLake.Parquet.Codecs;

/// <summary>Brotli.</summary>
internal sealed class BrotliCodec(int? level) : IPageCodec
{
    private const int Window = 22;

    // Nothing bounds what a byte of Brotli becomes but the window's and the block's sizes: 16 MiB a meta-block.
    private const long LargestBlock = 16L * 1024 * 1024;

    public void Compress(ReadOnlySpan<byte> page, ByteBuffer destination)
    {
        var target = destination.Reserve(BrotliEncoder.GetMaxCompressedLength(page.Length));
        if (!BrotliEncoder.TryCompress(page, target, out int written, Math.Clamp(level ?? 4, 0, 11), Window))
        {
            throw new InvalidOperationException($"brotli: {page.Length} bytes do not fit into {target.Length}");
        }

        destination.Advance(written);
    }

    public void Decompress(ReadOnlySpan<byte> page, Span<byte> destination)
    {
        if (!BrotliDecoder.TryDecompress(page, destination, out int written) || written != destination.Length)
        {
            throw new ParquetFormatException($"brotli: expected {destination.Length} bytes, got {written} or more, or no valid stream");
        }
    }

    public long LargestResult(ReadOnlySpan<byte> page) => page.Length * LargestBlock;
}
