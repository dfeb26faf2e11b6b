using OrleansLake.Iceberg;
using OrleansLake.Ingest.Upkeep;
using static OrleansLake.Ingest.Tests.Upkeep.UpkeepStand;

namespace OrleansLake.Ingest.Tests.Upkeep;

/// <summary>Rows that are too old go, and no others.</summary>
public sealed class RetentionTests
{
    [Theory]
    // Berlin: 23 hours on 30 March 2025, 25 on 26 October.
    [InlineData("Europe/Berlin", "2025-03-31T10:00:00Z", "1d", "2025-03-29T23:00:00Z")]
    [InlineData("Europe/Berlin", "2025-04-01T10:00:00Z", "1d", "2025-03-30T22:00:00Z")]
    [InlineData("Europe/Berlin", "2025-10-27T10:00:00Z", "1d", "2025-10-25T22:00:00Z")]
    [InlineData("Europe/Berlin", "2025-10-28T10:00:00Z", "1d", "2025-10-26T23:00:00Z")]
    // Shortly before and after midnight there.
    [InlineData("Europe/Berlin", "2025-06-01T21:59:59Z", "7 days", "2025-05-24T22:00:00Z")]
    [InlineData("Europe/Berlin", "2025-06-01T22:00:00Z", "7 days", "2025-05-25T22:00:00Z")]
    // Beirut leaves out midnight in spring: the day begins at one.
    [InlineData("Asia/Beirut", "2025-03-31T10:00:00Z", "1d", "2025-03-29T22:00:00Z")]
    // Havana has midnight twice in autumn: the day begins with the first.
    [InlineData("America/Havana", "2025-11-03T12:00:00Z", "1d", "2025-11-02T04:00:00Z")]
    // St. John's went back from a minute past midnight to the day before.
    [InlineData("America/St_Johns", "2010-11-08T12:00:00Z", "1d", "2010-11-07T02:30:00Z")]
    // Apia left out 30 December 2011.
    [InlineData("Pacific/Apia", "2011-12-31T12:00:00Z", "2 days", "2011-12-30T10:00:00Z")]
    [InlineData("UTC", "2025-03-31T10:00:00Z", "1 month", "2025-02-28T00:00:00Z")]
    [InlineData("UTC", "2024-02-29T10:00:00Z", "1 year", "2023-02-28T00:00:00Z")]
    [InlineData("UTC", "2025-03-31T10:00:00Z", "11h", "2025-03-30T00:00:00Z")]
    [InlineData("UTC", "2025-03-31T10:00:00Z", "2024 years", "0001-03-31T00:00:00Z")]
    [InlineData("UTC", "2025-03-31T10:00:00Z", "2030 years", "0001-01-01T00:00:00Z")]
    public void The_cutoff_is_midnight_by_the_clocks_of_the_zone(string zone, string now, string period, string expected)
    {
        var options = new RetentionOptions { Column = "ts", Period = CalendarPeriod.Parse(period)!.Value, TimeZone = zone };
        Assert.Equal(DateTimeOffset.Parse(expected, System.Globalization.CultureInfo.InvariantCulture), RetentionCutoff.Of(options, DateTimeOffset.Parse(now, System.Globalization.CultureInfo.InvariantCulture)).Start);
    }

    [Theory]
    [InlineData("30d", "30 days")]
    [InlineData("13 months", "1 year 1 month")]
    [InlineData("1 year 6 months 2w", "1 year 6 months 14 days")]
    [InlineData("36h", "36 hours")]
    [InlineData("0d", null)]
    [InlineData("30", null)]
    [InlineData("-1d", null)]
    [InlineData("1 fortnight", null)]
    public void Periods_are_read_as_people_write_them(string text, string? shown) => Assert.Equal(shown, CalendarPeriod.Parse(text)?.ToString());

