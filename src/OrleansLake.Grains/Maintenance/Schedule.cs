using System.Globalization;

namespace OrleansLake.Grains;

/// <summary>When a task runs: every so often, by cron, or never by itself.</summary>
/// <remarks>
/// Written as a duration (<c>15m</c>, <c>6h</c>), five fields of cron (<c>30 3 * * 1-5</c>: minute, hour, day of month, month, day of
/// week; lists, ranges, steps; where both days are given, either will do), or <c>off</c>. A time that a change to summer time leaves
/// out is taken an hour later; one that comes twice is taken once.
/// </remarks>
internal abstract record Schedule
{
    private Schedule()
    {
    }

    /// <summary>Reads one; null: it is none.</summary>
    public static Schedule? Parse(string text)
    {
        text = text.Trim();
        if (text.Equals("off", StringComparison.OrdinalIgnoreCase))
        {
            return new Off();
        }

        string[] fields = (text.StartsWith("cron ", StringComparison.OrdinalIgnoreCase) ? text[5..] : text).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length == 5)
        {
            return Field(fields[0], 0, 59) is { } minutes && Field(fields[1], 0, 23) is { } hours && Field(fields[2], 1, 31) is { } days
                && Field(fields[3], 1, 12) is { } months && Field(fields[4], 0, 7) is { } weekdays
                ? new Cron(minutes, hours, days, months, weekdays | ((weekdays >> 7) & 1), fields[2] != "*", fields[4] != "*")
                : null;
        }

