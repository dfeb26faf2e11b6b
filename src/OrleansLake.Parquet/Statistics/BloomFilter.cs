using System.Numerics;

namespace OrleansLake.Parquet.Statistics;

/// <summary>
/// A split-block Bloom filter: blocks of 256 bits, of which each value sets one bit in each of the eight words of one block.
/// https://parquet.apache.org/docs/file-format/bloomfilter/
/// </summary>
internal static class BloomFilter
{
    /// <summary>Words of a block.</summary>
    public const int BlockWords = 8;

    /// <summary>Bytes of a block.</summary>
    public const int BlockBytes = BlockWords * sizeof(uint);

    private static ReadOnlySpan<uint> Salt =>
    [
        0x47B6137B, 0x44974D91, 0x8824AD5B, 0xA2B7289D, 0x705495C7, 0x2DF1424B, 0x9EFC4947, 0x5C6BFB31,
    ];

    /// <summary>Adds a value by its hash.</summary>
    public static void Insert(Span<uint> filter, ulong hash)
    {
        var block = filter.Slice(BlockOf(filter.Length, hash), BlockWords);
        for (int i = 0; i < block.Length; i++)
        {
            block[i] |= Bit(hash, i);
        }
    }

    /// <summary>False where no value with that hash was added; true may be wrong.</summary>
    public static bool MayContain(ReadOnlySpan<uint> filter, ulong hash)
    {
        var block = filter.Slice(BlockOf(filter.Length, hash), BlockWords);
        for (int i = 0; i < block.Length; i++)
        {
            if ((block[i] & Bit(hash, i)) == 0)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// The filter of half the size with the same values: a power of two of blocks is halved by joining neighbours, since a
    /// value's block is the upper bits of its hash.
    /// </summary>
    public static void Fold(ReadOnlySpan<uint> filter, Span<uint> half)
    {
        for (int i = 0; i < half.Length; i += BlockWords)
        {
            for (int word = 0; word < BlockWords; word++)
            {
                half[i + word] = filter[(2 * i) + word] | filter[(2 * i) + BlockWords + word];
            }
        }
    }

    /// <summary>How often a value that was not added is found nevertheless.</summary>
    public static double FalsePositives(ReadOnlySpan<uint> filter)
    {
        double sum = 0;
        for (int block = 0; block < filter.Length; block += BlockWords)
        {
            double found = 1;
            foreach (uint word in filter.Slice(block, BlockWords))
            {
                found *= BitOperations.PopCount(word) / 32.0;
            }

            sum += found;
        }

        return sum * BlockWords / filter.Length;
    }

    /// <summary>Bytes, a power of two, in which so many values are found wrongly no more often than that.</summary>
    public static int SizeFor(long values, double falsePositives, int mostBytes)
    {
        double bits = -8.0 * values / Math.Log(1 - Math.Pow(falsePositives, 1.0 / 8));
        long bytes = BlockBytes;
        while (bytes * 8 < bits && bytes * 2 <= mostBytes)
        {
            bytes *= 2;
        }

        return (int)bytes;
    }

    private static int BlockOf(int words, ulong hash) => (int)(((hash >> 32) * (uint)(words / BlockWords)) >> 32) * BlockWords;

    private static uint Bit(ulong hash, int word) => 1u << (int)(unchecked((uint)hash * Salt[word]) >> 27);
}
