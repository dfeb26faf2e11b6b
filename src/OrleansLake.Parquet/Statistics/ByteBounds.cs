using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using OrleansLake.Parquet.Encodings;

namespace OrleansLake.Parquet.Statistics;

/// <summary>Which of some byte arrays are the least and the greatest.</summary>
internal static class ByteBounds
{
    /// <summary>Numbers of the least and the greatest value; value i lies from offset i to offset i + 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static (int Min, int Max) Of(ReadOnlySpan<byte> bytes, ReadOnlySpan<int> offsets)
    {
        int min = 0, max = 0;
        var (least, leastRest) = WidePrefix(bytes, offsets[0], offsets[1]);
        var (greatest, greatestRest) = (least, leastRest);
        int start = offsets[1];
        for (int i = 1; i < offsets.Length - 1; i++)
        {
            int end = offsets[i + 1];
            var (prefix, rest) = WidePrefix(bytes, start, end);

            // Most values lie between the two by their first bytes already; without a branch for each comparison.
            bool above = (prefix > least) | ((prefix == least) & (rest > leastRest));
            bool below = (prefix < greatest) | ((prefix == greatest) & (rest < greatestRest));
            if (!(above & below))
            {
                var value = bytes[start..end];
                if (!above && value.SequenceCompareTo(bytes[offsets[min]..offsets[min + 1]]) < 0)
                {
                    min = i;
                    (least, leastRest) = (prefix, rest);
                }

                if (!below && value.SequenceCompareTo(bytes[offsets[max]..offsets[max + 1]]) > 0)
                {
                    max = i;
                    (greatest, greatestRest) = (prefix, rest);
                }
            }

            start = end;
        }

        return (min, max);
    }

    public static (int Min, int Max) OfSigned(ReadOnlySpan<byte> bytes, ReadOnlySpan<int> offsets)
    {
        int min = 0, max = 0;
        for (int i = 1; i < offsets.Length - 1; i++)
        {
            var value = bytes[offsets[i]..offsets[i + 1]];
            min = ValueOrders.CompareSigned(value, bytes[offsets[min]..offsets[min + 1]]) < 0 ? i : min;
            max = ValueOrders.CompareSigned(value, bytes[offsets[max]..offsets[max + 1]]) > 0 ? i : max;
        }

        return (min, max);
    }

    /// <summary>The same for values of one width.</summary>
    public static (int Min, int Max) Of(ReadOnlySpan<byte> bytes, int width, int count, bool signed)
    {
        int min = 0, max = 0;
        for (int i = 1; i < count; i++)
        {
            var value = bytes.Slice(i * width, width);
            min = Compare(value, bytes.Slice(min * width, width), signed) < 0 ? i : min;
            max = Compare(value, bytes.Slice(max * width, width), signed) > 0 ? i : max;
        }

        return (min, max);
    }

    private static int Compare(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right, bool signed) =>
        signed ? ValueOrders.CompareSigned(left, right) : left.SequenceCompareTo(right);

    /// <summary>The first eight bytes and the eight behind them, as numbers that compare as they do; zeros where there are fewer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (ulong First, ulong Second) WidePrefix(ReadOnlySpan<byte> bytes, int start, int end)
    {
        if (start <= bytes.Length - 16)
        {
            var sixteen = Vector128.LoadUnsafe(ref MemoryMarshal.GetReference(bytes), (nuint)start) & ByteHash.Mask(Math.Min(end - start, 16)).GetLower();
            var reversed = Vector128.Shuffle(sixteen, Vector128.Create((byte)15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)).AsUInt64();
            return (reversed.GetElement(1), reversed.GetElement(0));
        }

        return (Prefix(bytes, start, end), end - start > 8 ? Prefix(bytes, start + 8, end) : 0);
    }

    /// <summary>The first eight bytes as a number that compares as they do; zeros where there are fewer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Prefix(ReadOnlySpan<byte> bytes, int start, int end)
    {
        int length = end - start;
        if (start <= bytes.Length - 8)
        {
            ulong eight = BinaryPrimitives.ReverseEndianness(
                Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref MemoryMarshal.GetReference(bytes), start)));
            return length >= 8 ? eight : length == 0 ? 0 : eight & (ulong.MaxValue << (64 - 8 * length));
        }

        ulong prefix = 0;
        for (int i = 0; i < 8; i++)
        {
            prefix = (prefix << 8) | (start + i < end ? bytes[start + i] : 0u);
        }

        return prefix;
    }
}
