using System.Buffers.Binary;

namespace OrleansLake.Parquet;

/// <summary>
/// A value that carries its type, in the binary form that Parquet and Iceberg share: the names of fields apart, in
/// <see cref="Metadata"/>. Nothing in it is believed before it is compared with the bytes that are there.
/// https://github.com/apache/parquet-format/blob/master/VariantEncoding.md
/// </summary>
public readonly ref struct Variant
{
    /// <summary>Objects and arrays within one another.</summary>
    internal const int DeepestNesting = 128;

    /// <summary>A value and the metadata that it belongs to.</summary>
    public Variant(ReadOnlySpan<byte> metadata, ReadOnlySpan<byte> value)
    {
        Metadata = metadata;
        Value = value;
    }

    /// <summary>Version and dictionary of field names.</summary>
    public ReadOnlySpan<byte> Metadata { get; }

    /// <summary>The value; bytes may follow it.</summary>
    public ReadOnlySpan<byte> Value { get; }

    /// <summary>What it holds.</summary>
    public VariantKind Kind => (Header & 3) switch
    {
        0 => (Header >> 2) switch
        {
            1 or 2 => VariantKind.Boolean,
            <= 20 and var primitive => (VariantKind)primitive,
            var other => throw new ParquetFormatException($"variant: primitive type {other}"),
        },
        1 => VariantKind.String,
        2 => VariantKind.Object,
        _ => VariantKind.Array,
    };

    /// <summary>Elements of an array, fields of an object.</summary>
    public int Count => ReadShape().Count;

    private byte Header => Value.Length > 0 ? Value[0] : throw new ParquetFormatException("variant: expected a value, got no bytes");

    /// <summary>Bytes that the value takes.</summary>
    public int Length
    {
        get
        {
            if ((Header & 3) >= 2)
            {
                var shape = ReadShape();
                return shape.Values + OffsetOf(shape, shape.Count);
            }

            return (Header & 3) == 1 ? 1 + (Header >> 2) : Kind switch
            {
                VariantKind.Null or VariantKind.Boolean => 1,
                VariantKind.Int8 => 2,
                VariantKind.Int16 => 3,
                VariantKind.Int32 or VariantKind.Date or VariantKind.Float => 5,
                VariantKind.Decimal4 => 6,
                VariantKind.Decimal8 => 10,
                VariantKind.Decimal16 => 18,
                VariantKind.Uuid => 17,
                VariantKind.Binary or VariantKind.String => checked(5 + (int)Math.Min(int.MaxValue - 5, BinaryPrimitives.ReadUInt32LittleEndian(At(1, 4)))),
                _ => 9,
            };
        }
    }

    /// <summary>A boolean.</summary>
    public bool GetBoolean() => Expect(VariantKind.Boolean) && Header >> 2 == 1;

    /// <summary>An integer of any width, or what counts days, microseconds or nanoseconds.</summary>
    public long GetInt64() => Kind switch
    {
        VariantKind.Int8 => (sbyte)At(1, 1)[0],
        VariantKind.Int16 => BinaryPrimitives.ReadInt16LittleEndian(At(1, 2)),
        VariantKind.Int32 or VariantKind.Date => BinaryPrimitives.ReadInt32LittleEndian(At(1, 4)),
        VariantKind.Int64 or VariantKind.Time or VariantKind.Timestamp or VariantKind.TimestampNtz or VariantKind.TimestampNanos or VariantKind.TimestampNanosNtz =>
            BinaryPrimitives.ReadInt64LittleEndian(At(1, 8)),
        var other => throw new InvalidOperationException($"a variant of kind {other} is no integer"),
    };

    /// <summary>A floating-point number.</summary>
    public double GetDouble() => Kind switch
    {
        VariantKind.Float => BinaryPrimitives.ReadSingleLittleEndian(At(1, 4)),
        VariantKind.Double => BinaryPrimitives.ReadDoubleLittleEndian(At(1, 8)),
        var other => throw new InvalidOperationException($"a variant of kind {other} is no floating-point number"),
    };

    /// <summary>A decimal: <c>Unscaled</c> / 10^<c>Scale</c>.</summary>
    public (Int128 Unscaled, int Scale) GetDecimal()
    {
        Int128 unscaled = Kind switch
        {
            VariantKind.Decimal4 => BinaryPrimitives.ReadInt32LittleEndian(At(2, 4)),
            VariantKind.Decimal8 => BinaryPrimitives.ReadInt64LittleEndian(At(2, 8)),
            VariantKind.Decimal16 => BinaryPrimitives.ReadInt128LittleEndian(At(2, 16)),
            var other => throw new InvalidOperationException($"a variant of kind {other} is no decimal"),
        };
        int scale = At(1, 1)[0];
        return scale <= 38 ? (unscaled, scale) : throw new ParquetFormatException($"variant: a scale of {scale}");
    }

    /// <summary>The bytes of a text, of a binary value or of a UUID.</summary>
    public ReadOnlySpan<byte> GetBytes() => (Header & 3) == 1 ? At(1, Header >> 2) : Kind switch
    {
        VariantKind.Binary or VariantKind.String => At(5, BinaryPrimitives.ReadUInt32LittleEndian(At(1, 4))),
        VariantKind.Uuid => At(1, 16),
        var other => throw new InvalidOperationException($"a variant of kind {other} has no bytes"),
    };

    /// <summary>An element of an array, or the value of a field of an object by its place.</summary>
    public Variant this[int index]
    {
        get
        {
            var shape = ReadShape();
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)shape.Count, nameof(index));
            int offset = OffsetOf(shape, index);
            var all = At(shape.Values, OffsetOf(shape, shape.Count));
            return offset < all.Length
                ? new Variant(Metadata, all[offset..])
                : throw new ParquetFormatException($"variant: element {index} at {offset} of {all.Length} bytes");
        }
    }

    /// <summary>The number in the dictionary of the name of a field of an object.</summary>
    public int FieldId(int index)
    {
        Expect(VariantKind.Object);
        var shape = ReadShape();
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)shape.Count, nameof(index));
        return (int)Number(Value, shape.Ids + index * shape.IdBytes, shape.IdBytes);
    }

    /// <summary>The name of a field of an object, in UTF-8.</summary>
    public ReadOnlySpan<byte> FieldName(int index) => VariantMetadata.NameOf(Metadata, FieldId(index));

    /// <summary>Walks all of it and throws where it is broken.</summary>
    public void Validate() => Validate(0);

    internal static uint Number(ReadOnlySpan<byte> bytes, long position, int width)
    {
        if (position < 0 || width > bytes.Length - position)
        {
            throw new ParquetFormatException($"variant: expected {width} bytes at {position}, it has {bytes.Length}");
        }

        uint number = 0;
        for (int i = width - 1; i >= 0; i--)
        {
            number = (number << 8) | bytes[(int)position + i];
        }

        return number;
    }

    private void Validate(int depth)
    {
        if (depth > DeepestNesting)
        {
            throw new ParquetFormatException($"variant: nested more than {DeepestNesting} deep");
        }

        switch (Kind)
        {
            case VariantKind.Object:
                for (int i = 0; i < Count; i++)
                {
                    FieldName(i);
                    this[i].Validate(depth + 1);
                }

                break;
            case VariantKind.Array:
                for (int i = 0; i < Count; i++)
                {
                    this[i].Validate(depth + 1);
                }

                break;
            default:
                At(0, Length);
                break;
        }
    }

    private bool Expect(VariantKind kind) => Kind == kind
        ? true
        : throw new InvalidOperationException($"expected a variant of kind {kind}, got {Kind}");

    private ReadOnlySpan<byte> At(int position, long length) => length <= Value.Length - position
        ? Value.Slice(position, (int)length)
        : throw new ParquetFormatException($"variant: expected {length} bytes at {position}, it has {Value.Length}");

    private int OffsetOf(Shape shape, int index)
    {
        uint offset = Number(Value, shape.Offsets + (long)index * shape.OffsetBytes, shape.OffsetBytes);
        return offset <= Value.Length - shape.Values
            ? (int)offset
            : throw new ParquetFormatException($"variant: an offset of {offset}, {Value.Length - shape.Values} bytes of values are there");
    }

    /// <summary>Where the parts of an object or array lie.</summary>
    private Shape ReadShape()
    {
        int header = Header >> 2;
        bool isObject = (Header & 3) == 2;
        if ((Header & 3) < 2)
        {
            throw new InvalidOperationException($"a variant of kind {Kind} has no elements");
        }

        int offsetBytes = (header & 3) + 1;
        int idBytes = isObject ? (header >> 2 & 3) + 1 : 0;
        bool isLarge = (header >> (isObject ? 4 : 2) & 1) != 0;
        int ids = isLarge ? 5 : 2;
        long count = Number(Value, 1, isLarge ? 4 : 1);
        long offsets = ids + count * idBytes;
        long values = offsets + (count + 1) * offsetBytes;
        return values <= Value.Length
            ? new Shape((int)count, ids, idBytes, (int)offsets, offsetBytes, (int)values)
            : throw new ParquetFormatException($"variant: {count} elements in {Value.Length} bytes");
    }

    private readonly record struct Shape(int Count, int Ids, int IdBytes, int Offsets, int OffsetBytes, int Values);
}
