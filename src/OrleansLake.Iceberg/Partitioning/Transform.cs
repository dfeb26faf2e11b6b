using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace OrleansLake.Iceberg;

public abstract partial record Transform
{
    /// <summary>Reads the spelling of metadata: <c>bucket[16]</c>, <c>day</c>, …; what is not known becomes <see cref="Unknown"/>.</summary>
    public static Transform Parse(string text) => text switch
    {
        "identity" => new Identity(),
        "year" or "years" => new Year(),
        "month" or "months" => new Month(),
        "day" or "days" or "date" => new Day(),
        "hour" or "hours" or "date_hour" => new Hour(),
        "void" or "always_null" => new Void(),
        _ when Argument(text, "bucket[") is int count => new Bucket(count),
        _ when Argument(text, "truncate[") is int width => new Truncate(width),
        _ => new Unknown(text),
    };

    /// <summary>The spelling of metadata.</summary>
    public sealed override string ToString() => this switch
    {
        Identity => "identity",
        Bucket(int count) => string.Create(CultureInfo.InvariantCulture, $"bucket[{count}]"),
        Truncate(int width) => string.Create(CultureInfo.InvariantCulture, $"truncate[{width}]"),
        Year => "year",
        Month => "month",
        Day => "day",
        Hour => "hour",
        Void => "void",
        Unknown(var text) => text,
        _ => throw new InvalidOperationException(GetType().Name),
    };

    /// <summary>Whether the transform can be made of a source of this type.</summary>
    public bool AppliesTo(IcebergType source) => this switch
    {
        Identity => source is PrimitiveType and not (VariantType or GeometryType or GeographyType or UnknownType),
        Bucket => source is IntegerType or LongType or DecimalType or DateType or TimeType or TimestampType or TimestampNanoType
            or StringType or UuidType or FixedType or BinaryType,
        Truncate => source is IntegerType or LongType or DecimalType or StringType or BinaryType,
        Year or Month or Day => source is DateType or TimestampType or TimestampNanoType,
        Hour => source is TimestampType or TimestampNanoType,
        Void => true,
        _ => false,
    };

    /// <summary>The type of the partition values.</summary>
    public IcebergType ResultType(IcebergType source) => this switch
    {
        Bucket or Year or Month or Hour => new IntegerType(),
        Day => new DateType(),
        Unknown => new StringType(),
        _ => source,
    };

    /// <summary>
    /// The partition value of a source value. Values are those of <see cref="PartitionKey"/>: int for dates, long for times and
    /// timestamps (nanoseconds for the types that have them).
    /// </summary>
    /// <exception cref="ArgumentException">The transform does not apply to the type, or the value is not of the type.</exception>
    public object? Apply(IcebergType source, object? value)
    {
        if (value is null || this is Void)
        {
            return null;
        }

        return this switch
        {
            Identity => value,
            Bucket(int count) => (BucketHash(source, value) & int.MaxValue) % count,
            Truncate(int width) => Truncated(width, value) ?? throw Refused(source, value),
            Year => YearOf(Days(source, value)) - 1970,
            Month => MonthsSince1970(Days(source, value)),
            Day => Days(source, value),
            Hour => Hours(source, value),
            _ => throw Refused(source, value),
        };
    }

    /// <summary>The hash that bucket numbers are made of. https://iceberg.apache.org/spec/#appendix-b-32-bit-hash-requirements</summary>
    public static int BucketHash(IcebergType source, object value) => value switch
    {
        bool flag => Murmur3.Hash(flag ? 1L : 0L),
        int number => Murmur3.Hash(number),
        long number when source is TimestampNanoType => Murmur3.Hash(FloorDiv(number, 1000)),
        long number => Murmur3.Hash(number),
        float number => Murmur3.Hash(BitConverter.DoubleToInt64Bits(Canonical(number))),
        double number => Murmur3.Hash(BitConverter.DoubleToInt64Bits(Canonical(number))),
        Decimal128 number => Murmur3.Hash(SingleValue.DecimalBytes(number.Unscaled)),
        string text => Murmur3.Hash(Encoding.UTF8.GetBytes(text)),
        Guid uuid => Murmur3.Hash(uuid.ToByteArray(bigEndian: true)),
        byte[] bytes => Murmur3.Hash(bytes),
        _ => throw Refused(source, value),
    };

    /// <summary>A whole number down to a multiple of the width; −1 goes to −width.</summary>
    public static long TruncateNumber(long value, int width) => value - ((value % width + width) % width);

