using System.Buffers.Binary;
using System.Text;

namespace OrleansLake.Iceberg.Avro;

/// <summary>
/// Reads values from the bytes of one block. Unions give the value of their branch, records an array of their fields'
/// values, arrays a list, key-value arrays and maps a dictionary.
/// </summary>
/// <remarks>
/// Counts and lengths are checked against the bytes that are left before anything is allocated for them. Values that take no
/// bytes are counted: a schema can ask for any number of them.
/// </remarks>
internal ref struct AvroDecoder(ReadOnlySpan<byte> bytes, string file, long firstPosition, long mostEmptyValues)
{
    private const int MaxDepth = 64;
    private const int FreeEmptyValues = 256;
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private int _position;
    private int _depth;
    private long _emptyValues;

    public readonly int Position => _position;

    /// <summary>Values so far that took no bytes.</summary>
    public readonly long EmptyValues => _emptyValues;

    public object? Read(AvroSchema schema)
    {
        switch (schema.Kind)
        {
            case AvroKind.Null:
                CountEmpty();
                return null;
            case AvroKind.Boolean:
                return Take(1)[0] switch
                {
                    0 => false,
                    1 => true,
                    var other => throw Error($"expected a boolean, got {other}"),
                };
            case AvroKind.Int or AvroKind.Enum:
                return ReadInt();
            case AvroKind.Long:
                return ReadLong();
            case AvroKind.Float:
                return BinaryPrimitives.ReadSingleLittleEndian(Take(4));
            case AvroKind.Double:
                return BinaryPrimitives.ReadDoubleLittleEndian(Take(8));
            case AvroKind.Bytes:
                return ReadBytes().ToArray();
            case AvroKind.String:
                return Encoding.UTF8.GetString(ReadBytes());
            case AvroKind.Fixed:
                return Take(schema.Size).ToArray();
            case AvroKind.Union:
                long branch = ReadLong();
                return branch >= 0 && branch < schema.Branches.Count
                    ? Read(schema.Branches[(int)branch])
                    : throw Error($"expected one of {schema.Branches.Count} branches, got {branch}");
        }

        CountEmpty();
        if (++_depth > MaxDepth)
        {
            throw Error($"expected values nested at most {MaxDepth} deep");
        }

        object value = schema.Kind switch
        {
            AvroKind.Record => ReadRecord(schema),
            AvroKind.Array when schema.IsKeyValueArray => ReadKeyValues(schema),
            AvroKind.Array => ReadArray(schema),
            _ => ReadMap(schema),
        };
        _depth--;
        return value;
    }

    public long ReadLong()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            if (_position >= _bytes.Length)
            {
                throw Error("expected a number, got the end");
            }

            byte one = _bytes[_position++];
            value |= (ulong)(one & 0x7F) << shift;
            if (one < 0x80)
            {
                return (long)(value >> 1) ^ -(long)(value & 1);
            }
        }

        throw Error("expected a number of at most 10 bytes");
    }

    public ReadOnlySpan<byte> ReadBytes()
    {
        long length = ReadLong();
        return length >= 0 && length <= _bytes.Length - _position
            ? Take((int)length)
            : throw Error($"expected a length of at most {_bytes.Length - _position} bytes that are left, got {length}");
    }

    public ReadOnlySpan<byte> Take(int length)
    {
        if (length > _bytes.Length - _position)
        {
            throw Error($"expected {length} bytes, got the end after {_bytes.Length - _position}");
        }

        var taken = _bytes.Slice(_position, length);
        _position += length;
        return taken;
    }

    /// <summary>The number of items in the next block of an array or map; 0 ends it.</summary>
    public int ReadItemCount(int minimumItemBytes)
    {
        long count = ReadLong();
        if (count < 0)
        {
            // A negative count is followed by the size of the block, for readers that skip.
            count = count == long.MinValue ? long.MaxValue : -count;
            ReadLong();
        }

        long most = minimumItemBytes > 0 ? (_bytes.Length - _position) / minimumItemBytes : mostEmptyValues;
        return count <= most ? (int)count : throw Error($"expected at most {most} items in what is left, got {count}");
    }

    private int ReadInt()
    {
        long value = ReadLong();
        return value is >= int.MinValue and <= int.MaxValue ? (int)value : throw Error($"expected a 32-bit number, got {value}");
    }

    private object?[] ReadRecord(AvroSchema schema)
    {
        var values = new object?[schema.Fields.Count];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = Read(schema.Fields[i].Schema);
        }

        return values;
    }

    private List<object?> ReadArray(AvroSchema schema)
    {
        var list = new List<object?>();
        int minimum = schema.Items!.MinimumBytes;
        for (int count = ReadItemCount(minimum); count > 0; count = ReadItemCount(minimum))
        {
            for (int i = 0; i < count; i++)
            {
                list.Add(Read(schema.Items!));
            }
        }

        return list;
    }

    private object ReadKeyValues(AvroSchema schema)
    {
        var (key, value) = (schema.Items!.Fields[0].Schema.Kind, schema.Items.Fields[1].Schema.Kind);
        return (key, value) switch
        {
            (AvroKind.Int, AvroKind.Long) => ReadLongs(),
            (AvroKind.Int, AvroKind.Bytes) => ReadBinaries(),
            _ => ReadArray(schema),
        };
    }

    private Dictionary<int, long> ReadLongs()
    {
        var map = new Dictionary<int, long>();
        for (int count = ReadItemCount(2); count > 0; count = ReadItemCount(2))
        {
            map.EnsureCapacity(map.Count + count);
            for (int i = 0; i < count; i++)
            {
                map[ReadInt()] = ReadLong();
            }
        }

        return map;
    }

    private Dictionary<int, byte[]> ReadBinaries()
    {
        var map = new Dictionary<int, byte[]>();
        for (int count = ReadItemCount(2); count > 0; count = ReadItemCount(2))
        {
            map.EnsureCapacity(map.Count + count);
            for (int i = 0; i < count; i++)
            {
                int key = ReadInt();
                map[key] = ReadBytes().ToArray();
            }
        }

        return map;
    }

    private Dictionary<string, object?> ReadMap(AvroSchema schema)
    {
        var map = new Dictionary<string, object?>(StringComparer.Ordinal);
        for (int count = ReadItemCount(1); count > 0; count = ReadItemCount(1))
        {
            for (int i = 0; i < count; i++)
            {
                string key = Encoding.UTF8.GetString(ReadBytes());
                map[key] = Read(schema.Items!);
            }
        }

        return map;
    }

    /// <summary>More values than these take no bytes only in a block that was made to do harm.</summary>
    public static long MostEmptyValues(int blockBytes) => FreeEmptyValues + (4L * blockBytes);

    // Null, and records, lists and maps beside what is in them.
    private void CountEmpty()
    {
        if (++_emptyValues > mostEmptyValues)
        {
            throw Error($"expected at most {mostEmptyValues} values that take no bytes");
        }
    }

    private readonly IcebergFormatException Error(string problem) => new(file, $"byte {firstPosition + _position}", problem);
}