    [Theory]
    [InlineData(2, RetentionBoundary.Rewrite)]
    [InlineData(2, RetentionBoundary.Delete)]
    [InlineData(3, RetentionBoundary.Rewrite)]
    [InlineData(3, RetentionBoundary.Delete)]
    public async Task What_goes_is_what_the_statement_would_delete(int version, RetentionBoundary boundary)
    {
        await using var stand = await UpkeepStand.CreateAsync(version, ByDay, onDisk: false);
        // The days of the table are UTC's, those of the zone are not: there is a boundary.
        for (int file = 0; file < 6; file++)
        {
            await stand.AppendAsync(Enumerable.Range(0, 60).Select(i => Row((file * 60) + i, ((file * 60) + i) * 0.4)));
        }

        await stand.AppendAsync([[1000L, null, "no time", null], Row(1001, 20), Row(1002, 300)]);
        await stand.DeletePositionsAsync(file => file.RecordCount > 30, 3, 5);
        await stand.DeleteIdsAsync((await stand.EntriesAsync(DataFileContent.Data))[3].DataFile.Partition, Enumerable.Range(0, 400).Where(i => i % 7 == 0).Select(i => (long)i).ToArray());
        stand.Time.Now = new DateTimeOffset(2025, 5, 6, 3, 0, 0, TimeSpan.Zero);
        var options = new RetentionOptions { Column = "ts", Period = new CalendarPeriod(0, 3, default), TimeZone = "America/New_York", Boundary = boundary };

        // 5 May 23:00 there, less three days, is 2 May: from 04:00 in UTC.
        var expected = await stand.RowsAsync("ts >= '2025-05-02T04:00:00Z' OR ts IS NULL");
        int all = (await stand.RowsAsync()).Count;
        Assert.InRange(expected.Count, 1, all - 1);
        var lineage = version >= 3 ? await stand.RowsAsync("ts >= '2025-05-02T04:00:00Z' OR ts IS NULL", "id", "_row_id") : null;
        var retention = stand.Retention();
        var plan = await retention.PlanAsync(await stand.LoadAsync(), options, default);
        Assert.NotEmpty(plan.Whole);
        Assert.NotEmpty(plan.Boundary);
        var result = await retention.ExecuteAsync(plan, default);
        Assert.Null(result.Error);
        Assert.Equal(0, result.StepsLeft);
        Assert.Equal(expected, await stand.RowsAsync());
        Assert.Equal(lineage, version >= 3 ? await stand.RowsAsync(null, "id", "_row_id") : null);

        // The second time there is nothing to do.
        plan = await retention.PlanAsync(await stand.LoadAsync(), options, default);
        Assert.Empty(plan.Whole);
        result = await retention.ExecuteAsync(plan, default);
        Assert.Empty(result.SnapshotsCommitted);
    }

