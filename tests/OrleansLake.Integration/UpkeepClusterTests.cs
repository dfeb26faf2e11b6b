using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansLake.Client;
using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Kafka.Publishing;
using OrleansLake.Testing.Processes;

namespace OrleansLake.Integration;

/// <summary>A compaction on three silos in processes of their own, held back by ingestion, while two of them die.</summary>
[Collection(Collections.Working)]
public sealed class UpkeepClusterTests(ITestOutputHelper output) : IDisposable
{
    private const string Table = "upkeep.events";
    private const int TopicPartitions = 6;
    private const int Rounds = 6;
    private const long RecordsOfRound = 1_200;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly TestWarehouse _warehouse = new();
    private readonly List<(SiloProcess Process, HttpClient Http, HttpOrleansLakeClient Client)> _silos = [];

    public void Dispose()
    {
        _silos.ForEach(silo => silo.Http.Dispose());
        _warehouse.Dispose();
    }

    [Fact]
    [Trait("Category", "Endurance")]
    public async Task Groups_are_rewritten_on_all_silos_wait_for_ingestion_and_go_on_elsewhere_when_silos_die()
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
            Ddl = $"CREATE TABLE {Table} ({NumberedFeed.Columns}) WITH (partitioning = ARRAY['bucket(id, 6)'])",
            FlushInterval = "700ms",
            ClusterId = "upkeep",
            // Any record that waits for its commit holds rewrites back.
            Maintenance = new JsonObject
            {
                ["freshness"] = "1ms",
                ["compaction"] = new JsonObject { ["schedule"] = "off", ["quiet-period"] = "1ms", ["min-input-files"] = "2", ["group-size"] = "24KiB", ["jobs"] = "3" },
                ["expiry"] = new JsonObject { ["schedule"] = "off" },
                ["manifests"] = new JsonObject { ["schedule"] = "off" },
                ["orphans"] = new JsonObject { ["schedule"] = "off" },
            },
        };
        await using SiloProcess first = Start(setup, "first"), second = Start(setup, "second"), third = Start(setup, "third");
        SiloProcess followed = first;
        // Records come in bursts: at this rate the next is there before the last is committed, so that some always wait.
        await using var follower = new CommittedFollower(() => Volatile.Read(ref followed));
        using var feed = new NumberedFeed(10_000_000, released: 0);
        await first.WaitAsync("three silos that read", status => status["topicPartitions"]!.AsArray().Select(one => one!["silo"]?.GetValue<string>()).Where(silo => silo is not null).Distinct().Count() == 3, Patience);
        Task<PublishResult> publishing = Task.Run(() => feed.PublishAsync(broker, follower, 40_000));

        // Records have stopped for a while: the groups are rewritten, on all silos at once.
        for (int round = 1; round <= Rounds; round++)
        {
            // Each round leaves files of each silo in each partition, however slow the machine.
            feed.Release(round * RecordsOfRound);
            await CommittedAsync(first, follower, round * RecordsOfRound);
        }

        long files = (await _warehouse.LoadAsync(Table)).Metadata.FindRef(SnapshotRef.Main)!.Summary["total-data-files"] is { } total ? long.Parse(total, System.Globalization.CultureInfo.InvariantCulture) : 0;
        MaintenanceRun done = await EndAsync(_silos[0].Client, await StartAsync(_silos[0].Client));
        output.WriteLine($"{files} files became {done.After!.DataFiles}; {string.Join(", ", done.Jobs.Select(job => $"job {job.Number} on {job.Silo} from {job.StartedMs - done.StartedMs} ms for {job.Seconds} s, {job.FilesRemoved} files"))}");
        Assert.True(done.Error is null, done.Error);
        Assert.Equal(3, done.Jobs.Select(job => job.Silo).Distinct().Count());
        Assert.Contains(done.Jobs, job => done.Jobs.Any(other => other.Silo != job.Silo && other.StartedMs < job.StartedMs + (job.Seconds * 1000) && job.StartedMs < other.StartedMs + (other.Seconds * 1000)));
        Assert.True(done.After!.DataFiles < files / 2, $"{files} files became {done.After.DataFiles}");
        Assert.StartsWith("a scan touches ", done.Notes[^1], StringComparison.Ordinal);

        // Records flow, and the rewrites wait.
        feed.Release(10_000_000);
        long before = follower.Total;
        await first.WaitAsync("many small files", _ => follower.Total > before + 8_000, Patience);
        MaintenanceRun waiting;
        do
        {
            // One that slips through before the records flow is not the one that is wanted.
            waiting = await RunAsync(_silos[0].Client, await StartAsync(_silos[0].Client), "jobs on three silos that wait", run => run.Seconds is not null || Working(run).Count(job => job.HeldSeconds > 0) == 3);
        }
        while (waiting.Seconds is not null);
        Guid held = waiting.RunId;
        Assert.Null(waiting.Seconds);
        Assert.Equal(3, Working(waiting).Select(job => job.Silo).Distinct().Count());

        // A silo with a job of the run dies: its group is given to another one. The schedule is there for what comes next.
        string keeper = (await _silos[0].Client.GetMaintenanceAsync(Table))!.Silo!;
        await SetPropertyAsync("orleanslake.compaction.group-size", "64MiB");
        await SetPropertyAsync("orleanslake.compaction.schedule", "1s");
        var victim = _silos.First(silo => !IsAt(silo.Process, keeper));
        var living = _silos.Where(silo => silo.Process != victim.Process).ToList();
        Volatile.Write(ref followed, living[0].Process);
        await victim.Process.Process.KillAsync();
        waiting = await RunAsync(
            living[0].Client, held, "the group of the silo that died on another one", run => run.Notes.Any(note => note.Contains("its group is given to another one", StringComparison.Ordinal)) || run.Error is not null);
        if (waiting.Error is null)
        {
            Assert.DoesNotContain(Working(waiting), job => IsAt(victim.Process, job.Silo));
        }
        else
        {
            // The grain may go down with the dead silo's part of the directory: its run is on record, and planned anew by the schedule.
            Assert.StartsWith("its silo ended before it did", waiting.Error, StringComparison.Ordinal);
            output.WriteLine("the run went down with the directory of the silo that died");
            held = (await RunsAsync(living[0].Client, "a run by schedule in its place", runs => runs.FirstOrDefault(run => run is { Trigger: "schedule", Task: "compaction", Seconds: null } && Working(run).Length > 0))).RunId;
        }

        // So does the one that keeps the run: the last one finds it, writes down how it ended, and plans anew.
        keeper = (await living[0].Client.GetMaintenanceAsync(Table))!.Silo!;
        var left = living.Single(silo => !IsAt(silo.Process, keeper));
        Volatile.Write(ref followed, left.Process);
        await living.Single(silo => IsAt(silo.Process, keeper)).Process.Process.KillAsync();
        MaintenanceRun lost = await RunAsync(left.Client, held, "the end of the run on record", run => run.Error is not null);
        Assert.StartsWith("its silo ended before it did", lost.Error, StringComparison.Ordinal);
        Assert.False(publishing.IsCompleted, "expected records to flow until here");
        feed.End();
        PublishResult published = await publishing.WaitAsync(Patience);
        await CommittedAsync(left.Process, follower, feed.Given);
        MaintenanceRun again = await RunsAsync(left.Client, "a run by schedule after it", runs => runs.FirstOrDefault(run => run is { Trigger: "schedule", Task: "compaction", FilesRemoved: > 0, Seconds: not null } && run.StartedMs > lost.StartedMs));
        Assert.True(again.Error is null, again.Error);
        Assert.All(again.Jobs, job => Assert.True(IsAt(left.Process, job.Silo)));
        Assert.Equal(0, await left.Process.Process.TerminateAsync(TimeSpan.FromSeconds(30)));

        AuditResult audit = await _warehouse.AuditAsync(Table);
        Assert.True(audit.Verdict == AuditVerdict.Proved, audit.ToString());
        Assert.Equal(feed.Given - NumberedFeed.BadAmong(feed.Given), audit.Rows);
        output.WriteLine($"{feed.Given} records, {published.Ranges.Count} topic-partitions");
        if (ForeignReaders.Absent is null)
        {
            var rows = (await _warehouse.DuckDbAsync(Table, "SELECT count(*) AS n, count(DISTINCT id) AS ids FROM FILES"))[0]!;
            Assert.Equal(audit.Rows.ToString(System.Globalization.CultureInfo.InvariantCulture), rows["n"]!.ToString());
            Assert.Equal(rows["n"]!.ToString(), rows["ids"]!.ToString());
        }
    }

    private SiloProcess Start(SiloSetup setup, string name)
    {
        SiloProcess process = SiloProcess.Start(setup, name);
        var http = new HttpClient { BaseAddress = process.Url };
        _silos.Add((process, http, new HttpOrleansLakeClient(http)));
        return process;
    }

    private static MaintenanceJob[] Working(MaintenanceRun run) => [.. run.Jobs.Where(job => job.Seconds is null)];

    private static bool IsAt(SiloProcess process, string silo) => silo.Contains($":{process.SiloPort}:", StringComparison.Ordinal);

    private static Task CommittedAsync(SiloProcess silo, CommittedFollower follower, long records) => silo.WaitAsync($"{records} records committed", _ => follower.Total >= records, Patience);

    private static async Task<Guid> StartAsync(HttpOrleansLakeClient client)
    {
        MaintenanceStart start = (await client.RunMaintenanceAsync(Table, "compaction"))!;
        return start.RunId ?? throw new InvalidOperationException(start.Message);
    }

    private static Task<MaintenanceRun> EndAsync(HttpOrleansLakeClient client, Guid id) => RunAsync(client, id, "its end", run => run.Seconds is not null);

    private static Task<MaintenanceRun> RunAsync(HttpOrleansLakeClient client, Guid id, string what, Func<MaintenanceRun, bool> wanted) =>
        RunsAsync(client, what, runs => runs.FirstOrDefault(run => run.RunId == id && wanted(run)));

    private static async Task<MaintenanceRun> RunsAsync(HttpOrleansLakeClient client, string what, Func<MaintenanceRun[], MaintenanceRun?> find)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        DateTime until = DateTime.UtcNow + Patience;
        MaintenanceRun[] runs = [];
        do
        {
            try
            {
                runs = await client.ListMaintenanceRunsAsync(Table) ?? [];
            }
            catch (OrleansLakeClientException)
            {
                continue; // grains of a silo that died are being found
            }

            if (find(runs) is { } found)
            {
                return found;
            }
        }
        while (DateTime.UtcNow < until && await timer.WaitForNextTickAsync(CancellationToken.None));
        throw new TimeoutException($"waiting for {what}: {JsonSerializer.Serialize(runs, LakeJson.Options)}");
    }

    private async Task SetPropertyAsync(string name, string value)
    {
        var catalog = new LocalCatalog(_warehouse.Path, TimeProvider.System, new IdSource(TimeProvider.System, new Random()));
        while (await catalog.CommitTableAsync(new TableCommit(await _warehouse.LoadAsync(Table), [], [new TableUpdate.SetProperties(new Dictionary<string, string> { [name] = value })]), CancellationToken.None) is not CommitResult.Committed)
        {
            // Ingestion was faster.
        }
    }
}
