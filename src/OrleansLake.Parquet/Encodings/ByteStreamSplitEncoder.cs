using System.Runtime.CompilerServices;
using OrleansLake.Parquet.Buffers;

namespace OrleansLake.Parquet.Encodings;

/// <summary>
/// All first bytes, all second bytes, and so on: not smaller, but what compresses lies together.
/// https://parquet.apache.org/docs/file-format/data-pages/encodings/#BYTESTREAMSPLIT
/// </summary>
internal static class ByteStreamSplitEncoder
{
    private const int Block = 256;

    /// <summary>Appends values of <paramref name="width"/> bytes each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Encode(ReadOnlySpan<byte> values, int width, ByteBuffer destination)
    {
        int count = width == 0 ? 0 : values.Length / width;
        var target = destination.Reserve(values.Length);
        for (int from = 0; from < count; from += Block)
        {
            // A block's values stay in the nearest cache while they are read once for each of their bytes.
            int length = Math.Min(Block, count - from);
            for (int part = 0; part < width; part++)
            {
                var stream = target.Slice((part * count) + from, length);
                int at = (from * width) + part;
                for (int i = 0; i < stream.Length; i++, at += width)
                {
                    stream[i] = values[at];
                }
            }
        }

        destination.Advance(count * width);
    }
}
