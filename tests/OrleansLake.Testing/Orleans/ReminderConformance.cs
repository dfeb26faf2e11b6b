namespace OrleansLake.Testing.Orleans;

/// <summary>What Orleans asks of a table of reminders.</summary>
/// <param name="open">Opens the table, each time anew where that is possible.</param>
internal sealed class ReminderConformance(Func<IReminderTable> open) : ConformanceSuite
{
    private static readonly DateTime Noon = new(2026, 3, 1, 12, 0, 0, DateTimeKind.Utc);

    public async Task Reminders_are_kept_changed_and_removed_by_etag()
    {
        IReminderTable table = open();
        GrainId grain = GrainId.Create("nobody", Guid.NewGuid().ToString("N"));
        string first = (await table.UpsertRow(Reminder(grain, "keep-alive", 60)))!;
        await table.UpsertRow(Reminder(grain, "other", 5));
        ReminderEntry read = (await open().ReadRow(grain, "keep-alive"))!;
        // Of its kind nothing is said: Orleans takes each time for UTC, and the tables of others leave it open.
        Assert.Equal((grain, "keep-alive", Noon.Ticks, TimeSpan.FromMinutes(60), first), (read.GrainId, read.ReminderName, read.StartAt.Ticks, read.Period, read.ETag));
        Assert.Equal(2, (await table.ReadRows(grain)).Reminders.Count);
        Assert.Null(await table.ReadRow(grain, "no such"));

        string second = (await table.UpsertRow(Reminder(grain, "keep-alive", 2)))!;
        Assert.NotEqual(first, second);
        Assert.False(await table.RemoveRow(grain, "keep-alive", first));
        Assert.True(await table.RemoveRow(grain, "keep-alive", second));
        Assert.Equal("other", Assert.Single((await table.ReadRows(grain)).Reminders).ReminderName);
    }

    public async Task Reminders_are_found_by_parts_of_the_ring_also_over_its_top()
    {
        IReminderTable table = open();
        await table.TestOnlyClearTable();
        GrainId[] grains = [.. Enumerable.Range(0, 12).Select(i => GrainId.Create("nobody", $"p{i}")).OrderBy(grain => grain.GetUniformHashCode())];
        await Task.WhenAll(grains.Select(grain => table.UpsertRow(Reminder(grain, "keep-alive", 60))));
        uint low = grains[4].GetUniformHashCode();
        uint high = grains[9].GetUniformHashCode();
        Assert.Equal(grains[5..10].Order(), (await table.ReadRows(low, high)).Reminders.Select(one => one.GrainId).Order());
        Assert.Equal(grains[10..].Concat(grains[..5]).Order(), (await table.ReadRows(high, low)).Reminders.Select(one => one.GrainId).Order());
        Assert.Equal(12, (await table.ReadRows(0, 0)).Reminders.Count);
        await table.TestOnlyClearTable();
        Assert.Empty((await open().ReadRows(0, 0)).Reminders);
    }

    private static ReminderEntry Reminder(GrainId grain, string name, int minutes) => new() { GrainId = grain, ReminderName = name, StartAt = Noon, Period = TimeSpan.FromMinutes(minutes) };
}
