using System.Globalization;

namespace OrleansLake.Parquet;

/// <summary>Decimals, dates and times as text, however far they lie from today.</summary>
internal static class VariantText
{
    private const long SecondsPerDay = 86_400;

    public static string Decimal(Int128 unscaled, int scale)
    {
        string digits = unscaled.ToString(CultureInfo.InvariantCulture).TrimStart('-').PadLeft(scale + 1, '0');
        string sign = unscaled < 0 ? "-" : "";
        return scale == 0 ? sign + digits : $"{sign}{digits[..^scale]}.{digits[^scale..]}";
    }

    /// <summary>A day since 1970-01-01 in the Gregorian calendar.</summary>
    public static string Date(long days)
    {
        // Years are counted from March, so that the day that is there at times is the last.
        long shifted = days + 719_468;
        long era = Math.DivRem(shifted, 146_097, out long dayOfEra);
        if (dayOfEra < 0)
        {
            era--;
            dayOfEra += 146_097;
        }

        long yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
        long dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        long month = (5 * dayOfYear + 2) / 153;
        long day = dayOfYear - (153 * month + 2) / 5 + 1;
        month = month < 10 ? month + 3 : month - 9;
        long year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
        return string.Create(CultureInfo.InvariantCulture, $"{(year < 0 ? "-" : year > 9999 ? "+" : "")}{Math.Abs(year):D4}-{month:D2}-{day:D2}");
    }

    /// <summary>Units of 10^-<paramref name="digits"/> s since midnight.</summary>
    public static string Time(long units, int digits)
    {
        long perSecond = digits == 6 ? 1_000_000 : 1_000_000_000;
        long seconds = Math.DivRem(units, perSecond, out long fraction);
        string text = string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600:D2}:{seconds / 60 % 60:D2}:{seconds % 60:D2}");
        return fraction == 0 ? text : $"{text}.{fraction.ToString(digits == 6 ? "D6" : "D9", CultureInfo.InvariantCulture).TrimEnd('0')}";
    }

    /// <summary>Units of 10^-<paramref name="digits"/> s since 1970-01-01T00:00.</summary>
    public static string Timestamp(long units, int digits)
    {
        long perDay = SecondsPerDay * (digits == 6 ? 1_000_000 : 1_000_000_000);
        long days = Math.DivRem(units, perDay, out long rest);
        return rest < 0 ? $"{Date(days - 1)}T{Time(rest + perDay, digits)}" : $"{Date(days)}T{Time(rest, digits)}";
    }
}
