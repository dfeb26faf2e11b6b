using System.Buffers.Binary;
using OrleansLake.Parquet.Buffers;

namespace OrleansLake.Parquet.Codecs;

/// <summary>One LZ4 block without a frame. https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md</summary>
internal sealed class Lz4RawCodec : IPageCodec
{
    private const int SmallestMatch = 4;
    private const int LongestDistance = 65535;

    // The last five bytes are always literals, and the last match starts twelve bytes before the end or earlier.
    private const int LastLiterals = 5;
    private const int LastMatchDistance = 12;
    private const int HashBits = 14;

    public void Compress(ReadOnlySpan<byte> page, ByteBuffer destination)
    {
        var target = destination.Reserve(page.Length + page.Length / 255 + 16);
        destination.Advance(Compress(page, target, new int[1 << HashBits]));
    }

    public void Decompress(ReadOnlySpan<byte> page, Span<byte> destination)
    {
        int written = DecompressBlock(page, destination);
        if (written != destination.Length)
        {
            throw new ParquetFormatException($"lz4: expected {destination.Length} bytes, got {written}");
        }
    }

    // A match grows by up to 255 bytes with each byte of its length.
    public long LargestResult(ReadOnlySpan<byte> page) => 256L * page.Length;

    /// <summary>The bytes restored; throws where the block is not valid or the destination too small.</summary>
    public static int DecompressBlock(ReadOnlySpan<byte> from, Span<byte> to)
    {
        int read = 0;
        int written = 0;
        while (read < from.Length)
        {
            int token = from[read++];
            int literals = ReadLength(from, ref read, token >> 4);
            if (literals > from.Length - read || literals > to.Length - written)
            {
                throw Bad($"{literals} literals at {read}");
            }

            from.Slice(read, literals).CopyTo(to[written..]);
            read += literals;
            written += literals;
            if (read == from.Length)
            {
                return written;
            }

            if (from.Length - read < 2)
            {
                throw Bad($"no distance at {read}");
            }

            int distance = BinaryPrimitives.ReadUInt16LittleEndian(from[read..]);
            read += 2;
            int length = ReadLength(from, ref read, token & 15) + SmallestMatch;
            if (distance == 0 || distance > written || length > to.Length - written)
            {
                throw Bad($"a match of {length} bytes {distance} back at {read}");
            }

            // Source and destination may overlap: what was just written repeats.
            while (length > 0)
            {
                int taken = Math.Min(length, distance);
                to.Slice(written - distance, taken).CopyTo(to[written..]);
                written += taken;
                length -= taken;
            }
        }

        return written;
    }

    private static int ReadLength(ReadOnlySpan<byte> from, ref int read, int length)
    {
        if (length < 15)
        {
            return length;
        }

        byte more;
        do
        {
            if (read >= from.Length || length > int.MaxValue - 512)
            {
                throw Bad($"no length at {read}");
            }

            more = from[read++];
            length += more;
        }
        while (more == 255);
        return length;
    }

    private static int Compress(ReadOnlySpan<byte> from, Span<byte> to, int[] lastSeen)
    {
        int written = 0;
        int literalStart = 0;
        int at = 1;
        int lastMatch = from.Length - LastMatchDistance;
        while (at <= lastMatch)
        {
            uint four = BinaryPrimitives.ReadUInt32LittleEndian(from[at..]);
            ref int seen = ref lastSeen[four * 2654435761u >> (32 - HashBits)];
            int candidate = seen;
            seen = at;
            if (at - candidate > LongestDistance || BinaryPrimitives.ReadUInt32LittleEndian(from[candidate..]) != four || candidate == at)
            {
                // The longer nothing matches, the larger the steps.
                at += 1 + ((at - literalStart) >> 6);
                continue;
            }

            int length = SmallestMatch
                + from[(at + SmallestMatch)..^LastLiterals].CommonPrefixLength(from[(candidate + SmallestMatch)..]);
            written += WriteSequence(from[literalStart..at], at - candidate, length, to[written..]);
            at += length;
            literalStart = at;
        }

        return written + WriteSequence(from[literalStart..], 0, 0, to[written..]);
    }

    private static int WriteSequence(ReadOnlySpan<byte> literals, int distance, int length, Span<byte> to)
    {
        int match = distance == 0 ? 0 : length - SmallestMatch;
        to[0] = (byte)((Math.Min(literals.Length, 15) << 4) | Math.Min(match, 15));
        int written = WriteLength(literals.Length, to, 1);
        literals.CopyTo(to[written..]);
        written += literals.Length;
        if (distance != 0)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(to[written..], (ushort)distance);
            written = WriteLength(match, to, written + 2);
        }

        return written;
    }

    private static int WriteLength(int length, Span<byte> to, int written)
    {
        if (length >= 15)
        {
            for (length -= 15; length >= 255; length -= 255)
            {
                to[written++] = 255;
            }

            to[written++] = (byte)length;
        }

        return written;
    }

    private static ParquetFormatException Bad(string finding) => new($"lz4: {finding}");
}
