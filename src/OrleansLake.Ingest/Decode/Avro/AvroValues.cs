using System.Buffers.Binary;
using System.Globalization;
using System.Text.Unicode;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Decode.Avro;

/// <summary>A boolean.</summary>
internal sealed class BooleanStep(JsonNode node) : AvroStep
{
    public override bool Read(ref AvroCursor cursor, int repetition, int row)
    {
        if (!cursor.TryBoolean(out byte value))
        {
            return false;
        }

        node.Leaf!.AddBoolean(value, repetition);
        return true;
    }
}

/// <summary>An int or long to any column of numbers.</summary>
internal sealed class IntegerStep(JsonNode node, bool isUnsigned = false) : AvroStep
{
    public override bool Read(ref AvroCursor cursor, int repetition, int row)
    {
        if (!cursor.TryLong(out long value))
        {
            return false;
        }

        bool isBeyond = isUnsigned && value < 0;
        switch (node.Kind)
        {
            case JsonKind.Long when !isBeyond:
                node.Leaf!.AddLong(value, repetition);
                return true;
            case JsonKind.Int when value == (int)value && !isBeyond:
                node.Leaf!.AddInt((int)value, repetition);
                return true;
            case JsonKind.Double:
                node.Leaf!.AddDouble(isUnsigned ? (ulong)value : value, repetition);
                return true;
            case JsonKind.Float:
                node.Leaf!.AddFloat(isUnsigned ? (ulong)value : value, repetition);
                return true;
            case JsonKind.Decimal:
                return AvroDecimals.Add(ref cursor, node, isUnsigned ? (Int128)(ulong)value : value, scale: 0, repetition);
            default:
                return cursor.Fail(
                    RejectReason.OutOfRange,
                    isUnsigned ? string.Create(CultureInfo.InvariantCulture, $"expected {node.TypeName}, got {(ulong)value}") : string.Create(CultureInfo.InvariantCulture, $"expected {node.TypeName}, got {value}"));
        }
    }
}

/// <summary>A float or double: the nearest value, as of a number in JSON; NaN and infinities as they are.</summary>
internal sealed class FloatingStep(JsonNode node, bool isDouble) : AvroStep
{
    public override bool Read(ref AvroCursor cursor, int repetition, int row)
    {
        double value;
        if (isDouble)
        {
            if (!cursor.TryDouble(out value))
            {
                return false;
            }
        }
        else if (cursor.TryFloat(out float single))
        {
            value = single;
        }
        else
        {
            return false;
        }

        if (node.Kind == JsonKind.Double)
        {
            node.Leaf!.AddDouble(value, repetition);
            return true;
        }

        if (double.IsFinite(value) && !float.IsFinite((float)value))
        {
            return cursor.Fail(RejectReason.OutOfRange, string.Create(CultureInfo.InvariantCulture, $"expected {node.TypeName}, got {value:R}"));
        }

        node.Leaf!.AddFloat((float)value, repetition);
        return true;
    }
}

/// <summary>Bytes, a string or a fixed, to a column of strings or bytes.</summary>
internal sealed class BytesStep(JsonNode node, int fixedSize = -1) : AvroStep
{
    public override bool Read(ref AvroCursor cursor, int repetition, int row)
    {
        bool isThere = fixedSize >= 0 ? cursor.TryBytes(fixedSize, out var bytes) : cursor.TryBytes(out bytes);
        if (!isThere)
        {
            return false;
        }

        switch (node.Kind)
        {
            case JsonKind.String or JsonKind.StringOrJson when !Utf8.IsValid(bytes):
                return cursor.Fail(RejectReason.InvalidUtf8, "expected UTF-8, got a string that is not");
            case JsonKind.Fixed when bytes.Length != node.Leaf!.TypeLength:
                return cursor.Fail(RejectReason.OutOfRange, string.Create(CultureInfo.InvariantCulture, $"expected {node.TypeName}, got {bytes.Length} bytes"));
            case JsonKind.Fixed:
                bytes.CopyTo(node.Leaf!.AddFixed(repetition));
                return true;
            default:
                KafkaBytes.Add(node.Leaf!, bytes, repetition);
                return true;
        }
    }

    /// <summary>A string.</summary>
    public static bool TryText(ref AvroCursor cursor, out ReadOnlySpan<byte> text) =>
        cursor.TryBytes(out text) && (Utf8.IsValid(text) || cursor.Fail(RejectReason.InvalidUtf8, "expected UTF-8, got a string that is not"));
}

/// <summary>An enum's symbol.</summary>
internal sealed class EnumStep(JsonNode node, AvroType type) : AvroStep
{
    public override bool Read(ref AvroCursor cursor, int repetition, int row)
    {
        if (!cursor.TryLong(out long index))
        {
            return false;
        }

        if ((ulong)index >= (ulong)type.Symbols.Length)
        {
            return cursor.Malformed($"one of {type.Symbols.Length} symbols of {type.Name}");
        }

        KafkaBytes.Add(node.Leaf!, type.Symbols[index], repetition);
        return true;
    }
}

