using System.Text;

namespace OrleansLake.Parquet.Thrift;

/// <summary>
/// Reads Thrift's compact protocol from bytes that may be anything: no length or count is believed before it is compared
/// with the bytes that are left.
/// </summary>
internal ref struct ThriftReader
{
    private const int DeepestSkip = 64;

    private readonly ReadOnlySpan<byte> _bytes;
    private ThriftType _type;

    public ThriftReader(ReadOnlySpan<byte> bytes)
    {
        _bytes = bytes;
        Position = 0;
        _type = ThriftType.Stop;
    }

    public int Position { get; private set; }

    /// <summary>The type of the field just found.</summary>
    public readonly ThriftType FieldType => _type;

    private readonly int Left => _bytes.Length - Position;

    /// <summary>The next field of a struct whose last field was <paramref name="id"/> (0 at first); false at its end.</summary>
    public bool NextField(ref short id)
    {
        byte head = ReadByte();
        _type = (ThriftType)(head & 15);
        if (_type == ThriftType.Stop)
        {
            return false;
        }

        int delta = head >> 4;
        long next = delta != 0 ? id + delta : ReadZigzag();
        if (next is < short.MinValue or > short.MaxValue)
        {
            throw Bad($"expected a field id, got {next}");
        }

        id = (short)next;
        return true;
    }

    public bool Bool() => _type switch
    {
        ThriftType.True => true,
        ThriftType.False => false,
        _ => throw Bad($"expected a bool, got type {(int)_type}"),
    };

    public int Int32()
    {
        long value = Int64();
        return value is >= int.MinValue and <= int.MaxValue ? (int)value : throw Bad($"expected 32 bits, got {value}");
    }

    public long Int64() => _type switch
    {
        ThriftType.Int16 or ThriftType.Int32 or ThriftType.Int64 => ReadZigzag(),
        ThriftType.Byte => (sbyte)ReadByte(),
        _ => throw Bad($"expected an integer, got type {(int)_type}"),
    };

    public ReadOnlySpan<byte> Binary()
    {
        Expect(ThriftType.Binary);
        ulong length = ReadVarint();
        if (length > (ulong)Left)
        {
            throw new EndOfThriftException($"position {Position}: expected {length} bytes, {Left} are left");
        }

        var value = _bytes.Slice(Position, (int)length);
        Position += (int)length;
        return value;
    }

    public string String() => Encoding.UTF8.GetString(Binary());

    public readonly void ExpectStruct() => Expect(ThriftType.Struct);

    /// <summary>The count of a list whose elements are of the given type. Read each with the method of its type.</summary>
    public int List(ThriftType elements)
    {
        Expect(ThriftType.List);
        var (type, count) = ReadListHead();
        bool fits = type == elements
            || (elements == ThriftType.True && type == ThriftType.False)
            || (elements is ThriftType.Int32 or ThriftType.Int64 && type is ThriftType.Byte or ThriftType.Int16 or ThriftType.Int32 or ThriftType.Int64);
        if (!fits && count > 0)
        {
            throw Bad($"expected a list of type {(int)elements}, got type {(int)type}");
        }

        _type = elements == ThriftType.True ? ThriftType.True : type;
        return count;
    }

    /// <summary>One element of a list of bools.</summary>
    public bool BoolElement() => ReadByte() == (byte)ThriftType.True;

    /// <summary>Passes over the value of the field just found.</summary>
    public void Skip() => Skip(_type, 0, inList: false);

    private void Skip(ThriftType type, int depth, bool inList)
    {
        if (depth > DeepestSkip)
        {
            throw Bad("nested too deeply");
        }

        switch (type)
        {
            case ThriftType.True or ThriftType.False:
                Advance(inList ? 1 : 0);
                break;
            case ThriftType.Byte:
                Advance(1);
                break;
            case ThriftType.Int16 or ThriftType.Int32 or ThriftType.Int64:
                ReadVarint();
                break;
            case ThriftType.Double:
                Advance(8);
                break;
            case ThriftType.Uuid:
                Advance(16);
                break;
            case ThriftType.Binary:
                _type = ThriftType.Binary;
                Binary();
                break;
            case ThriftType.List or ThriftType.Set:
                var (element, count) = ReadListHead();
                for (int i = 0; i < count; i++)
                {
                    Skip(element, depth + 1, inList: true);
                }

                break;
            case ThriftType.Map:
                ulong pairs = ReadVarint();
                if (pairs > (ulong)Left)
                {
                    throw new EndOfThriftException($"position {Position}: a map of {pairs} pairs, {Left} bytes are left");
                }

                byte types = pairs == 0 ? (byte)0 : ReadByte();
                for (ulong i = 0; i < pairs; i++)
                {
                    Skip((ThriftType)(types >> 4), depth + 1, inList: true);
                    Skip((ThriftType)(types & 15), depth + 1, inList: true);
                }

                break;
            case ThriftType.Struct:
                short id = 0;
                while (NextField(ref id))
                {
                    Skip(_type, depth + 1, inList: false);
                }

                break;
            default:
                throw Bad($"unknown type {(int)type}");
        }
    }

    private (ThriftType Type, int Count) ReadListHead()
    {
        byte head = ReadByte();
        ulong count = (ulong)head >> 4;
        if (count == 15)
        {
            count = ReadVarint();
        }

        // Every element takes a byte at least.
        return count <= (ulong)Left
            ? ((ThriftType)(head & 15), (int)count)
            : throw new EndOfThriftException($"position {Position}: a list of {count} elements, {Left} bytes are left");
    }

    private long ReadZigzag()
    {
        ulong value = ReadVarint();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    private ulong ReadVarint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 70; shift += 7)
        {
            byte next = ReadByte();
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }

        throw Bad("an integer longer than ten bytes");
    }

    private byte ReadByte() =>
        Position < _bytes.Length ? _bytes[Position++] : throw new EndOfThriftException($"position {Position}: the bytes end too early");

    private void Advance(int bytes)
    {
        if (bytes > Left)
        {
            throw new EndOfThriftException($"position {Position}: the bytes end too early");
        }

        Position += bytes;
    }

    private readonly void Expect(ThriftType type)
    {
        if (_type != type)
        {
            throw Bad($"expected type {(int)type}, got type {(int)_type}");
        }
    }

    private readonly ParquetFormatException Bad(string finding) => new($"Thrift at {Position}: {finding}");
}

/// <summary>The bytes end inside a struct: a reader that holds only a part of them may try again with more.</summary>
internal sealed class EndOfThriftException(string message) : Exception(message);
