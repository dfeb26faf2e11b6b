#pragma warning disable CS0618 // What the providers implement; the methods with a cancellation token hand on to these.
using System.Net;

namespace OrleansLake.Testing.Orleans;

/// <summary>What Orleans asks of a table of members.</summary>
/// <param name="open">Opens the table of a cluster by its name, each time anew, as another silo would.</param>
internal sealed class MembershipConformance(Func<string, Task<IMembershipTable>> open) : ConformanceSuite
{
    private static readonly DateTime Noon = new(2026, 3, 1, 12, 0, 0, DateTimeKind.Utc);

    private readonly string _cluster = $"members-{Guid.NewGuid():N}";

    public async Task A_member_joins_changes_and_is_read_as_it_was_written()
    {
        IMembershipTable table = await OpenAsync();
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
        MembershipEntry changed = Assert.Single((await (await OpenAsync()).ReadAll()).Members).Item1;
        Assert.Equal(SiloStatus.Active, changed.Status);
        Assert.Equal(read.SuspectTimes, changed.SuspectTimes!);
    }

    public async Task A_change_that_did_not_see_the_newest_members_is_refused()
    {
        IMembershipTable table = await OpenAsync();
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

    public async Task Of_silos_that_join_at_once_every_one_gets_in_and_the_version_counts_them()
    {
        await OpenAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        await Task.WhenAll(Enumerable.Range(1, 6).Select(port => Task.Run(async () =>
        {
            IMembershipTable table = await OpenAsync();
            while (!await table.InsertRow(Member(port, SiloStatus.Joining), (await table.ReadAll()).Version.Next()))
            {
                if ((await table.ReadRow(Member(port, SiloStatus.Joining).SiloAddress)).Members.Count > 0)
                {
                    break; // said no, and was in
                }

                Assert.False(limit.IsCancellationRequested, $"silo {port} did not get in");
            }
        })));
        MembershipTableData all = await (await OpenAsync()).ReadAll();
        Assert.Equal((6, 6), (all.Members.Select(member => member.Item1.SiloAddress).Distinct().Count(), all.Version.Version));
    }

    public async Task A_sign_of_life_changes_neither_version_nor_etag_and_clusters_do_not_see_one_another()
    {
        IMembershipTable table = await OpenAsync();
        Assert.True(await table.InsertRow(Member(1, SiloStatus.Active), (await table.ReadAll()).Version.Next()));
        MembershipTableData before = await table.ReadAll();
        MembershipEntry alive = Member(1, SiloStatus.Active);
        alive.IAmAliveTime = Noon.AddHours(1);
        await table.UpdateIAmAlive(alive);
        MembershipTableData after = await table.ReadAll();
        Assert.Equal(Noon.AddHours(1), after.Members[0].Item1.IAmAliveTime);
        Assert.Equal((before.Version.Version, before.Version.VersionEtag, before.Members[0].Item2), (after.Version.Version, after.Version.VersionEtag, after.Members[0].Item2));
        await Assert.ThrowsAnyAsync<Exception>(() => table.UpdateIAmAlive(Member(2, SiloStatus.Active)));
        IMembershipTable other = await open(_cluster + "-other");
        await other.InitializeMembershipTable(true);
        Assert.Empty((await other.ReadAll()).Members);
    }

    public async Task Silos_that_are_long_gone_are_forgotten_and_live_ones_are_not()
    {
        IMembershipTable table = await OpenAsync();
        foreach ((int port, SiloStatus status) in new[] { (1, SiloStatus.Dead), (2, SiloStatus.Active), (3, SiloStatus.Dead) })
        {
            MembershipEntry entry = Member(port, status);
            entry.IAmAliveTime = port == 3 ? Noon.AddHours(2) : Noon;
            Assert.True(await table.InsertRow(entry, (await table.ReadAll()).Version.Next()));
        }

        await table.CleanupDefunctSiloEntries(new DateTimeOffset(Noon.AddHours(1)));
        Assert.Equal([2, 3], (await table.ReadAll()).Members.Select(member => member.Item1.SiloAddress.Endpoint.Port).Order());
        await table.DeleteMembershipTableEntries(_cluster);
        Assert.Empty((await (await OpenAsync()).ReadAll()).Members);
    }

    private static MembershipEntry Member(int port, SiloStatus status) => new()
    {
        SiloAddress = SiloAddress.New(IPAddress.Loopback, port, 7), Status = status, HostName = "host", SiloName = "name", ProxyPort = 30000, StartTime = Noon, IAmAliveTime = Noon.AddMinutes(1),
    };

    private async Task<IMembershipTable> OpenAsync()
    {
        IMembershipTable table = await open(_cluster);
        await table.InitializeMembershipTable(true);
        return table;
    }
}
