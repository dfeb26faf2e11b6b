using System.Buffers.Binary;
using System.IO.Hashing;

namespace OrleansLake.Parquet.Statistics;

/// <summary>
/// A split-block Bloom filter over xxHash64 of plainly encoded values. https://parquet.apache.org/docs/file-format/bloomfilter/
/// </summary>
/// <param name="bits">Whole blocks of 32 bytes.</param>
internal sealed class BloomFilter(byte[] bits)
{
    /// <summary>Bytes of a block.</summary>
    public const int BlockBytes = 32;

    private static readonly uint[] Salts =
        [0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31];

    /// <summary>The blocks as they stand in the file.</summary>
    public ReadOnlySpan<byte> Bits => bits;

    /// <summary>The hash of a value; byte arrays go in without their length.</summary>
    public static ulong Hash(ReadOnlySpan<byte> value) => XxHash64.HashToUInt64(value);

    /// <summary>Whether the value may have been added.</summary>
    public bool MayContain(ReadOnlySpan<byte> value)
    {
        ulong hash = Hash(value);
        var block = BlockOf(hash);
        for (int i = 0; i < Salts.Length; i++)
        {
            if ((BinaryPrimitives.ReadUInt32LittleEndian(block[(4 * i)..]) & Bit(hash, i)) == 0)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Adds a value by its hash.</summary>
    public void Add(ulong hash)
    {
        var block = BlockOf(hash);
        for (int i = 0; i < Salts.Length; i++)
        {
            var word = block[(4 * i)..];
            BinaryPrimitives.WriteUInt32LittleEndian(word, BinaryPrimitives.ReadUInt32LittleEndian(word) | Bit(hash, i));
        }
    }

    private Span<byte> BlockOf(ulong hash)
    {
        ulong blocks = (ulong)(bits.Length / BlockBytes);
        return bits.AsSpan((int)(((hash >> 32) * blocks) >> 32) * BlockBytes, BlockBytes);
    }

    private static uint Bit(ulong hash, int word) => 1u << (int)(unchecked((uint)hash * Salts[word]) >> 27);
}
