using System.Buffers.Binary;
using System.Text;
using OrleansLake.Iceberg;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Read;

/// <summary>
/// Values of a file in the form that the table's type has now: promoted types, and the units and widths of other writers.
/// https://iceberg.apache.org/spec/#schema-evolution
/// </summary>
internal static class LeafConversion
{
    private const long MicrosPerDay = 86_400_000_000;

    /// <summary>Appends all values of one column to another; null where both have one form.</summary>
    /// <exception cref="InvalidDataException">There is no way from one to the other.</exception>
    public static Action<ColumnBuffer, ColumnBuffer>? Of(ParquetNode.Primitive from, IcebergType type, ParquetNode.Primitive to)
    {
        var physical = from.PhysicalType;
        switch (type)
        {
            case BooleanType when physical == PhysicalType.Boolean:
            case IntegerType or DateType when physical == PhysicalType.Int32:
            case LongType when physical == PhysicalType.Int64:
            case FloatType when physical == PhysicalType.Float:
            case DoubleType when physical == PhysicalType.Double:
            case StringType or BinaryType or GeometryType or GeographyType when physical == PhysicalType.ByteArray:
                return null;
            case LongType when physical == PhysicalType.Int32:
                return from.LogicalType is LogicalType.Integer { BitWidth: 32, IsSigned: false } ? static (a, b) => Longs(a, b, static x => (uint)x) : static (a, b) => Longs(a, b, static x => x);
            case DoubleType when physical == PhysicalType.Float:
                return Doubles;
            case DecimalType x:
                return OfDecimal(from, x, to);
            case TimeType:
                return (physical, from.LogicalType) switch
                {
                    (PhysicalType.Int32, _) => static (a, b) => Longs(a, b, static ms => ms * 1000L),
                    (PhysicalType.Int64, LogicalType.Time { Unit: TimeUnit.Nanos }) => static (a, b) => Longs(a, b, static nanos => nanos / 1000),
                    (PhysicalType.Int64, _) => null,
                    _ => throw Refused(from, type),
                };
            case TimestampType:
                return OfTimestamp(from, type, 1);
            case TimestampNanoType:
                return OfTimestamp(from, type, 1000);
            case UuidType when physical == PhysicalType.FixedLenByteArray && from.TypeLength == 16:
            case FixedType when physical == PhysicalType.FixedLenByteArray && from.TypeLength == to.TypeLength:
                return null;
            case StringType or BinaryType when physical == PhysicalType.FixedLenByteArray:
                return FixedToBytes;
            default:
                throw Refused(from, type);
        }
    }

    /// <summary>A single value (of the form that <see cref="PartitionKey"/> has) as a column stores it.</summary>
    public static object Stored(object value, ColumnDescriptor column) => (value, column.PhysicalType) switch
    {
        (string text, _) => Encoding.UTF8.GetBytes(text),
        (Guid uuid, _) => uuid.ToByteArray(bigEndian: true),
        (Decimal128(var unscaled, _), PhysicalType.Int32) => (int)unscaled,
        (Decimal128(var unscaled, _), PhysicalType.Int64) => (long)unscaled,
        (Decimal128(var unscaled, _), _) => Wide(unscaled, column.TypeLength),
        _ => value,
    };

    /// <summary>A partition value in the type that its column has now.</summary>
    public static object Widen(IcebergType type, object value) => (type, value) switch
    {
        (LongType, int number) => (long)number,
        (DoubleType, float number) => (double)number,
        (TimestampType, int days) => days * MicrosPerDay,
        (TimestampNanoType, int days) => days * MicrosPerDay * 1000,
        // Of a transform that is not known: any value, and shown as text.
        (StringType, not string) => SingleValueText.Of(type, value),
        _ => value,
    };

    /// <summary>Appends one stored value many times.</summary>
    public static void Repeat(object stored, ColumnBuffer to, int count)
    {
        int at = to.ValueCount;
        switch (stored)
        {
            case bool flag: to.Bytes.AsSpan(at, count).Fill(flag ? (byte)1 : (byte)0); break;
            case int number: to.Ints.AsSpan(at, count).Fill(number); break;
            case long number: to.Longs.AsSpan(at, count).Fill(number); break;
            case float number: to.Floats.AsSpan(at, count).Fill(number); break;
            case double number: to.Doubles.AsSpan(at, count).Fill(number); break;
            case byte[] bytes when to.Column.PhysicalType == PhysicalType.ByteArray:
                to.ReserveBytes(checked(bytes.Length * count));
                for (int i = 0; i < count; i++)
                {
                    int position = to.Offsets[at + i];
                    bytes.CopyTo(to.Bytes, position);
                    to.Offsets[at + i + 1] = position + bytes.Length;
                }

                break;
            case byte[] bytes:
                for (int i = 0; i < count; i++)
                {
                    bytes.CopyTo(to.Bytes, (at + i) * bytes.Length);
                }

                break;
            default:
                throw new InvalidOperationException(stored.GetType().Name);
        }

        to.ValueCount += count;
    }

