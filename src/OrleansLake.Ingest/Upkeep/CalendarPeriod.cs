using System.Globalization;
using System.Text.RegularExpressions;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>A stretch of time by the calendar, as SQL's INTERVAL has it: months, days and hours are not each other's multiples.</summary>
/// <param name="Months">Months; twelve to a year.</param>
/// <param name="Days">Days; seven to a week.</param>
/// <param name="Time">Hours and less.</param>
public readonly partial record struct CalendarPeriod(int Months, int Days, TimeSpan Time)
{
    /// <summary><c>30d</c>, <c>13 months</c>, <c>1 year 6 months</c>, <c>36h</c>; null: not a period, or one of no length.</summary>
    public static CalendarPeriod? Parse(string text)
    {
        var match = Whole().Match(text);
        if (!match.Success)
        {
            return null;
        }

        long months = 0, days = 0, seconds = 0;
        for (int i = 0; i < match.Groups[1].Captures.Count; i++)
        {
            if (!long.TryParse(match.Groups[1].Captures[i].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out long count) || count > 1_000_000)
            {
                return null;
            }

            switch (match.Groups[2].Captures[i].Value.ToLowerInvariant())
            {
                case "y" or "year" or "years": months += 12 * count; break;
                case "month" or "months" or "mon": months += count; break;
                case "w" or "week" or "weeks": days += 7 * count; break;
                case "d" or "day" or "days": days += count; break;
                case "h" or "hour" or "hours": seconds += 3600 * count; break;
                case "m" or "min" or "minute" or "minutes": seconds += 60 * count; break;
                default: return null;
            }
        }

        return months + days + seconds > 0 && months <= 12 * 9000 && days <= 3_000_000 ? new CalendarPeriod((int)months, (int)days, TimeSpan.FromSeconds(seconds)) : null;
    }

    /// <summary>The time of a calendar and clock that lies so far before; where a month has no such day, its last one.</summary>
    public DateTime Before(DateTime local)
    {
        var at = ((local.Year - 1) * 12) + local.Month - 1 < Months ? DateTime.MinValue : local.AddMonths(-Months);
        var rest = TimeSpan.FromDays(Days) + Time;
        return at - DateTime.MinValue > rest ? at - rest : DateTime.MinValue;
    }

    /// <inheritdoc />
    public override string ToString()
    {
        var parts = new List<string>();
        Add(Months / 12, "year");
        Add(Months % 12, "month");
        Add(Days, "day");
        Add((int)Time.TotalHours, "hour");
        Add(Time.Minutes, "minute");
        return string.Join(' ', parts);

        void Add(int count, string unit)
        {
            if (count > 0)
            {
                parts.Add(string.Create(CultureInfo.InvariantCulture, $"{count} {unit}{(count == 1 ? "" : "s")}"));
            }
        }
    }

    [GeneratedRegex(@"^\s*(?:(\d+)\s*([A-Za-z]+)\s*)+$", RegexOptions.CultureInvariant)]
    private static partial Regex Whole();
}
