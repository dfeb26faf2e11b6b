using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace OrleansLake.Parquet.Encodings;

/// <summary>
/// Takes values of up to 32 bits out of bit-packed bytes, eight at a time where they begin with a byte. Bytes beyond the end
/// count as 0.
/// </summary>
internal static class BitUnpacking
{
    /// <summary>Values from bit <paramref name="bit"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Unpack(ReadOnlySpan<byte> from, long bit, int bitWidth, Span<int> values)
    {
        int i = 0;
        for (; (bit & 7) != 0 && i < values.Length; i++, bit += bitWidth)
        {
            values[i] = (int)BitPacking.Get(from, bit, bitWidth);
        }

        if (bitWidth is > 0 and <= 16 && Bmi2.X64.IsSupported && Vector256.IsHardwareAccelerated)
        {
            // Each group reads up to eight bytes behind its middle.
            int groups = Math.Min((values.Length - i) / 8, (int)Math.Max(0, (from.Length - (bit >> 3) - 16) / bitWidth));
            ref byte source = ref Unsafe.Add(ref MemoryMarshal.GetReference(from), (int)(bit >> 3));
            ref int target = ref Unsafe.Add(ref MemoryMarshal.GetReference(values), i);
            if (bitWidth <= 8)
            {
                Bytes(ref source, bitWidth, ref target, groups);
            }
            else
            {
                Shorts(ref source, bitWidth, ref target, groups);
            }

            i += groups * 8;
            bit += 8L * groups * bitWidth;
        }
        else if (bitWidth is > 0 and <= 32)
        {
            uint mask = (uint)((1UL << bitWidth) - 1);
            for (; i < values.Length && (bit >> 3) <= from.Length - 8; i++, bit += bitWidth)
            {
                values[i] = (int)((uint)(Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref MemoryMarshal.GetReference(from), (int)(bit >> 3))) >> (int)(bit & 7)) & mask);
            }
        }

        for (; i < values.Length; i++, bit += bitWidth)
        {
            values[i] = (int)BitPacking.Get(from, bit, bitWidth);
        }
    }

    /// <summary>Levels, and the largest of them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static uint Unpack(ReadOnlySpan<byte> from, long bit, int bitWidth, Span<byte> levels)
    {
        int i = 0;
        uint most = 0;
        for (; (bit & 7) != 0 && i < levels.Length; i++, bit += bitWidth)
        {
            uint level = (uint)BitPacking.Get(from, bit, bitWidth);
            most = Math.Max(most, level);
            levels[i] = (byte)level;
        }

        if (bitWidth is > 0 and <= 8 && Bmi2.X64.IsSupported)
        {
            int groups = Math.Min((levels.Length - i) / 8, (int)Math.Max(0, (from.Length - (bit >> 3) - 8) / bitWidth));
            ulong mask = ((1UL << bitWidth) - 1) * 0x0101010101010101;
            ref byte source = ref Unsafe.Add(ref MemoryMarshal.GetReference(from), (int)(bit >> 3));
            ref byte target = ref Unsafe.Add(ref MemoryMarshal.GetReference(levels), i);
            var largest = Vector128<byte>.Zero;
            for (int group = 0; group < groups; group++)
            {
                ulong eight = Bmi2.X64.ParallelBitDeposit(Unsafe.ReadUnaligned<ulong>(ref source), mask);
                Unsafe.WriteUnaligned(ref target, eight);
                largest = Vector128.Max(largest, Vector128.CreateScalar(eight).AsByte());
                source = ref Unsafe.Add(ref source, bitWidth);
                target = ref Unsafe.Add(ref target, 8);
            }

            for (int lane = 0; lane < 8; lane++)
            {
                most = Math.Max(most, largest[lane]);
            }

            i += groups * 8;
            bit += 8L * groups * bitWidth;
        }

        for (; i < levels.Length; i++, bit += bitWidth)
        {
            uint level = (uint)BitPacking.Get(from, bit, bitWidth);
            most = Math.Max(most, level);
            levels[i] = (byte)level;
        }

        return most;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Bytes(ref byte source, int bitWidth, ref int target, int groups)
    {
        ulong mask = ((1UL << bitWidth) - 1) * 0x0101010101010101;
        for (int group = 0; group < groups; group++)
        {
            ulong eight = Bmi2.X64.ParallelBitDeposit(Unsafe.ReadUnaligned<ulong>(ref source), mask);
            var shorts = Vector128.WidenLower(Vector128.CreateScalar(eight).AsByte());
            Vector256.Create(Vector128.WidenLower(shorts), Vector128.WidenUpper(shorts)).AsInt32().StoreUnsafe(ref target);
            source = ref Unsafe.Add(ref source, bitWidth);
            target = ref Unsafe.Add(ref target, 8);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Shorts(ref byte source, int bitWidth, ref int target, int groups)
    {
        ulong mask = ((1UL << bitWidth) - 1) * 0x0001000100010001;
        int half = bitWidth / 2;
        int shift = (bitWidth & 1) * 4;
        for (int group = 0; group < groups; group++)
        {
            ulong low = Bmi2.X64.ParallelBitDeposit(Unsafe.ReadUnaligned<ulong>(ref source), mask);
            ulong high = Bmi2.X64.ParallelBitDeposit(Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref source, half)) >> shift, mask);
            var shorts = Vector128.Create(low, high).AsUInt16();
            Vector256.Create(Vector128.WidenLower(shorts), Vector128.WidenUpper(shorts)).AsInt32().StoreUnsafe(ref target);
            source = ref Unsafe.Add(ref source, bitWidth);
            target = ref Unsafe.Add(ref target, 8);
        }
    }
}