    /// <summary>Appends bytes to a column of byte arrays that has room for another slot.</summary>
    public static void Append(ColumnBuffer to, ReadOnlySpan<byte> bytes)
    {
        to.ReserveBytes(bytes.Length);
        int position = to.Offsets[to.ValueCount];
        bytes.CopyTo(to.Bytes.AsSpan(position));
        to.Offsets[++to.ValueCount] = position + bytes.Length;
    }

    /// <summary>Appends all values of a column of the same form.</summary>
    public static void Copy(ColumnBuffer from, ColumnBuffer to)
    {
        int count = from.ValueCount, at = to.ValueCount;
        switch (from.Column.PhysicalType)
        {
            case PhysicalType.Int32: from.Ints.AsSpan(0, count).CopyTo(to.Ints.AsSpan(at)); break;
            case PhysicalType.Int64: from.Longs.AsSpan(0, count).CopyTo(to.Longs.AsSpan(at)); break;
            case PhysicalType.Float: from.Floats.AsSpan(0, count).CopyTo(to.Floats.AsSpan(at)); break;
            case PhysicalType.Double: from.Doubles.AsSpan(0, count).CopyTo(to.Doubles.AsSpan(at)); break;
            case PhysicalType.Boolean: from.Bytes.AsSpan(0, count).CopyTo(to.Bytes.AsSpan(at)); break;
            case PhysicalType.ByteArray:
                int shift = to.Offsets[at];
                to.ReserveBytes(from.Offsets[count]);
                from.Bytes.AsSpan(0, from.Offsets[count]).CopyTo(to.Bytes.AsSpan(shift));
                for (int i = 1; i <= count; i++)
                {
                    to.Offsets[at + i] = from.Offsets[i] + shift;
                }

                break;
            default:
                int width = from.Column.TypeLength;
                from.Bytes.AsSpan(0, count * width).CopyTo(to.Bytes.AsSpan(at * width));
                break;
        }

        to.ValueCount += count;
    }

    /// <summary>The bytes of a value.</summary>
    public static ReadOnlySpan<byte> BytesOf(ColumnBuffer column, int value) => column.Column.PhysicalType == PhysicalType.ByteArray
        ? column.Bytes.AsSpan(column.Offsets[value], column.Offsets[value + 1] - column.Offsets[value])
        : column.Bytes.AsSpan(value * column.Column.TypeLength, column.Column.TypeLength);

    /// <summary>The unscaled number of a decimal.</summary>
    public static Int128 UnscaledOf(ColumnBuffer column, int value) => column.Column.PhysicalType switch
    {
        PhysicalType.Int32 => column.Ints[value],
        PhysicalType.Int64 => column.Longs[value],
        _ => SingleValue.DecimalFromBytes(BytesOf(column, value)),
    };

    private static Action<ColumnBuffer, ColumnBuffer>? OfDecimal(ParquetNode.Primitive from, DecimalType type, ParquetNode.Primitive to)
    {
        if (from.LogicalType is LogicalType.Decimal { Scale: var scale } && scale != type.Scale)
        {
            throw Refused(from, type);
        }

        return from.PhysicalType switch
        {
            PhysicalType.Int32 or PhysicalType.Int64 or PhysicalType.FixedLenByteArray when from.PhysicalType == to.PhysicalType && from.TypeLength == to.TypeLength => null,
            PhysicalType.FixedLenByteArray when from.TypeLength is < 1 or > 16 => throw Refused(from, type),
            PhysicalType.Int32 or PhysicalType.Int64 or PhysicalType.ByteArray or PhysicalType.FixedLenByteArray => Decimals,
            _ => throw Refused(from, type),
        };
    }

