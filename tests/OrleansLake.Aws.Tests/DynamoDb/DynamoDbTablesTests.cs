#pragma warning disable CS0618 // What the providers implement; the methods with a cancellation token hand on to these.
using System.Net;
using Amazon.DynamoDBv2;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;

namespace OrleansLake.Aws.Tests.DynamoDb;

/// <summary>What Orleans asks of a table of members, of grain state and of reminders, whichever packages for DynamoDB are in use.</summary>
public sealed class DynamoDbTablesTests(DynamoDbStand stand) : IClassFixture<DynamoDbStand>
{
    private static readonly DateTime Noon = new(2026, 3, 1, 12, 0, 0, DateTimeKind.Utc);
    private static int s_clusters;

    [Fact]
    public async Task A_member_joins_changes_and_is_read_as_it_was_written()
    {
        IMembershipTable table = await MembersAsync();
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
        read.SuspectTimes = [Tuple.Create(Member(11112, SiloStatus.Active).SiloAddress, Noon), Tuple.Create(Member(11113, SiloStatus.Active).SiloAddress, Noon.AddSeconds(5))];
        Assert.True(await table.UpdateRow(read, etag, one.Version.Next()));
        MembershipEntry changed = Assert.Single((await table.ReadAll()).Members).Item1;
        Assert.Equal(SiloStatus.Active, changed.Status);
        Assert.Equal(read.SuspectTimes, changed.SuspectTimes!);
    }

    [Fact]
    public async Task A_change_that_did_not_see_the_newest_members_is_refused()
    {
        IMembershipTable table = await MembersAsync();
        MembershipTableData empty = await table.ReadAll();
        Assert.True(await table.InsertRow(Member(1, SiloStatus.Joining), empty.Version.Next()));
        Assert.False(await table.InsertRow(Member(2, SiloStatus.Joining), empty.Version.Next()));
        MembershipTableData one = await table.ReadAll();
        Assert.False(await table.InsertRow(Member(1, SiloStatus.Active), one.Version.Next()));
        Assert.False(await table.UpdateRow(Member(1, SiloStatus.Active), "another", one.Version.Next()));
        Assert.False(await table.UpdateRow(Member(2, SiloStatus.Active), one.Members[0].Item2, one.Version.Next()));
        Assert.True(await table.UpdateRow(Member(1, SiloStatus.Active), one.Members[0].Item2, one.Version.Next()));
        Assert.False(await table.UpdateRow(Member(1, SiloStatus.Dead), one.Members[0].Item2, one.Version.Next()));
        Assert.Equal(1, Assert.Single((await table.ReadAll()).Members).Item1.SiloAddress.Endpoint.Port);
    }

    [Fact]
    public async Task Of_silos_that_join_at_once_every_one_gets_in_and_the_version_counts_them()
    {
        IMembershipTable table = await MembersAsync();
        await Task.WhenAll(Enumerable.Range(1, 6).Select(port => Task.Run(async () =>
        {
            while (!await table.InsertRow(Member(port, SiloStatus.Joining), (await table.ReadAll()).Version.Next()))
            {
                // another one was faster
            }
        })));
        MembershipTableData all = await table.ReadAll();
        Assert.Equal((6, 6), (all.Members.Count, all.Version.Version));
    }

    [Fact]
    public async Task A_sign_of_life_changes_neither_version_nor_etag_and_clusters_do_not_see_one_another()
    {
        IMembershipTable table = await MembersAsync(), other = await MembersAsync();
        Assert.True(await table.InsertRow(Member(1, SiloStatus.Active), (await table.ReadAll()).Version.Next()));
        MembershipTableData before = await table.ReadAll();
        MembershipEntry alive = Member(1, SiloStatus.Active);
        alive.IAmAliveTime = Noon.AddHours(1);
        await table.UpdateIAmAlive(alive);
        MembershipTableData after = await table.ReadAll();
        Assert.Equal(Noon.AddHours(1), after.Members[0].Item1.IAmAliveTime);
        Assert.Equal((before.Version.Version, before.Version.VersionEtag, before.Members[0].Item2), (after.Version.Version, after.Version.VersionEtag, after.Members[0].Item2));
        await Assert.ThrowsAnyAsync<Exception>(() => table.UpdateIAmAlive(Member(2, SiloStatus.Active)));
        Assert.Empty((await other.ReadAll()).Members);
    }

