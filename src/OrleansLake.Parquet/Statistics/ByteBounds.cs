using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OrleansLake.Parquet.Statistics;

/// <summary>Which of some byte arrays are the least and the greatest.</summary>
internal static class ByteBounds
{
    /// <summary>Numbers of the least and the greatest value; value i lies from offset i to offset i + 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static (int Min, int Max) Of(ReadOnlySpan<byte> bytes, ReadOnlySpan<int> offsets)
    {
        int min = 0, max = 0;
        ulong minPrefix = Prefix(bytes, offsets[0], offsets[1]);
        ulong maxPrefix = minPrefix;
        for (int i = 1; i < offsets.Length - 1; i++)
        {
            ulong prefix = Prefix(bytes, offsets[i], offsets[i + 1]);

            // Most values lie between the two by their first bytes already.
            if (prefix > minPrefix && prefix < maxPrefix)
            {
                continue;
            }

            var value = bytes[offsets[i]..offsets[i + 1]];
            if (prefix < minPrefix || (prefix == minPrefix && value.SequenceCompareTo(bytes[offsets[min]..offsets[min + 1]]) < 0))
            {
                min = i;
                minPrefix = prefix;
            }

            if (prefix > maxPrefix || (prefix == maxPrefix && value.SequenceCompareTo(bytes[offsets[max]..offsets[max + 1]]) > 0))
            {
                max = i;
                maxPrefix = prefix;
            }
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