    [Theory]
    [InlineData("date")]
    [InlineData("timestamp")]
    [InlineData("nanos")]
    public async Task Columns_without_a_zone_are_compared_by_what_the_clocks_show(string kind)
    {
        IcebergType type = kind switch { "date" => new DateType(), "timestamp" => new TimestampType(false), _ => new TimestampNanoType(false) };
        await using var stand = await UpkeepStand.CreateAsync(3, fields: [new(1, "id", true, new LongType()), new(2, "at", true, new StructType([new(3, "day", false, type)]))]);
        object?[] row(long id, int days, int hours) => [id, new object?[] { kind == "date" ? (object)(19_000 + days) : ((19_000L + days) * 24 + hours) * (kind == "nanos" ? 3_600_000_000_000 : 3_600_000_000) }];
        await stand.AppendAsync([row(1, 0, 23), row(2, 1, 0), row(3, 1, 12), row(4, 2, 0)]);
        stand.Time.Now = DateTimeOffset.UnixEpoch.AddDays(19_004).AddHours(1);
        var options = new RetentionOptions { Column = "at.day", Period = new CalendarPeriod(0, 2, default), TimeZone = "America/New_York" };
        var retention = stand.Retention();
        await retention.ExecuteAsync(await retention.PlanAsync(await stand.LoadAsync(), options, default), default);
        Assert.Equal(["""{"id":2}""", """{"id":3}""", """{"id":4}"""], await stand.RowsAsync(null, "id"));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Files_of_deletes_lie_below_hashes_where_those_of_the_table_do(int version)
    {
        await using var stand = await UpkeepStand.CreateAsync(version, ByDay, new Dictionary<string, string> { ["write.object-storage.enabled"] = "true" });
        await stand.AppendAsync(Enumerable.Range(0, 40).Select(i => Row(i, 24 + (i * 0.25)))); // of one day, in whose middle the cutoff is
        stand.Time.Now = new DateTimeOffset(2025, 5, 6, 3, 0, 0, TimeSpan.Zero);
        var options = new RetentionOptions { Column = "ts", Period = new CalendarPeriod(0, 3, default), TimeZone = "America/New_York", Boundary = RetentionBoundary.Delete };
        var retention = stand.Retention();
        var result = await retention.ExecuteAsync(await retention.PlanAsync(await stand.LoadAsync(), options, default), default);
        Assert.Null(result.Error);
        var deletes = await stand.EntriesAsync(DataFileContent.PositionDeletes);
        Assert.NotEmpty(deletes);
        Assert.All(deletes, entry => Assert.Matches("/data/[01]{4}/[01]{4}/[01]{4}/[01]{8}/", entry.DataFile.FilePath));
    }

    [Fact]
    public async Task Whole_partitions_go_without_a_file_being_read()
    {
        await using var stand = await UpkeepStand.CreateAsync(partitions: ByDay);
        for (int day = 0; day < 10; day++)
        {
            await stand.AppendAsync(Numbered(day * 10, 10, day * 24));
        }

        stand.Time.Now = new DateTimeOffset(2025, 5, 11, 1, 0, 0, TimeSpan.Zero);
        var options = new RetentionOptions { Column = "ts", Period = new CalendarPeriod(0, 3, default) };
        var retention = stand.Retention();
        var plan = await retention.PlanAsync(await stand.LoadAsync(), options, default);
        Assert.Empty(plan.Boundary);
        Assert.Equal(7, plan.Whole.Count);
        Assert.Contains("ts_day=2025-05-07: 1 files", string.Join('\n', plan.Lines()), StringComparison.Ordinal);
        var result = await retention.ExecuteAsync(plan, default);
        Assert.Equal((7L, 70L, 0L), (result.FilesRemoved, result.RowsRemoved, result.BytesRead));
        Assert.Equal(("delete", "retention"), ((await stand.HeadAsync()).Summary["operation"], (await stand.HeadAsync()).Summary["orleanslake.upkeep"]));
        Assert.Equal(30, (await stand.RowsAsync()).Count);
    }

    [Fact]
    public async Task Nothing_goes_while_the_table_is_on_legal_hold()
    {
        await using var stand = await UpkeepStand.CreateAsync(properties: new Dictionary<string, string>
        {
            ["orleanslake.retention.column"] = "ts", ["orleanslake.retention.period"] = "1d", ["orleanslake.retention.hold"] = "2025-07-01",
        });
        await stand.AppendAsync(Numbered(0, 10));
        var retention = stand.Retention();
        var options = UpkeepOptions.Read((await stand.LoadAsync()).Metadata).Retention!;
        var plan = await retention.PlanAsync(stand.Table, options, default);
        Assert.True(plan.IsEmpty);
        Assert.Contains("legal hold until 2025-07-01", plan.Lines().Last(), StringComparison.Ordinal);
        Assert.Empty((await retention.ExecuteAsync(plan, default)).SnapshotsCommitted);
        stand.Time.Now = new DateTimeOffset(2025, 7, 1, 0, 0, 0, TimeSpan.Zero);
        await retention.ExecuteAsync(await retention.PlanAsync(stand.Table, options, default), default);
        Assert.Empty(await stand.RowsAsync());
    }

    [Theory]
    [InlineData(RetentionBoundary.Rewrite)]
    [InlineData(RetentionBoundary.Delete)]
    public async Task A_delete_or_a_late_row_that_comes_meanwhile_is_kept(RetentionBoundary boundary)
    {
        await using var stand = await UpkeepStand.CreateAsync(3);
        await stand.AppendAsync(Enumerable.Range(0, 48).Select(i => Row(i, i)));
        stand.Time.Now = new DateTimeOffset(2025, 5, 3, 1, 0, 0, TimeSpan.Zero);
        var options = new RetentionOptions { Column = "ts", Period = new CalendarPeriod(0, 1, default), Boundary = boundary };
        stand.BeforeNextSwap(async () =>
        {
            await stand.DeletePositionsAsync(_ => true, 2, 40);
            await stand.AppendAsync([Row(100, 1), Row(101, 30)]);
        });
        var retention = stand.Retention();
        var result = await retention.ExecuteAsync(await retention.PlanAsync(await stand.LoadAsync(), options, default), default);
        Assert.Equal(0, result.StepsLeft);
        Assert.Contains("others were faster", string.Join('\n', result.Notes), StringComparison.Ordinal);
        var ids = (await stand.RowsAsync(null, "id")).Count;
        Assert.DoesNotContain("""{"id":40}""", await stand.RowsAsync(null, "id"));
        // Hours 24 to 47 without 40, and 101; the late row of the first day was seen by the second look.
        Assert.Equal(24, ids);
    }

    [Fact]
    public void Half_of_the_properties_or_a_zone_that_is_none_is_an_error_with_its_name()
    {
        static RetentionOptions? read(params (string, string)[] properties) => RetentionOptions.Read(new UpkeepSettings(properties.ToDictionary(pair => "orleanslake.retention." + pair.Item1, pair => pair.Item2)));
        Assert.Null(read());
        Assert.Contains("retention.period", Assert.Throws<FormatException>(() => read(("column", "ts"))).Message, StringComparison.Ordinal);
        Assert.Contains("orleanslake.retention.time-zone", Assert.Throws<FormatException>(() => read(("column", "ts"), ("period", "1d"), ("time-zone", "Mars/Olympus"))).Message, StringComparison.Ordinal);
        Assert.Contains("table property orleanslake.retention.period: expected a period", Assert.Throws<FormatException>(() => read(("column", "ts"), ("period", "1 fortnight"))).Message, StringComparison.Ordinal);
        Assert.Equal(DateTimeOffset.MaxValue, read(("column", "ts"), ("period", "1d"), ("hold", "TRUE"))!.HeldUntil);
        var settings = new UpkeepSettings(new Dictionary<string, string> { ["orleanslake.retention.period"] = "2d" }, new Dictionary<string, string> { ["retention.period"] = "9d", ["retention.column"] = "ts" });
        Assert.Equal((2, "ts"), (RetentionOptions.Read(settings)!.Period.Days, RetentionOptions.Read(settings)!.Column));
    }
}
