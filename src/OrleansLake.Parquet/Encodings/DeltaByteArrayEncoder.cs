using System.Runtime.CompilerServices;
using OrleansLake.Parquet.Buffers;

namespace OrleansLake.Parquet.Encodings;

/// <summary>Byte arrays whose lengths, or whose shared beginnings, stand by themselves.</summary>
internal static class DeltaByteArrayEncoder
{
    /// <summary>
    /// All lengths as differences, then all bytes: DELTA_LENGTH_BYTE_ARRAY. <paramref name="lengths"/>: room for one a value.
    /// https://parquet.apache.org/docs/file-format/data-pages/encodings/#DELTALENGTH
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void EncodeLengths(ReadOnlySpan<byte> bytes, ReadOnlySpan<int> offsets, Span<int> lengths, ByteBuffer destination)
    {
        for (int i = 0; i < lengths.Length; i++)
        {
            lengths[i] = offsets[i + 1] - offsets[i];
        }

        DeltaBinaryPackedEncoder.Encode(lengths, destination);
        destination.Write(bytes[offsets[0]..offsets[^1]]);
    }

    /// <summary>
    /// How many bytes each value shares with the one before it, then the rests: DELTA_BYTE_ARRAY.
    /// https://parquet.apache.org/docs/file-format/data-pages/encodings/#DELTABYTEARRAY
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void EncodePrefixes(ReadOnlySpan<byte> bytes, ReadOnlySpan<int> offsets, Span<int> prefixes, Span<int> suffixes, ByteBuffer destination)
    {
        ReadOnlySpan<byte> last = [];
        int rest = 0;
        for (int i = 0; i < prefixes.Length; i++)
        {
            var value = bytes[offsets[i]..offsets[i + 1]];
            int prefix = last.CommonPrefixLength(value);
            prefixes[i] = prefix;
            suffixes[i] = value.Length - prefix;
            rest += value.Length - prefix;
            last = value;
        }

        DeltaBinaryPackedEncoder.Encode(prefixes, destination);
        DeltaBinaryPackedEncoder.Encode(suffixes, destination);
        var target = destination.Reserve(rest);
        int written = 0;
        for (int i = 0; i < prefixes.Length; i++)
        {
            bytes.Slice(offsets[i] + prefixes[i], suffixes[i]).CopyTo(target[written..]);
            written += suffixes[i];
        }

        destination.Advance(rest);
    }
}
