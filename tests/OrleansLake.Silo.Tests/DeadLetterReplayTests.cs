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
}
