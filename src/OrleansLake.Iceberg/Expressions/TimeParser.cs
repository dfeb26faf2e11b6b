using System.Globalization;

namespace OrleansLake.Iceberg.Expressions;

/// <summary>
/// Dates, times and timestamps as SQL and ISO 8601 write them: <c>2025-01-31</c>, <c>12:30[:15[.123456789]]</c>, both with a
/// blank or T between, and for timestamps a zone: <c>Z</c>, <c>UTC</c>, <c>+02:00</c>.
/// </summary>
internal static class TimeParser
{
    public const int EpochDayNumber = 719_162;

    public static readonly Int128 NanosPerDay = 86_400_000_000_000;

    private const long NanosPerSecond = 1_000_000_000;

    public static bool TryTimestamp(string text, out TimestampLiteral timestamp)
    {
        timestamp = default;
        var rest = text.AsSpan().Trim();
        if (!TryDate(ref rest, out int days))
        {
            return false;
        }

        long nanos = 0;
        if (rest.Length > 0 && rest[0] is 'T' or 't' or ' ')
        {
            rest = rest[1..].TrimStart();
            if (!TryTime(ref rest, out nanos))
            {
                return false;
            }
        }

        rest = rest.TrimStart();
        if (!TryZone(rest, out long? zone))
        {
            return false;
        }

        timestamp = new TimestampLiteral(days * NanosPerDay + nanos - (zone ?? 0), zone is not null);
        return true;
    }

    public static bool TryDate(string text, out int days)
    {
        var rest = text.AsSpan().Trim();
        return TryDate(ref rest, out days) && rest.Length == 0;
    }

    public static bool TryTime(string text, out long nanos)
    {
        var rest = text.AsSpan().Trim();
        return TryTime(ref rest, out nanos) && rest.Length == 0;
    }

    public static Int128 Nanos(DateTime time) => (Int128)(time.Ticks - DateTime.UnixEpoch.Ticks) * 100;

    public static Int128 FloorDivide(Int128 value, Int128 divisor)
    {
        var (quotient, rest) = Int128.DivRem(value, divisor);
        return rest < 0 ? quotient - 1 : quotient;
    }

    /// <summary>Days since 1970-01-01 in the proleptic Gregorian calendar; false where there is no such day.</summary>
    public static bool TryDays(int year, int month, int day, out int days)
    {
        days = 0;
        if (month is < 1 or > 12 || day < 1 || day > DaysInMonth(year, month))
        {
            return false;
        }

        // 400-year eras of years that begin in March.
        long y = month <= 2 ? year - 1L : year;
        long era = Transform.FloorDiv(y, 400);
        long yearOfEra = y - era * 400;
        long dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
        long total = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468;
        days = (int)total;
        return days == total;
    }

    private static int DaysInMonth(int year, int month) => month switch
    {
        2 => year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28,
        4 or 6 or 9 or 11 => 30,
        _ => 31,
    };

    private static bool TryDate(ref ReadOnlySpan<char> text, out int days)
    {
        days = 0;
        int sign = text is ['-', ..] ? -1 : 1;
        if (text is ['-' or '+', ..])
        {
            text = text[1..];
        }

        return TryDigits(ref text, 4, 7, out int year) && TrySymbol(ref text, '-')
            && TryDigits(ref text, 2, 2, out int month) && TrySymbol(ref text, '-')
            && TryDigits(ref text, 2, 2, out int day) && TryDays(sign * year, month, day, out days);
    }

    private static bool TryTime(ref ReadOnlySpan<char> text, out long nanos)
    {
        nanos = 0;
        if (!TryDigits(ref text, 2, 2, out int hour) || !TrySymbol(ref text, ':') || !TryDigits(ref text, 2, 2, out int minute) || hour > 23 || minute > 59)
        {
            return false;
        }

        int second = 0, fraction = 0;
        if (TrySymbol(ref text, ':'))
        {
            if (!TryDigits(ref text, 2, 2, out second) || second > 59)
            {
                return false;
            }

            if (TrySymbol(ref text, '.'))
            {
                int before = text.Length;
                if (!TryDigits(ref text, 1, 9, out fraction))
                {
                    return false;
                }

                for (int digits = before - text.Length; digits < 9; digits++)
                {
                    fraction *= 10;
                }
            }
        }

        nanos = ((hour * 60L + minute) * 60 + second) * NanosPerSecond + fraction;
        return true;
    }

    /// <summary>The offset in nanoseconds; null where there is no zone.</summary>
    private static bool TryZone(ReadOnlySpan<char> text, out long? nanos)
    {
        nanos = null;
        if (text.Length == 0)
        {
            return true;
        }

        if (text is "Z" or "z" || text.Equals("UTC", StringComparison.OrdinalIgnoreCase))
        {
            nanos = 0;
            return true;
        }

        if (text is not ['+' or '-', ..])
        {
            return false;
        }

        int sign = text[0] == '-' ? -1 : 1;
        text = text[1..];
        int minutes = 0;
        bool valid = TryDigits(ref text, 2, 2, out int hours) && (text.Length == 0 || ((TrySymbol(ref text, ':') || true) && TryDigits(ref text, 2, 2, out minutes)));
        nanos = sign * (hours * 60L + minutes) * 60 * NanosPerSecond;
        return valid && text.Length == 0 && hours <= 18 && minutes <= 59;
    }

    private static bool TrySymbol(ref ReadOnlySpan<char> text, char symbol)
    {
        if (text.Length == 0 || text[0] != symbol)
        {
            return false;
        }

        text = text[1..];
        return true;
    }

    private static bool TryDigits(ref ReadOnlySpan<char> text, int least, int most, out int number)
    {
        int length = 0;
        while (length < text.Length && length < most && char.IsAsciiDigit(text[length]))
        {
            length++;
        }

        if (length < least)
        {
            number = 0;
            return false;
        }

        number = int.Parse(text[..length], NumberStyles.None, CultureInfo.InvariantCulture);
        text = text[length..];
        return true;
    }
}
