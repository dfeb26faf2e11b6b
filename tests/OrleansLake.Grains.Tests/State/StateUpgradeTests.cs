using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Testing.Orleans;

namespace OrleansLake.Grains.Tests;

/// <summary>Documents as earlier builds wrote them, byte for byte: a silo that is upgraded reads what it finds.</summary>
public sealed class StateUpgradeTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("orleanslake-upgrade-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_pipeline_that_was_configured_before_records_quality_and_dead_letters_were_settings_is_read()
    {
        GrainId grain = GrainId.Create("pipeline", "events");
        string place = Path.Combine(_directory, "pipeline", Uri.EscapeDataString(grain.ToString()));
        Directory.CreateDirectory(place);
        await File.WriteAllTextAsync(
            Path.Combine(place, "v0000000003.json"),
            """
            {
              "format": 1,
              "grain": "pipeline/events",
              "state": "pipeline",
              "exists": true,
              "value": {
                "definition": {
                  "name": "events",
                  "generation": "1",
                  "topics": [ "events" ],
                  "catalog": "local",
                  "table": "db.events",
                  "ddl": "CREATE TABLE db.events (id BIGINT)",
                  "createTable": true,
                  "flushInterval": "00:00:10",
                  "start": "earliest",
                  "onDataLoss": "stop",
                  "targetFileSizeBytes": 536870912
                },
                "wanted": "paused",
                "partitions": { "events": 8 }
              }
            }
            """,
            TestContext.Current.CancellationToken);
        var read = new Held<PipelineGrainState>();
        var storage = new ObjectStoreGrainStorage(new LocalObjectStore(), _directory);
        await storage.ReadStateAsync("pipeline", grain, read);
        Assert.Equal(("3", true, WantedState.Paused, 8), (read.ETag, read.RecordExists, read.State.Wanted, read.State.Partitions["events"]));
        Assert.Equal(("events", TimeSpan.FromSeconds(10), 512L << 20), (read.State.Definition!.Name, read.State.Definition.FlushInterval, read.State.Definition.TargetFileSizeBytes));

        // And what it writes next is the version after.
        read.State.Wanted = WantedState.Running;
        await storage.WriteStateAsync("pipeline", grain, read);
        Assert.Equal("4", read.ETag);
    }
}
