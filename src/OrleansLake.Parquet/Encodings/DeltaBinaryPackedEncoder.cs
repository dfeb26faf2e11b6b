using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
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
            destination.WriteZigzag(least);
            int used = Shift(deltas, count, least);
            WriteMiniblocks(MemoryMarshal.Cast<long, ulong>(deltas)[..(used * MiniblockSize)], destination);
        }
    }

    /// <summary>Differences wrap in 32 bits, so that none takes more than 32 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Encode(ReadOnlySpan<int> values, ByteBuffer destination)
    {
        WriteHeader(values.Length, values.IsEmpty ? 0 : values[0], destination);
        Span<int> deltas = stackalloc int[BlockSize];
        for (int at = 1; at < values.Length; at += BlockSize)
        {
            int count = Math.Min(BlockSize, values.Length - at);
            int least = Subtract(values.Slice(at, count), values.Slice(at - 1, count), deltas);
            destination.WriteZigzag(least);
            int used = Shift(deltas, count, least);
            WriteMiniblocks(deltas[..(used * MiniblockSize)], destination);
        }
    }

    private static void WriteHeader(int count, long first, ByteBuffer destination)
    {
        destination.WriteVarint(BlockSize);
        destination.WriteVarint(Miniblocks);
        destination.WriteVarint((ulong)count);
        destination.WriteZigzag(first);
    }

    /// <summary>The differences, and the least of them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static T Subtract<T>(ReadOnlySpan<T> values, ReadOnlySpan<T> before, Span<T> deltas)
        where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T>
    {
        int i = 0;
        T least = T.MaxValue;
        if (values.Length >= Vector<T>.Count)
        {
            var smallest = new Vector<T>(T.MaxValue);
            for (; i <= values.Length - Vector<T>.Count; i += Vector<T>.Count)
            {
                var delta = new Vector<T>(values[i..]) - new Vector<T>(before[i..]);
                delta.CopyTo(deltas[i..]);
                smallest = Vector.Min(smallest, delta);
            }

            for (int lane = 0; lane < Vector<T>.Count; lane++)
            {
                least = T.Min(least, smallest[lane]);
            }
        }

        for (; i < values.Length; i++)
        {
            T delta = unchecked(values[i] - before[i]);
            deltas[i] = delta;
            least = T.Min(least, delta);
        }

        return least;
    }

    /// <summary>Takes the least from each, and fills the last miniblock with zeros.</summary>
    /// <returns>Miniblocks in use.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Shift<T>(Span<T> deltas, int count, T least)
        where T : unmanaged, IBinaryInteger<T>
    {
        int used = (count + MiniblockSize - 1) / MiniblockSize;
        var vectors = MemoryMarshal.Cast<T, Vector<T>>(deltas);
        var shift = new Vector<T>(least);
        for (int i = 0; i < vectors.Length; i++)
        {
            vectors[i] -= shift;
        }

        deltas[count..(used * MiniblockSize)].Clear();
        return used;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WriteMiniblocks(ReadOnlySpan<int> relative, ByteBuffer destination)
    {
        Span<byte> widths = stackalloc byte[Miniblocks];
        widths.Clear();
        for (int m = 0; m * MiniblockSize < relative.Length; m++)
        {
            widths[m] = (byte)(32 - BitOperations.LeadingZeroCount((uint)Union(relative.Slice(m * MiniblockSize, MiniblockSize))));
        }

        destination.Write(widths);
        for (int m = 0; m * MiniblockSize < relative.Length; m++)
        {
            WriteNarrow(relative.Slice(m * MiniblockSize, MiniblockSize), widths[m], destination);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WriteMiniblocks(ReadOnlySpan<ulong> relative, ByteBuffer destination)
    {
        Span<byte> widths = stackalloc byte[Miniblocks];
        widths.Clear();
        for (int m = 0; m * MiniblockSize < relative.Length; m++)
        {
            widths[m] = (byte)(64 - BitOperations.LeadingZeroCount(Union(relative.Slice(m * MiniblockSize, MiniblockSize))));
        }

        destination.Write(widths);
        Span<int> narrow = stackalloc int[MiniblockSize];
        for (int m = 0; m * MiniblockSize < relative.Length; m++)
        {
            var miniblock = relative.Slice(m * MiniblockSize, MiniblockSize);
            if (widths[m] <= 32)
            {
                Narrow(miniblock, narrow);
                WriteNarrow(narrow, widths[m], destination);
            }
            else
            {
                var target = destination.Reserve(MiniblockSize * sizeof(long) + BitPacking.Slack);
                destination.Advance(BitPacking.Pack(miniblock, widths[m], target));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WriteNarrow(ReadOnlySpan<int> miniblock, int width, ByteBuffer destination)
    {
        if (width > 0)
        {
            BitPacking.Pack(miniblock, width, destination.Reserve(MiniblockSize * sizeof(int) + BitPacking.Slack));
            destination.Advance(MiniblockSize / 8 * width);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Union<T>(ReadOnlySpan<T> values)
        where T : unmanaged, IBinaryInteger<T>
    {
        var all = Vector<T>.Zero;
        foreach (var vector in MemoryMarshal.Cast<T, Vector<T>>(values))
        {
            all |= vector;
        }

        T union = T.Zero;
        for (int lane = 0; lane < Vector<T>.Count; lane++)
        {
            union |= all[lane];
        }

        return union;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Narrow(ReadOnlySpan<ulong> values, Span<int> narrow)
    {
        var from = MemoryMarshal.Cast<ulong, Vector<ulong>>(values);
        var to = MemoryMarshal.Cast<int, Vector<uint>>(narrow);
        for (int i = 0; i < to.Length; i++)
        {
            to[i] = Vector.Narrow(from[2 * i], from[(2 * i) + 1]);
        }
    }
}
