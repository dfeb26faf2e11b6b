using System.Globalization;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>What is done with a file of which some rows are too old and some not.</summary>
public enum RetentionBoundary
{
    /// <summary>It is written anew without them.</summary>
    Rewrite,

    /// <summary>Their positions are marked as deleted: a deletion vector (v3) or a position delete file (v2).</summary>
    Delete,

    /// <summary>It stays as it is until all of its rows are too old.</summary>
    Keep,
}

/// <summary>
/// How long the rows of a table are kept: <c>DELETE … WHERE column &lt; date_trunc('day', now() AT TIME ZONE zone - period)</c>.
/// </summary>
public sealed record RetentionOptions
{
    /// <summary>The column that says how old a row is (<c>retention.column</c>): a date or timestamp; a path where it is nested.</summary>
    public required string Column { get; init; }

    /// <summary>How long rows are kept (<c>retention.period</c>): <c>30d</c>, <c>13 months</c>, <c>1 year 6 months</c>.</summary>
    public required CalendarPeriod Period { get; init; }

    /// <summary>Where the days begin (<c>retention.time-zone</c>), an IANA name; UTC by default.</summary>
    public string TimeZone { get; init; } = "UTC";

    /// <summary>What is done with files at the boundary (<c>retention.boundary</c>).</summary>
    public RetentionBoundary Boundary { get; init; }

    /// <summary>Legal hold: nothing is removed while it stands (<c>retention.hold</c>: true, or a date until which it does, in UTC).</summary>
    public DateTimeOffset HeldUntil { get; init; } = DateTimeOffset.MinValue;

    internal static RetentionOptions? Read(UpkeepSettings settings)
    {
        string? column = settings.Text("retention.column");
        string? period = settings.Text("retention.period");
        if (string.IsNullOrEmpty(column) && string.IsNullOrEmpty(period))
        {
            return null;
        }

        if (string.IsNullOrEmpty(column) || string.IsNullOrEmpty(period))
        {
            throw new FormatException($"retention: expected both {UpkeepSettings.Prefix}retention.column and {UpkeepSettings.Prefix}retention.period, got only {(string.IsNullOrEmpty(column) ? "the period" : "the column")}");
        }

        string zone = settings.Text("retention.time-zone") ?? "UTC";
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(zone, out _))
        {
            throw new FormatException($"{UpkeepSettings.Prefix}retention.time-zone: expected the name of a time zone, got \"{zone}\"");
        }

        return new RetentionOptions
        {
            Column = column,
            Period = settings.Parse<CalendarPeriod>("retention.period", default, CalendarPeriod.Parse, "a period like 30d, 13 months or 1 year 6 months"),
            TimeZone = zone,
            Boundary = settings.Choice("retention.boundary", RetentionBoundary.Rewrite),
            HeldUntil = settings.Parse<DateTimeOffset>("retention.hold", DateTimeOffset.MinValue, ParseHold, "true, false or a date like 2030-12-31"),
        };
    }

    private static DateTimeOffset? ParseHold(string text) =>
        bool.TryParse(text, out bool held) ? held ? DateTimeOffset.MaxValue : DateTimeOffset.MinValue
        : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var until) ? until
        : null;
}
