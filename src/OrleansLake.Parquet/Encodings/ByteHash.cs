using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Aes = System.Runtime.Intrinsics.X86.Aes;

namespace OrleansLake.Parquet.Encodings;

/// <summary>
/// Hashes of byte arrays for dictionaries. What takes 32 bytes at most is hashed without a branch on its length, which no
/// processor could foresee.
/// </summary>
internal static class ByteHash
{
    /// <summary>Bytes that are read of a short value, however long it is.</summary>
    public const int Wide = 32;

    private const ulong K0 = 0xA0761D6478BD642F, K1 = 0xE7037ED1A0B428DB, K2 = 0x8EBC6AF09C88C6E3, K3 = 0x589965CC75374CC3;

    /// <summary>A bit that every hash has, so that none is 0.</summary>
    private const uint Set = 1u << 31;

    private static ReadOnlySpan<byte> Masks =>
    [
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];

    /// <summary>Ones over the first so many bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Mask(int length) =>
        Vector256.LoadUnsafe(ref MemoryMarshal.GetReference(Masks), (nuint)(Wide - length));

    /// <summary>Of a value of more than <see cref="Wide"/> bytes.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static uint OfLong(ref byte value, int length)
    {
        ulong state = K0;
        int at = 0;
        for (; at < length - 16; at += 16)
        {
            state = Fold(
                Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref value, at)) ^ K1,
                Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref value, at + 8)) ^ state);
        }

        ulong hash = Fold(
            Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref value, length - 16)) ^ state ^ K0,
            Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref value, length - 8)) ^ K1 ^ (uint)length);
        return (uint)(hash ^ (hash >> 32)) | Set;
    }

    /// <summary>Of a value of up to <see cref="Wide"/> bytes with zeros behind it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Of(Vector256<byte> value, int length)
    {
        if (Aes.IsSupported)
        {
            // Three rounds carry every bit into every other.
            var mixed = Aes.Encrypt(value.GetLower() ^ Vector128.Create(K0, K1).AsByte(), value.GetUpper());
            mixed = Aes.Encrypt(mixed, Vector128.Create(K2, (uint)length).AsByte());
            mixed = Aes.Encrypt(mixed, Vector128.Create(K3, K0).AsByte());
            return mixed.AsUInt32().ToScalar() | Set;
        }

        var words = value.AsUInt64();
        ulong hash = Fold(words.GetElement(0) ^ K0, words.GetElement(1) ^ K1 ^ (uint)length)
            ^ Fold(words.GetElement(2) ^ K2, words.GetElement(3) ^ K3);
        return (uint)(hash ^ (hash >> 32)) | Set;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Fold(ulong a, ulong b)
    {
        ulong high = Math.BigMul(a, b, out ulong low);
        return high ^ low;
    }
}
