using System.Net;
using OrleansLake.Iceberg;

namespace OrleansLake.Grains.Tests;

/// <summary>What Orleans asks of a table of reminders and of a table of members.</summary>
public sealed class ObjectStoreTablesTests : IDisposable
{
    private static readonly DateTime Noon = new(2026, 3, 1, 12, 0, 0, DateTimeKind.Utc);

    private readonly string _directory = Directory.CreateTempSubdirectory("orleanslake-state-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Reminders_are_kept_changed_and_removed_by_etag()
    {
        IReminderTable table = Reminders();
        GrainId grain = GrainId.Create("pipeline", "a");
        string first = (await table.UpsertRow(Reminder(grain, "keep-alive", 1)))!;
        await table.UpsertRow(Reminder(grain, "other", 5));
        ReminderEntry read = (await Reminders().ReadRow(grain, "keep-alive"))!;
        Assert.Equal((grain, "keep-alive", Noon, TimeSpan.FromMinutes(1), first), (read.GrainId, read.ReminderName, read.StartAt, read.Period, read.ETag));
        Assert.Equal(DateTimeKind.Utc, read.StartAt.Kind);
        Assert.Equal(2, (await table.ReadRows(grain)).Reminders.Count);
        Assert.Null(await table.ReadRow(grain, "no such"));

        string second = (await table.UpsertRow(Reminder(grain, "keep-alive", 2)))!;
        Assert.NotEqual(first, second);
        Assert.False(await table.RemoveRow(grain, "keep-alive", first));
        Assert.True(await table.RemoveRow(grain, "keep-alive", second));
        Assert.Equal("other", Assert.Single((await table.ReadRows(grain)).Reminders).ReminderName);
    }

    [Fact]
    public async Task Reminders_are_found_by_parts_of_the_ring_also_over_its_top()
    {
        IReminderTable table = Reminders();
        GrainId[] grains = [.. Enumerable.Range(0, 20).Select(i => GrainId.Create("pipeline", $"p{i}")).OrderBy(grain => grain.GetUniformHashCode())];
        await Task.WhenAll(grains.Select(grain => table.UpsertRow(Reminder(grain, "keep-alive", 1))));
        uint low = grains[4].GetUniformHashCode();
        uint high = grains[14].GetUniformHashCode();
        Assert.Equal(grains[5..15].Order(), (await table.ReadRows(low, high)).Reminders.Select(one => one.GrainId).Order());
        Assert.Equal(grains[15..].Concat(grains[..5]).Order(), (await table.ReadRows(high, low)).Reminders.Select(one => one.GrainId).Order());
        Assert.Equal(20, (await table.ReadRows(0, 0)).Reminders.Count);
        await table.TestOnlyClearTable();
        Assert.Empty((await table.ReadRows(0, 0)).Reminders);
    }

    [Fact]
    public async Task A_member_joins_changes_and_is_read_as_it_was_written()
    {
        ObjectStoreMembershipTable table = await MembersAsync();
        MembershipTableData empty = await table.ReadAll();
        Assert.Empty(empty.Members);
        MembershipEntry entry = Member(11111, SiloStatus.Joining);
        Assert.True(await table.InsertRow(entry, empty.Version.Next()));

        MembershipTableData one = await table.ReadRow(entry.SiloAddress);
        (MembershipEntry read, string etag) = Assert.Single(one.Members);
        Assert.Equal(
            (entry.SiloAddress, SiloStatus.Joining, "host", "name", 30000, Noon, Noon.AddMinutes(1)),
            (read.SiloAddress, read.Status, read.HostName, read.SiloName, read.ProxyPort, read.StartTime, read.IAmAliveTime));
        Assert.Equal(empty.Version.Version + 1, one.Version.Version);

        read.Status = SiloStatus.Active;
        read.SuspectTimes = [Tuple.Create(Member(11112, SiloStatus.Active).SiloAddress, Noon)];
        Assert.True(await table.UpdateRow(read, etag, one.Version.Next()));
        MembershipTableData after = await (await MembersAsync()).ReadAll();
        MembershipEntry changed = Assert.Single(after.Members).Item1;
        Assert.Equal(SiloStatus.Active, changed.Status);
        Assert.Equal((Member(11112, SiloStatus.Active).SiloAddress, Noon), (Assert.Single(changed.SuspectTimes!).Item1, changed.SuspectTimes![0].Item2));
    }

    [Fact]
    public async Task A_change_that_did_not_see_the_newest_table_is_refused()
    {
        ObjectStoreMembershipTable table = await MembersAsync();
        MembershipTableData empty = await table.ReadAll();
        Assert.True(await table.InsertRow(Member(1, SiloStatus.Joining), empty.Version.Next()));
        Assert.False(await table.InsertRow(Member(2, SiloStatus.Joining), empty.Version.Next()));
        MembershipTableData one = await table.ReadAll();
        Assert.False(await table.InsertRow(Member(1, SiloStatus.Active), one.Version.Next()));
        Assert.False(await table.UpdateRow(Member(1, SiloStatus.Active), "another", one.Version.Next()));
        Assert.False(await table.UpdateRow(Member(2, SiloStatus.Active), one.Members[0].Item2, one.Version.Next()));
        Assert.True(await table.UpdateRow(Member(1, SiloStatus.Active), one.Members[0].Item2, one.Version.Next()));
        Assert.False(await table.UpdateRow(Member(1, SiloStatus.Dead), one.Members[0].Item2, one.Version.Next()));
    }

    [Fact]
    public async Task Of_silos_that_join_at_once_every_one_gets_in()
    {
        await MembersAsync();
        await Task.WhenAll(Enumerable.Range(1, 8).Select(port => Task.Run(async () =>
        {
            ObjectStoreMembershipTable table = Members();
            while (!await table.InsertRow(Member(port, SiloStatus.Joining), (await table.ReadAll()).Version.Next()))
            {
                if ((await table.ReadRow(Member(port, SiloStatus.Joining).SiloAddress)).Members.Count > 0)
                {
                    break; // said no, and was in
                }
            }
        })));
        MembershipTableData all = await Members().ReadAll();
        Assert.Equal(8, all.Members.Select(member => member.Item1.SiloAddress).Distinct().Count());
        Assert.Equal(8, all.Version.Version);
    }

    [Fact]
    public async Task A_sign_of_life_changes_neither_the_table_nor_the_etag()
    {
        ObjectStoreMembershipTable table = await MembersAsync();
        Assert.True(await table.InsertRow(Member(1, SiloStatus.Active), (await table.ReadAll()).Version.Next()));
        MembershipTableData before = await table.ReadAll();
        MembershipEntry alive = Member(1, SiloStatus.Active);
        alive.IAmAliveTime = Noon.AddHours(1);
        await table.UpdateIAmAlive(alive);
        MembershipTableData after = await table.ReadAll();
        Assert.Equal(Noon.AddHours(1), after.Members[0].Item1.IAmAliveTime);
        Assert.Equal((before.Version.Version, before.Version.VersionEtag, before.Members[0].Item2), (after.Version.Version, after.Version.VersionEtag, after.Members[0].Item2));
        await Assert.ThrowsAsync<OrleansException>(() => table.UpdateIAmAlive(Member(2, SiloStatus.Active)));
    }

    [Fact]
    public async Task Silos_that_are_long_gone_are_forgotten_and_live_ones_are_not()
    {
        ObjectStoreMembershipTable table = await MembersAsync();
        foreach ((int port, SiloStatus status) in new[] { (1, SiloStatus.Dead), (2, SiloStatus.Active), (3, SiloStatus.Dead) })
        {
            MembershipEntry entry = Member(port, status);
            entry.IAmAliveTime = port == 3 ? Noon.AddHours(2) : Noon;
            Assert.True(await table.InsertRow(entry, (await table.ReadAll()).Version.Next()));
        }

        await table.CleanupDefunctSiloEntries(new DateTimeOffset(Noon.AddHours(1)));
        Assert.Equal([2, 3], (await table.ReadAll()).Members.Select(member => member.Item1.SiloAddress.Endpoint.Port).Order());
        await table.DeleteMembershipTableEntries("any");
        Assert.Empty((await table.ReadAll()).Members);
    }

    private static ReminderEntry Reminder(GrainId grain, string name, int minutes) => new() { GrainId = grain, ReminderName = name, StartAt = Noon, Period = TimeSpan.FromMinutes(minutes) };

    private static MembershipEntry Member(int port, SiloStatus status) => new()
    {
        SiloAddress = SiloAddress.New(IPAddress.Loopback, port, 7), Status = status, HostName = "host", SiloName = "name", ProxyPort = 30000, StartTime = Noon, IAmAliveTime = Noon.AddMinutes(1),
    };

    private ObjectStoreReminderTable Reminders() => new(new LocalObjectStore(), _directory);

    private ObjectStoreMembershipTable Members() => new(new LocalObjectStore(), _directory);

    private async Task<ObjectStoreMembershipTable> MembersAsync()
    {
        ObjectStoreMembershipTable table = Members();
        await table.InitializeMembershipTable(true);
        return table;
    }
}
