using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Decode;

/// <summary>
/// Puts one variant together, a value at a time as a document has them, and adds it to its two columns: names of fields apart, in the
/// metadata, each value in its shortest form. Rows whose names come in the same order share their metadata.
/// https://github.com/apache/parquet-format/blob/master/VariantEncoding.md
/// </summary>
internal sealed class VariantBuilder
{
    private const int MostNames = 4096;
    private const int LongestShortString = 63;

    private readonly Dictionary<byte[], Name> _known = new(new ByNameBytes());
    private readonly Dictionary<byte[], Name>.AlternateLookup<ReadOnlySpan<byte>> _byBytes;
    private readonly List<Name> _names = [];
    private readonly List<Field> _fields = [];
    private readonly List<int> _elements = [];
    private Name[] _metadataNames = [];
    private byte[] _metadata = [1, 0, 0];
    private byte[] _value = new byte[256];
    private long[] _order = new long[64];
    private Name? _last;
    private int _length;
    private long _row;
    private int _unranked;
    private int _rowsUnranked;

    public VariantBuilder() => _byBytes = _known.GetAlternateLookup<ReadOnlySpan<byte>>();

    /// <summary>Forgets the last value.</summary>
    public void Start()
    {
        if (_known.Count > MostNames)
        {
            _known.Clear();
            (_last, _unranked) = (null, 0);
        }

        // As seldom as costs less than a name's place in each row, where names never end.
        if (_unranked > 0 && ++_rowsUnranked * 4 >= _known.Count)
        {
            Rank();
        }

        _row++;
        _names.Clear();
        _fields.Clear();
        _elements.Clear();
        _length = 0;
    }

    /// <summary>Adds what was put together to the columns of metadata and value.</summary>
    public void AddTo(LeafColumn metadata, LeafColumn value, int repetition)
    {
        if (!CollectionsMarshal.AsSpan(_names).SequenceEqual(_metadataNames))
        {
            _metadataNames = [.. _names];
            _metadata = Metadata(_metadataNames);
        }

        Add(metadata, _metadata, repetition);
        Add(value, _value.AsSpan(0, _length), repetition);
    }

    public void Null() => Room(1)[0] = 0;

    public void Boolean(bool value) => Room(1)[0] = (byte)((value ? 1 : 2) << 2);

    public void Integer(long value)
    {
        var (kind, width) = value switch
        {
            _ when value == (sbyte)value => (VariantKind.Int8, 1),
            _ when value == (short)value => (VariantKind.Int16, 2),
            _ when value == (int)value => (VariantKind.Int32, 4),
            _ => (VariantKind.Int64, 8),
        };
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        Primitive(kind, bytes[..width]);
    }

    public void Double(double value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteDoubleLittleEndian(bytes, value);
        Primitive(VariantKind.Double, bytes);
    }

    /// <summary>unscaled / 10^scale, of at most 38 digits.</summary>
    public void Decimal(Int128 unscaled, int scale)
    {
        var digits = Int128.Abs(unscaled);
        // Readers want no more places behind the point than the width has digits.
        var (kind, width) = digits < 1_000_000_000 && scale <= 9 ? (VariantKind.Decimal4, 4)
            : digits < 1_000_000_000_000_000_000 && scale <= 18 ? (VariantKind.Decimal8, 8)
            : (VariantKind.Decimal16, 16);
        Span<byte> bytes = stackalloc byte[17];
        bytes[0] = (byte)scale;
        BinaryPrimitives.WriteInt128LittleEndian(bytes[1..], unscaled);
        Primitive(kind, bytes[..(1 + width)]);
    }

    public void String(ReadOnlySpan<byte> text)
    {
        if (text.Length <= LongestShortString)
        {
            var room = Room(1 + text.Length);
            room[0] = (byte)(text.Length << 2 | 1);
            text.CopyTo(room[1..]);
        }
        else
        {
            var room = Room(5 + text.Length);
            room[0] = (byte)VariantKind.String << 2;
            BinaryPrimitives.WriteInt32LittleEndian(room[1..], text.Length);
            text.CopyTo(room[5..]);
        }
    }

