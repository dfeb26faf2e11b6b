using System.Net;
using System.Text.Json;
using OrleansLake.Contracts;
using OrleansLake.Ingest.Kafka;

namespace OrleansLake.Silo.Tests;

/// <summary>Upkeep in a silo, while records flow.</summary>
public sealed class MaintenanceTests : IDisposable
{
    private readonly TempDirectory _warehouse = new();
    private readonly EmbeddedBroker _broker = new();

    public MaintenanceTests() => _broker.CreateTopic("events", 4);

    public void Dispose()
    {
        _broker.Dispose();
        _warehouse.Dispose();
    }

    [Fact]
    public async Task Files_become_few_and_history_short_while_records_flow_and_every_record_stays_once()
    {
        Dictionary<string, string> settings = new()
        {
            ["compaction.schedule"] = "1s",
            ["compaction.hot-files"] = "6",
            ["compaction.min-input-files"] = "2",
            ["compaction.quiet-period"] = "1s",
            ["expiry.schedule"] = "1s",
            ["expiry.max-snapshot-age"] = "1s",
            ["expiry.keep-newest"] = "3",
            ["orphans.schedule"] = "2s",
            ["orphans.min-age"] = "3s",
        };
        PipelineDefinition fast = SiloStand.Definition() with { FlushInterval = TimeSpan.FromMilliseconds(200) };
        await using SiloStand silo = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path, fast, maintenance: settings);
        const int Rounds = 8;
        for (int round = 0; round < Rounds; round++)
        {
            await SiloStand.PublishAsync(_broker.BootstrapServers, SiloStand.Records(round * 20, 20));
            int rows = (round + 1) * 20;
            await silo.EventuallyAsync(async () => (await silo.Client.GetPipelineAsync(SiloStand.Pipeline))?.TopicPartitions.Sum(one => one.Committed) >= rows, $"{rows} committed");
        }

        await silo.EventuallyAsync(
            async () => await silo.FilesAsync() <= 3 && (await silo.Client.ListMaintenanceRunsAsync("db.events", 100))!.Any(run => run is { Task: "expiry", Error: null, FilesRemoved: > 0 }),
            "few files, and an expiry that deleted some",
            () => JsonSerializer.Serialize(silo.Client.ListMaintenanceRunsAsync("db.events", 30).GetAwaiter().GetResult(), LakeJson.Options));
        IReadOnlyList<JsonElement> found = await silo.ReadAsync(SiloStand.Table);
        Assert.Equal(Enumerable.Range(0, Rounds * 20).Select(id => (long)id), SiloStand.Ids(found));
        await silo.AssertProvedAsync(Rounds * 20);

        MaintenanceRun[] runs = (await silo.Client.ListMaintenanceRunsAsync("db.events", 100))!;
        Assert.DoesNotContain(runs, run => run.Error is not null);
        MaintenanceRun compaction = runs.First(run => run is { Task: "compaction", Seconds: not null, FilesRemoved: > 0 });
        Assert.Equal(("schedule", true), (compaction.Trigger, compaction.Before!.DataFiles > 1));
        Assert.NotEmpty(compaction.Plan);
        Assert.NotEmpty(compaction.Snapshots);

        // A file that was never of the table goes; what the table lists stays.
        string orphan = Path.Combine(_warehouse.Path, "db", "events", "data", "never-committed.parquet");
        await File.WriteAllTextAsync(orphan, "x", TestContext.Current.CancellationToken);
        await silo.EventuallyAsync(() => Task.FromResult(!File.Exists(orphan)), "the orphan gone", () => "it stands");
        Assert.Equal(Rounds * 20, (await silo.ReadAsync(SiloStand.Table)).Count);
        await silo.EventuallyAsync(
            async () => (await silo.Http.GetStringAsync("/metrics")).Contains("orleanslake_upkeep_debt_small_files{table=\"db.events\"}", StringComparison.Ordinal), "debt among the metrics");
    }

    [Fact]
    public async Task Without_a_schedule_tasks_run_on_request_and_a_dry_run_changes_nothing()
    {
        await using SiloStand silo = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path);
        for (int round = 0; round < 5; round++)
        {
            await SiloStand.PublishAsync(_broker.BootstrapServers, SiloStand.Records(round * 10, 10));
            await silo.RowsAsync((round + 1) * 10);
        }

        MaintenanceStatus status = (await silo.Client.GetMaintenanceAsync("db.events"))!;
        Assert.Equal((false, "off"), (status.Enabled, status.Tasks[0].Schedule));
        await silo.AlterAsync("ALTER TABLE db.events ADD COLUMN price DOUBLE");
        await silo.SetPropertyAsync("orleanslake.compaction.quiet-period", "1ms");
        int files = await silo.FilesAsync();
        Assert.True(files >= 5, $"{files} files");

        MaintenanceRun dry = await silo.RunUpkeepAsync("compaction", dryRun: true);
        Assert.Null(dry.Error);
        Assert.Contains("compaction of db.events", dry.Plan[0], StringComparison.Ordinal);
        Assert.Equal(files, await silo.FilesAsync());

        MaintenanceRun done = await silo.RunUpkeepAsync("compaction");
        Assert.True(done.Error is null, done.Error);
        Assert.Equal((files, 1), (done.Before!.DataFiles, done.After!.DataFiles));
        Assert.Equal(1, await silo.FilesAsync());
        Assert.Equal(50, (await silo.ReadAsync(SiloStand.Table)).Count);
        await silo.AssertProvedAsync(50);

        Assert.Contains("expected one of", (await silo.Client.RunMaintenanceAsync("db.events", "tidy"))!.Message, StringComparison.Ordinal);
        Assert.Null(await silo.Client.GetMaintenanceAsync("db.nobody"));
        Assert.Equal(HttpStatusCode.NotFound, (await silo.Http.GetAsync("/tables/db.nobody/maintenance/runs")).StatusCode);
        Assert.Equal([done.RunId, dry.RunId], (await silo.Client.ListMaintenanceRunsAsync("db.events"))!.Select(run => run.RunId));
    }

    [Fact]
    public async Task A_run_that_fails_is_recorded_and_tried_again_later()
    {
        await using SiloStand silo = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path, maintenance: new() { ["expiry.schedule"] = "1s", ["compaction.schedule"] = "off", ["orphans.schedule"] = "off", ["expiry.max-snapshot-age"] = "1ms", ["expiry.keep-newest"] = "1" });
        for (int round = 0; round < 3; round++)
        {
            await SiloStand.PublishAsync(_broker.BootstrapServers, SiloStand.Records(round * 10, 10));
            await silo.RowsAsync((round + 1) * 10);
            await silo.SetPropertyAsync("gc.enabled", "false");
        }

        await silo.EventuallyAsync(async () => (await silo.Client.GetMaintenanceAsync("db.events"))!.Tasks.Any(task => task is { Name: "expiry", Failures: > 0 }), "a failure");
        MaintenanceTask expiry = (await silo.Client.GetMaintenanceAsync("db.events"))!.Tasks.First(task => task.Name == "expiry");
        Assert.Contains("gc.enabled", expiry.Error, StringComparison.Ordinal);
        Assert.True(expiry.DueMs - expiry.LastMs >= 60_000, $"{expiry.DueMs - expiry.LastMs} ms");
        Assert.Contains("orleanslake_upkeep_failing{table=\"db.events\",task=\"expiry\"} 1", await silo.Http.GetStringAsync("/metrics"), StringComparison.Ordinal);
        Assert.Contains("expiry failed 1 times", await File.ReadAllTextAsync(Path.Combine(_warehouse.Path, "silo.log"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }
}
