using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using OrleansLake.Contracts;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Silo.Configuration;
using OrleansLake.Testing.Kafka;

namespace OrleansLake.Silo.Tests;

/// <summary>Which topics a pipeline reads, and from where on.</summary>
public sealed class SourcesTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Topic_that_comes_later_and_matches_the_pattern_is_read_from_its_first_record()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("ev-a", 2);
        broker.CreateTopic("other", 1);
        await SiloStand.PublishAsync(broker.BootstrapServers, SiloStand.Records(0, 100), "ev-a");
        await SiloStand.PublishAsync(broker.BootstrapServers, SiloStand.Records(9000, 10), "other");
        await using SiloStand silo = await SiloStand.StartAsync(
            broker.BootstrapServers, _directory.Path, SiloStand.Definition() with { Topics = [], TopicPattern = "ev-.*", Start = PipelineStart.Latest });
        await silo.EventuallyAsync(async () => await ReadingAsync(silo) == 2, "two topic-partitions that are read");
        await SiloStand.PublishAsync(broker.BootstrapServers, SiloStand.Records(100, 50), "ev-a");
        Assert.Equal(Enumerable.Range(100, 50).Select(id => (long)id), SiloStand.Ids(await silo.RowsAsync(50)));

        // It is full before anyone looks, and "latest" is of when the pipeline began.
        broker.CreateTopic("ev-b", 1);
        await SiloStand.PublishAsync(broker.BootstrapServers, SiloStand.Records(200, 30), "ev-b");
        await silo.Services.GetRequiredService<IGrainFactory>().GetGrain<IPipelineGrain>(SiloStand.Pipeline).DiscoverAsync();
        Assert.Equal(Enumerable.Range(100, 50).Concat(Enumerable.Range(200, 30)).Select(id => (long)id), SiloStand.Ids(await silo.RowsAsync(80)));
        await silo.AssertProvedAsync(80);
    }

    [Fact]
    public async Task Topic_partition_begins_at_the_offset_that_the_pipeline_says()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 2);
        await SiloStand.PublishAsync(broker.BootstrapServers, SiloStand.Records(0, 100));
        await using SiloStand silo = await SiloStand.StartAsync(broker.BootstrapServers, _directory.Path, SiloStand.Definition() with { StartOffsets = "events-0=40,events-1=50" });
        Assert.Equal(Enumerable.Range(40, 10).Select(place => place * 2L), SiloStand.Ids(await silo.RowsAsync(10)));
        await SiloStand.PublishAsync(broker.BootstrapServers, SiloStand.Records(100, 2));
        await silo.RowsAsync(12);
        await silo.AssertProvedAsync(12);
    }

    [Fact]
    public async Task Topic_partition_begins_at_the_first_record_that_is_not_older_than_a_time()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 2);
        await SiloStand.PublishAsync(broker.BootstrapServers, SiloStand.Records(0, 100));
        DateTimeOffset start = DateTimeOffset.UtcNow - TimeSpan.FromHours(1);
        // The embedded broker knows no times, so what is before it answers for it.
        await using var gate = new SecureKafka(broker.BootstrapServers, new SecureKafkaOptions { FirstNotOlder = (_, partition, time) => time == start.ToUnixTimeMilliseconds() && partition == 0 ? (30, time + 5) : null });
        await using SiloStand silo = await SiloStand.StartAsync(gate.BootstrapServers, _directory.Path, SiloStand.Definition() with { StartAtMs = start.ToUnixTimeMilliseconds() });
        Assert.Equal(Enumerable.Range(30, 20).Select(static place => place * 2L), SiloStand.Ids(await silo.RowsAsync(20)));
        await silo.EventuallyAsync(async () => await ReadingAsync(silo) == 2, "two topic-partitions that are read");
        await SiloStand.PublishAsync(broker.BootstrapServers, SiloStand.Records(100, 10));
        await silo.RowsAsync(30);
        await silo.AssertProvedAsync(30);
    }

    [Fact]
    public async Task Table_takes_of_a_topic_what_is_for_it_and_the_rest_counts_as_gaps()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 2);
        await SiloStand.PublishAsync(broker.BootstrapServers, Enumerable.Range(0, 200).Select(i => i % 50 == 7 ? "?" : $$"""{"id":{{i}},"name":{{(i % 10 == 0 ? "null" : i % 2 == 0 ? "\"even\"" : "\"odd\"")}}}"""));
        await using SiloStand silo = await SiloStand.StartAsync(broker.BootstrapServers, _directory.Path, SiloStand.Definition() with
        {
            Where = "name = 'even'",
            Quality = new QualitySettings { Expectations = [new ExpectationSettings { Name = "small", Where = "id < 150", Action = ExpectationAction.DeadLetter }] },
        });
        IReadOnlyList<System.Text.Json.JsonElement> rows = await silo.RowsAsync(60);
        Assert.Equal(Enumerable.Range(0, 150).Where(i => i % 2 == 0 && i % 10 != 0).Select(i => (long)i), SiloStand.Ids(rows));
        Assert.Equal(4 + 20, (await silo.RowsAsync(24, OrleansLake.Ingest.Write.DeadLetterSchema.Of(SiloStand.Table))).Count);
        await silo.AssertProvedAsync(60);
    }

    [Fact]
    public void Configuration_says_topics_a_pattern_a_time_and_offsets()
    {
        PipelineDefinition definition = Read("\"topicPattern\": \"ev-.*\", \"start\": \"2026-01-31T12:30:00Z\", \"startOffsets\": { \"ev-a-0\": 12, \"ev-b-1\": 3 }");
        Assert.Equal(("ev-.*", "ev-a-0=12,ev-b-1=3"), (definition.TopicPattern, definition.StartOffsets));
        Assert.Equal(DateTimeOffset.Parse("2026-01-31T12:30:00Z", System.Globalization.CultureInfo.InvariantCulture).ToUnixTimeMilliseconds(), definition.StartAtMs);
        Assert.Empty(definition.Topics);
        Assert.Contains("topics: expected a list", Assert.Throws<ConfigException>(() => Read("\"start\": \"latest\"")).Message, StringComparison.Ordinal);
        string wrong = Assert.Throws<ConfigException>(() => Read("\"topicPattern\": \"(?=x)\", \"start\": \"soon\", \"startOffsets\": { \"ev\": 12 }")).Message;
        Assert.Contains("topicPattern: expected a regular expression", wrong, StringComparison.Ordinal);
        Assert.Contains("start: expected earliest, latest, or a time", wrong, StringComparison.Ordinal);
        Assert.Contains("startOffsets: expected offsets by topic-partition", wrong, StringComparison.Ordinal);
    }

    [Fact]
    public void Configuration_says_what_is_expected_and_where_dead_letters_go()
    {
        PipelineDefinition definition = Read("""
            "topics": [ "a" ], "deadLetters": { "mode": "topic", "topic": "dead", "alert": { "share": 0.5, "records": 7, "window": "10s" } },
            "quality": { "heartbeat": { "noDataFor": "10m", "minPerMinute": 5 }, "expectations": [
              { "name": "a", "column": "kind", "in": [ "x", "y" ], "action": "dead-letter" }, { "name": "b", "unique": [ "id" ], "window": 10 }, { "name": "c", "where": "price > 0", "sample": 0.5 } ] }
            """);
        Assert.Equal((DeadLetterMode.Topic, "dead", 0.5, 7L, TimeSpan.FromSeconds(10)), (definition.DeadLetters.Mode, definition.DeadLetters.Topic, definition.DeadLetters.AlertShare, definition.DeadLetters.AlertRecords, definition.DeadLetters.AlertWindow));
        Assert.Equal([ExpectationAction.DeadLetter, ExpectationAction.Warn, ExpectationAction.Warn], definition.Quality.Expectations.Select(one => one.Action));
        Assert.Equal((TimeSpan.FromMinutes(10), 5), (definition.Quality.Heartbeat.NoDataFor, definition.Quality.Heartbeat.LeastPerMinute));
        Assert.True(definition.SameAs(JsonSerializer.Deserialize<PipelineDefinition>(JsonSerializer.Serialize(definition))));

        string wrong = Assert.Throws<ConfigException>(() => Read("""
            "topics": [ "a" ], "deadLetters": { "mode": "topic" }, "quality": { "expectations": [
              { "name": "a", "notNull": true }, { "name": "b" }, { "name": "c", "where": "price >" }, { "name": "d", "column": "x", "matches": "(a)\\1" }, { "name": "e", "column": "x", "notNull": true, "sample": 0.5, "action": "halt" } ] }
            """)).Message;
        foreach (string expected in new[] { "deadLetters.topic: expected", "expectations[0].column: expected the column", "expectations[1].where: expected one of", "expectations[2].where: expected a condition", "expectations[3].matches: expected", "expectations[4].sample: expected 1" })
        {
            Assert.Contains(expected, wrong, StringComparison.Ordinal);
        }
    }

    private PipelineDefinition Read(string more)
    {
        string path = Path.Combine(_directory.Path, "lake.json");
        File.WriteAllText(path, $$"""{ "warehouse": "w", "pipelines": [ { "name": "p", "table": "db.t", "kafka": { "bootstrap.servers": "b:1" }, {{more}} } ] }""");
        return SiloConfigReader.ReadFile(path).Pipelines[0].Definition;
    }

    private static async Task<int> ReadingAsync(SiloStand silo) =>
        (await silo.Client.GetPipelineAsync(SiloStand.Pipeline))?.TopicPartitions.Count(partition => partition.State is TopicPartitionState.Reading or TopicPartitionState.Idle && partition.Committed is not null) ?? 0;
}