    /// <summary>An array begins; what is returned ends it.</summary>
    public Place StartArray() => new(_length, _elements.Count);

    /// <summary>The value that comes next is an element.</summary>
    public void Element() => _elements.Add(_length);

    public void EndArray(Place place)
    {
        var elements = CollectionsMarshal.AsSpan(_elements)[place.Members..];
        int end = _length, offsetBytes = Width((uint)(end - place.Start));
        bool isLarge = elements.Length > byte.MaxValue;
        int header = 1 + (isLarge ? 4 : 1) + ((elements.Length + 1) * offsetBytes);
        var room = MoveUp(place.Start, header);
        room[0] = (byte)(3 | (offsetBytes - 1) << 2 | (isLarge ? 1 << 4 : 0));
        int at = 1 + Number(room[1..], (uint)elements.Length, isLarge ? 4 : 1);
        foreach (int element in elements)
        {
            at += Number(room[at..], (uint)(element - place.Start), offsetBytes);
        }

        Number(room[at..], (uint)(end - place.Start), offsetBytes);
        _elements.RemoveRange(place.Members, elements.Length);
    }

    /// <summary>An object begins; what is returned ends it.</summary>
    public Place StartObject() => new(_length, _fields.Count);

    /// <summary>The value that comes next is that of a field; of one name the last counts.</summary>
    public void FieldOf(ReadOnlySpan<byte> name)
    {
        // Names mostly follow one another as they did before.
        Name? known = _last?.Next;
        if (known is null || !name.SequenceEqual(known.Bytes))
        {
            if (!_byBytes.TryGetValue(name, out known))
            {
                known = new Name(name.ToArray());
                _known.Add(known.Bytes, known);
                _unranked++;
            }

            _last?.Next = known;
        }

        _last = known;
        if (known.Row != _row)
        {
            (known.Row, known.Id) = (_row, _names.Count);
            _names.Add(known);
        }

        _fields.Add(new Field(known, _length));
    }

    public void EndObject(Place place)
    {
        var fields = CollectionsMarshal.AsSpan(_fields)[place.Members..];
        var order = Order(fields);
        int count = 0, largest = 0;
        for (int i = 0; i < order.Length; i++)
        {
            // Of a name that stands twice the last is kept; the bytes of the others stay, where no field leads to.
            var name = fields[(int)order[i]].Name;
            if (i + 1 == order.Length || fields[(int)order[i + 1]].Name != name)
            {
                largest = Math.Max(largest, name.Id);
                order[count++] = order[i];
            }
        }

        order = order[..count];
        int end = _length, offsetBytes = Width((uint)(end - place.Start)), idBytes = Width((uint)largest);
        bool isLarge = count > byte.MaxValue;
        int header = 1 + (isLarge ? 4 : 1) + (count * idBytes) + ((count + 1) * offsetBytes);
        var room = MoveUp(place.Start, header);
        room[0] = (byte)(2 | (offsetBytes - 1) << 2 | (idBytes - 1) << 4 | (isLarge ? 1 << 6 : 0));
        int at = 1 + Number(room[1..], (uint)count, isLarge ? 4 : 1);
        foreach (long field in order)
        {
            at += Number(room[at..], (uint)fields[(int)field].Name.Id, idBytes);
        }

        foreach (long field in order)
        {
            at += Number(room[at..], (uint)(fields[(int)field].Start - place.Start), offsetBytes);
        }

        Number(room[at..], (uint)(end - place.Start), offsetBytes);
        _fields.RemoveRange(place.Members, fields.Length);
    }

    /// <summary>Fields in the order of their names, of one name in their own: the lower half of each is its index.</summary>
    private Span<long> Order(ReadOnlySpan<Field> fields)
    {
        if (_order.Length < fields.Length)
        {
            _order = new long[fields.Length * 2];
        }

        var order = _order.AsSpan(0, fields.Length);
        bool isRanked = true;
        for (int i = 0; i < order.Length; i++)
        {
            order[i] = ((long)fields[i].Name.Rank << 32) | (uint)i;
            isRanked &= fields[i].Name.Rank >= 0;
        }

        if (isRanked)
        {
            order.Sort();
            return order;
        }

        Field[] all = fields.ToArray();
        for (int i = 0; i < order.Length; i++)
        {
            order[i] = i;
        }

        order.Sort((a, b) => all[a].Name == all[b].Name ? a.CompareTo(b) : all[a].Name.Bytes.AsSpan().SequenceCompareTo(all[b].Name.Bytes));
        return order;
    }

