using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace OrleansLake.Ingest.Decode;

/// <summary>How a date, time or timestamp in text failed to be one.</summary>
internal enum TimeError
{
    /// <summary>It is one.</summary>
    None,

    /// <summary>Not in the form, or no such day or time of day.</summary>
    Malformed,

    /// <summary>No zone where an instant is wanted, or one where it is not.</summary>
    Zone,

    /// <summary>Digits behind those that the type keeps.</summary>
    Inexact,

    /// <summary>Beyond 64 bits.</summary>
    OutOfRange,
}

/// <summary>
/// Dates and times in ISO 8601 as RFC 3339 profiles it: <c>YYYY-MM-DD</c>, <c>hh:mm[:ss[.f…]]</c>, the two joined by T or a
/// space, and a zone <c>Z</c>, <c>±hh:mm</c>, <c>±hhmm</c> or <c>±hh</c>. Every method may read 32 bytes from the start of
/// the text, whatever its length.
/// </summary>
internal static unsafe class JsonTimes
{
    private const long MicrosPerDay = 86_400_000_000;

    /// <summary>A timestamp in microseconds or nanoseconds since 1970; the date is looked up in the node's memory of the last one.</summary>
    public static TimeError TryTimestamp(byte* text, int length, JsonNode node, bool cutFraction, out long value)
    {
        value = 0;
        if (length < 16 || text[10] is not ((byte)'T' or (byte)' ' or (byte)'t'))
        {
            return TimeError.Malformed;
        }

        ulong head = Unsafe.ReadUnaligned<ulong>(text);
        ushort tail = Unsafe.ReadUnaligned<ushort>(text + 8);
        int days = node.DateDays;
        if (head != node.DateHead || tail != node.DateTail)
        {
            if (!TryDate(text, out days))
            {
                return TimeError.Malformed;
            }

            (node.DateHead, node.DateTail, node.DateDays) = (head, tail, days);
        }

        byte* end = text + length;
        var error = TimeOfDay(text + 11, end, out byte* p, out long micros, out int nanos);
        if (error != TimeError.None)
        {
            return error;
        }

        long offset = 0;
        if (p < end)
        {
            if (!TryZone(p, end, out offset))
            {
                return TimeError.Malformed;
            }

            if (!node.WithZone)
            {
                return TimeError.Zone;
            }
        }
        else if (node.WithZone)
        {
            return TimeError.Zone;
        }

        micros += (days * MicrosPerDay) - (offset * 60_000_000);
        if (node.Nanos)
        {
            if (nanos < 0 && !cutFraction)
            {
                return TimeError.Inexact;
            }

            Int128 exact = ((Int128)micros * 1000) + (nanos & 0x3FF);
            value = (long)exact;
            return value == exact ? TimeError.None : TimeError.OutOfRange;
        }

        value = micros;
        return nanos == 0 || cutFraction ? TimeError.None : TimeError.Inexact;
    }

    /// <summary>A time of day in microseconds.</summary>
    public static TimeError TryTime(byte* text, int length, bool cutFraction, out long micros)
    {
        byte* end = text + length;
        micros = 0;
        if (length < 5)
        {
            return TimeError.Malformed;
        }

        var error = TimeOfDay(text, end, out byte* p, out micros, out int nanos);
        if (error != TimeError.None)
        {
            return error;
        }

        if (p < end)
        {
            return TryZone(p, end, out _) ? TimeError.Zone : TimeError.Malformed;
        }

        return nanos == 0 || cutFraction ? TimeError.None : TimeError.Inexact;
    }

