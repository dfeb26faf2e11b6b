using System.IO.Compression;
using System.Text;
using System.Text.Json;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Kafka.Publishing;
using static OrleansLake.Ingest.Tests.Kafka.TestKafka;

namespace OrleansLake.Ingest.Tests.Kafka;

public sealed class PublisherTests
{
    [Fact]
    public async Task Records_go_round_the_partitions_in_their_order_and_each_arrives_once()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 3);
        var records = new SampleRecords(seed: 5);
        PublishResult result = await new Publisher(new PublisherOptions { BootstrapServers = broker.BootstrapServers, Topic = "events" })
            .PublishAsync(new SampleFeed(records, 100, 10_000), null, CancellationToken.None);

        Assert.Equal(10_000, result.Records);
        Assert.Equal([(0, 3334L), (1, 3333L), (2, 3333L)], result.Ranges.OrderBy(r => r.Key.Partition).Select(r => (r.Key.Partition, r.Value.Length)));
        using KafkaSource source = Source(broker);
        var reading = new Reading();
        for (int p = 0; p < 3; p++)
            source.Assign(new TopicPartition("events", p), 0);
        PollUntil(source, () => reading.Count == 10_000, reading.Take);
        byte[] expected = new byte[SampleRecords.MaxLength];
        for (int i = 0; i < 10_000; i++)
        {
            string value = Encoding.UTF8.GetString(expected, 0, records.Write(100 + i, expected));
            Assert.Equal(value, reading.Of(new TopicPartition("events", i % 3))[i / 3].Value);
        }
    }

    [Fact]
    public async Task A_publisher_that_follows_its_consumer_sends_many_times_what_the_broker_retains_and_loses_nothing()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 2);
        const int count = 150_000; // about 58 MB plain: the broker retains 10
        long[] committed = [-1, -1];
        var publishing = new Publisher(new PublisherOptions
        {
            BootstrapServers = broker.BootstrapServers,
            Topic = "events",
            Settings = new Dictionary<string, string> { ["compression.type"] = "none" },
            Committed = tp => Volatile.Read(ref committed[tp.Partition]),
        }).PublishAsync(new SampleFeed(new SampleRecords(), 0, count), null, CancellationToken.None);

        using KafkaSource source = Source(broker);
        source.Assign(new TopicPartition("events", 0), 0);
        source.Assign(new TopicPartition("events", 1), 0);
        long[] next = [0, 0];
        long read = 0;
        PollUntil(source, () => read == count, batch =>
        {
            Assert.Equal(next[batch.TopicPartition.Partition], batch.Range.First);
            Assert.Equal(batch.Range.Length, batch.Count);
            read += batch.Count;
            next[batch.TopicPartition.Partition] = batch.Range.Next;
            Volatile.Write(ref committed[batch.TopicPartition.Partition], batch.Range.Next);
        }, TimeSpan.FromSeconds(60));

        Assert.Equal(count, (await publishing).Records);
    }

    [Fact]
    public async Task A_publisher_waits_for_a_consumer_that_stands_still_and_ends_when_cancelled()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 1);
        using var cancel = new CancellationTokenSource();
        PublishProgress? last = null;
        var publishing = new Publisher(new PublisherOptions
        {
            BootstrapServers = broker.BootstrapServers,
            Topic = "events",
            Committed = _ => 0,
        }).PublishAsync(new SampleFeed(new SampleRecords(), 0, 1_000_000), new Report(p =>
        {
            last = p;
            if (p.WaitingFor is not null && p.Elapsed > TimeSpan.FromSeconds(1))
                cancel.Cancel();
        }), cancel.Token);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => publishing);

        Assert.Equal(new TopicPartition("events", 0), last!.WaitingFor);
        using var lookup = new KafkaLookup(broker.BootstrapServers);
        TopicPartition[] all = [new("events", 0)];
        Assert.Equal(0, (await lookup.EarliestAsync(all, CancellationToken.None))[all[0]]);
        Assert.InRange((await lookup.LatestAsync(all, CancellationToken.None))[all[0]], 1, 100_000);
    }

    [Fact]
    public async Task Records_that_the_broker_drops_before_the_consumer_has_them_are_an_error()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 1);
        var publisher = new Publisher(new PublisherOptions
        {
            BootstrapServers = broker.BootstrapServers,
            Topic = "events",
            Settings = new Dictionary<string, string> { ["compression.type"] = "none" },
            Committed = _ => 0,
            MaxUncommittedBytes = 20_000_000, // more than the broker retains
        });

        var failure = await Assert.ThrowsAsync<KafkaClientException>(() => publisher.PublishAsync(new SampleFeed(new SampleRecords(), 0, 1_000_000), null, CancellationToken.None));

        Assert.Contains("events-0: the broker dropped offsets [0, ", failure.Message);
    }

    [Fact]
    public async Task An_unknown_topic_and_a_record_that_the_broker_refuses_are_errors_that_say_so()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 1);
        var unknown = new Publisher(new PublisherOptions { BootstrapServers = broker.BootstrapServers, Topic = "no-such" });
        var refused = new Publisher(new PublisherOptions { BootstrapServers = broker.BootstrapServers, Topic = "events" });
        broker.FailNext(KafkaApi.Produce, 29); // topic authorization failed

        var first = await Assert.ThrowsAsync<KafkaClientException>(() => unknown.PublishAsync(new SampleFeed(new SampleRecords(), 0, 10), null, CancellationToken.None));
        var second = await Assert.ThrowsAsync<KafkaClientException>(() => refused.PublishAsync(new SampleFeed(new SampleRecords(), 0, 10), null, CancellationToken.None));

        Assert.Contains("topic no-such: no such topic", first.Message);
        Assert.Contains("was not delivered", second.Message);
    }

    [Fact]
    public async Task A_rate_is_kept()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 1);
        PublishResult result = await new Publisher(new PublisherOptions { BootstrapServers = broker.BootstrapServers, Topic = "events", RecordsPerSecond = 2000 })
            .PublishAsync(new SampleFeed(new SampleRecords(), 0, 1000), null, CancellationToken.None);

        Assert.InRange(result.Elapsed.TotalSeconds, 0.45, 5);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Lines_of_a_file_are_values_as_they_stand_as_often_as_asked(bool gzip)
    {
        string path = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N") + ".ndjson");
        string big = new('x', 3_000_000);
        byte[] text = Encoding.UTF8.GetBytes($"{{\"a\":1}}\r\n\n  \n{{\"a\":\"{big}\"}}\nnot json\n{{\"a\":3}}");
        using (Stream file = gzip ? new GZipStream(File.Create(path), CompressionLevel.Fastest) : File.Create(path))
            file.Write(text);
        try
        {
            using var feed = new NdjsonFeed(path, 3);
            var chunk = new RecordChunk();
            var lines = new List<string>();
            do
            {
                chunk.Clear();
                feed.Fill(chunk, 2);
                for (int i = 0; i < chunk.Count; i++)
                    lines.Add(Encoding.UTF8.GetString(chunk.ValueOf(i)));
            }
            while (chunk.Count > 0);

            Assert.Equal(Enumerable.Repeat(new[] { "{\"a\":1}", $"{{\"a\":\"{big}\"}}", "not json", "{\"a\":3}" }, 3).SelectMany(l => l), lines);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Sample_records_are_json_of_the_promised_shape_and_the_same_for_the_same_seed()
    {
        byte[] one = new byte[SampleRecords.MaxLength];
        byte[] two = new byte[SampleRecords.MaxLength];
        var strings = new HashSet<string>();
        long nanos = 0;
        for (long i = 0; i < 5000; i++)
        {
            int length = new SampleRecords(9).Write(i, one);
            Assert.Equal(length, new SampleRecords(9).Write(i, two));
            Assert.True(one.AsSpan(0, length).SequenceEqual(two.AsSpan(0, length)));
            using JsonDocument document = JsonDocument.Parse(one.AsMemory(0, length));
            JsonElement root = document.RootElement;
            Assert.Equal(
                ["bool", "floating", "integer", "string", "bools", "floatings", "integers", "strings", "string_map", "nested", "timestamp"],
                root.EnumerateObject().Select(p => p.Name));
            root.GetProperty("bool").GetBoolean();
            Assert.True(double.IsFinite(root.GetProperty("floating").GetDouble()));
            root.GetProperty("integer").GetInt64();
            strings.Add(root.GetProperty("string").GetString()!);
            Assert.All(root.GetProperty("bools").EnumerateArray(), v => v.GetBoolean());
            Assert.All(root.GetProperty("floatings").EnumerateArray(), v => v.GetDouble());
            Assert.All(root.GetProperty("integers").EnumerateArray(), v => v.GetInt64());
            Assert.Equal(3, root.GetProperty("strings").GetArrayLength());
            Assert.Equal(2, root.GetProperty("string_map").EnumerateObject().Count());
            root.GetProperty("nested").GetProperty("value").GetInt64();
            long ticks = root.GetProperty("timestamp").GetDateTimeOffset().Ticks;
            Assert.True(ticks > nanos);
            nanos = ticks;
        }

        Assert.True(strings.Count > 3000);
        Assert.False(one.AsSpan().SequenceEqual(two.AsSpan()[..new SampleRecords(10).Write(4999, two)]));
    }

    private sealed class Report(Action<PublishProgress> report) : IProgress<PublishProgress>
    {
        void IProgress<PublishProgress>.Report(PublishProgress value) => report(value);
    }
}
