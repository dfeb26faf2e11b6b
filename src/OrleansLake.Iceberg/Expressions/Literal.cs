using System.Globalization;
using System.Numerics;

namespace OrleansLake.Iceberg.Expressions;

/// <summary>A day that a user named.</summary>
internal readonly record struct DateLiteral(int Days);

/// <summary>A time of day that a user named, in nanoseconds.</summary>
internal readonly record struct TimeLiteral(long Nanos);

/// <summary>A timestamp that a user named, in nanoseconds since 1970; with a zone it is an instant.</summary>
internal readonly record struct TimestampLiteral(Int128 Nanos, bool HasZone);

/// <summary>Digits that a user typed, of any length.</summary>
internal readonly record struct NumberLiteral(BigInteger Unscaled, int Scale);

/// <summary>A value that a user compares with, in a column's type.</summary>
/// <param name="Value">The greatest value of the type that is not above it.</param>
/// <param name="IsExact">Whether it is that value itself.</param>
/// <param name="Side">−1: below every value of the type, 1: above every value; then there is no <paramref name="Value"/>.</param>
internal readonly record struct Literal(object? Value, bool IsExact, int Side)
{
    /// <exception cref="ArgumentException">The value cannot be compared with the type.</exception>
    public static Literal Of(object value, IcebergType type) => type switch
    {
        BooleanType when value is bool => Exact(value),
        IntegerType => Whole(value, type) is var number && number.Below is { } below
            ? InRange(below, number.IsExact, int.MinValue, int.MaxValue, whole => (int)whole)
            : throw Refused(value, type),
        LongType => Whole(value, type) is var number && number.Below is { } below
            ? InRange(below, number.IsExact, long.MinValue, long.MaxValue, whole => (long)whole)
            : throw Refused(value, type),
        FloatType => Exact(NotNan((float)Floating(value, type))),
        DoubleType => Exact(NotNan(Floating(value, type))),
        DecimalType x => OfDecimal(value, x),
        DateType => OfDate(value),
        TimeType => OfTime(value),
        TimestampType x => OfTimestamp(value, x, x.WithZone, 1000),
        TimestampNanoType x => OfTimestamp(value, x, x.WithZone, 1),
        StringType when value is string => Exact(value),
        UuidType when value is Guid => Exact(value),
        UuidType when value is string text && Guid.TryParse(text, out var uuid) => Exact(uuid),
        FixedType or BinaryType when value is byte[] => Exact(value),
        FixedType or BinaryType when value is ReadOnlyMemory<byte> bytes => Exact(bytes.ToArray()),
        _ => throw Refused(value, type),
    };

    private static Literal Exact(object value) => new(value, true, 0);

    private static Literal InRange(BigInteger value, bool exact, BigInteger least, BigInteger greatest, Func<BigInteger, object> make) =>
        value < least ? new Literal(null, false, -1) : value > greatest ? new Literal(null, false, 1) : new Literal(make(value), exact, 0);

    private static (BigInteger? Below, bool IsExact) Whole(object value, IcebergType type)
    {
        if (value is double or float or Half)
        {
            double number = NotNan(Convert.ToDouble(value, CultureInfo.InvariantCulture));
            double below = Math.Floor(number);
            return double.IsInfinity(number) ? (number < 0 ? -BigInteger.Pow(10, 40) : BigInteger.Pow(10, 40), false) : (new BigInteger(below), below == number);
        }

        var (unscaled, scale) = Number(value) ?? throw Refused(value, type);
        var whole = FloorDivide(unscaled, scale, out bool exact);
        return (whole, exact);
    }

    private static double Floating(object value, IcebergType type) => value switch
    {
        double number => number,
        float number => number,
        Half number => (double)number,
        // By way of the text, which rounds right.
        _ when Number(value) is var (unscaled, scale) => double.Parse(string.Create(CultureInfo.InvariantCulture, $"{unscaled}e{-scale}"), CultureInfo.InvariantCulture),
        _ => throw Refused(value, type),
    };

    private static Literal OfDecimal(object value, DecimalType type)
    {
        if (value is double.PositiveInfinity or float.PositiveInfinity or double.NegativeInfinity or float.NegativeInfinity)
        {
            return new Literal(null, false, Convert.ToDouble(value, CultureInfo.InvariantCulture) < 0 ? -1 : 1);
        }

        var (unscaled, scale) = value switch
        {
            double number => ParseNumber(NotNan(number).ToString("R", CultureInfo.InvariantCulture)),
            float number => ParseNumber(NotNan(number).ToString("R", CultureInfo.InvariantCulture)),
            _ => Number(value) ?? throw Refused(value, type),
        };
        bool exact = true;
        var scaled = scale <= type.Scale ? unscaled * BigInteger.Pow(10, type.Scale - scale) : FloorDivide(unscaled, scale - type.Scale, out exact);
        var limit = BigInteger.Pow(10, type.Precision);
        return InRange(scaled, exact, 1 - limit, limit - 1, whole => new Decimal128((Int128)whole, type.Scale));
    }

    private static Literal OfDate(object value)
    {
        switch (value)
        {
            // The form of partition values: days.
            case int days:
                return Exact(days);
            case DateLiteral(var days):
                return Exact(days);
            case DateOnly date:
                return Exact(date.DayNumber - TimeParser.EpochDayNumber);
            case string text when TimeParser.TryTimestamp(text, out var parsed) && !parsed.HasZone:
                return OfDate(parsed);
            case DateTime { Kind: not DateTimeKind.Local } time:
                return OfDate(new TimestampLiteral(TimeParser.Nanos(time), false));
            case TimestampLiteral { HasZone: false } time:
                var day = TimeParser.FloorDivide(time.Nanos, TimeParser.NanosPerDay);
                return InRange(day, day * TimeParser.NanosPerDay == time.Nanos, int.MinValue, int.MaxValue, whole => (int)whole);
            default:
                throw Refused(value, new DateType());
        }
    }

    private static Literal OfTime(object value)
    {
        switch (value)
        {
            case long micros:
                return Exact(micros);
            case TimeOnly time:
                return OfTime(new TimeLiteral(time.Ticks * 100));
            case string text when TimeParser.TryTime(text, out long nanos):
                return OfTime(new TimeLiteral(nanos));
            case TimeLiteral(var nanos):
                return new Literal(nanos / 1000, nanos % 1000 == 0, 0);
            default:
                throw Refused(value, new TimeType());
        }
    }

    private static Literal OfTimestamp(object value, IcebergType type, bool withZone, int nanosPerUnit)
    {
        switch (value)
        {
            // The form of partition values: units of the type.
            case long units:
                return Exact(units);
            case DateLiteral(var days):
                return OfTimestamp(new TimestampLiteral(days * TimeParser.NanosPerDay, false), type, withZone, nanosPerUnit);
            case DateOnly date:
                return OfTimestamp(new DateLiteral(date.DayNumber - TimeParser.EpochDayNumber), type, withZone, nanosPerUnit);
            case DateTime { Kind: not DateTimeKind.Local } time:
                return OfTimestamp(new TimestampLiteral(TimeParser.Nanos(time), false), type, withZone, nanosPerUnit);
            case DateTimeOffset time:
                return OfTimestamp(new TimestampLiteral(TimeParser.Nanos(time.UtcDateTime), true), type, withZone, nanosPerUnit);
            case string text when TimeParser.TryTimestamp(text, out var parsed):
                return OfTimestamp(parsed, type, withZone, nanosPerUnit);
            // Without a zone it is UTC for an instant. The other way round there is nothing that could be meant.
            case TimestampLiteral time when withZone || !time.HasZone:
                var below = TimeParser.FloorDivide(time.Nanos, nanosPerUnit);
                return InRange(below, below * nanosPerUnit == time.Nanos, long.MinValue, long.MaxValue, whole => (long)whole);
            case TimestampLiteral:
                throw new ArgumentException("expected a timestamp without zone, since the column has none");
            default:
                throw Refused(value, type);
        }
    }

    private static (BigInteger Unscaled, int Scale)? Number(object value) => value switch
    {
        sbyte or byte or short or ushort or int or uint or long => (new BigInteger(Convert.ToInt64(value, CultureInfo.InvariantCulture)), 0),
        ulong number => (number, 0),
        Int128 number => (number, 0),
        BigInteger number => (number, 0),
        NumberLiteral(var unscaled, var scale) => (unscaled, scale),
        decimal number => ParseNumber(number.ToString(CultureInfo.InvariantCulture)),
        Decimal128(var unscaled, var scale) => (unscaled, scale),
        _ => null,
    };

    /// <summary>Digits with a point, and an exponent.</summary>
    private static (BigInteger Unscaled, int Scale) ParseNumber(string text)
    {
        int e = text.IndexOf('E', StringComparison.Ordinal);
        int exponent = e < 0 ? 0 : int.Parse(text.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        string digits = e < 0 ? text : text[..e];
        int point = digits.IndexOf('.', StringComparison.Ordinal);
        int scale = (point < 0 ? 0 : digits.Length - point - 1) - exponent;
        var unscaled = BigInteger.Parse(digits.Replace(".", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
        return scale >= 0 ? (unscaled, scale) : (unscaled * BigInteger.Pow(10, -scale), 0);
    }

    private static BigInteger FloorDivide(BigInteger unscaled, int scale, out bool exact)
    {
        if (scale < 0)
        {
            exact = true;
            return unscaled * BigInteger.Pow(10, -scale);
        }

        var quotient = BigInteger.DivRem(unscaled, BigInteger.Pow(10, scale), out var rest);
        exact = rest.IsZero;
        return rest.Sign < 0 ? quotient - 1 : quotient;
    }

    private static float NotNan(float value) => float.IsNaN(value) ? throw new ArgumentException("nothing compares with NaN: ask whether the column is NaN") : value;

    private static double NotNan(double value) => double.IsNaN(value) ? throw new ArgumentException("nothing compares with NaN: ask whether the column is NaN") : value;

    private static ArgumentException Refused(object value, IcebergType type) =>
        new($"expected a value to compare {(type as PrimitiveType)?.Spelling ?? "a nested type"} with, got {(value is string text ? $"'{text}'" : $"{value} ({value.GetType().Name})")}");
}
