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
/// space, and a zone <c>Z</c>, <c>±hh:mm</c>, <c>±hhmm</c> or <c>±hh</c>, with a zone id behind it or in its place (<see cref="ZoneIds"/>). Every method may read 32 bytes from the start of
/// the text, whatever its length.
/// </summary>
internal static unsafe class JsonTimes
{
    private const long MicrosPerDay = 86_400_000_000;

    // Z and +00:00 with the quote behind them, as they lie in memory.
    private const ushort Zulu = 0x225A;
    private const ulong PlusZero = 0x0022_3030_3A30_302B;

    /// <summary>
    /// A timestamp in the one form that most are in, with its closing quote: a T, seconds, up to six digits of a fraction, and
    /// <c>Z</c> or <c>+00:00</c> for an instant. Returns what stands behind the quote; null where there is anything else.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static byte* Common(byte* text, JsonNode node, out long micros)
    {
        micros = 0;
        ulong head = Unsafe.ReadUnaligned<ulong>(text);
        uint tail = Unsafe.ReadUnaligned<uint>(text + 8);
        if ((head != node.DateHead || (ushort)tail != node.DateTail) && !TryNewDate(text, node))
        {
            return null;
        }

        // A byte above what its place allows ends the time; the fraction is what is left of the vector.
        var digits = Vector128.Load(text + 11) - Vector128.Create("00:00:00.0000000"u8);
        var most = Vector128.Create(2, 9, 0, 5, 9, 0, 5, 9, 0, 9, 9, 9, 9, 9, 9, (byte)9);
        int length = BitOperations.TrailingZeroCount(~Vector128.Equals(Vector128.Min(digits, most), digits).ExtractMostSignificantBits());
        byte* zone = text + 11 + length;
        length = length == 8 ? 9 : length;
        digits &= Vector128.LessThan(Vector128.CreateSequence((sbyte)0, (sbyte)1), Vector128.Create((sbyte)length)).AsByte();
        var aligned = Vector128.ShuffleNative(digits, Vector128.Create(0, 1, 3, 4, 6, 7, 128, 128, 128, 128, 9, 10, 11, 12, 13, (byte)14)).AsUInt64();
        ulong pairs = aligned.ToScalar();
        pairs = (pairs * 10) + (pairs >> 8);
        uint hour = (byte)pairs;
        uint seconds = (hour * 3600) + ((byte)(pairs >> 16) * 60U) + (byte)(pairs >> 32);
        micros = (node.DateDays * MicrosPerDay) + (seconds * 1_000_000L) + JsonNumbers.EightDigits(aligned.GetElement(1));

        // Nine: a point without digits, or nothing but seconds.
        bool isForm = (byte)(tail >> 16) == 'T' && hour < 24 && length is >= 9 and < 16 && (length > 9 || zone == text + 19) && !node.Nanos;
        if (!isForm)
        {
            return null;
        }

        if (!node.WithZone)
        {
            return *zone == '"' ? zone + 1 : null;
        }

        ulong rest = Unsafe.ReadUnaligned<ulong>(zone);
        return (ushort)rest == Zulu ? zone + 2 : (rest & 0x00FF_FFFF_FFFF_FFFF) == PlusZero ? zone + 7 : null;
    }

    /// <summary>A timestamp in microseconds or nanoseconds since 1970; the date is looked up in the node's memory of the last one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static TimeError TryTimestamp(byte* text, int length, JsonNode node, bool cutFraction, out long value)
    {
        value = 0;
        if (length < 16 || text[10] is not ((byte)'T' or (byte)' ' or (byte)'t'))
        {
            return TimeError.Malformed;
        }

        if ((Unsafe.ReadUnaligned<ulong>(text) != node.DateHead || Unsafe.ReadUnaligned<ushort>(text + 8) != node.DateTail) && !TryNewDate(text, node))
        {
            return TimeError.Malformed;
        }

        int days = node.DateDays;
        byte* end = text + length;
        var error = TimeOfDay(text + 11, end, out byte* p, out long micros, out int nanos);
        if (error != TimeError.None)
        {
            return error;
        }

        long offset = 0;
        if (p < end)
        {
            if (!TryZone(p, end, out offset) && !(end[-1] == ']' && ZoneIds.TryOffset(p, end, (days * MicrosPerDay) + micros, out offset)))
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

    /// <summary>A date that is not the node's last one, which it becomes.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryNewDate(byte* text, JsonNode node)
    {
        if (!TryDate(text, out int days))
        {
            return false;
        }

        node.DateHead = Unsafe.ReadUnaligned<ulong>(text);
        node.DateTail = Unsafe.ReadUnaligned<ushort>(text + 8);
        node.DateDays = days;
        return true;
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
            ulong chunk = Unsafe.ReadUnaligned<ulong>(p) ^ JsonNumbers.Zeros;
            int count = (int)Math.Min(JsonNumbers.DigitBits(chunk) >> 3, end - p);
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

    public static bool TryZone(byte* p, byte* end, out long offsetMinutes)
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
