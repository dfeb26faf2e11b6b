using System.Buffers.Binary;

namespace OrleansLake.Iceberg.Puffin;

/// <summary>
/// Frames of LZ4, which Puffin may compress its footer with. Checksums of the frame are passed over.
/// https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
/// </summary>
internal static class Lz4Frame
{
    private const uint Magic = 0x184D2204;

    public static ReadOnlyMemory<byte> Decompress(ReadOnlySpan<byte> frame, int largest, string file, string place)
    {
        int at = 0;
        var output = new List<byte>();
        if (Take(frame, ref at, 4) is var magic && BinaryPrimitives.ReadUInt32LittleEndian(magic) != Magic)
        {
            throw Error("expected an LZ4 frame");
        }

        byte flags = Take(frame, ref at, 1)[0];
        Take(frame, ref at, 1);
        if (flags >> 6 != 1)
        {
            throw Error($"expected an LZ4 frame of version 1, got flags {flags:X2}");
        }

        // Content size, dictionary id, header checksum.
        Take(frame, ref at, ((flags & 8) != 0 ? 8 : 0) + ((flags & 1) != 0 ? 4 : 0) + 1);
        for (; ; )
        {
            uint size = BinaryPrimitives.ReadUInt32LittleEndian(Take(frame, ref at, 4));
            if (size == 0)
            {
                return output.ToArray();
            }

            bool isStored = size >> 31 != 0;
            size &= 0x7FFFFFFF;
            var block = Take(frame, ref at, (int)size);
            if (isStored)
            {
                output.AddRange(block);
            }
            else
            {
                Expand(block, output);
            }

            if ((flags & 16) != 0)
            {
                Take(frame, ref at, 4);
            }
        }

        void Expand(ReadOnlySpan<byte> block, List<byte> into)
        {
            int from = 0;
            while (from < block.Length)
            {
                byte token = block[from++];
                int literals = Length(block, ref from, token >> 4);
                into.AddRange(Take(block, ref from, literals));
                if (from == block.Length)
                {
                    return;
                }

                int back = BinaryPrimitives.ReadUInt16LittleEndian(Take(block, ref from, 2));
                int match = Length(block, ref from, token & 15) + 4;
                if (back == 0 || back > into.Count || into.Count + (long)match > largest)
                {
                    throw Error($"expected a match within the {into.Count} bytes before it, got one {back} back of {match} bytes");
                }

                for (int i = 0; i < match; i++)
                {
                    into.Add(into[^back]);
                }
            }
        }

        int Length(ReadOnlySpan<byte> block, ref int from, int first)
        {
            long length = first;
            for (byte more = 255; first == 15 && more == 255; length += more)
            {
                more = Take(block, ref from, 1)[0];
            }

            return length <= largest ? (int)length : throw Error($"expected at most {largest} bytes, got a run of {length}");
        }

        ReadOnlySpan<byte> Take(ReadOnlySpan<byte> bytes, ref int from, int length)
        {
            if (length < 0 || length > bytes.Length - from)
            {
                throw Error($"expected {length} bytes, got the end after {bytes.Length - from}");
            }

            from += length;
            return bytes.Slice(from - length, length);
        }

        IcebergFormatException Error(string problem) => new(file, place, problem);
    }
}
