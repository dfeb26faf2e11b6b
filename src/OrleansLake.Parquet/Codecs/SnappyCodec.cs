using OrleansLake.Parquet.Buffers;
using Snappier;

namespace OrleansLake.Parquet.Codecs;

/// <summary>Snappy's block format.</summary>
internal sealed class SnappyCodec : IPageCodec
{
    public void Compress(ReadOnlySpan<byte> page, ByteBuffer destination) =>
        destination.Advance(Snappy.Compress(page, destination.Reserve(Snappy.GetMaxCompressedLength(page.Length))));

    public void Decompress(ReadOnlySpan<byte> page, Span<byte> destination)
    {
        try
        {
            int written = Snappy.GetUncompressedLength(page);
            if (written == destination.Length)
            {
                written = Snappy.Decompress(page, destination);
            }

            if (written != destination.Length)
            {
                throw new ParquetFormatException($"snappy: expected {destination.Length} bytes, got {written}");
            }
        }
        catch (Exception e) when (e is InvalidDataException or InvalidOperationException or ArgumentException)
        {
            throw new ParquetFormatException($"snappy: {e.Message}", e);
        }
    }

    // A copy of up to 64 bytes takes two at least.
    public long LargestResult(ReadOnlySpan<byte> page) => 64L * page.Length;
}
