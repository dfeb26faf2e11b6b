using System.Globalization;

namespace OrleansLake.Iceberg;

/// <summary>Single values as people write them, in ISO 8601 where there is a choice.</summary>
public static class SingleValueText
{
    /// <summary>A value of a type; a day number under any type is shown as its date.</summary>
    public static string Of(IcebergType type, object value) => (type, value) switch
    {
        (DateType, int days) => Date(days),
        (TimeType, long micros) => Time(micros, 1_000_000, 6),
        (TimestampType(bool zone), long micros) => Timestamp(micros, 1_000_000, 6) + (zone ? "+00:00" : ""),
        (TimestampNanoType(bool zone), long nanos) => Timestamp(nanos, 1_000_000_000, 9) + (zone ? "+00:00" : ""),
        (_, bool flag) => flag ? "true" : "false",
        (_, int or long) => ((IFormattable)value).ToString(null, CultureInfo.InvariantCulture),
        (_, float number) => number.ToString("R", CultureInfo.InvariantCulture),
        (_, double number) => number.ToString("R", CultureInfo.InvariantCulture),
        (_, Decimal128 number) => Decimal(number),
        (_, string text) => text,
        (_, Guid uuid) => uuid.ToString(),
        (_, byte[] bytes) => Convert.ToBase64String(bytes),
        _ => throw new ArgumentException($"no text for a {value.GetType().Name}"),
    };

    /// <summary>2017-12-01; years beyond 9999 and before 0 with their sign, as ISO 8601 has it.</summary>
    public static string Date(int days)
    {
        Calendar.FromDays(days, out int year, out int month, out int day);
        string sign = year < 0 ? "-" : year > 9999 ? "+" : "";
        return string.Create(CultureInfo.InvariantCulture, $"{sign}{Math.Abs(year):D4}-{month:D2}-{day:D2}");
    }

    /// <summary>Digits with the point where the scale puts it.</summary>
    public static string Decimal(Decimal128 number)
    {
        string digits = (number.Unscaled < 0 ? -number.Unscaled : number.Unscaled).ToString(CultureInfo.InvariantCulture).PadLeft(number.Scale + 1, '0');
        string sign = number.Unscaled < 0 ? "-" : "";
        return number.Scale <= 0 ? sign + digits : $"{sign}{digits[..^number.Scale]}.{digits[^number.Scale..]}";
    }

    private static string Timestamp(long units, long unitsPerSecond, int digits)
    {
        long unitsPerDay = 86_400 * unitsPerSecond;
        long days = Transform.FloorDiv(units, unitsPerDay);
        return Date((int)days) + "T" + Time(units - days * unitsPerDay, unitsPerSecond, digits);
    }

    private static string Time(long units, long unitsPerSecond, int digits)
    {
        long seconds = units / unitsPerSecond;
        string whole = string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600:D2}:{seconds / 60 % 60:D2}:{seconds % 60:D2}");
        long rest = units % unitsPerSecond;
        return rest == 0 ? whole : whole + "." + rest.ToString(CultureInfo.InvariantCulture).PadLeft(digits, '0').TrimEnd('0');
    }
}
