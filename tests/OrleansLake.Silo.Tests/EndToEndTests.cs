using System.Text.Json;
using OrleansLake.Contracts;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Write;

namespace OrleansLake.Silo.Tests;

/// <summary>Broker to rows through a real silo, in one process.</summary>
public sealed class EndToEndTests : IDisposable
{
    private readonly TempDirectory _warehouse = new();
    private readonly EmbeddedBroker _broker = new();

    public EndToEndTests() => _broker.CreateTopic("events", 4);

    public void Dispose()
    {
        _broker.Dispose();
        _warehouse.Dispose();
    }

    [Fact]
    public async Task Records_become_rows_and_bad_ones_dead_letters()
    {
        await using SiloStand silo = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path);
        await SiloStand.PublishAsync(_broker.BootstrapServers, [.. SiloStand.Records(0, 1000), "not json", """{"id":"x"}""", """{"id":1000,"name":"last"}"""]);

        IReadOnlyList<JsonElement> rows = await silo.RowsAsync(1001);
        Assert.Equal(Enumerable.Range(0, 1001).Select(id => (long)id), SiloStand.Ids(rows));
        IReadOnlyList<JsonElement> letters = await silo.RowsAsync(2, DeadLetterSchema.Of(SiloStand.Table));
        Assert.Equal(["malformed-json", "wrong-type"], letters.Select(letter => letter.GetProperty(DeadLetterSchema.ErrorClass).GetString()).Order());
        Assert.Contains("not json", letters.Select(letter => System.Text.Encoding.UTF8.GetString(letter.GetProperty(DeadLetterSchema.Value).GetBytesFromBase64())));
        await silo.AssertProvedAsync(1001);
    }

    [Fact]
    public async Task A_restart_resumes_from_the_table_without_loss_or_doubling()
    {
        await using (SiloStand first = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path))
        {
            await SiloStand.PublishAsync(_broker.BootstrapServers, SiloStand.Records(0, 500));
            await first.RowsAsync(1);
        }

        await SiloStand.PublishAsync(_broker.BootstrapServers, SiloStand.Records(500, 500));
        await using SiloStand second = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path);
        Assert.Equal(Enumerable.Range(0, 1000).Select(id => (long)id), SiloStand.Ids(await second.RowsAsync(1000)));
        await second.AssertProvedAsync(1000);
    }

    [Fact]
    public async Task A_stop_commits_what_was_read()
    {
        PipelineDefinition slow = SiloStand.Definition() with { FlushInterval = TimeSpan.FromMinutes(30) };
        SiloStand silo = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path, slow);
        await SiloStand.PublishAsync(_broker.BootstrapServers, SiloStand.Records(0, 200));
        await silo.EventuallyAsync(
            async () => (await silo.Client.GetPipelineAsync(SiloStand.Pipeline))?.TopicPartitions.Sum(one => one.Position ?? 0) == 200, "200 records read");
        Assert.Empty(await silo.ReadAsync(SiloStand.Table));
        await silo.DisposeAsync();
        Assert.Equal(200, (await silo.ReadAsync(SiloStand.Table)).Count);
    }

    [Theory]
    [InlineData(DataLossAction.Continue)]
    [InlineData(DataLossAction.Stop)]
    public async Task Records_that_kafka_deleted_before_they_were_read_stop_the_partition_or_are_committed_as_lost(DataLossAction action)
    {
        _broker.CreateTopic("short", 1);
        PipelineDefinition definition = SiloStand.Definition(topic: "short") with { OnDataLoss = action };
        await using (SiloStand first = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path, definition))
        {
            await SiloStand.PublishAsync(_broker.BootstrapServers, SiloStand.Records(0, 100), "short");
            await first.RowsAsync(100);
        }

        // Two batches, of which the broker can delete one.
        await SiloStand.PublishAsync(_broker.BootstrapServers, SiloStand.Records(100, 20), "short");
        await SiloStand.PublishAsync(_broker.BootstrapServers, SiloStand.Records(120, 30), "short");
        _broker.DeleteRecords(new Ingest.TopicPartition("short", 0), 120);
        await using SiloStand second = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path, definition);
        if (action == DataLossAction.Stop)
        {
            TopicPartitionStatus? one = null;
            await second.EventuallyAsync(
                async () => (one = (await second.Client.GetPipelineAsync(SiloStand.Pipeline))?.TopicPartitions.FirstOrDefault())?.State == TopicPartitionState.Stopped, "a stop");
            Assert.Contains("records [100, 120) were deleted by Kafka", one!.Trouble, StringComparison.Ordinal);
            Assert.Equal(100, (await second.ReadAsync(SiloStand.Table)).Count);
        }
        else
        {
            Assert.Equal(Enumerable.Range(0, 100).Concat(Enumerable.Range(120, 30)).Select(id => (long)id), SiloStand.Ids(await second.RowsAsync(130)));
            await second.AssertProvedAsync(130);
        }
    }

    [Fact]
    public async Task A_missing_table_that_may_not_be_made_is_told_in_one_line()
    {
        await using SiloStand silo = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path, SiloStand.Definition(ddl: null));
        PipelineStatus? status = null;
        await silo.EventuallyAsync(async () => (status = await silo.Client.GetPipelineAsync(SiloStand.Pipeline))?.Trouble is not null, "a trouble");
        Assert.Contains("table db.events does not exist in catalog local: create it, or set \"createTable\"", status!.Trouble, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unknown_topic_is_told_and_found_once_it_is_there()
    {
        await using SiloStand silo = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path, SiloStand.Definition(topic: "later") with { Topics = ["events", "later"] });
        await SiloStand.PublishAsync(_broker.BootstrapServers, SiloStand.Records(0, 10));
        Assert.Equal(10, (await silo.RowsAsync(10)).Count); // the known topic does not wait for the unknown one
        await silo.EventuallyAsync(
            async () => (await silo.Client.GetPipelineAsync(SiloStand.Pipeline))?.Trouble?.Contains("topic later: the brokers know no such topic", StringComparison.Ordinal) == true, "a trouble");
        _broker.CreateTopic("later", 1);
        await SiloStand.PublishAsync(_broker.BootstrapServers, SiloStand.Records(10, 10), "later");
        Assert.Equal(20, (await silo.RowsAsync(20)).Count);
    }

    [Fact]
    public async Task Group_offsets_follow_the_table()
    {
        await using SiloStand silo = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path);
        await SiloStand.PublishAsync(_broker.BootstrapServers, SiloStand.Records(0, 100));
        await silo.RowsAsync(100);
        using var lookup = new KafkaLookup(_broker.BootstrapServers);
        Ingest.TopicPartition[] all = [.. Enumerable.Range(0, 4).Select(partition => new Ingest.TopicPartition("events", partition))];
        await silo.EventuallyAsync(
            async () => (await lookup.GroupOffsetsAsync("orleanslake-events", all, CancellationToken.None)).Values.Sum() == 100, "group offsets");
    }
}
