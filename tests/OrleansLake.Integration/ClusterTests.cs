using System.Diagnostics;
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using OrleansLake.Client;
using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Kafka.Publishing;
using OrleansLake.Testing.Processes;

namespace OrleansLake.Integration;

/// <summary>
/// Silos in processes of their own that share a warehouse and nothing else, and this process as their client, over the
/// gateways of Orleans and over HTTP.
/// </summary>
[Collection(Collections.Working)]
public sealed class ClusterTests(ITestOutputHelper output) : IDisposable
{
    private const string Table = "cluster.events";
    private const int TopicPartitions = 8;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan DeathLimit = TimeSpan.FromSeconds(30); // three probes of a second each, and to move

    private readonly TestWarehouse _warehouse = new();

    public void Dispose() => _warehouse.Dispose();

    [Fact]
    public async Task Silos_share_the_topic_partitions_and_each_record_is_there_once_whichever_of_them_dies_or_joins()
    {
        Clusters.SkipWhereStandIn();

        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", TopicPartitions);
        var setup = new SiloSetup
        {
            Warehouse = _warehouse.Path,
            BootstrapServers = broker.BootstrapServers,
            Topics = ["events"],
            Table = Table,
            Ddl = $"CREATE TABLE {Table} ({NumberedFeed.Columns})",
            ClusterId = "cluster",
        };
        await using SiloProcess first = SiloProcess.Start(setup, "first");
        SiloProcess followed = first;
        await using var follower = new CommittedFollower(() => Volatile.Read(ref followed));
        using var feed = new NumberedFeed(2_000_000);
        Task<PublishResult> publishing = Task.Run(() => feed.PublishAsync(broker, follower, 15_000));
        await first.WaitAsync("commits of the first silo", _ => follower.Total > 0, Patience);
        using var http = new HttpClient { BaseAddress = first.Url };
        var overHttp = new HttpOrleansLakeClient(http);
        Assert.Equal(TopicPartitions, (await HomesAsync(overHttp))[first.SiloPort]);

        // A second one joins, and gets its half.
        await using SiloProcess second = SiloProcess.Start(setup, "second");
        await EvenAsync(overHttp, "the second silo joined", Patience, first, second);

        // The client of Orleans sees what HTTP shows, and its word reaches the pumps of both.
        using IHost host = await ConnectAsync(setup, first, second);
        IOrleansLakeClient client = new OrleansLakeClient(host.Services.GetRequiredService<IClusterClient>());
        Assert.Equal((await HomesAsync(overHttp)).OrderBy(home => home.Key), (await HomesAsync(client)).OrderBy(home => home.Key));
        await AddColumnAsync();
        SchemaReload reload = (await client.ReloadSchemaAsync(Table))!;
        Assert.Equal((1, TopicPartitions), (reload.SchemaId, reload.FirstOffsets.Length));
        Assert.Equal(Enumerable.Range(0, TopicPartitions), reload.FirstOffsets.Select(one => one.Partition).Order());
        Assert.All(reload.FirstOffsets, one => Assert.True(one.FirstOffset > 0));
        SchemaReload again = (await overHttp.ReloadSchemaAsync(Table))!;
        Assert.Equal(reload.FirstOffsets.OrderBy(one => one.Partition), again.FirstOffsets.OrderBy(one => one.Partition));
        Assert.Contains("writes by schema 1", first.ReadLog(), StringComparison.Ordinal);
        Assert.Contains("writes by schema 1", second.ReadLog(), StringComparison.Ordinal);

        // The first dies, and the grains of the pipeline, the table and the list with it: the second has all of them. The client
        // goes on with the gateway that is left.
        using var httpOfSecond = new HttpClient { BaseAddress = second.Url };
        var overSecond = new HttpOrleansLakeClient(httpOfSecond);
        Volatile.Write(ref followed, second);
        await first.Process.KillAsync();
        await EvenAsync(overSecond, "the first silo died", DeathLimit, second);
        Assert.Equal(TopicPartitions, (await HomesAsync(client))[second.SiloPort]);

        // Another one joins; what remains of the second ends in order while records flow.
        await using SiloProcess third = SiloProcess.Start(setup, "third");
        await EvenAsync(overSecond, "a third silo joined", Patience, second, third);
        using var httpOfThird = new HttpClient { BaseAddress = third.Url };
        Volatile.Write(ref followed, third);
        Assert.Equal(0, await second.Process.TerminateAsync(TimeSpan.FromSeconds(60)));
        await EvenAsync(new HttpOrleansLakeClient(httpOfThird), "the second silo ended", DeathLimit, third);
        Assert.False(publishing.IsCompleted, "expected records to flow until here");
        feed.End();
        PublishResult published = await publishing.WaitAsync(Patience);
        long records = feed.Given;
        await third.WaitAsync("everything to be committed", status =>
        {
            var committed = SiloProcess.CommittedOf(status).ToDictionary(pair => pair.TopicPartition, pair => pair.Next);
            return published.Ranges.All(range => committed.GetValueOrDefault(range.Key, -1) >= range.Value.Next);
        }, Patience);
        Assert.Equal(0, await third.Process.TerminateAsync(TimeSpan.FromSeconds(30)));

        AuditResult audit = await _warehouse.AuditAsync(Table);
        Assert.True(audit.Verdict == AuditVerdict.Proved, audit.ToString());
        output.WriteLine($"{records} records");
        Assert.Equal(records - NumberedFeed.BadAmong(records), audit.Rows);
        Assert.Equal(NumberedFeed.BadAmong(records), audit.Partitions.Sum(partition => partition.Rejected));
        if (ForeignReaders.Absent is null)
        {
            var rows = (await _warehouse.DuckDbAsync(Table, "SELECT count(*) AS n, count(DISTINCT id) AS ids FROM FILES"))[0]!;
            Assert.Equal(audit.Rows.ToString(System.Globalization.CultureInfo.InvariantCulture), rows["n"]!.ToString());
            Assert.Equal(rows["n"]!.ToString(), rows["ids"]!.ToString());
        }
    }

