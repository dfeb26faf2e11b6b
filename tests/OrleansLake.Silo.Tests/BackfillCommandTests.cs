using System.Text.Json;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Write;
using OrleansLake.Terminal;

namespace OrleansLake.Silo.Tests;

/// <summary>backfill: beside a silo that runs the pipeline.</summary>
public sealed class BackfillCommandTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Records_from_before_the_pipeline_began_come_in_through_a_branch_while_it_runs_on()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 2);
        await SiloStand.PublishAsync(broker.BootstrapServers, [.. SiloStand.Records(0, 99), "?"]);
        await using SiloStand silo = await SiloStand.StartAsync(broker.BootstrapServers, _directory.Path, SiloStand.Definition() with { StartOffsets = "events-0=50,events-1=50" });
        await SiloStand.PublishAsync(broker.BootstrapServers, SiloStand.Records(100, 10));
        await silo.RowsAsync(10);

        JsonElement run = await LakeAsync(0, "run", "events", "--branch", "first", "--from", "earliest", "--to", "50");
        Assert.Equal((100, 99, 1), (run.GetProperty("offsets").GetInt32(), run.GetProperty("rows").GetInt32(), run.GetProperty("rejected").GetInt32()));
        await SiloStand.PublishAsync(broker.BootstrapServers, SiloStand.Records(110, 10));
        Assert.Equal(Enumerable.Range(100, 20).Select(static id => (long)id), SiloStand.Ids(await silo.RowsAsync(20)));
        LoadedTable table = (await silo.Catalog.LoadTableAsync(SiloStand.Table, CancellationToken.None))!;
        AuditResult branch = await Audit.RunAsync(table, await silo.Catalog.LoadTableAsync(DeadLetterSchema.Of(SiloStand.Table), CancellationToken.None), "first");
        Assert.True(branch.Verdict == AuditVerdict.Proved, branch.ToString());
        JsonElement listed = Assert.Single((await LakeAsync(0, "list", "events")).GetProperty("backfills").EnumerateArray());
        Assert.True(listed.GetProperty("isComplete").GetBoolean());

        // The same command has nothing left to do, another range is another backfill.
        Assert.Equal(99, (await LakeAsync(0, "run", "events", "--branch", "first")).GetProperty("rows").GetInt32());
        await LakeAsync(1, "run", "events", "--branch", "first", "--from", "0", "--to", "10");
        Assert.Equal(99, (await LakeAsync(0, "publish", "events", "--branch", "first")).GetProperty("rows").GetInt32());
        await LakeAsync(1, "publish", "events", "--branch", "first");
        await SiloStand.PublishAsync(broker.BootstrapServers, SiloStand.Records(120, 5));
        Assert.Equal(Enumerable.Range(0, 125).Where(static id => id != 99).Select(static id => (long)id), SiloStand.Ids(await silo.RowsAsync(124)));
        await silo.AssertProvedAsync(124);

        Assert.Equal(5, (await LakeAsync(0, "run", "events", "--branch", "again", "--from", "0", "--to", "5", "--partition", "1")).GetProperty("rows").GetInt32());
        Assert.True((await LakeAsync(0, "drop", "events", "--branch", "again")).GetProperty("dropped").GetBoolean());
        await silo.AssertProvedAsync(124);

        async Task<JsonElement> LakeAsync(int code, params string[] args)
        {
            string config = Path.Combine(_directory.Path, "lake.json");
            await File.WriteAllTextAsync(config, $$"""
                { "warehouse": {{JsonSerializer.Serialize(_directory.Path)}}, "pipelines": [ { "name": "events", "table": "db.events", "topics": [ "events" ], "flushInterval": "500ms",
                  "kafka": { "bootstrap.servers": "{{broker.BootstrapServers}}" } } ] }
                """);
            using var output = new StringWriter();
            using var error = new StringWriter();
            int exit = await CommandRunner.RunAsync(["backfill", .. args, "--config", config, "--json"], [BackfillCommand.Create()], null, output, error);
            Assert.True(exit == code, $"{string.Join(' ', args)}: {exit}: {error}");
            return code == 0 ? JsonDocument.Parse(output.ToString()).RootElement : default;
        }
    }
}
