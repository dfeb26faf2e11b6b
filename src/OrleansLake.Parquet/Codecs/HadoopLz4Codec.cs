using System.Buffers.Binary;
using OrleansLake.Parquet.Buffers;

namespace OrleansLake.Parquet.Codecs;

/// <summary>
/// The deprecated codec 5, which some wrote with Hadoop's framing (big-endian sizes before each block) and some as one bare
/// block. https://github.com/apache/parquet-format/blob/master/Compression.md#lz4
/// </summary>
internal sealed class HadoopLz4Codec : IPageCodec
{
    private readonly Lz4RawCodec _bare = new();

    public void Compress(ReadOnlySpan<byte> page, ByteBuffer destination) =>
        throw new NotSupportedException("LZ4 with framing is deprecated: write Lz4Raw");

    public void Decompress(ReadOnlySpan<byte> page, Span<byte> destination)
    {
        if (!TryDecompressFrames(page, destination))
        {
            _bare.Decompress(page, destination);
        }
    }

    public long LargestResult(ReadOnlySpan<byte> page) => _bare.LargestResult(page);

    private static bool TryDecompressFrames(ReadOnlySpan<byte> page, Span<byte> destination)
    {
        while (page.Length >= 8)
        {
            uint restored = BinaryPrimitives.ReadUInt32BigEndian(page);
            uint compressed = BinaryPrimitives.ReadUInt32BigEndian(page[4..]);
            page = page[8..];
            if (compressed > page.Length || restored > destination.Length)
            {
                return false;
            }

            try
            {
                if (Lz4RawCodec.DecompressBlock(page[..(int)compressed], destination[..(int)restored]) != restored)
                {
                    return false;
                }
            }
            catch (ParquetFormatException)
            {
                return false; // no frame after all
            }

            page = page[(int)compressed..];
            destination = destination[(int)restored..];
        }

        return page.IsEmpty && destination.IsEmpty;
    }
}