    private static Action<ColumnBuffer, ColumnBuffer>? OfTimestamp(ParquetNode.Primitive from, IcebergType type, int unitsPerMicro)
    {
        var unit = (from.LogicalType as LogicalType.Timestamp)?.Unit;
        return (from.PhysicalType, unit) switch
        {
            (PhysicalType.Int64, TimeUnit.Millis) => (a, b) => Longs(a, b, ms => checked(ms * 1000 * unitsPerMicro)),
            (PhysicalType.Int64, TimeUnit.Micros) when unitsPerMicro == 1 => null,
            (PhysicalType.Int64, TimeUnit.Micros) => static (a, b) => Longs(a, b, static micros => checked(micros * 1000)),
            (PhysicalType.Int64, TimeUnit.Nanos) when unitsPerMicro == 1 => static (a, b) => Longs(a, b, static nanos => (nanos - (((nanos % 1000) + 1000) % 1000)) / 1000),
            (PhysicalType.Int64, _) => null,
            // Before the column was promoted it was a date.
            (PhysicalType.Int32, _) when from.LogicalType is LogicalType.Date => (a, b) => Longs(a, b, days => checked(days * MicrosPerDay * unitsPerMicro)),
            (PhysicalType.Int96, _) => (a, b) => Int96(a, b, unitsPerMicro),
            _ => throw Refused(from, type),
        };
    }

    private static void Longs(ColumnBuffer from, ColumnBuffer to, Func<long, long> convert)
    {
        bool narrow = from.Column.PhysicalType == PhysicalType.Int32;
        var target = to.Longs.AsSpan(to.ValueCount, from.ValueCount);
        for (int i = 0; i < target.Length; i++)
        {
            target[i] = convert(narrow ? from.Ints[i] : from.Longs[i]);
        }

        to.ValueCount += target.Length;
    }

    private static void Doubles(ColumnBuffer from, ColumnBuffer to)
    {
        for (int i = 0; i < from.ValueCount; i++)
        {
            to.Doubles[to.ValueCount + i] = from.Floats[i];
        }

        to.ValueCount += from.ValueCount;
    }

    private static void Int96(ColumnBuffer from, ColumnBuffer to, int unitsPerMicro)
    {
        for (int i = 0; i < from.ValueCount; i++)
        {
            var bytes = from.Bytes.AsSpan(i * 12, 12);
            long days = BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]) - 2_440_588L;
            long nanos = BinaryPrimitives.ReadInt64LittleEndian(bytes);
            to.Longs[to.ValueCount + i] = unitsPerMicro == 1 ? checked((days * MicrosPerDay) + (nanos / 1000)) : checked((days * MicrosPerDay * 1000) + nanos);
        }

        to.ValueCount += from.ValueCount;
    }

    private static void Decimals(ColumnBuffer from, ColumnBuffer to)
    {
        for (int i = 0; i < from.ValueCount; i++)
        {
            if (from.Column.PhysicalType == PhysicalType.ByteArray && from.Offsets[i + 1] - from.Offsets[i] is < 1 or > 16)
            {
                throw new InvalidDataException($"column {from.Column}: expected decimals of 1 to 16 bytes, got {from.Offsets[i + 1] - from.Offsets[i]}");
            }

            var unscaled = UnscaledOf(from, i);
            int at = to.ValueCount + i;
            switch (to.Column.PhysicalType)
            {
                case PhysicalType.Int32: to.Ints[at] = checked((int)unscaled); break;
                case PhysicalType.Int64: to.Longs[at] = checked((long)unscaled); break;
                default: Wide(unscaled, to.Column.TypeLength).CopyTo(to.Bytes, at * to.Column.TypeLength); break;
            }
        }

        to.ValueCount += from.ValueCount;
    }

    private static void FixedToBytes(ColumnBuffer from, ColumnBuffer to)
    {
        for (int i = 0; i < from.ValueCount; i++)
        {
            Append(to, BytesOf(from, i));
        }
    }

    private static byte[] Wide(Int128 unscaled, int length)
    {
        Span<byte> all = stackalloc byte[16];
        BinaryPrimitives.WriteInt128BigEndian(all, unscaled);
        return all[(16 - length)..].ToArray();
    }

    private static InvalidDataException Refused(ParquetNode.Primitive from, IcebergType type) =>
        new($"expected {((PrimitiveType)type).Spelling}, got {from.PhysicalType}{(from.LogicalType is null ? "" : $" ({from.LogicalType})")} in the file");
}
