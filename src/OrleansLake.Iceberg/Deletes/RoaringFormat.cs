using System.Buffers.Binary;

namespace OrleansLake.Iceberg.Deletes;

/// <summary>
/// The portable serialization of Roaring bitmaps, in 64 bits: bitmaps of 32 bits by their upper halves.
/// https://github.com/RoaringBitmap/RoaringFormatSpec
/// </summary>
internal static class RoaringFormat
{
    private const int CookieWithoutRuns = 12346;
    private const int CookieWithRuns = 12347;
    private const int BitmapBytes = 8192;

    /// <summary>From so many containers on, offsets stand in the header even where there are runs.</summary>
    private const int NoOffsetThreshold = 4;

    public static byte[] Write(PositionSet set)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        var bitmaps = set.Containers.GroupBy(pair => pair.Key >> 16).ToList();
        writer.Write((long)bitmaps.Count);
        foreach (var bitmap in bitmaps)
        {
            writer.Write((int)bitmap.Key);
            Write(writer, [.. bitmap.Select(pair => ((ushort)pair.Key, pair.Value))]);
        }

        return stream.ToArray();
    }

    /// <summary>Reads a bitmap that fills the bytes; every length is checked against what is left.</summary>
    public static PositionSet Read(ReadOnlySpan<byte> bytes, string file, string place)
    {
        var source = new Source(bytes, file, place);
        long bitmaps = source.Long();
        if (bitmaps < 0 || bitmaps > source.Left / 12)
        {
            throw source.Error($"expected a count of bitmaps that fits {source.Left} bytes, got {bitmaps}");
        }

        var set = new PositionSet();
        long last = -1;
        for (; bitmaps > 0; bitmaps--)
        {
            int key = source.Int();
            if (key <= last || key == int.MaxValue)
            {
                throw source.Error($"expected a key above {last}, got {key}");
            }

            last = key;
            ReadBitmap(ref source, (long)key << 16, set);
        }

        return source.Left == 0 ? set : throw source.Error($"expected the end, got {source.Left} bytes more");
    }

    private static void Write(BinaryWriter writer, IReadOnlyList<(ushort Key, PositionContainer Container)> containers)
    {
        long begin = writer.BaseStream.Position;
        var runs = containers.Select(one => one.Container.Runs()).Select((all, i) => 2 + (4 * all.Count) < SizeOf(containers[i].Container) ? all : null).ToList();
        bool hasRuns = runs.Any(one => one is not null);
        if (hasRuns)
        {
            writer.Write(CookieWithRuns | ((containers.Count - 1) << 16));
            var flags = new byte[(containers.Count + 7) / 8];
            for (int i = 0; i < runs.Count; i++)
            {
                flags[i / 8] |= (byte)(runs[i] is null ? 0 : 1 << (i % 8));
            }

            writer.Write(flags);
        }
        else
        {
            writer.Write(CookieWithoutRuns);
            writer.Write(containers.Count);
        }

        foreach (var (key, container) in containers)
        {
            writer.Write(key);
            writer.Write((ushort)(container.Count - 1));
        }

        if (!hasRuns || containers.Count >= NoOffsetThreshold)
        {
            long position = writer.BaseStream.Position - begin + (4L * containers.Count);
            for (int i = 0; i < containers.Count; i++)
            {
                writer.Write((int)position);
                position += runs[i] is { } some ? 2 + (4 * some.Count) : SizeOf(containers[i].Container);
            }
        }

        for (int i = 0; i < containers.Count; i++)
        {
            if (runs[i] is { } some)
            {
                writer.Write((ushort)some.Count);
                foreach (var (first, final) in some)
                {
                    writer.Write(first);
                    writer.Write((ushort)(final - first));
                }
            }
            else if (containers[i].Container.Bits is { } bits)
            {
                foreach (ulong word in bits)
                {
                    writer.Write(word);
                }
            }
            else
            {
                foreach (ushort value in containers[i].Container.Array)
                {
                    writer.Write(value);
                }
            }
        }
    }

    private static int SizeOf(PositionContainer container) => container.Bits is null ? 2 * container.Count : BitmapBytes;

    private static void ReadBitmap(ref Source source, long high, PositionSet set)
    {
        int cookie = source.Int();
        int count;
        ReadOnlySpan<byte> isRun = default;
        if ((cookie & 0xFFFF) == CookieWithRuns)
        {
            count = (cookie >>> 16) + 1;
            isRun = source.Take((count + 7) / 8);
        }
        else
        {
            count = cookie == CookieWithoutRuns ? source.Int() : throw source.Error($"expected a Roaring bitmap, got cookie {cookie}");
            if (count is < 0 or > 65_536)
            {
                throw source.Error($"expected at most 65536 containers, got {count}");
            }
        }

        var header = source.Take(4 * count);
        if (isRun.IsEmpty || count >= NoOffsetThreshold)
        {
            // The containers stand in their order without gaps, so their offsets say nothing more.
            source.Take(4 * count);
        }

        int lastKey = -1;
        for (int i = 0; i < count; i++)
        {
            int key = BinaryPrimitives.ReadUInt16LittleEndian(header[(4 * i)..]);
            int cardinality = BinaryPrimitives.ReadUInt16LittleEndian(header[((4 * i) + 2)..]) + 1;
            if (key <= lastKey)
            {
                throw source.Error($"expected a container key above {lastKey}, got {key}");
            }

            lastKey = key;
            var bits = new ulong[1024];
            if (!isRun.IsEmpty && (isRun[i / 8] >> (i % 8) & 1) != 0)
            {
                ReadRuns(ref source, bits);
            }
            else if (cardinality > PositionContainer.LargestArray)
            {
                var words = source.Take(BitmapBytes);
                for (int word = 0; word < bits.Length; word++)
                {
                    bits[word] = BinaryPrimitives.ReadUInt64LittleEndian(words[(8 * word)..]);
                }
            }
            else
            {
                var values = source.Take(2 * cardinality);
                for (int j = 0; j < cardinality; j++)
                {
                    ushort value = BinaryPrimitives.ReadUInt16LittleEndian(values[(2 * j)..]);
                    bits[value >> 6] |= 1UL << (value & 63);
                }
            }

            var container = PositionContainer.Of(bits);
            set.Containers[high | (long)key] = container.Count == cardinality
                ? container
                : throw source.Error($"container {key}: expected {cardinality} numbers, got {container.Count}");
        }
    }

    private static void ReadRuns(ref Source source, ulong[] bits)
    {
        for (int runs = source.Short(); runs > 0; runs--)
        {
            int first = source.Short();
            int last = first + source.Short();
            if (last > ushort.MaxValue)
            {
                throw source.Error($"expected a run that ends by 65535, got {first} to {last}");
            }

            for (int value = first; value <= last; value++)
            {
                bits[value >> 6] |= 1UL << (value & 63);
            }
        }
    }

    private ref struct Source(ReadOnlySpan<byte> bytes, string file, string place)
    {
        private readonly ReadOnlySpan<byte> _bytes = bytes;
        private int _position;

        public readonly int Left => _bytes.Length - _position;

        public ReadOnlySpan<byte> Take(int length)
        {
            if (length > Left)
            {
                throw Error($"expected {length} bytes, got the end after {Left}");
            }

            _position += length;
            return _bytes.Slice(_position - length, length);
        }

        public int Short() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2));

        public int Int() => BinaryPrimitives.ReadInt32LittleEndian(Take(4));

        public long Long() => BinaryPrimitives.ReadInt64LittleEndian(Take(8));

        public readonly IcebergFormatException Error(string problem) => new(file, FormattableString.Invariant($"{place}, byte {_position}"), problem);
    }
}
