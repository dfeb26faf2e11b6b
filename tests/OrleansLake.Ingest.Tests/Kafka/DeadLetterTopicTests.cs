using System.Text;
using Confluent.Kafka;
using OrleansLake.Ingest.Forward;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Tests.Replay;

namespace OrleansLake.Ingest.Tests.Kafka;

public sealed class DeadLetterTopicTests
{
    [Fact]
    public async Task Dead_letters_arrive_whole_with_the_loaders_headers()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("dead", 1);
        using var topic = new DeadLetterTopic("dead", "orleanslake-test", broker.BootstrapServers);
        ReplayStand stand = await ReplayStand.CreateAsync();
        stand.Forwarded.Add("events");
        var forward = new DeadLetterForward(stand.Catalog, ReplayStand.Letters, "events", topic, stand.Ids, TimeProvider.System);
        Assert.Equal(0, await forward.RunAsync(default));
        await stand.IngestAsync("{\"id\":1}", "{\"id\":\"x\"}", null!, "nothing");
        await stand.IngestAsync("{\"id\":2}", "{\"id\":\"y\"}");
        Assert.Equal(2, await forward.RunAsync(default));
        Assert.Equal(0, await forward.RunAsync(default));
        await stand.IngestAsync("{\"id\":3}", "{\"id\":\"z\"}");
        Assert.Equal(1, await forward.RunAsync(default));

        List<ConsumeResult<byte[]?, byte[]?>> records = Read(broker, "dead", 5);
        Assert.Equal(["{\"id\":\"x\"}", null, "nothing", "{\"id\":\"y\"}", "{\"id\":\"z\"}"], records.Select(record => record.Message.Value is { } value ? Encoding.UTF8.GetString(value) : null));
        Headers headers = records[0].Message.Headers;
        Assert.Equal("wrong-type", Text(headers, "loader.processing.exception.class"));
        Assert.StartsWith("expected long", Text(headers, "loader.processing.exception.message"), StringComparison.Ordinal);
        Assert.Equal("events", Text(headers, "loader.processing.exception.topic"));
        Assert.Equal("1", Text(headers, "loader.processing.exception.offset"));
        Assert.Contains("id: expected long", Text(headers, "loader.processing.exception.stacktrace"), StringComparison.Ordinal);
        Assert.Equal(("events", "g1", "0"), (Text(headers, "orleanslake.pipeline"), Text(headers, "orleanslake.generation"), Text(headers, "orleanslake.partition")));
        Assert.Equal("id", Text(headers, "orleanslake.json-path"));
        await stand.AssertProvedAsync();
    }

    [Fact]
    public async Task Topic_that_is_not_there_is_told_and_another_sender_goes_on()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("dead", 1);
        using var topic = new DeadLetterTopic("missing", "orleanslake-test", broker.BootstrapServers, new Dictionary<string, string> { ["socket.timeout.ms"] = "2000" });
        var record = new DeadLetterRecord(new("t", 0), 1, -1, null, [1], [], "wrong-type", "", "m", 0, "events", "g1");
        KafkaClientException missing = await Assert.ThrowsAsync<KafkaClientException>(() => topic.ConnectAsync("line", default));
        Assert.Contains("dead letters to topic missing: ", missing.Message, StringComparison.Ordinal);
        Assert.Contains("nknown topic", missing.Message, StringComparison.Ordinal);

        using var good = new DeadLetterTopic("dead", "orleanslake-test", broker.BootstrapServers);
        Assert.Null(await good.ConnectAsync("line", default));
        await good.SendAsync(new[] { record }.ToAsyncEnumerable(), 1, CancellationToken.None);
        Assert.Equal(1, await good.ConnectAsync("line", default));
        Assert.Single(Read(broker, "dead", 1));
    }

    private static string? Text(Headers headers, string name) => headers.TryGetLastBytes(name, out byte[] value) ? Encoding.UTF8.GetString(value) : null;

    private static List<ConsumeResult<byte[]?, byte[]?>> Read(EmbeddedBroker broker, string topic, int count)
    {
        var config = new ConsumerConfig { BootstrapServers = broker.BootstrapServers, GroupId = "reader", AutoOffsetReset = AutoOffsetReset.Earliest, IsolationLevel = Confluent.Kafka.IsolationLevel.ReadCommitted };
        using var consumer = new ConsumerBuilder<byte[]?, byte[]?>(config).SetLogHandler((_, _) => { }).Build();
        consumer.Assign(new TopicPartitionOffset(topic, 0, Offset.Beginning));
        var records = new List<ConsumeResult<byte[]?, byte[]?>>();
        long begun = System.Diagnostics.Stopwatch.GetTimestamp();
        while (records.Count < count)
        {
            Assert.True(System.Diagnostics.Stopwatch.GetElapsedTime(begun) < TestKafka.Patience, $"{records.Count} of {count} records came");
            if (consumer.Consume(TimeSpan.FromMilliseconds(100)) is { Message: not null } record)
            {
                records.Add(record);
            }
        }

        Assert.Null(consumer.Consume(TimeSpan.FromMilliseconds(300))?.Message);
        return records;
    }
}
