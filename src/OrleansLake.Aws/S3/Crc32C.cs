using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace OrleansLake.Aws;

/// <summary>CRC-32C (Castagnoli; RFC 3720, appendix B.4) as S3 has it in headers: big-endian, base64.</summary>
internal static class Crc32C
{
    /// <summary>The checksum of some bytes, as the header has it.</summary>
    public static string HeaderOf(ReadOnlySpan<byte> bytes)
    {
        Span<byte> big = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(big, Of(bytes));
        return Convert.ToBase64String(big);
    }

    /// <summary>The checksum.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        int whole = bytes.Length & ~7;
        foreach (ulong eight in MemoryMarshal.Cast<byte, ulong>(bytes[..whole]))
        {
            crc = BitOperations.Crc32C(crc, BitConverter.IsLittleEndian ? eight : BinaryPrimitives.ReverseEndianness(eight));
        }

        foreach (byte one in bytes[whole..])
        {
            crc = BitOperations.Crc32C(crc, one);
        }

        return ~crc;
    }
}
