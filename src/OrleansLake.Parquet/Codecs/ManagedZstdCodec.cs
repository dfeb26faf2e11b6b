using System.Collections.Concurrent;
using OrleansLake.Parquet.Buffers;
using ZstdSharp;

namespace OrleansLake.Parquet.Codecs;

/// <summary>Zstandard in managed code, where the operating system has no library.</summary>
internal sealed class ManagedZstdCodec(int level) : IPageCodec
{
    // A block of up to 128 KiB takes three bytes of header and one of content at least.
    // https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1.2
    private const int LargestBlock = 128 * 1024;
    private const int SmallestBlock = 4;

    private readonly ConcurrentBag<Compressor> _compressors = [];
    private readonly ConcurrentBag<Decompressor> _decompressors = [];

    public static long LargestResultOf(ReadOnlySpan<byte> page) => (page.Length / SmallestBlock + 1L) * LargestBlock;

    public void Compress(ReadOnlySpan<byte> page, ByteBuffer destination)
    {
        var compressor = _compressors.TryTake(out var free) ? free : new Compressor(level);
        destination.Advance(compressor.Wrap(page, destination.Reserve(Compressor.GetCompressBound(page.Length))));
        _compressors.Add(compressor);
    }

    public void Decompress(ReadOnlySpan<byte> page, Span<byte> destination)
    {
        var decompressor = _decompressors.TryTake(out var free) ? free : new Decompressor();
        int written;
        try
        {
            written = decompressor.Unwrap(page, destination);
        }
        catch (ZstdException e)
        {
            throw new ParquetFormatException($"zstd: {e.Message}", e);
        }

        _decompressors.Add(decompressor);
        if (written != destination.Length)
        {
            throw new ParquetFormatException($"zstd: expected {destination.Length} bytes, got {written}");
        }
    }

    public long LargestResult(ReadOnlySpan<byte> page) => LargestResultOf(page);
}
