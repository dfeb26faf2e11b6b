using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace OrleansLake.Parquet.Encodings;

/// <summary>Values of a fixed number of bits side by side, the first in the lowest bits, in groups of eight.</summary>
internal static class BitPacking
{
    /// <summary>Bytes that packing may write beyond its result.</summary>
    public const int Slack = 16;

    /// <summary>Packs whole groups of eight, each into <paramref name="bitWidth"/> bytes (1 to 32).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pack(ReadOnlySpan<int> values, int bitWidth, Span<byte> target)
    {
        ulong mask = (1UL << bitWidth) - 1;
        ulong highMask = mask << bitWidth;
        int highShift = 32 - bitWidth;
        int pair = 2 * bitWidth;
        var pairs = MemoryMarshal.Cast<int, ulong>(values);
        ref ulong from = ref MemoryMarshal.GetReference(pairs);
        ref byte to = ref MemoryMarshal.GetReference(target);
        if (bitWidth <= 8)
        {
            for (int i = 0; i < pairs.Length; i += 4)
            {
                ulong packed = Two(Unsafe.Add(ref from, i), mask, highMask, highShift)
                    | (Two(Unsafe.Add(ref from, i + 1), mask, highMask, highShift) << pair)
                    | (Two(Unsafe.Add(ref from, i + 2), mask, highMask, highShift) << (2 * pair))
                    | (Two(Unsafe.Add(ref from, i + 3), mask, highMask, highShift) << (3 * pair));
                Unsafe.WriteUnaligned(ref to, packed);
                to = ref Unsafe.Add(ref to, bitWidth);
            }
        }
        else if (bitWidth < 16)
        {
            for (int i = 0; i < pairs.Length; i += 4)
            {
                ulong low = Two(Unsafe.Add(ref from, i), mask, highMask, highShift)
                    | (Two(Unsafe.Add(ref from, i + 1), mask, highMask, highShift) << pair);
                ulong high = Two(Unsafe.Add(ref from, i + 2), mask, highMask, highShift)
                    | (Two(Unsafe.Add(ref from, i + 3), mask, highMask, highShift) << pair);
                Unsafe.WriteUnaligned(ref to, low | (high << (2 * pair)));
                Unsafe.WriteUnaligned(ref Unsafe.Add(ref to, 8), high >> (64 - 2 * pair));
                to = ref Unsafe.Add(ref to, bitWidth);
            }
        }
        else
        {
            ulong pending = 0;
            int bits = 0;
            for (int i = 0; i < pairs.Length; i++)
            {
                ulong two = Two(Unsafe.Add(ref from, i), mask, highMask, highShift);
                pending |= two << bits;
                int free = 64 - bits;
                bits += pair;
                if (bits >= 64)
                {
                    Unsafe.WriteUnaligned(ref to, pending);
                    to = ref Unsafe.Add(ref to, 8);
                    bits -= 64;
                    pending = free == 64 ? 0 : two >> free;
                }
            }

            // Eight values take whole bytes, but not always whole eights of bytes.
            for (; bits > 0; bits -= 8)
            {
                to = (byte)pending;
                pending >>= 8;
                to = ref Unsafe.Add(ref to, 1);
            }
        }
    }

    /// <summary>Packs whole groups of eight levels (1 to 8 bits).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pack(ReadOnlySpan<byte> levels, int bitWidth, Span<byte> target)
    {
        ulong mask = ((1UL << bitWidth) - 1) * 0x0101010101010101;
        var groups = MemoryMarshal.Cast<byte, ulong>(levels);
        for (int i = 0; i < groups.Length; i++)
        {
            Unsafe.WriteUnaligned(ref target[i * bitWidth], Squeeze(groups[i], mask, bitWidth));
        }
    }

    /// <summary>Packs values of up to 64 bits; whole bytes are filled with zeros.</summary>
    /// <returns>Bytes written.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Pack(ReadOnlySpan<ulong> values, int bitWidth, Span<byte> target)
    {
        if (bitWidth == 0)
        {
            return 0;
        }

        ref byte to = ref MemoryMarshal.GetReference(target);
        ulong pending = 0;
        int bits = 0;
        foreach (ulong value in values)
        {
            pending |= value << bits;
            int free = 64 - bits;
            bits += bitWidth;
            if (bits >= 64)
            {
                Unsafe.WriteUnaligned(ref to, pending);
                to = ref Unsafe.Add(ref to, 8);
                bits -= 64;
                pending = free == 64 ? 0 : value >> free;
            }
        }

        for (; bits > 0; bits -= 8)
        {
            to = (byte)pending;
            pending >>= 8;
            to = ref Unsafe.Add(ref to, 1);
        }

        return (values.Length * bitWidth + 7) / 8;
    }

    /// <summary>One value of up to 64 bits from bit <paramref name="bit"/> on; bytes beyond the end count as 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Get(ReadOnlySpan<byte> from, long bit, int bitWidth)
    {
        int at = (int)(bit >> 3);
        int shift = (int)(bit & 7);
        ulong mask = bitWidth == 64 ? ulong.MaxValue : (1UL << bitWidth) - 1;
        if (from.Length - at >= 9)
        {
            ulong low = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref MemoryMarshal.GetReference(from), at)) >> shift;
            ulong high = shift == 0 ? 0 : (ulong)Unsafe.Add(ref MemoryMarshal.GetReference(from), at + 8) << (64 - shift);
            return (low | high) & mask;
        }

        return GetAtEnd(from, at, shift) & mask;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong GetAtEnd(ReadOnlySpan<byte> from, int at, int shift)
    {
        UInt128 value = 0;
        for (int i = 0; i < 9 && at + i < from.Length; i++)
        {
            value |= (UInt128)from[at + i] << (8 * i);
        }

        return (ulong)(value >> shift);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Two(ulong pair, ulong mask, ulong highMask, int highShift) =>
        (pair & mask) | ((pair >> highShift) & highMask);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Squeeze(ulong eight, ulong mask, int bitWidth)
    {
        if (Bmi2.X64.IsSupported)
        {
            return Bmi2.X64.ParallelBitExtract(eight, mask);
        }

        ulong packed = 0;
        eight &= mask;
        for (int i = 0; i < 8; i++)
        {
            packed |= ((eight >> (8 * i)) & 0xFF) << (i * bitWidth);
        }

        return packed;
    }
}
