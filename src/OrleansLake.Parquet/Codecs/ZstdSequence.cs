using System.Numerics;
using System.Runtime.CompilerServices;

namespace OrleansLake.Parquet.Codecs;

/// <summary>
/// So many bytes as they are, then so many from <see cref="Offset"/> bytes before; without a match it ends a block.
/// Laid out as libzstd's <c>ZSTD_Sequence</c>. https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1.3.2
/// </summary>
internal struct ZstdSequence
{
    public uint Offset;
    public uint LiteralLength;
    public uint MatchLength;
    public uint Repeat;
}

/// <summary>
/// Matches of a page of plain eight-byte numbers: the upper bytes of a number against those of the three before it. A search
/// by hash, which knows nothing of numbers, takes twice to three times as long to find as much.
/// </summary>
internal static unsafe class ZstdNumbers
{
    /// <summary>No block is larger. https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1.2.4</summary>
    public const int LargestBlock = 128 * 1024;

    private const int Width = 8;

    // A match of three bytes costs about what it saves.
    private const int Least = 4;

    // Lists of a few elements each repeat their levels after so many bytes.
    private const int LongestPeriod = 8;

    /// <summary>Sequences that a page has at most, and one that is not kept.</summary>
    public static int MostSequences(int length) => length / Width + length / (LargestBlock - Width) + 3;

    /// <summary>
    /// Cuts a page into blocks of literals, and of matches where <paramref name="matched"/>. What stands before the numbers, less
    /// than a block, are levels: bytes that repeat after a few.
    /// </summary>
    /// <returns>How many sequences there are.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Cut(byte* page, int length, int numbersAt, bool matched, ZstdSequence* sequences)
    {
        var next = sequences;
        int at = 0;
        do
        {
            // Blocks end between numbers.
            int most = at == 0 ? numbersAt + (LargestBlock - numbersAt) / Width * Width : LargestBlock;
            int end = Math.Min(length, at + most);
            uint literals = 0;
            int first = Math.Max(at, numbersAt);
            next = MatchPeriods(page + at, page + first, next, ref literals);
            if (matched)
            {
                next = Match(page + first, page + end, first == numbersAt ? 3 : 0, next, ref literals);
            }
            else
            {
                literals += (uint)(end - first);
            }

            *next++ = new ZstdSequence { LiteralLength = literals };
            at = end;
        }
        while (at < length);

        return (int)(next - sequences);
    }

    private static ZstdSequence* MatchPeriods(byte* p, byte* end, ZstdSequence* next, ref uint literals)
    {
        byte* start = p;
        while (p < end)
        {
            int period = p - start >= LongestPeriod && end - p >= Width ? PeriodAt(p) : 0;
            if (period == 0)
            {
                literals++;
                p++;
                continue;
            }

            uint length = Width;
            while (p + length < end && p[length] == p[length - period])
            {
                length++;
            }

            *next++ = new ZstdSequence { Offset = (uint)period, LiteralLength = literals, MatchLength = length };
            literals = 0;
            p += length;
        }

        return next;
    }

    private static int PeriodAt(byte* p)
    {
        ulong value = Unsafe.ReadUnaligned<ulong>(p);
        for (int period = 1; period <= LongestPeriod; period++)
        {
            if (Unsafe.ReadUnaligned<ulong>(p - period) == value)
            {
                return period;
            }
        }

        return 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ZstdSequence* Match(byte* p, byte* end, int unmatched, ZstdSequence* next, ref uint literalsBefore)
    {
        var first = next;
        byte* start = p + Math.Min(unmatched * Width, end - p);
        uint literals = literalsBefore + (uint)(start - p);
        for (p = start; p < end; p += Width)
        {
            ulong value = Unsafe.ReadUnaligned<ulong>(p);

            // The whole bytes that are equal, times eight, and which of the three: the nearest wins a draw.
            int one = (BitOperations.LeadingZeroCount(value ^ Unsafe.ReadUnaligned<ulong>(p - 8)) & ~7) + 3;
            int two = (BitOperations.LeadingZeroCount(value ^ Unsafe.ReadUnaligned<ulong>(p - 16)) & ~7) + 2;
            int three = (BitOperations.LeadingZeroCount(value ^ Unsafe.ReadUnaligned<ulong>(p - 24)) & ~7) + 1;
            int best = Larger(one, Larger(two, three));
            uint equal = (uint)best >> 3;
            uint offset = (4 - ((uint)best & 3)) * Width;
            if (equal == Width && literals == 0 && next > first && next[-1].Offset == offset)
            {
                next[-1].MatchLength += Width;
                continue;
            }

            // Whether enough is equal cannot be foreseen, and is not branched on: what is not kept is written over.
            next->Offset = offset;
            next->LiteralLength = literals + Width - equal;
            next->MatchLength = equal;
            next->Repeat = 0;
            bool isMatch = equal >= Least;
            next += isMatch ? 1 : 0;
            literals = isMatch ? 0 : literals + Width;
        }

        literalsBefore = literals;
        return next;
    }
    // Which is the larger cannot be foreseen either, and Math.Max branches.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Larger(int a, int b) => a - ((a - b) & ((a - b) >> 31));
}
