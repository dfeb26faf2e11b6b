using System.Buffers.Binary;
using System.Globalization;

namespace OrleansLake.Ingest.Read;

/// <summary>Dates and times as text, for years that four digits do not hold as well.</summary>
internal static class TimeText
{
    private const long MicrosPerDay = 86_400_000_000;

    /// <summary>Days since 1970.</summary>
    public static string Date(long days)
    {
        // Years that begin in March, in eras of 400 of them.
        long shifted = days + 719_468;
        long era = Math.DivRem(shifted, 146_097, out long dayOfEra);
        if (dayOfEra < 0)
        {
            era--;
            dayOfEra += 146_097;
        }

        long yearOfEra = (dayOfEra - (dayOfEra / 1460) + (dayOfEra / 36_524) - (dayOfEra / 146_096)) / 365;
        long dayOfYear = dayOfEra - ((365 * yearOfEra) + (yearOfEra / 4) - (yearOfEra / 100));
        long monthFromMarch = ((5 * dayOfYear) + 2) / 153;
        long day = dayOfYear - (((153 * monthFromMarch) + 2) / 5) + 1;
        long month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
        long year = (era * 400) + yearOfEra + (month <= 2 ? 1 : 0);
        string sign = year < 0 ? "-" : year > 9999 ? "+" : "";
        return string.Create(CultureInfo.InvariantCulture, $"{sign}{Math.Abs(year):D4}-{month:D2}-{day:D2}");
    }

    /// <summary>Microseconds since midnight.</summary>
    public static string Time(long micros) =>
        string.Create(CultureInfo.InvariantCulture, $"{micros / 3_600_000_000:D2}:{micros / 60_000_000 % 60:D2}:{micros / 1_000_000 % 60:D2}.{micros % 1_000_000:D6}");

    /// <summary>Microseconds since 1970.</summary>
    public static string Timestamp(long micros)
    {
        long days = Math.DivRem(micros, MicrosPerDay, out long rest);
        if (rest < 0)
        {
            days--;
            rest += MicrosPerDay;
        }

        return Date(days) + "T" + Time(rest);
    }

    /// <summary>Nanoseconds since 1970.</summary>
    public static string TimestampNanos(long nanos)
    {
        long micros = Math.DivRem(nanos, 1000, out long rest);
        if (rest < 0)
        {
            micros--;
            rest += 1000;
        }

        return Timestamp(micros) + rest.ToString("D3", CultureInfo.InvariantCulture);
    }

    /// <summary>The deprecated timestamp of twelve bytes: nanoseconds of the day, and the Julian day.</summary>
    public static long Int96Micros(ReadOnlySpan<byte> bytes) =>
        ((BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]) - 2_440_588L) * MicrosPerDay) + (BinaryPrimitives.ReadInt64LittleEndian(bytes) / 1000);
}
