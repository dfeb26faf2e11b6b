using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>
/// Before when rows are too old: <c>date_trunc('day', now() AT TIME ZONE zone - period)</c>.
/// </summary>
/// <param name="Day">The first day that is kept, by the calendar of the zone.</param>
/// <param name="Start">When that day begins there.</param>
public readonly record struct RetentionCutoff(DateOnly Day, DateTimeOffset Start)
{
    /// <summary>The cutoff of some options at a time.</summary>
    public static RetentionCutoff Of(RetentionOptions options, DateTimeOffset now)
    {
        var zone = TimeZoneInfo.FindSystemTimeZoneById(options.TimeZone);
        var local = TimeZoneInfo.ConvertTime(now, zone).DateTime;
        var day = DateOnly.FromDateTime(options.Period.Before(local));
        return new RetentionCutoff(day, StartOf(day, zone));
    }

    /// <summary>
    /// The first instant at which the clocks of a zone show a day: where midnight is left out in spring, the moment of the change;
    /// where it comes twice in autumn, the first of the two.
    /// </summary>
    public static DateTimeOffset StartOf(DateOnly day, TimeZoneInfo zone)
    {
        var midnight = day.ToDateTime(TimeOnly.MinValue);
        // No zone is further from UTC than 14 hours or shifts by more than a day (Samoa left out a whole one).
        long before = Math.Max(DateTime.MinValue.Ticks, midnight.Ticks - TimeSpan.FromHours(40).Ticks) / TimeSpan.TicksPerSecond;
        long at = Math.Min(DateTime.MaxValue.Ticks, midnight.Ticks + TimeSpan.FromHours(40).Ticks) / TimeSpan.TicksPerSecond;
        var shows = new[] { before, at }.Select(second => midnight - zone.GetUtcOffset(Utc(second)))
            .Where(utc => TimeZoneInfo.ConvertTimeFromUtc(DateTime.SpecifyKind(utc, DateTimeKind.Utc), zone) == midnight).Order().ToList();
        if (shows.Count > 0)
        {
            return new DateTimeOffset(shows[0], TimeSpan.Zero);
        }

        // The clocks never show that midnight: the moment at which they pass it is found by halves.
        while (at - before > 1)
        {
            long middle = before + ((at - before) / 2);
            if (DateOnly.FromDateTime(TimeZoneInfo.ConvertTimeFromUtc(Utc(middle), zone)) >= day)
            {
                at = middle;
            }
            else
            {
                before = middle;
            }
        }

        return new DateTimeOffset(at * TimeSpan.TicksPerSecond, TimeSpan.Zero);

        static DateTime Utc(long second) => new(second * TimeSpan.TicksPerSecond, DateTimeKind.Utc);
    }

    /// <summary>The cutoff as a value of a column's type: an instant where the type has a zone, else what the clocks show.</summary>
    /// <exception cref="FormatException">The column is neither a date nor a timestamp.</exception>
    public object ValueOf(NestedField column)
    {
        long wallMicros = (Day.ToDateTime(TimeOnly.MinValue) - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        long micros = (Start.UtcDateTime - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        return column.Type switch
        {
            DateType => (object)(Day.DayNumber - DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber),
            TimestampType(var withZone) => withZone ? micros : wallMicros,
            TimestampNanoType(var withZone) => checked((withZone ? micros : wallMicros) * 1000),
            _ => throw new FormatException($"{UpkeepSettings.Prefix}retention.column: expected a date or timestamp, got {column.Name} of type {(column.Type as PrimitiveType)?.Spelling ?? "struct, list or map"}"),
        };
    }
}
