using System.Numerics;
using System.Runtime.CompilerServices;
using OrleansLake.Parquet.Buffers;

namespace OrleansLake.Parquet.Encodings;

/// <summary>
/// Differences of integers, bit-packed in blocks above the least of each block.
/// https://parquet.apache.org/docs/file-format/data-pages/encodings/#DELTAENC
/// </summary>
internal static class DeltaBinaryPackedEncoder
{
    public const int BlockSize = 128;
    public const int MiniblockSize = 32;
    public const int Miniblocks = BlockSize / MiniblockSize;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Encode(ReadOnlySpan<long> values, ByteBuffer destination)
    {
        WriteHeader(values.Length, values.IsEmpty ? 0 : values[0], destination);
        Span<long> deltas = stackalloc long[BlockSize];
        for (int at = 1; at < values.Length; at += BlockSize)
        {
            int count = Math.Min(BlockSize, values.Length - at);
            long least = Subtract(values.Slice(at, count), values.Slice(at - 1, count), deltas);
            WriteBlock(deltas, count, least, destination);
        }
    }

    /// <summary>Differences wrap in 32 bits, so that none takes more than 32 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Encode(ReadOnlySpan<int> values, ByteBuffer destination)
    {
        WriteHeader(values.Length, values.IsEmpty ? 0 : values[0], destination);
        Span<long> deltas = stackalloc long[BlockSize];
        for (int at = 1; at < values.Length; at += BlockSize)
        {
            int count = Math.Min(BlockSize, values.Length - at);
            int least = int.MaxValue;
            for (int i = 0; i < count; i++)
            {
                int delta = unchecked(values[at + i] - values[at + i - 1]);
                deltas[i] = delta;
                least = Math.Min(least, delta);
            }

            WriteBlock(deltas, count, least, destination);
        }
    }

    private static void WriteHeader(int count, long first, ByteBuffer destination)
    {
        destination.WriteVarint(BlockSize);
        destination.WriteVarint(Miniblocks);
        destination.WriteVarint((ulong)count);
        destination.WriteZigzag(first);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static long Subtract(ReadOnlySpan<long> values, ReadOnlySpan<long> before, Span<long> deltas)
    {
        int i = 0;
        long least = long.MaxValue;
        if (values.Length >= Vector<long>.Count)
        {
            var smallest = new Vector<long>(long.MaxValue);
            for (; i <= values.Length - Vector<long>.Count; i += Vector<long>.Count)
            {
                var delta = new Vector<long>(values[i..]) - new Vector<long>(before[i..]);
                delta.CopyTo(deltas[i..]);
                smallest = Vector.Min(smallest, delta);
            }

            for (int lane = 0; lane < Vector<long>.Count; lane++)
            {
                least = Math.Min(least, smallest[lane]);
            }
        }

        for (; i < values.Length; i++)
        {
            long delta = unchecked(values[i] - before[i]);
            deltas[i] = delta;
            least = Math.Min(least, delta);
        }

        return least;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WriteBlock(Span<long> deltas, int count, long least, ByteBuffer destination)
    {
        destination.WriteZigzag(least);
        Span<ulong> relative = stackalloc ulong[BlockSize];
        Span<byte> widths = stackalloc byte[Miniblocks];
        widths.Clear();
        int used = (count + MiniblockSize - 1) / MiniblockSize;
        relative.Slice(count, used * MiniblockSize - count).Clear();
        for (int i = 0; i < count; i++)
        {
            relative[i] = unchecked((ulong)(deltas[i] - least));
        }

        for (int m = 0; m < used; m++)
        {
            ulong all = 0;
            foreach (ulong value in relative.Slice(m * MiniblockSize, MiniblockSize))
            {
                all |= value;
            }

            widths[m] = (byte)(64 - BitOperations.LeadingZeroCount(all));
        }

        destination.Write(widths);
        for (int m = 0; m < used; m++)
        {
            var target = destination.Reserve(MiniblockSize * sizeof(long) + BitPacking.Slack);
            destination.Advance(BitPacking.Pack(relative.Slice(m * MiniblockSize, MiniblockSize), widths[m], target));
        }
    }
}
