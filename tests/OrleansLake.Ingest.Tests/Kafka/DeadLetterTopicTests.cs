using System.Text;
using Confluent.Kafka;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Pump;
using OrleansLake.Ingest.Tests.Write;
using OrleansLake.Ingest.Write;
using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Tests.Kafka;

public sealed class DeadLetterTopicTests
{
    [Fact]
    public async Task Dead_letters_arrive_whole_with_the_loaders_headers()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("dead", 1);
        using var topic = new DeadLetterTopic("dead", "events", "g1", "orleanslake-test", broker.BootstrapServers);
        await using var table = await TableFixture.CreateAsync([new NestedField(1, "id", true, new LongType())], inMemory: true);
        var factory = new RowWriterFactory(new RowWriterOptions { Pipeline = "events", Generation = "g1", DeadLetterTopic = topic }, TimeProvider.System, table.Ids);
        for (int round = 0; round < 3; round++)
        {
            using var batch = TableFixture.Batch("{\"id\":1}", "{\"id\":\"x\"}", null, "nothing");
            IRowWriter writer = factory.Open(table.Table, table.DeadLetters);
            Assert.Equal(new AppendedRecords(1, 3), writer.Append(batch));
            Assert.True(writer.BufferedBytes > 0);
            WrittenFiles files = await writer.CloseAsync(default);
            Assert.Empty(files.DeadLetterFiles);
            Assert.Single(files.Files);
        }

        // A writer that is given up has sent nothing.
        using (var batch = TableFixture.Batch("never"))
        {
            await using IRowWriter writer = factory.Open(table.Table, table.DeadLetters);
            writer.Append(batch);
        }

        List<ConsumeResult<byte[]?, byte[]?>> records = Read(broker, "dead", 9);
        Assert.Equal(["{\"id\":\"x\"}", null, "nothing"], records.Take(3).Select(record => record.Message.Value is { } value ? Encoding.UTF8.GetString(value) : null));
        Headers headers = records[0].Message.Headers;
        Assert.Equal("wrong-type", Text(headers, "loader.processing.exception.class"));
        Assert.StartsWith("expected long", Text(headers, "loader.processing.exception.message"), StringComparison.Ordinal);
        using var first = TableFixture.Batch("{}", "{}");
        Assert.Equal(first.TopicPartition.Topic, Text(headers, "loader.processing.exception.topic"));
        Assert.Equal(first.Records[1].Offset.ToString(), Text(headers, "loader.processing.exception.offset"));
        Assert.Contains("id: expected long", Text(headers, "loader.processing.exception.stacktrace"), StringComparison.Ordinal);
        Assert.Equal("events", Text(headers, "orleanslake.pipeline"));
        Assert.Equal("id", Text(headers, "orleanslake.json-path"));
    }

    [Fact]
    public async Task Broker_that_is_gone_fails_the_writer_and_its_next_one_sends_again()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("dead", 1);
        using var topic = new DeadLetterTopic("missing", "events", "g1", "orleanslake-test", broker.BootstrapServers, new Dictionary<string, string> { ["socket.timeout.ms"] = "2000" });
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(3));
        var record = new DeadLetterRecord(new(  "t", 0), 1, -1, null, [1], [], "wrong-type", "", "m", 0);
        await Assert.ThrowsAnyAsync<Exception>(() => topic.SendAsync([record], limit.Token));

        using var good = new DeadLetterTopic("dead", "events", "g1", "orleanslake-test", broker.BootstrapServers);
        await good.SendAsync([record], CancellationToken.None);
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
