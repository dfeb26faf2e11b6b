using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using OrleansLake.Parquet.Buffers;

namespace OrleansLake.Parquet.Encodings;

/// <summary>
/// The hybrid of runs and bit-packed groups of eight, for levels and dictionary indices.
/// https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE
/// </summary>
internal static class RleEncoder
{
    private const int Group = 8;

    public static int BitWidth(int largest) => 32 - BitOperations.LeadingZeroCount((uint)largest);

    /// <summary>Appends the values, each below 2^<paramref name="bitWidth"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Encode(ReadOnlySpan<int> values, int bitWidth, ByteBuffer destination)
    {
        if (bitWidth == 0)
        {
            WriteRun(0, values.Length, 0, destination);
            return;
        }

        int shortestRun = ShortestRun(bitWidth);
        int at = 0;
        int packedFrom = 0;
        while (at + Group <= values.Length)
        {
            int value = values[at];
            if (values[at + Group - 1] == value && values[at + 1] == value)
            {
                int run = values[at..].IndexOfAnyExcept(value);
                run = run < 0 ? values.Length - at : run;
                if (run >= shortestRun)
                {
                    WritePacked(values[packedFrom..at], bitWidth, destination);
                    WriteRun(value, run, bitWidth, destination);
                    at += run;
                    packedFrom = at;
                    continue;
                }
            }

            at += Group;
        }

        WritePacked(values[packedFrom..], bitWidth, destination);
    }

    /// <summary>Appends levels, each below 2^<paramref name="bitWidth"/> (8 at most).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Encode(ReadOnlySpan<byte> levels, int bitWidth, ByteBuffer destination)
    {
        int shortestRun = ShortestRun(bitWidth);
        int at = 0;
        int packedFrom = 0;
        while (at + Group <= levels.Length)
        {
            ulong eight = MemoryMarshal.Read<ulong>(levels[at..]);
            if (eight == (eight & 0xFF) * 0x0101010101010101)
            {
                int run = levels[at..].IndexOfAnyExcept(levels[at]);
                run = run < 0 ? levels.Length - at : run;
                if (run >= shortestRun)
                {
                    WritePacked(levels[packedFrom..at], bitWidth, destination);
                    WriteRun(levels[at], run, bitWidth, destination);
                    at += run;
                    packedFrom = at;
                    continue;
                }
            }

            at += Group;
        }

        if (packedFrom == at && levels.Length - at is > 0 and < Group && levels[at..].IndexOfAnyExcept(levels[at]) < 0)
        {
            WriteRun(levels[at], levels.Length - at, bitWidth, destination);
            return;
        }

        WritePacked(levels[packedFrom..], bitWidth, destination);
    }

    // A run costs its header, its value, and the header of the packed groups that it interrupts.
    private static int ShortestRun(int bitWidth) => Math.Max(Group, (4 + (bitWidth + 7) / 8) * 8 / bitWidth);

    private static void WriteRun(int value, int length, int bitWidth, ByteBuffer destination)
    {
        if (length == 0)
        {
            return;
        }

        destination.WriteVarint((ulong)length << 1);
        for (int bits = 0; bits < bitWidth; bits += 8)
        {
            destination.WriteByte((byte)(value >> bits));
        }
    }

    private static void WritePacked(ReadOnlySpan<int> values, int bitWidth, ByteBuffer destination)
    {
        if (values.IsEmpty)
        {
            return;
        }

        int groups = (values.Length + Group - 1) / Group;
        destination.WriteVarint(((ulong)groups << 1) | 1);
        var target = destination.Reserve(groups * bitWidth + BitPacking.Slack);
        int whole = values.Length / Group;
        BitPacking.Pack(values[..(whole * Group)], bitWidth, target);
        if (whole < groups)
        {
            Span<int> last = stackalloc int[Group];
            last.Clear();
            values[(whole * Group)..].CopyTo(last);
            BitPacking.Pack(last, bitWidth, target[(whole * bitWidth)..]);
        }

        destination.Advance(groups * bitWidth);
    }

    private static void WritePacked(ReadOnlySpan<byte> levels, int bitWidth, ByteBuffer destination)
    {
        if (levels.IsEmpty)
        {
            return;
        }

        int groups = (levels.Length + Group - 1) / Group;
        destination.WriteVarint(((ulong)groups << 1) | 1);
        var target = destination.Reserve(groups * bitWidth + BitPacking.Slack);
        int whole = levels.Length / Group;
        BitPacking.Pack(levels[..(whole * Group)], bitWidth, target);
        if (whole < groups)
        {
            Span<byte> last = stackalloc byte[Group];
            last.Clear();
            levels[(whole * Group)..].CopyTo(last);
            BitPacking.Pack(last, bitWidth, target[(whole * bitWidth)..]);
        }

        destination.Advance(groups * bitWidth);
    }
}
