using System.Numerics;
using System.Runtime.CompilerServices;

namespace OrleansLake.Parquet.Codecs;

/// <summary>
/// Writes Zstandard frames of plain eight-byte numbers most of which begin, from the top, with the same bytes as the number before:
/// times, counters, keys that rise. Each such number is its lower bytes as literals and a match of the upper ones, of one length for
/// the whole page. So all lengths and offsets of a block are alike and none is written (the mode RLE of each of the three tables),
/// and a page is compressed at the speed at which its literals are copied. https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1
/// </summary>
internal static unsafe class ZstdSteadyNumbers
{
    private const int Width = 8;
    private const int LeastShared = 3; // no match is shorter
    private const int MostShared = 7; // without a literal the most recent offset would be another one

    // What is regenerated and what it is made of both fit into a block of 128 KiB.
    private const int NumbersInBlock = 16_000;
    private const int LargestRawBlock = 128 * 1024;

    // Headers of a block, of its literals and of its sequences, and its bits.
    private const int BlockOverhead = 16;

    // Below this there is nothing to gain.
    private const double Worth = 0.95;

    /// <summary>How many upper bytes it is best to share, and the most that the frame can take.</summary>
    /// <returns>False where the numbers have too little in common.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static bool TryPlan(ReadOnlySpan<byte> page, int numbersAt, out int shared, out int mostBytes)
    {
        int count = (page.Length - numbersAt) / Width;
        int* sharing = stackalloc int[Width + 1];
        new Span<int>(sharing, Width + 1).Clear();
        fixed (byte* start = page)
        {
            byte* numbers = start + numbersAt;
            for (int i = 1; i < count; i++)
            {
                ulong differs = Number(numbers, i) ^ Number(numbers, i - 1);
                sharing[BitOperations.LeadingZeroCount(differs) >> 3]++;
            }
        }

        shared = 0;
        long least = long.MaxValue;
        int alike = sharing[Width];
        for (int bytes = MostShared; bytes >= LeastShared; bytes--)
        {
            alike += sharing[bytes];
            long size = ((long)alike * (Width - bytes)) + ((long)(count - alike) * (Width + BlockOverhead));
            if (size < least)
            {
                (least, shared) = (size, bytes);
            }
        }

        least += numbersAt + (BlockOverhead * ((count / NumbersInBlock) + (page.Length / LargestRawBlock) + 4L));
        mostBytes = (int)Math.Min(least + Width, int.MaxValue);
        return least < page.Length * Worth;
    }

    /// <summary>Writes the frame and returns its length. <paramref name="shared"/> and the room at <paramref name="target"/>: what <see cref="TryPlan"/> said.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Write(ReadOnlySpan<byte> page, int numbersAt, int shared, byte* target)
    {
        byte* to = target;
        fixed (byte* start = page)
        {
            byte* numbers = start + numbersAt;
            int count = (page.Length - numbersAt) / Width;
            int own = Width - shared;
            int lowerBits = own * 8;

            // Magic number; one segment and four bytes of its size.
            Unsafe.WriteUnaligned(to, 0xFD2FB528);
            to[4] = 0xA0;
            Unsafe.WriteUnaligned(to + 5, page.Length);
            to += 9;

            int i = 1;
            while (i < count && (Number(numbers, i) ^ Number(numbers, i - 1)) >> lowerBits != 0)
            {
                i++;
            }

            to = WriteRaw(start, (int)(numbers - start) + (i * Width), i == count, to);
            if (i == count)
            {
                return (int)(to - target);
            }

            // The first match brings the third of the offsets that a frame begins with, which is 8, to the front: it has a block of its own.
            byte* block = to;
            to += 6;
            Unsafe.WriteUnaligned(to, Number(numbers, i));
            to = WriteSequences(to + own, 1, own, offsetCode: 1, shared, bits: 0b11);
            i++;
            WriteHeaders(block, own, to, i == count);
            while (i < count)
            {
                block = to;
                to += 6;
                byte* literals = to;
                int first = i;
                int end = Math.Min(count, i + NumbersInBlock);
                ulong previous = Number(numbers, i - 1);
                ulong number = 0;
                for (; i < end && ((number = Number(numbers, i)) ^ previous) >> lowerBits == 0; i++)
                {
                    // What is too much of it is written over.
                    Unsafe.WriteUnaligned(to, number);
                    to += own;
                    previous = number;
                }

                int matches = i - first;
                for (; i < end && ((number = Number(numbers, i)) ^ previous) >> lowerBits != 0; i++)
                {
                    Unsafe.WriteUnaligned(to, number);
                    to += Width;
                    previous = number;
                }

                int literalBytes = (int)(to - literals);
                to = WriteSequences(to, matches, own, offsetCode: 0, shared, bits: 0b1);
                WriteHeaders(block, literalBytes, to, i == count);
            }
        }

        return (int)(to - target);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Number(byte* numbers, int index) => Unsafe.ReadUnaligned<ulong>(numbers + ((nint)index * Width));

    private static byte* WriteRaw(byte* from, int length, bool isLast, byte* to)
    {
        while (length > 0)
        {
            int size = Math.Min(length, LargestRawBlock);
            WriteThree(to, (size << 3) | (isLast && size == length ? 1 : 0));
            Unsafe.CopyBlockUnaligned(to + 3, from, (uint)size);
            to += 3 + size;
            from += size;
            length -= size;
        }

        return to;
    }

    // How many there are; each of the three tables is one code; then bits, from the highest: a one that says where they begin, and of
    // the offset those that its code lacks.
    private static byte* WriteSequences(byte* to, int count, int literals, byte offsetCode, int match, byte bits)
    {
        if (count >= 128)
        {
            *to++ = (byte)((count >> 8) + 128);
        }

        *to++ = (byte)count;
        if (count > 0)
        {
            *to++ = 0b01_01_01_00;
            *to++ = (byte)literals;
            *to++ = offsetCode;
            *to++ = (byte)(match - LeastShared);
            *to++ = bits;
        }

        return to;
    }

    private static void WriteHeaders(byte* block, int literals, byte* end, bool isLast)
    {
        const int Compressed = 2;
        const int RawOfTwentyBits = 0b1100;
        WriteThree(block, ((int)(end - block - 3) << 3) | (Compressed << 1) | (isLast ? 1 : 0));
        WriteThree(block + 3, (literals << 4) | RawOfTwentyBits);
    }

    private static void WriteThree(byte* to, int value)
    {
        Unsafe.WriteUnaligned(to, (ushort)value);
        to[2] = (byte)(value >> 16);
    }
}
