using System.Runtime.CompilerServices;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Decode;

/// <summary>Whether the keys of one map, as they lie in their column, are all different.</summary>
internal static class JsonKeys
{
    /// <summary>The values from <paramref name="first"/> on; <paramref name="table"/> is scratch that grows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static bool AreDistinct(LeafColumn keys, int first, ref int[] table)
    {
        int count = keys.Value - first;
        if (count < 2)
        {
            return true;
        }

        if (count == 2)
        {
            return keys.Column.PhysicalType == PhysicalType.ByteArray
                ? AreTwo(keys.Bytes, keys.Offsets, first)
                : !keys.BytesOf(first).SequenceEqual(keys.BytesOf(first + 1));
        }

        if (count > 32)
        {
            return AreDistinctByTable(keys, first, count, ref table);
        }

        // One bit a hash: only keys that meet a bit set are compared.
        ulong met = 0;
        for (int i = 0; i < count; i++)
        {
            var key = keys.BytesOf(first + i);
            ulong bit = 1UL << (int)(Hash(key) >> 26);
            if ((met & bit) != 0)
            {
                for (int j = 0; j < i; j++)
                {
                    if (key.SequenceEqual(keys.BytesOf(first + j)))
                    {
                        return false;
                    }
                }
            }

            met |= bit;
        }

        return true;
    }

    // Names of two entries mostly differ in length or in their last byte, as key1 and key2 do.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool AreTwo(byte[] bytes, int[] offsets, int first)
    {
        var (begin, middle, end) = (offsets[first], offsets[first + 1], offsets[first + 2]);
        int length = middle - begin;
        return end - middle != length
            || (length > 0 && (bytes[middle - 1] != bytes[end - 1] || !bytes.AsSpan(begin, length).SequenceEqual(bytes.AsSpan(middle, length))));
    }

    private static bool AreDistinctByTable(LeafColumn keys, int first, int count, ref int[] table)
    {
        int size = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)count * 2);
        if (table.Length < size)
        {
            table = new int[size];
        }

        table.AsSpan(0, size).Clear();
        for (int i = 0; i < count; i++)
        {
            var key = keys.BytesOf(first + i);
            int place = (int)FullHash(key) & (size - 1);
            for (; table[place] != 0; place = (place + 1) & (size - 1))
            {
                if (key.SequenceEqual(keys.BytesOf(first + table[place] - 1)))
                {
                    return false;
                }
            }

            table[place] = i + 1;
        }

        return true;
    }

    private static uint Hash(ReadOnlySpan<byte> key)
    {
        ulong word = key.Length >= 8
            ? Unsafe.ReadUnaligned<ulong>(in key[0]) ^ (Unsafe.ReadUnaligned<ulong>(in key[^8]) * 3)
            : key.Length >= 4
                ? Unsafe.ReadUnaligned<uint>(in key[0]) | ((ulong)Unsafe.ReadUnaligned<uint>(in key[^4]) << 32)
                : key.Length == 0 ? 0 : key[0] | ((ulong)key[key.Length / 2] << 8) | ((ulong)key[^1] << 16);
        return (uint)(((word + (ulong)key.Length) * 0x9E3779B97F4A7C15) >> 32);
    }

    // Seeded by the process, so that nobody can send keys that all meet.
    private static uint FullHash(ReadOnlySpan<byte> key)
    {
        var hash = new HashCode();
        hash.AddBytes(key);
        return (uint)hash.ToHashCode();
    }
}
