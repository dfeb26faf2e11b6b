using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace OrleansLake.Parquet.Encodings;

/// <summary>The CRC of gzip, which pages carry too; eight bytes at a time.</summary>
internal static class Crc32
{
    private const uint Polynomial = 0xEDB88320;

    private static readonly uint[] Tables = MakeTables();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        ReadOnlySpan<uint> tables = Tables;
        while (bytes.Length >= 8)
        {
            uint low = BinaryPrimitives.ReadUInt32LittleEndian(bytes) ^ crc;
            uint high = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
            crc = tables[(7 << 8) + (int)(low & 0xFF)]
                ^ tables[(6 << 8) + (int)((low >> 8) & 0xFF)]
                ^ tables[(5 << 8) + (int)((low >> 16) & 0xFF)]
                ^ tables[(4 << 8) + (int)(low >> 24)]
                ^ tables[(3 << 8) + (int)(high & 0xFF)]
                ^ tables[(2 << 8) + (int)((high >> 8) & 0xFF)]
                ^ tables[(1 << 8) + (int)((high >> 16) & 0xFF)]
                ^ tables[(int)(high >> 24)];
            bytes = bytes[8..];
        }

        foreach (byte next in bytes)
        {
            crc = tables[(int)((crc ^ next) & 0xFF)] ^ (crc >> 8);
        }

        return ~crc;
    }

    private static uint[] MakeTables()
    {
        var tables = new uint[8 * 256];
        for (uint i = 0; i < 256; i++)
        {
            uint crc = i;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ ((crc & 1) * Polynomial);
            }

            tables[i] = crc;
        }

        for (int i = 256; i < tables.Length; i++)
        {
            uint before = tables[i - 256];
            tables[i] = tables[(int)(before & 0xFF)] ^ (before >> 8);
        }

        return tables;
    }
}
