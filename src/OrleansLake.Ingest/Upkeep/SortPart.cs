using System.Buffers.Binary;
using System.Numerics;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Read;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>Bytes that grow.</summary>
internal sealed class KeyBytes
{
    private byte[] _bytes = new byte[4096];

    /// <summary>How many there are.</summary>
    public int Length { get; private set; }

    /// <summary>All of them.</summary>
    public ReadOnlySpan<byte> Span => _bytes.AsSpan(0, Length);

    /// <summary>Forgets those behind the first so many.</summary>
    public void Truncate(int length) => Length = length;

    /// <summary>Room for so many more.</summary>
    public Span<byte> Add(int count)
    {
        if (_bytes.Length - Length < count)
        {
            Array.Resize(ref _bytes, (int)Math.Min(Array.MaxLength, Math.Max(2L * _bytes.Length, (long)Length + count)));
        }

        Length += count;
        return _bytes.AsSpan(Length - count, count);
    }
}

/// <summary>
/// One field of a sort order as bytes whose order is that of the field: nulls first or last, numbers by value (−0.0 before +0.0,
/// NaN last), text by code point, bytes unsigned; inverted where the order descends. https://iceberg.apache.org/spec/#sorting
/// </summary>
internal sealed class SortPart
{
    private readonly int _leaf;
    private readonly PrimitiveType _type;
    private readonly SortField _field;
    private int _value;

    private SortPart(int leaf, PrimitiveType type, SortField field)
    {
        _leaf = leaf;
        _type = type;
        _field = field;
    }

    /// <summary>The fields of an order on the columns of a batch; those that the table has no more are left out.</summary>
    /// <exception cref="NotSupportedException">A field lies in a list or map, or its transform is not known.</exception>
    public static IReadOnlyList<SortPart> Of(IEnumerable<SortField> fields, Schema schema, ParquetSchema columns)
    {
        var parts = new List<SortPart>();
        foreach (var field in fields.Where(field => field.Transform is not Transform.Void))
        {
            if (field is not { SourceIds: [int id] } || schema.FindField(id) is not { } source)
            {
                continue;
            }

            var column = columns.Columns.FirstOrDefault(one => one.FieldId == id);
            if (column is null || column.MaxRepetitionLevel > 0 || source.Type is not PrimitiveType type || field.Transform is Transform.Unknown)
            {
                throw new NotSupportedException($"rows cannot be sorted by {field.Transform} of column {schema.FindPath(id)} of type {(source.Type as PrimitiveType)?.Spelling ?? "struct, list or map"}");
            }

            parts.Add(new SortPart(column.Index, type, field));
        }

        return parts;
    }

    /// <summary>Begins with the first row of a batch.</summary>
    public void Rewind() => _value = 0;

    /// <summary>Adds the bytes of a row's value; rows are asked for one after the other.</summary>
    public void Write(ColumnBatch batch, int row, KeyBytes key)
    {
        var column = batch.Columns[_leaf];
        int begin = key.Length;
        bool present = column.Column.MaxDefinitionLevel == 0 || column.DefinitionLevels[row] == column.Column.MaxDefinitionLevel;
        key.Add(1)[0] = present == _field.NullsLast ? (byte)0 : (byte)1;
        if (!present)
        {
            return;
        }

        begin++;
        WriteValue(column, _value++, key);
        if (_field.Descending)
        {
            Invert(key, begin);
        }
    }

