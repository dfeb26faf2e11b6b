using Microsoft.Extensions.DependencyInjection;
using OrleansLake.Contracts;
using OrleansLake.Ingest.Kafka;

namespace OrleansLake.Silo.Tests;

/// <summary>What holds a running silo's upkeep back, and what it takes up by itself.</summary>
public sealed class MaintenanceScheduleTests : IDisposable
{
    private const string Name = "db.events";
    private static readonly TimeSpan Overdue = TimeSpan.FromSeconds(2.5);

    private readonly TempDirectory _warehouse = new();
    private readonly EmbeddedBroker _broker = new();

    public MaintenanceScheduleTests() => _broker.CreateTopic("events", 1);

    public void Dispose()
    {
        _broker.Dispose();
        _warehouse.Dispose();
    }

    [Fact]
    public async Task Window_switch_and_pause_hold_the_schedule_and_then_quiet_partitions_go_first_and_hot_ones_when_their_files_are_many()
    {
        Dictionary<string, string> settings = new() { ["compaction.schedule"] = "1s", ["compaction.quiet-period"] = "4s", ["compaction.hot-files"] = "8", ["compaction.min-input-files"] = "2" };
        foreach (string task in new[] { "retention", "manifests", "statistics", "expiry", "orphans" })
        {
            settings[task + ".schedule"] = "off";
        }

        int hour = DateTime.UtcNow.Hour;
        string closed = FormattableString.Invariant($"{(hour + 2) % 24}:00-{(hour + 3) % 24}:00");
        PipelineDefinition definition = SiloStand.Definition(ddl: "CREATE TABLE db.events (id BIGINT, name VARCHAR, ts TIMESTAMP(6) WITH TIME ZONE) WITH (partitioning = ARRAY['name'])") with { FlushInterval = TimeSpan.FromMilliseconds(200) };
        await using SiloStand silo = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path, definition, maintenance: new(settings) { ["maintenance.window"] = closed });
        int rows = 0;
        for (int round = 0; round < 3; round++)
        {
            await PublishAsync("quiet", "hot");
        }

        MaintenanceStatus status = await OverdueAsync("the window is closed", one => one.Window == closed);
        Assert.True(status.Enabled);
        await TellAsync(new(settings) { ["maintenance.enabled"] = "false" });
        await OverdueAsync("it is switched off", one => one is { Enabled: false, Window: null });
        Assert.All(await silo.Client.PauseAllMaintenanceAsync(true), one => Assert.True(one.Paused));
        await TellAsync(settings);
        await OverdueAsync("it is paused", one => one is { Enabled: false, Paused: true });
        Assert.Empty((await silo.Client.ListMaintenanceRunsAsync(Name))!);

        Assert.True((await silo.Client.PauseMaintenanceAsync(Name, false)) is { Paused: false, Enabled: true });
        // Where a record takes longer than the quiet period, the hot partition is quiet for once, and compacted as such.
        await silo.EventuallyAsync(
            async () =>
            {
                await PublishAsync("hot");
                return (await LinesAsync()).Any(line => line.Contains("name=hot: ", StringComparison.Ordinal) && line.Contains("(still receiving, but its debt is large; ", StringComparison.Ordinal));
            },
            "the hot partition compacted while it receives");
        Assert.Contains(await LinesAsync(), line => line.Contains("name=quiet: 3 files", StringComparison.Ordinal) && line.Contains("(quiet since", StringComparison.Ordinal));
        MaintenanceTask compaction = (await silo.Client.GetMaintenanceAsync(Name))!.Tasks.Single(task => task.Name == "compaction");
        Assert.InRange((compaction.DueMs - compaction.LastMs)!.Value, 1000, 1100);

        // Legal hold stands over retention, also on request.
        Assert.True((await silo.Client.PauseMaintenanceAsync(Name, true))!.Paused);
        await silo.EventuallyAsync(async () => (await silo.Client.GetMaintenanceAsync(Name))!.Running is null, "nothing that runs");
        foreach (var (name, value) in new[] { ("retention.column", "ts"), ("retention.period", "30d"), ("retention.hold", "true") })
        {
            await silo.SetPropertyAsync("orleanslake." + name, value);
        }

        MaintenanceRun held = await silo.RunUpkeepAsync("retention");
        Assert.Contains(held.Plan, line => line.Contains("legal hold", StringComparison.Ordinal));
        Assert.Equal(rows, (await silo.ReadAsync(SiloStand.Table)).Count);
        await silo.SetPropertyAsync("orleanslake.retention.hold", "2020-01-01");
        MaintenanceRun gone = await silo.RunUpkeepAsync("retention");
        Assert.True(gone is { Error: null, RowsRemoved: > 0, BytesRemoved: > 0 }, gone.Error);
        Assert.Empty(await silo.ReadAsync(SiloStand.Table));

        async Task PublishAsync(params string[] names)
        {
            await SiloStand.PublishAsync(_broker.BootstrapServers, names.Select((name, at) => FormattableString.Invariant($$"""{"id":{{rows + at}},"name":"{{name}}","ts":"2020-03-01T10:00:00Z"}""")));
            rows += names.Length;
            await silo.EventuallyAsync(async () => (await silo.Client.GetPipelineAsync(SiloStand.Pipeline))?.TopicPartitions.Sum(one => one.Committed) >= rows, $"{rows} committed");
        }

        // The grain is told as a silo tells it when it starts with another configuration.
        Task TellAsync(Dictionary<string, string> told) => silo.Services.GetRequiredService<IGrainFactory>()
            .GetGrain<IMaintenanceGrain>(GrainKeys.Table(definition.Catalog, Name)).ConfigureAsync(new MaintenanceDefinition(told) { Pipelines = [SiloStand.Pipeline] });

        // Due for longer than the silo takes to look twice, and nothing has run.
        async Task<MaintenanceStatus> OverdueAsync(string what, Func<MaintenanceStatus, bool> wanted)
        {
            MaintenanceStatus? found = null;
            long? since = null;
            await silo.EventuallyAsync(
                async () =>
                {
                    found = (await silo.Client.GetMaintenanceAsync(Name))!;
                    long now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
                    since = wanted(found) ? since ?? now : null;
                    return since is { } from && Math.Max(from, found.Tasks.Single(task => task.Name == "compaction").DueMs ?? from) + Overdue.TotalMilliseconds < now;
                },
                $"compaction overdue while {what}");
            Assert.Null(found!.Running);
            return found;
        }

        async Task<string[]> LinesAsync() => [.. (await silo.Client.ListMaintenanceRunsAsync(Name, 100))!.Where(run => run is { Task: "compaction", Seconds: not null }).SelectMany(run => run.Plan)];
    }
}