    [Fact]
    public async Task Silos_that_are_long_gone_are_forgotten_and_live_ones_are_not()
    {
        IMembershipTable table = await MembersAsync();
        foreach ((int port, SiloStatus status) in new[] { (1, SiloStatus.Dead), (2, SiloStatus.Active), (3, SiloStatus.Dead) })
        {
            MembershipEntry entry = Member(port, status);
            entry.IAmAliveTime = port == 3 ? Noon.AddHours(2) : Noon;
            Assert.True(await table.InsertRow(entry, (await table.ReadAll()).Version.Next()));
        }

        await table.CleanupDefunctSiloEntries(new DateTimeOffset(Noon.AddHours(1)));
        MembershipTableData left = await table.ReadAll();
        Assert.Equal([2, 3], left.Members.Select(member => member.Item1.SiloAddress.Endpoint.Port).Order());
        Assert.Equal(3, left.Version.Version);
    }

    [Fact]
    public async Task State_is_as_it_was_written_and_a_writer_with_an_old_etag_is_refused()
    {
        IGrainStorage storage = Storage();
        GrainId grain = GrainId.Create("pipeline", "a/b c/" + Guid.NewGuid());
        var (first, second, third) = (new Held<Counted>(), new Held<Counted>(), new Held<Counted>());
        await storage.ReadStateAsync("counted", grain, first);
        Assert.Equal((false, null, 0), (first.RecordExists, first.ETag, first.State.Count));
        first.State.Count = 5;
        await storage.WriteStateAsync("counted", grain, first);
        Assert.True(first.RecordExists);
        await storage.ReadStateAsync("counted", grain, second);
        Assert.Equal((true, first.ETag, 5), (second.RecordExists, second.ETag, second.State.Count));
        await storage.WriteStateAsync("counted", grain, first);
        await Assert.ThrowsAsync<InconsistentStateException>(() => storage.WriteStateAsync("counted", grain, second));
        await Assert.ThrowsAsync<InconsistentStateException>(() => storage.ClearStateAsync("counted", grain, second));
        await Assert.ThrowsAsync<InconsistentStateException>(() => storage.WriteStateAsync("counted", grain, third));
        await storage.ReadStateAsync("other", grain, third); // states of one grain are apart
        Assert.False(third.RecordExists);

        await storage.ReadStateAsync("counted", grain, second);
        await storage.ClearStateAsync("counted", grain, first);
        Assert.Equal((false, 0), (first.RecordExists, first.State.Count));
        await Assert.ThrowsAsync<InconsistentStateException>(() => storage.WriteStateAsync("counted", grain, second));
        await storage.ReadStateAsync("counted", grain, second);
        Assert.Equal((false, 0), (second.RecordExists, second.State.Count));
        await storage.WriteStateAsync("counted", grain, second);
        Assert.True(second.RecordExists);
    }