    private void WriteValue(ColumnBuffer column, int value, KeyBytes key)
    {
        if (_field.Transform is not Transform.Identity)
        {
            WriteObject(_field.Transform.Apply(_type, ValueOf(column, value)), key);
            return;
        }

        switch (column.Column.PhysicalType)
        {
            case PhysicalType.Int32: WriteInt(column.Ints[value], key); break;
            case PhysicalType.Int64: WriteLong(column.Longs[value], key); break;
            case PhysicalType.Float: WriteFloating(column.Floats[value], key); break;
            case PhysicalType.Double: WriteFloating(column.Doubles[value], key); break;
            case PhysicalType.Boolean: key.Add(1)[0] = column.Bytes[value]; break;
            case PhysicalType.FixedLenByteArray when _type is DecimalType:
                WriteFixed(LeafConversion.BytesOf(column, value), key)[0] ^= 0x80;
                break;
            case PhysicalType.FixedLenByteArray: WriteFixed(LeafConversion.BytesOf(column, value), key); break;
            default: WriteBytes(LeafConversion.BytesOf(column, value), key); break;
        }
    }

    private object ValueOf(ColumnBuffer column, int value) => _type switch
    {
        DecimalType(_, var scale) => new Decimal128(LeafConversion.UnscaledOf(column, value), scale),
        StringType => System.Text.Encoding.UTF8.GetString(LeafConversion.BytesOf(column, value)),
        UuidType => new Guid(LeafConversion.BytesOf(column, value), bigEndian: true),
        _ => column.Column.PhysicalType switch
        {
            PhysicalType.Int32 => column.Ints[value],
            PhysicalType.Int64 => (object)column.Longs[value],
            PhysicalType.Float => column.Floats[value],
            PhysicalType.Double => column.Doubles[value],
            PhysicalType.Boolean => column.Bytes[value] != 0,
            _ => LeafConversion.BytesOf(column, value).ToArray(),
        },
    };

    private static void WriteObject(object? value, KeyBytes key)
    {
        switch (value)
        {
            case int number: WriteInt(number, key); break;
            case long number: WriteLong(number, key); break;
            case string text: WriteBytes(System.Text.Encoding.UTF8.GetBytes(text), key); break;
            case byte[] bytes: WriteBytes(bytes, key); break;
            case Decimal128(var unscaled, _): BinaryPrimitives.WriteInt128BigEndian(key.Add(16), unscaled ^ Int128.MinValue); break;
            default: throw new NotSupportedException($"a sort by a {value?.GetType().Name ?? "null"}");
        }
    }

    private static void WriteInt(int value, KeyBytes key) => BinaryPrimitives.WriteInt32BigEndian(key.Add(4), value ^ int.MinValue);

    private static void WriteLong(long value, KeyBytes key) => BinaryPrimitives.WriteInt64BigEndian(key.Add(8), value ^ long.MinValue);

    private static void WriteFloating<T>(T value, KeyBytes key)
        where T : IFloatingPointIeee754<T>
    {
        // A float has the order of the double that it is.
        double wide = T.IsNaN(value) ? double.NaN : double.CreateChecked(value);
        long bits = BitConverter.DoubleToInt64Bits(wide);
        BinaryPrimitives.WriteInt64BigEndian(key.Add(8), double.IsNaN(wide) ? -1 : bits < 0 ? ~bits : bits ^ long.MinValue);
    }

    private static Span<byte> WriteFixed(ReadOnlySpan<byte> bytes, KeyBytes key)
    {
        var target = key.Add(bytes.Length);
        bytes.CopyTo(target);
        return target;
    }

    /// <summary>Bytes of any length: a zero is followed by 255, the end is two zeros, so that what is shorter comes first.</summary>
    private static void WriteBytes(ReadOnlySpan<byte> bytes, KeyBytes key)
    {
        int zeros = bytes.Count((byte)0);
        var target = key.Add(bytes.Length + zeros + 2);
        if (zeros == 0)
        {
            bytes.CopyTo(target);
        }
        else
        {
            int at = 0;
            foreach (byte one in bytes)
            {
                target[at++] = one;
                if (one == 0)
                {
                    target[at++] = 255;
                }
            }
        }

        target[^2..].Clear();
    }

    private static void Invert(KeyBytes key, int begin)
    {
        int length = key.Length - begin;
        key.Truncate(begin);
        foreach (ref byte one in key.Add(length))
        {
            one = (byte)~one;
        }
    }
}
