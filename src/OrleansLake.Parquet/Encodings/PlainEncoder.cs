using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace OrleansLake.Parquet.Encodings;

/// <summary>Byte arrays one after the other, each behind its length.</summary>
internal static class PlainEncoder
{
    /// <summary>Bytes that may be written beyond the result.</summary>
    public const int Slack = 32;

    /// <returns>Bytes written.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int WriteByteArrays(ReadOnlySpan<byte> bytes, ReadOnlySpan<int> offsets, Span<byte> target)
    {
        ref byte from = ref MemoryMarshal.GetReference(bytes);
        ref byte to = ref MemoryMarshal.GetReference(target);
        int written = 0;
        int start = offsets[0];
        int lastWide = bytes.Length - 32;
        for (int i = 1; i < offsets.Length; i++)
        {
            int end = offsets[i];
            int length = end - start;
            Unsafe.WriteUnaligned(ref Unsafe.Add(ref to, written), length);
            written += 4;
            if (length <= 32 && start <= lastWide)
            {
                // Always 32 bytes: the next value, or nobody, overwrites what is too much.
                Vector256.LoadUnsafe(ref from, (nuint)start).StoreUnsafe(ref to, (nuint)written);
            }
            else
            {
                bytes[start..end].CopyTo(target[written..]);
            }

            written += length;
            start = end;
        }

        return written;
    }
}