    [Fact]
    public async Task Reminders_are_kept_changed_and_removed_by_etag_and_found_by_parts_of_the_ring()
    {
        SkipWhereAbsent();
        IReminderTable table = stand.Silo.GetRequiredService<IReminderTable>();
        GrainId grain = GrainId.Create("nobody", "a");
        string first = (await table.UpsertRow(Reminder(grain, "keep-alive", 60)))!;
        await table.UpsertRow(Reminder(grain, "other", 5));
        ReminderEntry read = (await table.ReadRow(grain, "keep-alive"))!;
        Assert.Equal((grain, "keep-alive", Noon, TimeSpan.FromMinutes(60), first), (read.GrainId, read.ReminderName, read.StartAt, read.Period, read.ETag));
        Assert.Equal(2, (await table.ReadRows(grain)).Reminders.Count);
        Assert.Null(await table.ReadRow(grain, "no such"));
        string second = (await table.UpsertRow(Reminder(grain, "keep-alive", 2)))!;
        Assert.False(await table.RemoveRow(grain, "keep-alive", first));
        Assert.True(await table.RemoveRow(grain, "keep-alive", second));
        Assert.Equal("other", Assert.Single((await table.ReadRows(grain)).Reminders).ReminderName);

        await table.TestOnlyClearTable();
        GrainId[] grains = [.. Enumerable.Range(0, 12).Select(i => GrainId.Create("nobody", $"p{i}")).OrderBy(one => one.GetUniformHashCode())];
        await Task.WhenAll(grains.Select(one => table.UpsertRow(Reminder(one, "keep-alive", 60))));
        uint low = grains[4].GetUniformHashCode();
        uint high = grains[9].GetUniformHashCode();
        Assert.Equal(grains[5..10].Order(), (await table.ReadRows(low, high)).Reminders.Select(one => one.GrainId).Order());
        Assert.Equal(grains[10..].Concat(grains[..5]).Order(), (await table.ReadRows(high, low)).Reminders.Select(one => one.GrainId).Order());
        Assert.Equal(12, (await table.ReadRows(0, 0)).Reminders.Count);
        await table.TestOnlyClearTable();
        Assert.Empty((await table.ReadRows(0, 0)).Reminders);
    }

    [Fact]
    public async Task Tables_are_made_as_the_options_say()
    {
        SkipWhereAbsent();
        using AmazonDynamoDBClient client = stand.Client();
        var state = (await client.DescribeTableAsync("OrleansGrainState", Token)).Table;
        Assert.Equal(BillingMode.PAY_PER_REQUEST, state.BillingModeSummary.BillingMode);
        var expiry = (await client.DescribeTimeToLiveAsync("OrleansGrainState", Token)).TimeToLiveDescription;
        Assert.Equal((TimeToLiveStatus.ENABLED, "GrainTtl"), (expiry.TimeToLiveStatus, expiry.AttributeName));
        var reminders = (await client.DescribeTableAsync("OrleansReminders", Token)).Table;
        Assert.Equal((7, 5), (reminders.ProvisionedThroughput.ReadCapacityUnits, reminders.ProvisionedThroughput.WriteCapacityUnits));
        Assert.Equal(["ServiceIdGrainReferenceIndex", "ServiceIdIndex"], reminders.GlobalSecondaryIndexes.Select(index => index.IndexName).Order());
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static void SkipWhereAbsent() => Assert.SkipWhen(DynamoDbStand.Absence is not null, DynamoDbStand.Absence ?? "");

    private static ReminderEntry Reminder(GrainId grain, string name, int minutes) => new() { GrainId = grain, ReminderName = name, StartAt = Noon, Period = TimeSpan.FromMinutes(minutes) };

    private static MembershipEntry Member(int port, SiloStatus status) => new()
    {
        SiloAddress = SiloAddress.New(IPAddress.Loopback, port, 7), Status = status, HostName = "host", SiloName = "name", ProxyPort = 30000, StartTime = Noon, IAmAliveTime = Noon.AddMinutes(1),
    };

    private async Task<IMembershipTable> MembersAsync()
    {
        SkipWhereAbsent();
        IMembershipTable table = stand.Members($"members-{Interlocked.Increment(ref s_clusters)}");
        await table.InitializeMembershipTable(true);
        return table;
    }

    private IGrainStorage Storage()
    {
        SkipWhereAbsent();
        return stand.Silo.GetRequiredKeyedService<IGrainStorage>(DynamoDbStand.Storage);
    }

    /// <summary>State of a test.</summary>
    public sealed class Counted
    {
        public int Count { get; set; }
    }

    private sealed class Held<T> : IGrainState<T>
        where T : new()
    {
        [System.Diagnostics.CodeAnalysis.AllowNull]
        public T State { get; set; } = new();

        public string? ETag { get; set; }

        public bool RecordExists { get; set; }
    }
}
