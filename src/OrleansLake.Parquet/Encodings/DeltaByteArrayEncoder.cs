using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using OrleansLake.Parquet.Buffers;

namespace OrleansLake.Parquet.Encodings;

/// <summary>Byte arrays whose lengths, or whose shared beginnings, stand by themselves.</summary>
internal static class DeltaByteArrayEncoder
{
    /// <summary>Bytes that are read and written of a short rest, however long it is.</summary>
    private const int Wide = 32;

    /// <summary>
    /// All lengths as differences, then all bytes: DELTA_LENGTH_BYTE_ARRAY. <paramref name="lengths"/>: room for one a value.
    /// https://parquet.apache.org/docs/file-format/data-pages/encodings/#DELTALENGTH
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void EncodeLengths(ReadOnlySpan<byte> bytes, ReadOnlySpan<int> offsets, Span<int> lengths, ByteBuffer destination)
    {
        int i = 0;
        for (; i <= lengths.Length - Vector<int>.Count; i += Vector<int>.Count)
        {
            (new Vector<int>(offsets[(i + 1)..]) - new Vector<int>(offsets[i..])).CopyTo(lengths[i..]);
        }

        for (; i < lengths.Length; i++)
        {
            lengths[i] = offsets[i + 1] - offsets[i];
        }

        DeltaBinaryPackedEncoder.Encode(lengths, destination);
        destination.Write(bytes[offsets[0]..offsets[^1]]);
    }

    /// <summary>
    /// How many bytes each value shares with the one before it, then the rests: DELTA_BYTE_ARRAY. <paramref name="rests"/> is
    /// for this method alone. https://parquet.apache.org/docs/file-format/data-pages/encodings/#DELTABYTEARRAY
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void EncodePrefixes(
        ReadOnlySpan<byte> bytes, ReadOnlySpan<int> offsets, Span<int> prefixes, Span<int> suffixes, ByteBuffer rests, ByteBuffer destination)
    {
        rests.Clear();
        var target = rests.Reserve(checked(offsets[^1] - offsets[0] + Wide));
        ref byte to = ref MemoryMarshal.GetReference(target);
        ref byte from = ref MemoryMarshal.GetReference(bytes);
        int written = 0;
        int lastStart = offsets[0], lastLength = 0;
        for (int i = 0; i < prefixes.Length; i++)
        {
            int start = offsets[i];
            int length = offsets[i + 1] - start;
            int prefix = SharedBytes(bytes, lastStart, start, Math.Min(lastLength, length));
            int rest = length - prefix;
            prefixes[i] = prefix;
            suffixes[i] = rest;
            int at = start + prefix;
            if (rest <= Wide && at <= bytes.Length - Wide)
            {
                Vector256.LoadUnsafe(ref from, (nuint)at).StoreUnsafe(ref to, (nuint)written);
            }
            else
            {
                bytes.Slice(at, rest).CopyTo(target[written..]);
            }

            written += rest;
            (lastStart, lastLength) = (start, length);
        }

        DeltaBinaryPackedEncoder.Encode(prefixes, destination);
        DeltaBinaryPackedEncoder.Encode(suffixes, destination);
        rests.Advance(written);
        destination.Write(rests.Written);
    }

    /// <summary>Bytes that two values have in common from their beginning, of <paramref name="most"/> that both have.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int SharedBytes(ReadOnlySpan<byte> bytes, int left, int right, int most)
    {
        ref byte all = ref MemoryMarshal.GetReference(bytes);
        if (right <= bytes.Length - 8)
        {
            // The value before lies before.
            ulong differing = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref all, left)) ^ Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref all, right));
            if (differing != 0)
            {
                return Math.Min(BitOperations.TrailingZeroCount(differing) >> 3, most);
            }
        }

        return bytes.Slice(left, most).CommonPrefixLength(bytes.Slice(right, most));
    }
}