        string interval = text.StartsWith("every ", StringComparison.OrdinalIgnoreCase) ? text[6..].Trim() : text;
        return Duration(interval) is { Ticks: > 0 } period ? new Every(period) : null;
    }

    /// <summary>The next time after another; null: never.</summary>
    /// <param name="after">That time.</param>
    /// <param name="zone">Where cron's fields hold.</param>
    /// <param name="jitter">From 0 to 1, another for each table: spreads what is due at one time.</param>
    public abstract DateTimeOffset? Next(DateTimeOffset after, TimeZoneInfo zone, double jitter);

    /// <summary>The first time, when nothing ran yet.</summary>
    public virtual DateTimeOffset? First(DateTimeOffset now, TimeZoneInfo zone, double jitter) => Next(now, zone, jitter);

    internal static TimeSpan? Duration(string text)
    {
        foreach (var (unit, milliseconds) in new[] { ("ms", 1d), ("s", 1e3), ("m", 6e4), ("h", 3.6e6), ("d", 8.64e7) })
        {
            if (text.EndsWith(unit, StringComparison.Ordinal) && double.TryParse(text[..^unit.Length].TrimEnd(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double count)
                && count * milliseconds is > 0 and < 1e14)
            {
                return TimeSpan.FromMilliseconds(count * milliseconds);
            }
        }

        return null;
    }

    /// <summary>Bits of the values that a field names; null: it is none.</summary>
    private static ulong? Field(string text, int least, int most)
    {
        ulong bits = 0;
        foreach (string part in text.Split(','))
        {
            string[] steps = part.Split('/');
            int step = 1;
            if (steps.Length > 2 || (steps.Length == 2 && (!int.TryParse(steps[1], NumberStyles.None, CultureInfo.InvariantCulture, out step) || step < 1)))
            {
                return null;
            }

            int from = least, to = most;
            if (steps[0] != "*")
            {
                string[] ends = steps[0].Split('-');
                if (ends.Length > 2 || !int.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out from))
                {
                    return null;
                }

                to = steps.Length == 2 ? most : from;
                if (ends.Length == 2 && !int.TryParse(ends[1], NumberStyles.None, CultureInfo.InvariantCulture, out to))
                {
                    return null;
                }
            }

            if (from < least || to > most || from > to)
            {
                return null;
            }

            for (int value = from; value <= to; value += step)
            {
                bits |= 1UL << value;
            }
        }

        return bits;
    }

    /// <summary>Only when someone asks.</summary>
    public sealed record Off : Schedule
    {
        /// <inheritdoc />
        public override DateTimeOffset? Next(DateTimeOffset after, TimeZoneInfo zone, double jitter) => null;
    }

    /// <summary>So long after the last one ended, and up to a tenth of that later.</summary>
    public sealed record Every(TimeSpan Period) : Schedule
    {
        /// <inheritdoc />
        public override DateTimeOffset? Next(DateTimeOffset after, TimeZoneInfo zone, double jitter) => after + Period + (Period * (jitter / 10));

        /// <inheritdoc />
        /// <remarks>Anywhere in the first interval: tables of a cluster that starts do not begin all at once.</remarks>
        public override DateTimeOffset? First(DateTimeOffset now, TimeZoneInfo zone, double jitter) => now + (Period * jitter);
    }

    /// <summary>At the minutes of a calendar, and up to a minute later.</summary>
    public sealed record Cron(ulong Minutes, ulong Hours, ulong Days, ulong Months, ulong Weekdays, bool NamesDays, bool NamesWeekdays) : Schedule
    {
        private const int MostDays = 366 * 30;

        /// <inheritdoc />
        public override DateTimeOffset? Next(DateTimeOffset after, TimeZoneInfo zone, double jitter)
        {
            var local = TimeZoneInfo.ConvertTime(after, zone).DateTime;
            var at = new DateTime(local.Year, local.Month, local.Day, local.Hour, local.Minute, 0, DateTimeKind.Unspecified).AddMinutes(1);
            for (int days = 0; days < MostDays; days++, at = at.Date.AddDays(1))
            {
                if (!IsDay(at))
                {
                    continue;
                }

                for (var time = at; time.Date == at.Date; time = time.AddMinutes(1))
                {
                    if (!Has(Hours, time.Hour))
                    {
                        time = time.Date.AddHours(time.Hour).AddMinutes(59);
                    }
                    else if (Has(Minutes, time.Minute) && InUtc(time, zone) is var utc && utc > after)
                    {
                        return utc + TimeSpan.FromSeconds(59 * jitter);
                    }
                }
            }

            return null;
        }

        private static bool Has(ulong bits, int value) => (bits >> value & 1) == 1;

        private static DateTimeOffset InUtc(DateTime local, TimeZoneInfo zone)
        {
            if (zone.IsInvalidTime(local))
            {
                local = local.AddHours(1);
            }

            return new DateTimeOffset(local, zone.GetUtcOffset(local)).ToUniversalTime();
        }

        private bool IsDay(DateTime at)
        {
            bool day = Has(Days, at.Day), weekday = Has(Weekdays, (int)at.DayOfWeek);
            return Has(Months, at.Month) && (NamesDays && NamesWeekdays ? day || weekday : day && weekday);
        }
    }
}

/// <summary>The hours in which the schedule is kept: <c>22:00-06:00</c>, several with commas between; a window may go over midnight.</summary>
internal sealed record MaintenanceWindow(IReadOnlyList<(TimeOnly From, TimeOnly To)> Spans)
{
    /// <summary>Reads one; null: it is none.</summary>
    public static MaintenanceWindow? Parse(string text)
    {
        var spans = new List<(TimeOnly, TimeOnly)>();
        foreach (string part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            string[] ends = part.Split('-', StringSplitOptions.TrimEntries);
            if (ends.Length != 2 || !TimeOnly.TryParseExact(ends[0], "H:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var from)
                || !TimeOnly.TryParseExact(ends[1] == "24:00" ? "0:00" : ends[1], "H:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var to))
            {
                return null;
            }

            spans.Add((from, to));
        }

        return new MaintenanceWindow(spans);
    }

    /// <summary>Whether it is open.</summary>
    public bool Contains(DateTimeOffset at, TimeZoneInfo zone)
    {
        var time = TimeOnly.FromDateTime(TimeZoneInfo.ConvertTime(at, zone).DateTime);
        return Spans.Any(span => span.From < span.To ? time >= span.From && time < span.To : time >= span.From || time < span.To);
    }
}
