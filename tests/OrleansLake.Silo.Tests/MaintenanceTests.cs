using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Streams;
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
        await silo.EventuallyAsync(async () => (await silo.Client.GetMaintenanceAsync("db.events"))!.Debt is { SmallFiles: >= 5, DeleteFiles: 0 }, "its debt, though nobody keeps a schedule");
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
        Assert.StartsWith($"a scan touches 1 files (before: {files})", done.Notes[^1], StringComparison.Ordinal);
        MaintenanceJob job = Assert.Single(done.Jobs);
        Assert.Equal((files, (string?)null), (job.FilesRemoved, job.Error));
        Assert.Equal(1, await silo.FilesAsync());
        Assert.Equal(50, (await silo.ReadAsync(SiloStand.Table)).Count);
        await silo.AssertProvedAsync(50);

        Assert.Contains("expected one of", (await silo.Client.RunMaintenanceAsync("db.events", "tidy"))!.Message, StringComparison.Ordinal);
        Assert.Null(await silo.Client.GetMaintenanceAsync("db.nobody"));
        Assert.Equal(HttpStatusCode.NotFound, (await silo.Http.GetAsync("/tables/db.nobody/maintenance/runs")).StatusCode);
        Assert.Equal([done.RunId, dry.RunId], (await silo.Client.ListMaintenanceRunsAsync("db.events"))!.Select(run => run.RunId));

        // The files that were replaced go with the history that names them, and their bytes are counted.
        await silo.SetPropertyAsync("orleanslake.expiry.max-snapshot-age", "1ms");
        await silo.SetPropertyAsync("orleanslake.expiry.keep-newest", "1");
        MaintenanceRun expired = await silo.RunUpkeepAsync("expiry");
        Assert.True(expired is { Error: null, FilesRemoved: > 0, BytesRemoved: > 0 }, JsonSerializer.Serialize(expired, LakeJson.Options));
        await ConsoleIsServedAndEveryCallOfItAnswersAsync(silo);
    }

    [Fact]
    public async Task A_run_that_fails_is_recorded_and_tried_again_later()
    {
        await using SiloStand silo = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path, change: config => config with { AlertStream = true }, maintenance: new() { ["expiry.schedule"] = "1s", ["compaction.schedule"] = "off", ["orphans.schedule"] = "off", ["expiry.max-snapshot-age"] = "1ms", ["expiry.keep-newest"] = "1" });
        var heard = new ConcurrentQueue<LakeAlert>();
        IStreamProvider streams = silo.Services.GetRequiredService<IClusterClient>().GetStreamProvider(LakeAlert.StreamProvider);
        await streams.GetStream<LakeAlert>(StreamId.Create(LakeAlert.StreamNamespace, SiloStand.Pipeline)).SubscribeAsync((alert, _) =>
        {
            heard.Enqueue(alert);
            return Task.CompletedTask;
        });
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
        MaintenanceRun failed = (await silo.Client.ListMaintenanceRunsAsync("db.events"))!.First(run => run.Task == "expiry");
        Assert.Equal((1, expiry.DueMs), (failed.Failures, failed.AgainMs));

        // Told as the line's alerts are, once, and once when it is over.
        await silo.EventuallyAsync(() => Task.FromResult(!heard.IsEmpty), "an alert on the pipeline's stream");
        await silo.SetPropertyAsync("gc.enabled", "true");
        Assert.Null((await silo.RunUpkeepAsync("expiry")).Error);
        await silo.EventuallyAsync(() => Task.FromResult(heard.Any(alert => alert.IsOver)), "its end");
        Assert.Equal([("Upkeep", "upkeep of db.events: expiry", false), ("Upkeep", "upkeep of db.events: expiry", true)], heard.Select(alert => (alert.Kind, alert.Rule, alert.IsOver)));
        Assert.Contains("gc.enabled", heard.First().Message, StringComparison.Ordinal);
        Assert.Contains("expiry failed 1 times", await File.ReadAllTextAsync(Path.Combine(_warehouse.Path, "silo.log"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    /// <summary>The page asks nothing but the HTTP API, and nothing that the API does not answer.</summary>
    private static async Task ConsoleIsServedAndEveryCallOfItAnswersAsync(SiloStand silo)
    {
        HttpResponseMessage response = await silo.Http.GetAsync("/");
        Assert.Equal("/console", response.RequestMessage!.RequestUri!.AbsolutePath);
        Assert.Equal("text/html", response.Content.Headers.ContentType!.MediaType);
        string policy = Assert.Single(response.Headers.GetValues("Content-Security-Policy")), page = await response.Content.ReadAsStringAsync();
        foreach (string tag in new[] { "script", "style" })
        {
            string text = Regex.Match(page, $"<{tag}>(.*?)</{tag}>", RegexOptions.Singleline).Groups[1].Value;
            Assert.Contains($"{tag}-src 'sha256-{Convert.ToBase64String(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text)))}'", policy, StringComparison.Ordinal);
        }

        Assert.DoesNotMatch("(src|href)=\"(https?:)?//", page);
        (string Method, string Path)[] calls = [.. Regex.Matches(page, @"'(GET|POST) (/\S*)'").Select(match => (match.Groups[1].Value, match.Groups[2].Value))];
        Assert.Equal(15, calls.Length);
        foreach (var (method, path) in calls)
        {
            string filled = path.Replace("{name}", path.StartsWith("/pipelines", StringComparison.Ordinal) ? SiloStand.Pipeline : "db.events", StringComparison.Ordinal).Replace("{task}", "compaction", StringComparison.Ordinal);
            using var request = new HttpRequestMessage(new HttpMethod(method), filled);
            request.Headers.Add("Sec-Fetch-Site", "same-origin");
            using HttpResponseMessage answer = await silo.Http.SendAsync(request);
            Assert.True(answer.StatusCode == HttpStatusCode.OK, $"{method} {filled}: {answer.StatusCode}");
            using JsonDocument body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
            if (path.EndsWith("/{task}", StringComparison.Ordinal))
            {
                // What the button started leaves its record.
                Guid id = body.RootElement.GetProperty("runId").GetGuid();
                await silo.EventuallyAsync(async () => (await silo.Client.ListMaintenanceRunsAsync("db.events"))!.Any(run => run.RunId == id && run is { Seconds: not null, Trigger: "request" }), "the record of the run");
            }
        }

        // Another site's page may not press the buttons.
        using var foreign = new HttpRequestMessage(HttpMethod.Post, "/maintenance/pause") { Headers = { { "Sec-Fetch-Site", "cross-site" } } };
        Assert.Equal(HttpStatusCode.Forbidden, (await silo.Http.SendAsync(foreign)).StatusCode);
        Assert.False((await silo.Client.GetMaintenanceAsync("db.events"))!.Paused);
    }
}
