using System.Globalization;

namespace OrleansLake.Grains.Tests.Maintenance;

/// <summary>When tasks of the upkeep are due.</summary>
public sealed class ScheduleTests
{
    [Theory]
    [InlineData("30 3 * * *", "UTC", "2026-11-22T03:30:00Z", "2026-11-23T03:30:00Z")]
    [InlineData("*/15 * * * *", "UTC", "2026-11-22T03:31:10Z", "2026-11-22T03:45:00Z")]
    [InlineData("cron 0 9-17/4 * * 1-5", "UTC", "2026-11-20T17:00:00Z", "2026-11-23T09:00:00Z")]
    [InlineData("0 0 29 2 *", "UTC", "2026-11-20T17:00:00Z", "2028-02-29T00:00:00Z")]
    [InlineData("0 12 13 * 5", "UTC", "2026-11-13T12:00:00Z", "2026-11-20T12:00:00Z")] // the 13th, or a Friday
    [InlineData("0 12 * * 0", "UTC", "2026-11-20T12:00:00Z", "2026-11-22T12:00:00Z")]
    [InlineData("0 12 * * 7", "UTC", "2026-11-20T12:00:00Z", "2026-11-22T12:00:00Z")]
    [InlineData("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z")] // there is no half past two on that day
    [InlineData("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T01:30:00Z")] // and here two, of which one is taken
    [InlineData("30 2 * * *", "Europe/Berlin", "2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z")]
    [InlineData("0 0 * * *", "Asia/Kolkata", "2026-11-22T12:00:00Z", "2026-11-22T18:30:00Z")]
    public void Cron_names_the_next_time_in_its_zone(string text, string zone, string after, string expected) =>
        Assert.Equal(
            DateTimeOffset.Parse(expected, CultureInfo.InvariantCulture),
            Schedule.Parse(text)!.Next(DateTimeOffset.Parse(after, CultureInfo.InvariantCulture), TimeZoneInfo.FindSystemTimeZoneById(zone), 0));

    [Theory]
    [InlineData("")]
    [InlineData("soon")]
    [InlineData("0s")]
    [InlineData("-5m")]
    [InlineData("60 * * * *")]
    [InlineData("* 24 * * *")]
    [InlineData("* * 0 * *")]
    [InlineData("* * * 13 *")]
    [InlineData("* * * * 8")]
    [InlineData("5-1 * * * *")]
    [InlineData("*/0 * * * *")]
    [InlineData("* * * *")]
    public void What_is_no_schedule_is_none(string text) => Assert.Null(Schedule.Parse(text));

    [Fact]
    public void A_date_that_never_comes_is_never_due() => Assert.Null(Schedule.Parse("0 0 31 2 *")!.Next(DateTimeOffset.UnixEpoch, TimeZoneInfo.Utc, 0));

    [Fact]
    public void Intervals_count_from_the_last_end_and_jitter_spreads_them()
    {
        DateTimeOffset now = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);
        Schedule every = Schedule.Parse("10m")!;
        Assert.Equal(now.AddMinutes(10), every.Next(now, TimeZoneInfo.Utc, 0));
        Assert.Equal(now.AddMinutes(10.5), every.Next(now, TimeZoneInfo.Utc, 0.5));
        Assert.Equal(now.AddMinutes(5), every.First(now, TimeZoneInfo.Utc, 0.5));
        Assert.Equal(every, Schedule.Parse("every 600 s"));
        Assert.Null(Schedule.Parse("off")!.First(now, TimeZoneInfo.Utc, 0.5));
    }

    [Theory]
    [InlineData("22:00-06:00", "2026-11-22T21:59:59Z", false)]
    [InlineData("22:00-06:00", "2026-11-22T22:00:00Z", true)]
    [InlineData("22:00-06:00", "2026-11-22T05:59:59Z", true)]
    [InlineData("22:00-06:00", "2026-11-22T06:00:00Z", false)]
    [InlineData("12:00-13:00, 18:00-24:00", "2026-11-22T12:30:00Z", true)]
    [InlineData("12:00-13:00, 18:00-24:00", "2026-11-22T23:59:59Z", true)]
    [InlineData("12:00-13:00, 18:00-24:00", "2026-11-22T17:00:00Z", false)]
    public void Windows_are_open_between_their_hours(string text, string at, bool isOpen) =>
        Assert.Equal(isOpen, MaintenanceWindow.Parse(text)!.Contains(DateTimeOffset.Parse(at, CultureInfo.InvariantCulture), TimeZoneInfo.Utc));

    [Theory]
    [InlineData("22-6")]
    [InlineData("22:00")]
    [InlineData("22:00-25:00")]
    public void What_is_no_window_is_none(string text) => Assert.Null(MaintenanceWindow.Parse(text));

    [Fact]
    public void Settings_that_cannot_be_read_are_named_with_what_was_expected() =>
        Assert.Equal(
            ("compaction.schedule", "an interval like 15m, five fields of cron or off", "now and then"),
            MaintenanceSchedules.FirstFault(new Dictionary<string, string> { ["expiry.schedule"] = "1h", ["compaction.schedule"] = "now and then" }));
}