/// <summary>A UUID: a string of 36 characters, or sixteen bytes.</summary>
internal sealed class UuidStep(JsonNode node, bool isFixed) : AvroStep
{
    public override bool Read(ref AvroCursor cursor, int repetition, int row)
    {
        if (isFixed)
        {
            if (!cursor.TryBytes(16, out var bytes))
            {
                return false;
            }

            bytes.CopyTo(node.Leaf!.AddFixed(repetition));
            return true;
        }

        if (!cursor.TryBytes(out var text))
        {
            return false;
        }

        if (text.Length != 36 || !Guid.TryParseExact(System.Text.Encoding.ASCII.GetString(text), "D", out var uuid))
        {
            return cursor.Fail(RejectReason.MalformedText, $"expected {node.TypeName}, got a string of {text.Length} bytes");
        }

        uuid.TryWriteBytes(node.Leaf!.AddFixed(repetition), bigEndian: true, out _);
        return true;
    }
}

/// <summary>
/// A number that counts units since 1970 or since midnight: <paramref name="power"/> is the power of ten that makes the column's
/// units of it.
/// </summary>
internal sealed class TimeStep(JsonNode node, int power, bool cutFraction, bool isUnsigned = false) : AvroStep
{
    private readonly long _factor = (long)Math.Pow(10, Math.Abs(power));

    public override bool Read(ref AvroCursor cursor, int repetition, int row)
    {
        if (!cursor.TryLong(out long value))
        {
            return false;
        }

        Int128 count = power >= 0 ? (Int128)value * _factor : value / _factor;
        if (power < 0 && value % _factor != 0)
        {
            if (!cutFraction)
            {
                return cursor.Fail(RejectReason.Inexact, string.Create(CultureInfo.InvariantCulture, $"expected {node.TypeName}, got {value}"));
            }

            count -= value < 0 ? 1 : 0;
        }

        bool fits = !(isUnsigned && value < 0) && node.Kind switch
        {
            JsonKind.Date => count == (int)count,
            JsonKind.Time => count >= 0 && count < 86_400_000_000,
            _ => count == (long)count,
        };
        if (!fits)
        {
            return cursor.Fail(RejectReason.OutOfRange, string.Create(CultureInfo.InvariantCulture, $"expected {node.TypeName}, got {value}"));
        }

        if (node.Kind == JsonKind.Date)
        {
            node.Leaf!.AddInt((int)count, repetition);
        }
        else
        {
            node.Leaf!.AddLong((long)count, repetition);
        }

        return true;
    }
}

/// <summary>A decimal in bytes or a fixed.</summary>
internal sealed class DecimalStep(JsonNode node, AvroType type) : AvroStep
{
    public override bool Read(ref AvroCursor cursor, int repetition, int row)
    {
        bool isThere = type.Kind == AvroTypeKind.Fixed ? cursor.TryBytes(type.Size, out var bytes) : cursor.TryBytes(out bytes);
        if (!isThere)
        {
            return false;
        }

        return AvroCursor.TryUnscaled(bytes, out var unscaled)
            ? AvroDecimals.Add(ref cursor, node, unscaled, type.Scale, repetition)
            : cursor.Fail(RejectReason.OutOfRange, $"expected {node.TypeName}, got a number of {bytes.Length} bytes");
    }
}

/// <summary>Decimals of any scale to a column of another.</summary>
internal static class AvroDecimals
{
    private static readonly Int128[] Powers = MakePowers();

    /// <summary>Adds unscaled × 10^−scale.</summary>
    public static bool Add(ref AvroCursor cursor, JsonNode node, Int128 unscaled, int scale, int repetition)
    {
        int shift = node.Scale - scale;
        if (Math.Abs(shift) > 38)
        {
            return cursor.Fail(shift > 0 ? RejectReason.OutOfRange : RejectReason.Inexact, $"expected {node.TypeName}, got a decimal of scale {scale}");
        }

        if (shift < 0)
        {
            var (whole, rest) = Int128.DivRem(unscaled, Powers[-shift]);
            if (rest != 0)
            {
                return cursor.Fail(RejectReason.Inexact, $"expected {node.TypeName}, got {unscaled}e-{scale}");
            }

            unscaled = whole;
        }

        // What is below the limit before it is multiplied does not overflow.
        var limit = Powers[node.Precision];
        var before = shift > 0 ? (shift > node.Precision ? 1 : Powers[node.Precision - shift]) : limit;
        if (unscaled >= before || unscaled <= -before)
        {
            return cursor.Fail(RejectReason.OutOfRange, $"expected {node.TypeName}, got {unscaled}e-{scale}");
        }

        unscaled *= shift > 0 ? Powers[shift] : 1;
        var leaf = node.Leaf!;
        switch (leaf.Column.PhysicalType)
        {
            case PhysicalType.Int32:
                leaf.AddInt((int)unscaled, repetition);
                break;
            case PhysicalType.Int64:
                leaf.AddLong((long)unscaled, repetition);
                break;
            default:
                Span<byte> bytes = stackalloc byte[16];
                BinaryPrimitives.WriteInt128BigEndian(bytes, unscaled);
                bytes[(16 - leaf.TypeLength)..].CopyTo(leaf.AddFixed(repetition));
                break;
        }

        return true;
    }

    private static Int128[] MakePowers()
    {
        var powers = new Int128[39];
        powers[0] = 1;
        for (int i = 1; i < powers.Length; i++)
        {
            powers[i] = powers[i - 1] * 10;
        }

        return powers;
    }
}