    private void Rank()
    {
        Name[] names = [.. _known.Values];
        Array.Sort(names, static (a, b) => a.Bytes.AsSpan().SequenceCompareTo(b.Bytes));
        for (int i = 0; i < names.Length; i++)
        {
            names[i].Rank = i;
        }

        (_unranked, _rowsUnranked) = (0, 0);
    }

    private static byte[] Metadata(Name[] names)
    {
        int bytes = names.Sum(name => name.Bytes.Length);
        int width = Width((uint)Math.Max(bytes, names.Length));
        bool isSorted = true;
        for (int i = 1; i < names.Length && isSorted; i++)
        {
            isSorted = names[i - 1].Bytes.AsSpan().SequenceCompareTo(names[i].Bytes) < 0;
        }

        byte[] metadata = new byte[1 + ((names.Length + 2) * width) + bytes];
        metadata[0] = (byte)(1 | (isSorted ? 1 << 4 : 0) | (width - 1) << 6);
        int at = 1 + Number(metadata.AsSpan(1), (uint)names.Length, width);
        int offset = 0;
        at += Number(metadata.AsSpan(at), 0, width);
        foreach (var name in names)
        {
            at += Number(metadata.AsSpan(at), (uint)(offset += name.Bytes.Length), width);
        }

        foreach (var name in names)
        {
            name.Bytes.CopyTo(metadata, at);
            at += name.Bytes.Length;
        }

        return metadata;
    }

    private static void Add(LeafColumn leaf, ReadOnlySpan<byte> bytes, int repetition)
    {
        bytes.CopyTo(MemoryMarshal.CreateSpan(ref leaf.RoomForBytes(bytes.Length), bytes.Length));
        leaf.AddBytes(bytes.Length, repetition);
    }

    private void Primitive(VariantKind kind, ReadOnlySpan<byte> bytes)
    {
        var room = Room(1 + bytes.Length);
        room[0] = (byte)((int)kind << 2);
        bytes.CopyTo(room[1..]);
    }

    private Span<byte> Room(int bytes)
    {
        if (_value.Length - _length < bytes)
        {
            Array.Resize(ref _value, Math.Max(checked(_length + bytes), 2 * _value.Length));
        }

        _length += bytes;
        return _value.AsSpan(_length - bytes, bytes);
    }

    /// <summary>Room for a header before values that are there already.</summary>
    private Span<byte> MoveUp(int start, int header)
    {
        int values = _length - start;
        Room(header);
        Buffer.BlockCopy(_value, start, _value, start + header, values);
        return _value.AsSpan(start, header);
    }

    private static int Width(uint largest) => largest switch { < 1 << 8 => 1, < 1 << 16 => 2, < 1 << 24 => 3, _ => 4 };

    private static int Number(Span<byte> target, uint number, int width)
    {
        for (int i = 0; i < width; i++)
        {
            target[i] = (byte)(number >> (8 * i));
        }

        return width;
    }

    /// <summary>Where an object or array began.</summary>
    /// <param name="Start">Its first byte.</param>
    /// <param name="Members">How many members of others there were.</param>
    public readonly record struct Place(int Start, int Members);

    private readonly record struct Field(Name Name, int Start);

    /// <summary>A name, and its number in the variant at hand.</summary>
    private sealed class Name(byte[] bytes)
    {
        public readonly byte[] Bytes = bytes;
        public int Id;
        public long Row;

        /// <summary>Its place among all names; −1 until it has one.</summary>
        public int Rank = -1;

        /// <summary>The name that followed it last.</summary>
        public Name? Next;
    }

    private sealed class ByNameBytes : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode([DisallowNull] byte[] obj) => GetHashCode(obj.AsSpan());

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            var hash = new HashCode();
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }
    }
}