    private static object? Truncated(int width, object value) => value switch
    {
        int number => unchecked((int)TruncateNumber(number, width)),
        long number => TruncateNumber(number, width),
        Decimal128(Int128 unscaled, int scale) => new Decimal128(unscaled - ((unscaled % width + width) % width), scale),
        string text => CodePoints.Prefix(text, width),
        byte[] bytes => bytes.Length <= width ? bytes : bytes[..width],
        _ => null,
    };

    private static int Days(IcebergType source, object value) => (source, value) switch
    {
        (DateType, int days) => days,
        (TimestampType, long micros) => (int)FloorDiv(micros, 86_400_000_000),
        (TimestampNanoType, long nanos) => (int)FloorDiv(nanos, 86_400_000_000_000),
        _ => throw Refused(source, value),
    };

    private static int Hours(IcebergType source, object value) => (source, value) switch
    {
        (TimestampType, long micros) => (int)FloorDiv(micros, 3_600_000_000),
        (TimestampNanoType, long nanos) => (int)FloorDiv(nanos, 3_600_000_000_000),
        _ => throw Refused(source, value),
    };

    private static int YearOf(int days)
    {
        Calendar.FromDays(days, out int year, out _, out _);
        return year;
    }

    private static int MonthsSince1970(int days)
    {
        Calendar.FromDays(days, out int year, out int month, out _);
        return (year - 1970) * 12 + month - 1;
    }

    internal static long FloorDiv(long value, long divisor)
    {
        long quotient = value / divisor;
        return value % divisor < 0 ? quotient - 1 : quotient;
    }

    private static double Canonical(double value) => value == 0 ? 0.0 : double.IsNaN(value) ? BitConverter.Int64BitsToDouble(0x7ff8000000000000) : value;

    private static ArgumentException Refused(IcebergType source, object value) =>
        new($"a partition transform does not apply to {source} with a value of {value.GetType().Name}");

    private static int? Argument(string text, string start) =>
        text.StartsWith(start, StringComparison.Ordinal) && text[^1] == ']'
        && int.TryParse(text.AsSpan(start.Length, text.Length - start.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out int number)
        && number > 0
            ? number
            : null;
}

/// <summary>Murmur3, 32 bits, x86, seed 0.</summary>
internal static class Murmur3
{
    public static int Hash(long value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        return Hash(bytes);
    }

    public static int Hash(ReadOnlySpan<byte> bytes)
    {
        const uint C1 = 0xcc9e2d51, C2 = 0x1b873593;
        uint hash = 0;
        int i = 0;
        for (; i + 4 <= bytes.Length; i += 4)
        {
            hash ^= uint.RotateLeft(BinaryPrimitives.ReadUInt32LittleEndian(bytes[i..]) * C1, 15) * C2;
            hash = uint.RotateLeft(hash, 13) * 5 + 0xe6546b64;
        }

        uint rest = 0;
        for (int j = bytes.Length - 1; j >= i; j--)
        {
            rest = (rest << 8) | bytes[j];
        }

        if (i < bytes.Length)
        {
            hash ^= uint.RotateLeft(rest * C1, 15) * C2;
        }

        hash ^= (uint)bytes.Length;
        hash = (hash ^ (hash >> 16)) * 0x85ebca6b;
        hash = (hash ^ (hash >> 13)) * 0xc2b2ae35;
        return (int)(hash ^ (hash >> 16));
    }
}

/// <summary>Text counted in code points, as the specification truncates it, not in UTF-16 units.</summary>
internal static class CodePoints
{
    public static string Prefix(string text, int count)
    {
        if (text.Length <= count)
        {
            return text;
        }

        int end = 0;
        for (int seen = 0; seen < count && end < text.Length; seen++)
        {
            end += char.IsHighSurrogate(text[end]) && end + 1 < text.Length && char.IsLowSurrogate(text[end + 1]) ? 2 : 1;
        }

        return text[..end];
    }
}

/// <summary>The proleptic Gregorian calendar over the whole range of days, which DateOnly does not cover.</summary>
internal static class Calendar
{
    public static void FromDays(int days, out int year, out int month, out int day)
    {
        // 400-year eras that begin on 1 March, so that the leap day is the last of its year.
        long shifted = days + 719_468L;
        long era = Transform.FloorDiv(shifted, 146_097);
        int dayOfEra = (int)(shifted - era * 146_097);
        int yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
        int dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        int shiftedMonth = (5 * dayOfYear + 2) / 153;
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1;
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
        year = (int)(yearOfEra + era * 400) + (month <= 2 ? 1 : 0);
    }
}
