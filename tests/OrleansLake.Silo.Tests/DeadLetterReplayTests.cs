using OrleansLake.Client;
using OrleansLake.Contracts;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Write;

namespace OrleansLake.Silo.Tests;

public sealed class DeadLetterReplayTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Replay_through_a_silo_makes_rows_while_records_flow()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 2);
        await using SiloStand silo = await SiloStand.StartAsync(broker.BootstrapServers, _directory.Path, SiloStand.Definition(ddl: "CREATE TABLE db.events (id INT, name VARCHAR)"));
        await SiloStand.PublishAsync(broker.BootstrapServers, Enumerable.Range(0, 200).Select(i => $$"""{"id":{{(i % 4 == 0 ? 3_000_000_000 + i : i)}}}"""));
        await silo.RowsAsync(150);
        await silo.RowsAsync(50, DeadLetterSchema.Of(SiloStand.Table));
        string table = SiloStand.Table.ToString();
        ReplayStatus? dry = await silo.Client.ReplayDeadLettersAsync(table, new ReplayOrder(Guid.NewGuid(), DryRun: true));
        Assert.Equal((ReplayState.Done, 50, 0, 50), (dry!.State, dry.Examined, dry.Replayed, dry.StillBad));

        await silo.AlterAsync("ALTER TABLE db.events ALTER COLUMN id TYPE BIGINT");
        Task flow = SiloStand.PublishAsync(broker.BootstrapServers, SiloStand.Records(1000, 500));
        ReplayStatus? part = await silo.Client.ReplayDeadLettersAsync(table, new ReplayOrder(Guid.NewGuid(), "offset < 20"));
        ReplayStatus? rest = await silo.Client.ReplayDeadLettersAsync(table, new ReplayOrder(Guid.NewGuid()));
        await flow;
        Assert.Equal(50, part!.Replayed + rest!.Replayed);
        Assert.True(part.Replayed is > 0 and < 50);
        Assert.Equal(700, SiloStand.Ids(await silo.RowsAsync(700)).Distinct().Count());
        await silo.AssertProvedAsync(700);
        Assert.Null(await silo.Client.ReplayDeadLettersAsync("db.nowhere", new ReplayOrder(Guid.NewGuid())));
        OrleansLakeClientException wrong = await Assert.ThrowsAsync<OrleansLakeClientException>(() => silo.Client.ReplayDeadLettersAsync(table, new ReplayOrder(Guid.NewGuid(), "nothing = 1")));
        Assert.Contains("column nothing", wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pipeline_that_halts_goes_on_once_the_table_is_mended_and_it_is_told_to()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 1);
        await using SiloStand silo = await SiloStand.StartAsync(
            broker.BootstrapServers, _directory.Path, SiloStand.Definition(ddl: "CREATE TABLE db.events (id INT, name VARCHAR)") with { DeadLetters = new DeadLetterSettings { Mode = DeadLetterMode.Halt } });
        await SiloStand.PublishAsync(broker.BootstrapServers, Enumerable.Range(0, 100).Select(i => $$"""{"id":{{(i == 60 ? 3_000_000_000 : i)}}}"""));
        await silo.RowsAsync(60);
        await silo.EventuallyAsync(async () => (await Partition(silo))?.State == TopicPartitionState.Stopped, "the topic-partition to stop");
        Assert.StartsWith("events-0@60 id: out-of-range, expected int; mend", (await Partition(silo))!.Trouble, StringComparison.Ordinal);
        await silo.AlterAsync("ALTER TABLE db.events ALTER COLUMN id TYPE BIGINT");
        await silo.Client.ReloadSchemaAsync(SiloStand.Table.ToString());
        await silo.Client.ResumeAsync(SiloStand.Pipeline);
        await silo.RowsAsync(100);
        await silo.AssertProvedAsync(100);
        Assert.Empty(await silo.ReadAsync(DeadLetterSchema.Of(SiloStand.Table)));
    }

    private static async Task<TopicPartitionStatus?> Partition(SiloStand silo) => (await silo.Client.GetPipelineAsync(SiloStand.Pipeline))?.TopicPartitions.FirstOrDefault();

    [Fact]
    public async Task Dead_letters_are_in_their_table_and_sent_to_the_topic_that_the_pipeline_says()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 2);
        broker.CreateTopic("dead", 1);
        await SiloStand.PublishAsync(broker.BootstrapServers, [.. SiloStand.Records(0, 20), "?", "[]", "x"]);
        await using SiloStand silo = await SiloStand.StartAsync(
            broker.BootstrapServers, _directory.Path, SiloStand.Definition() with { DeadLetters = new DeadLetterSettings { Mode = DeadLetterMode.Topic, Topic = "dead" } });
        await silo.RowsAsync(20);
        Assert.Equal(3, (await silo.RowsAsync(3, DeadLetterSchema.Of(SiloStand.Table))).Count);
        using var source = new KafkaSource(new KafkaSourceOptions { BootstrapServers = broker.BootstrapServers, Settings = new Dictionary<string, string> { ["check.crcs"] = "false" } });
        source.Assign(new OrleansLake.Ingest.TopicPartition("dead", 0), 0);
        // The embedded broker writes the ends of transactions without checksums.
        var sent = new List<string>();
        void Take()
        {
            using KafkaBatch? batch = source.Poll(TimeSpan.FromMilliseconds(100), default);
            for (int i = 0; i < (batch?.Count ?? 0); i++)
            {
                sent.Add(System.Text.Encoding.UTF8.GetString(batch!.ValueOf(batch.Records[i])));
            }
        }

        await silo.EventuallyAsync(
            () =>
            {
                Take();
                return Task.FromResult(sent.Count >= 3);
            },
            "3 dead letters in the topic");
        await silo.EventuallyAsync(
            async () => !(await silo.Catalog.LoadTableAsync(DeadLetterSchema.Of(SiloStand.Table), default))!.Metadata.Properties.Keys.Any(static name => name.StartsWith("orleanslake.forward.", StringComparison.Ordinal)),
            "no dead letter that waits");
        Take();
        Assert.Equal(["?", "[]", "x"], sent.Order(StringComparer.Ordinal));
        await silo.AssertProvedAsync(20);
    }
}