    /// <summary>How many topic-partitions each silo reads, by the port for other silos.</summary>
    private static async Task<Dictionary<int, int>> HomesAsync(IOrleansLakeClient client)
    {
        PipelineStatus? status = await client.GetPipelineAsync("events");
        return (status?.TopicPartitions ?? [])
            .Where(one => one is { Silo: not null, State: TopicPartitionState.Reading or TopicPartitionState.Idle or TopicPartitionState.Held })
            .GroupBy(one => int.Parse(one.Silo!.Split(':')[1], System.Globalization.CultureInfo.InvariantCulture))
            .ToDictionary(group => group.Key, group => group.Count());
    }

    private async Task EvenAsync(IOrleansLakeClient client, string what, TimeSpan limit, params SiloProcess[] silos)
    {
        long begun = Stopwatch.GetTimestamp();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        Dictionary<int, int> homes = [];
        do
        {
            try
            {
                homes = await HomesAsync(client);
            }
            catch (OrleansLakeClientException)
            {
                homes = []; // not up yet, or grains of the silo that died are being found
            }

            if (homes.Count == silos.Length && silos.All(silo => homes.GetValueOrDefault(silo.SiloPort) == TopicPartitions / silos.Length))
            {
                output.WriteLine($"{what}: even after {Stopwatch.GetElapsedTime(begun).TotalSeconds:0.0} s");
                return;
            }

            Assert.True(
                Stopwatch.GetElapsedTime(begun) < limit,
                $"{what}: not even after {limit}: {string.Join(", ", homes)}\n{string.Join("\n", silos.Select(silo => silo.Process.Errors + silo.ReadLog()))}");
        }
        while (await timer.WaitForNextTickAsync(CancellationToken.None));
    }

    private static async Task<IHost> ConnectAsync(SiloSetup setup, params SiloProcess[] silos)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.ClearProviders();
        builder.UseOrleansClient(client => client
            .UseStaticClustering([.. silos.Select(silo => new IPEndPoint(IPAddress.Loopback, silo.GatewayPort))])
            .Configure<ClusterOptions>(options => (options.ClusterId, options.ServiceId) = (setup.ClusterId!, "orleanslake")));
        IHost host = builder.Build();
        await host.StartAsync();
        return host;
    }

    private async Task AddColumnAsync()
    {
        var catalog = new LocalCatalog(_warehouse.Path, TimeProvider.System, new IdSource(TimeProvider.System, new Random()));
        CommitResult result;
        do
        {
            LoadedTable table = (await catalog.LoadTableAsync(TableIdentifier.Parse(Table), CancellationToken.None))!;
            IMetadataChange update = Ddl.ParseAlterTable($"ALTER TABLE {Table} ADD COLUMN note VARCHAR").On(table.Metadata);
            result = await catalog.CommitTableAsync(new TableCommit(table, update.Requirements, update.Updates), CancellationToken.None);
        }
        while (result is not CommitResult.Committed);
    }
}
