using System.Buffers.Binary;
using System.Numerics;

namespace OrleansLake.Ingest.Write;

/// <summary>
/// The hash of bucket partitions over values as they lie in columns: Murmur3, 32 bits, x86, seed 0.
/// https://iceberg.apache.org/spec/#appendix-b-32-bit-hash-requirements
/// </summary>
internal static class BucketHash
{
    private const uint C1 = 0xCC9E2D51;
    private const uint C2 = 0x1B873593;

    /// <summary>The bucket of a whole number, date, time or timestamp in microseconds.</summary>
    public static int Bucket(long value, int count)
    {
        uint hash = Mix(0, (uint)value);
        hash = Mix(hash, (uint)((ulong)value >> 32));
        return (int)(Finish(hash, 8) & int.MaxValue) % count;
    }

    /// <summary>The bucket of text, bytes, or a UUID in big endian.</summary>
    public static int Bucket(ReadOnlySpan<byte> value, int count)
    {
        uint hash = 0;
        int length = value.Length;
        while (value.Length >= 4)
        {
            hash = Mix(hash, BinaryPrimitives.ReadUInt32LittleEndian(value));
            value = value[4..];
        }

        uint rest = 0;
        for (int i = value.Length - 1; i >= 0; i--)
        {
            rest = (rest << 8) | value[i];
        }

        hash ^= BitOperations.RotateLeft(rest * C1, 15) * C2;
        return (int)(Finish(hash, (uint)length) & int.MaxValue) % count;
    }

    private static uint Mix(uint hash, uint word) => (BitOperations.RotateLeft(hash ^ (BitOperations.RotateLeft(word * C1, 15) * C2), 13) * 5) + 0xE6546B64;

    private static uint Finish(uint hash, uint length)
    {
        hash ^= length;
        hash = (hash ^ (hash >> 16)) * 0x85EBCA6B;
        hash = (hash ^ (hash >> 13)) * 0xC2B2AE35;
        return hash ^ (hash >> 16);
    }
}
