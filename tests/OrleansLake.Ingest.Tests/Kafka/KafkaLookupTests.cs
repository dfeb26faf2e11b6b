using OrleansLake.Ingest.Kafka;
using OrleansLake.Testing.Kafka;
using static OrleansLake.Ingest.Tests.Kafka.TestKafka;

namespace OrleansLake.Ingest.Tests.Kafka;

public sealed class KafkaLookupTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task Partitions_ids_and_offsets_are_told_and_an_unknown_topic_is_none_and_stays_unknown()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 3);
        Send(broker, "events", 1, 0, 40);
        broker.DeleteRecords(new TopicPartition("events", 1), 10);
        using var lookup = new KafkaLookup(broker.BootstrapServers);
        TopicPartition[] all = [new("events", 0), new("events", 1), new("events", 2)];

        Assert.Equal(3, await lookup.PartitionsOfAsync("events", None));
        Assert.Null(await lookup.PartitionsOfAsync("no-such", None));
        Assert.Null(await lookup.PartitionsOfAsync("no-such", None));
        Assert.True(EmbeddedBroker.IsEmbedded(await lookup.ClusterIdAsync(None)));
        Assert.Equal([0L, 10, 0], Values(await lookup.EarliestAsync(all, None), all));
        Assert.Equal([0L, 40, 0], Values(await lookup.LatestAsync(all, None), all));
        Assert.Equal([0L, 40, 0], Values(await lookup.LastStableAsync(all, None), all));
    }

    [Fact]
    public async Task A_time_is_the_first_record_that_is_not_older_and_the_end_where_every_record_is()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 2);
        Send(broker, "events", 0, 0, 5);
        Send(broker, "events", 1, 0, 9);
        // Records of partition p were made at 1000 + 10 × offset + p.
        await using var gate = new SecureKafka(broker.BootstrapServers, new SecureKafkaOptions
        {
            FirstNotOlder = (_, partition, time) => Math.Max(0, (time - partition - 1000 + 9) / 10) is var offset && offset < (partition == 0 ? 5 : 9) ? (offset, 1000 + (10 * offset) + partition) : null,
        });
        using var lookup = new KafkaLookup(gate.BootstrapServers);
        TopicPartition[] all = [new("events", 0), new("events", 1)];

        Assert.Equal([0L, 0], Values(await lookup.AtTimeAsync(all, DateTimeOffset.FromUnixTimeMilliseconds(7), None), all));
        Assert.Equal([3L, 3], Values(await lookup.AtTimeAsync(all, DateTimeOffset.FromUnixTimeMilliseconds(1030), None), all));
        Assert.Equal([4L, 3], Values(await lookup.AtTimeAsync(all, DateTimeOffset.FromUnixTimeMilliseconds(1031), None), all));
        Assert.Equal([5L, 5], Values(await lookup.AtTimeAsync(all, DateTimeOffset.FromUnixTimeMilliseconds(1050), None), all));
        Assert.Equal([5L, 9], Values(await lookup.AtTimeAsync(all, DateTimeOffset.FromUnixTimeMilliseconds(9999), None), all));
        Assert.Equal([5L, 9], Values(await lookup.LatestAsync(all, None), all));
    }

    [Fact]
    public async Task A_topic_that_is_made_anew_has_another_id()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 1);
        using var lookup = new KafkaLookup(broker.BootstrapServers);
        var before = await lookup.TopicIdsAsync(["events", "no-such"], None);
        broker.DeleteTopic("events");
        broker.CreateTopic("events", 1);
        var after = await lookup.TopicIdsAsync(["events"], None);

        Assert.Equal(["events"], before.Keys);
        Assert.NotEqual(before["events"], after["events"]);
    }

    [Fact]
    public async Task A_group_shows_the_offsets_that_were_committed_for_it()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 2);
        using var lookup = new KafkaLookup(broker.BootstrapServers);
        TopicPartition[] all = [new("events", 0), new("events", 1)];

        Assert.Empty(await lookup.GroupOffsetsAsync("orders", all, None));
        await lookup.CommitGroupOffsetsAsync("orders", new Dictionary<TopicPartition, long> { [all[1]] = 17 }, None);
        await lookup.CommitGroupOffsetsAsync("orders", new Dictionary<TopicPartition, long> { [all[0]] = 3, [all[1]] = 18 }, None);

        Assert.Equal([3L, 18], Values(await lookup.GroupOffsetsAsync("orders", all, None), all));
    }

    // librdkafka's requests of an administrator to a coordinator end the process when they ran into their time-out before it was found.
    [Fact]
    public async Task A_coordinator_that_is_away_for_longer_than_an_answer_is_waited_for_is_an_error_and_then_answers_again()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 1);
        using var lookup = new KafkaLookup(broker.BootstrapServers, timeout: TimeSpan.FromMilliseconds(300));
        TopicPartition[] all = [new("events", 0)];
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        for (int round = 1; round <= 3; round++)
        {
            await Eventually(() => lookup.CommitGroupOffsetsAsync("orders", new Dictionary<TopicPartition, long> { [all[0]] = round }, limit.Token));
            broker.SetAllDown();

            var commit = await Assert.ThrowsAsync<KafkaClientException>(() => lookup.CommitGroupOffsetsAsync("orders", new Dictionary<TopicPartition, long> { [all[0]] = 10 + round }, limit.Token));
            var look = await Assert.ThrowsAsync<KafkaClientException>(() => lookup.GroupOffsetsAsync("orders", all, limit.Token));

            Assert.StartsWith($"offsets of group orders: {broker.BootstrapServers} gave no answer: ", commit.Message, StringComparison.Ordinal);
            Assert.StartsWith($"offsets of group orders: {broker.BootstrapServers} gave no answer: ", look.Message, StringComparison.Ordinal);
            broker.SetAllUp();
            await Eventually(async () => Assert.Single(await lookup.GroupOffsetsAsync("orders", all, limit.Token)));
        }

        async Task Eventually(Func<Task> ask)
        {
            while (true)
            {
                try
                {
                    await ask();
                    return;
                }
                catch (KafkaClientException) when (!limit.IsCancellationRequested)
                {
                    // The client is still connecting.
                }
            }
        }
    }

    [Fact]
    public async Task A_broker_that_is_not_there_is_one_line_that_names_it()
    {
        using var lookup = new KafkaLookup("127.0.0.1:1", timeout: TimeSpan.FromSeconds(2));
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(15));

        var failure = await Assert.ThrowsAsync<KafkaClientException>(() => lookup.LatestAsync([new("events", 0)], limit.Token));

        Assert.Contains("127.0.0.1:1", failure.Message);
        Assert.Contains("Connection refused", failure.Message);
    }

    private static IEnumerable<long> Values(IReadOnlyDictionary<TopicPartition, long> found, TopicPartition[] order) => order.Select(o => found[o]);
}