    /// <summary>The days since 1970 of ten characters.</summary>
    public static bool TryDate(byte* text, out int days)
    {
        days = 0;
        var digits = Vector128.Load(text) - Vector128.Create("0000-00-00\0\0\0\0\0\0"u8);
        if (!Vector128.LessThanOrEqualAll(digits, Vector128.Create(9, 9, 9, 9, 0, 9, 9, 0, 9, 9, 255, 255, 255, 255, 255, (byte)255)))
        {
            return false;
        }

        int year = (digits[0] * 1000) + (digits[1] * 100) + (digits[2] * 10) + digits[3];
        int month = (digits[5] * 10) + digits[6];
        int day = (digits[8] * 10) + digits[9];
        if (year == 0 || month is 0 or > 12 || day == 0 || day > DateTime.DaysInMonth(year, month))
        {
            return false;
        }

        // Years that begin in March put the leap day last; eras of 400 years are all alike.
        int y = month <= 2 ? year - 1 : year;
        int yearOfEra = y % 400;
        int dayOfYear = ((153 * (month > 2 ? month - 3 : month + 9)) + 2) / 5 + day - 1;
        days = (y / 400 * 146_097) + (yearOfEra * 365) + (yearOfEra / 4) - (yearOfEra / 100) + dayOfYear - 719_468;
        return true;
    }

    /// <summary>hh:mm[:ss[.f…]]: whole microseconds, and what is behind them: nanoseconds, negative where there are digits behind those.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TimeError TimeOfDay(byte* text, byte* end, out byte* p, out long micros, out int nanos)
    {
        micros = 0;
        nanos = 0;
        p = text;
        int hour = TwoDigits(text);
        int minute = TwoDigits(text + 3);
        if (hour > 23 || minute > 59 || text[2] != ':')
        {
            return TimeError.Malformed;
        }

        int seconds = (hour * 3600) + (minute * 60);
        p = text + 5;
        if (p >= end || *p != ':')
        {
            micros = seconds * 1_000_000L;
            return TimeError.None;
        }

        int second = TwoDigits(p + 1);
        p += 3;
        if (second > 59 || p > end)
        {
            return TimeError.Malformed;
        }

        micros = (seconds + second) * 1_000_000L;
        if (p < end && *p == '.')
        {
            byte* fraction = ++p;
            ulong chunk = Unsafe.ReadUnaligned<ulong>(p) ^ 0x3030303030303030;
            ulong other = (chunk | (chunk + 0x0606060606060606)) & 0xF0F0F0F0F0F0F0F0;
            int count = (int)Math.Min(BitOperations.TrailingZeroCount(other) >> 3, end - p);
            if (count == 0)
            {
                return TimeError.Malformed;
            }

            // Digits that are missing behind are zeros.
            uint eight = JsonNumbers.EightDigits(count == 8 ? chunk : chunk & ((1UL << (count * 8)) - 1));
            p += count;
            uint micro = eight / 100;
            micros += micro;
            nanos = (int)(eight - (micro * 100)) * 10;
            if (count == 8)
            {
                p = MoreDigits(fraction, p, end, ref nanos);
            }
        }

        return TimeError.None;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* MoreDigits(byte* fraction, byte* p, byte* end, ref int nanos)
    {
        bool beyond = false;
        for (; p < end && (uint)(*p - '0') <= 9; p++)
        {
            if (p == fraction + 8)
            {
                nanos += *p - '0';
            }
            else
            {
                beyond |= *p != '0';
            }
        }

        // The sign bit says "and more"; the low ten bits stay the nanoseconds.
        nanos |= beyond ? int.MinValue : 0;
        return p;
    }

    private static bool TryZone(byte* p, byte* end, out long offsetMinutes)
    {
        offsetMinutes = 0;
        long length = end - p;
        if (length == 1)
        {
            return (*p | 0x20) == 'z';
        }

        if (*p is not ((byte)'+' or (byte)'-') || length is not (3 or 5 or 6))
        {
            return false;
        }

        int hours = TwoDigits(p + 1);
        int minutes = length == 3 ? 0 : TwoDigits(p + (length == 6 ? 4 : 3));
        if (hours > 23 || minutes > 59 || (length == 6 && p[3] != ':'))
        {
            return false;
        }

        offsetMinutes = (hours * 60) + minutes;
        offsetMinutes = *p == '-' ? -offsetMinutes : offsetMinutes;
        return true;
    }

    /// <summary>0 to 99, or more where either byte is no digit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int TwoDigits(byte* p)
    {
        int tens = p[0] - '0';
        int ones = p[1] - '0';
        return (uint)tens <= 9 && (uint)ones <= 9 ? (tens * 10) + ones : 1000;
    }
}
