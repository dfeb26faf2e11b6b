using System.Text;
using Confluent.Kafka;
using OrleansLake.Ingest.Kafka;
using static OrleansLake.Ingest.Tests.Kafka.TestKafka;

namespace OrleansLake.Ingest.Tests.Kafka;

public sealed class KafkaSourceTests
{
    [Theory]
    [InlineData("none")]
    [InlineData("gzip")]
    [InlineData("snappy")]
    [InlineData("lz4")]
    [InlineData("zstd")]
    public void Records_arrive_as_they_were_sent_with_every_codec(string codec)
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 2);
        Send(broker, "events", 0, 0, 5000, ("compression.type", codec));
        Send(broker, "events", 1, 0, 3000, ("compression.type", codec));
        using KafkaSource source = Source(broker);
        var first = new TopicPartition("events", 0);
        var second = new TopicPartition("events", 1);
        source.Assign(first, 0);
        source.Assign(second, 0);
        var reading = new Reading();

        PollUntil(source, () => reading.Count >= 8000, reading.Take);

        Assert.Equal(Enumerable.Range(0, 5000).Select(i => ((long)i, (string?)$"events-0-{i}")), reading.Of(first));
        Assert.Equal(Enumerable.Range(0, 3000).Select(i => ((long)i, (string?)$"events-1-{i}")), reading.Of(second));
        Assert.Null(source.Trouble);
    }

    [Fact]
    public void What_was_copied_is_given_back_when_the_broker_answers_again()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 1);
        Send(broker, "events", 0, 0, 5000);
        using KafkaSource source = Source(broker);
        source.Assign(new TopicPartition("events", 0), 0);
        var reading = new Reading();

        PollUntil(source, () => reading.Count >= 5000, reading.Take);

        // Nobody polls from here on: only the thread that hears from the broker can free it.
        Assert.True(SpinWait.SpinUntil(() => source.SpentBytes == 0, Patience), $"{source.SpentBytes} bytes wait still");
    }

    [Fact]
    public void What_was_copied_is_given_back_when_there_is_nothing_to_poll()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 1);
        Send(broker, "events", 0, 0, 5000);
        using var source = new KafkaSource(new KafkaSourceOptions
        {
            BootstrapServers = broker.BootstrapServers,
            Settings = new Dictionary<string, string> { ["fetch.wait.max.ms"] = "300000", ["socket.timeout.ms"] = "300000" },
        });
        source.Assign(new TopicPartition("events", 0), 0);
        var reading = new Reading();

        PollUntil(source, () => reading.Count >= 5000, reading.Take);
        while (source.Poll(TimeSpan.FromMilliseconds(10), CancellationToken.None) is { } batch)
            batch.Dispose();

        // The broker's thread may be about some still; no answer of a fetch comes to free the rest.
        Assert.True(SpinWait.SpinUntil(() => source.SpentBytes == 0, TimeSpan.FromSeconds(10)), $"{source.SpentBytes} bytes wait still");
    }

    [Fact]
    public void A_response_that_unpacks_to_more_than_may_wait_is_not_kept()
    {
        const int Count = 10_000;
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 1);
        using (IProducer<byte[]?, byte[]?> producer = Producer(broker, ("compression.type", "lz4"), ("batch.size", "60000000"), ("batch.num.messages", "100000"), ("linger.ms", "5000")))
        {
            byte[] value = new byte[5000];
            for (int i = 0; i < Count; i++)
                producer.Produce(new Confluent.Kafka.TopicPartition("events", 0), new Message<byte[]?, byte[]?> { Value = value });
            producer.Flush(Patience);
        }

        using KafkaSource source = Source(broker);
        source.Assign(new TopicPartition("events", 0), 0);
        int count = 0;
        long most = 0;

        PollUntil(source, () => count == Count, batch =>
        {
            count += batch.Count;
            most = Math.Max(most, source.SpentBytes);
        });

        // What the broker's thread has taken and not freed yet still counts: no more than came with one poll.
        Assert.InRange(most, 1, SpentMessages.MaxWaitingBytes + (8 << 20));
    }

    [Fact]
    public void Keys_headers_timestamps_nulls_and_empty_values_arrive_as_they_were_sent()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 1);
        var sent = new[]
        {
            new Message<byte[]?, byte[]?> { Key = "k"u8.ToArray(), Value = "v"u8.ToArray(), Timestamp = new Timestamp(1_700_000_000_123, TimestampType.CreateTime) },
            new Message<byte[]?, byte[]?> { Key = null, Value = null, Timestamp = new Timestamp(1_700_000_000_124, TimestampType.CreateTime) },
            new Message<byte[]?, byte[]?> { Key = [], Value = [], Timestamp = new Timestamp(1_700_000_000_125, TimestampType.CreateTime) },
            new Message<byte[]?, byte[]?>
            {
                Key = "tombstone"u8.ToArray(), Value = null, Timestamp = new Timestamp(1_700_000_000_126, TimestampType.CreateTime),
                Headers = new Headers { { "a", "1"u8.ToArray() }, { "größe", [] }, { "a", null! } },
            },
        };
        using (IProducer<byte[]?, byte[]?> producer = Producer(broker))
        {
            foreach (Message<byte[]?, byte[]?> message in sent)
                producer.Produce(new Confluent.Kafka.TopicPartition("events", 0), message);
            producer.Flush(Patience);
        }

        using KafkaSource source = Source(broker);
        source.Assign(new TopicPartition("events", 0), 0);
        var values = new List<string?>();
        var keys = new List<string?>();
        var timestamps = new List<long>();
        var headers = new List<IReadOnlyList<KeyValuePair<string, byte[]?>>>();
        PollUntil(source, () => values.Count == 4, batch =>
        {
            foreach (ref readonly KafkaRecord record in batch.Records)
            {
                values.Add(record.ValueLength < 0 ? null : Encoding.UTF8.GetString(batch.ValueOf(record)));
                keys.Add(record.KeyLength < 0 ? null : Encoding.UTF8.GetString(batch.KeyOf(record)));
                timestamps.Add(record.TimestampMs);
                headers.Add(KafkaHeaders.Read(batch.HeadersOf(record)));
            }
        });

        Assert.Equal(["v", null, "", null], values);
        Assert.Equal(["k", null, "", "tombstone"], keys);
        Assert.Equal([1_700_000_000_123, 1_700_000_000_124, 1_700_000_000_125, 1_700_000_000_126], timestamps);
        Assert.All(headers.Take(3), Assert.Empty);
        Assert.Equal(["a", "größe", "a"], headers[3].Select(h => h.Key));
        Assert.Equal("1"u8.ToArray(), headers[3][0].Value);
        Assert.Empty(headers[3][1].Value!);
        Assert.Null(headers[3][2].Value);
    }

    [Theory]
    [InlineData("none")]
    [InlineData("zstd")]
    public void A_value_of_ten_megabytes_arrives_whole_between_small_ones(string codec)
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 1);
        var topicPartition = new TopicPartition("events", 0);
        byte[] large = new byte[10_000_000];
        new Random(1).NextBytes(large.AsSpan(0, 1_000_000));

        // The embedded broker keeps a batch above its limit only as a partition's first; compressed, it is below.
        byte[][] values = codec == "none" ? [large] : ["small"u8.ToArray(), large, "smaller"u8.ToArray()];
        using (IProducer<byte[]?, byte[]?> producer = Producer(broker, ("compression.type", codec)))
        {
            using KafkaSource source = Source(broker);
            source.Assign(topicPartition, 0);
            var got = new List<byte[]>();
            foreach (byte[] value in values)
            {
                producer.Produce(new Confluent.Kafka.TopicPartition("events", 0), new Message<byte[]?, byte[]?> { Value = value });
                producer.Flush(Patience);
                int before = got.Count;
                PollUntil(source, () => got.Count > before, batch =>
                {
                    foreach (ref readonly KafkaRecord record in batch.Records)
                        got.Add(batch.ValueOf(record).ToArray());
                });
            }

            Assert.Equal(values.Length, got.Count);
            Assert.All(values.Zip(got), pair => Assert.True(pair.First.AsSpan().SequenceEqual(pair.Second)));
        }
    }

    [Fact]
    public void Control_records_of_transactions_are_gaps_and_positions_stay_contiguous()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 1);
        var topicPartition = new TopicPartition("events", 0);
        using KafkaSource source = Source(broker, ("check.crcs", "false")); // the embedded broker's own markers carry no checksum
        source.Assign(topicPartition, 0);
        var reading = new Reading();
        long gaps = 0;
        void Take(KafkaBatch batch)
        {
            reading.Take(batch);
            gaps += batch.Range.Length - batch.Count;
        }

        using (IProducer<byte[]?, byte[]?> producer = Producer(broker, ("transactional.id", "t"), ("enable.idempotence", "true")))
        {
            producer.InitTransactions(Patience);
            for (int i = 0; i < 5; i++)
            {
                producer.BeginTransaction();
                Send(producer, "events", 0, i * 100, 100);
                producer.CommitTransaction(Patience);
            }
        }

        // Five commit markers: the last lies behind the last record and is known from the partition's end alone.
        PollUntil(source, () => reading.NextOf(topicPartition) >= 505, Take);

        Assert.Equal(500, reading.Count);
        Assert.Equal(5, gaps);
        Assert.Equal(505, reading.NextOf(topicPartition));
        Assert.Equal(new(0, 505, 505), source.EndsOf(topicPartition));
    }

    [Fact]
    public void Nothing_comes_of_a_partition_after_it_was_unassigned()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 2);
        Send(broker, "events", 0, 0, 20_000);
        Send(broker, "events", 1, 0, 20_000);
        using KafkaSource source = Source(broker);
        var first = new TopicPartition("events", 0);
        var second = new TopicPartition("events", 1);
        source.Assign(first, 0);
        source.Assign(second, 0);
        var reading = new Reading();
        PollUntil(source, () => reading.Of(first).Count > 0, reading.Take);

        source.Unassign(first);
        int before = reading.Of(first).Count;
        PollUntil(source, () => reading.Of(second).Count == 20_000, reading.Take);

        Assert.Equal(before, reading.Of(first).Count);
        Assert.Null(source.EndsOf(first));
    }

    [Fact]
    public void After_a_seek_the_first_record_is_the_one_at_the_new_position_however_much_was_fetched()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 1);
        for (int i = 0; i < 50_000; i += 1000)
            Send(broker, "events", 0, i, 1000);
        using KafkaSource source = Source(broker);
        var topicPartition = new TopicPartition("events", 0);
        var random = new Random(7);
        for (int round = 0; round < 60; round++)
        {
            long position = random.Next(50_000);
            source.Assign(topicPartition, position);
            var reading = new Reading();
            reading.StartAt(topicPartition, position);
            int wanted = random.Next(1, 3000);
            PollUntil(source, () => reading.NextOf(topicPartition) >= Math.Min(50_000, position + wanted), reading.Take);

            // Without a gap: every record from the position on.
            Assert.Equal(
                Enumerable.Range((int)position, reading.Count).Select(i => ((long)i, (string?)$"events-0-{i}")),
                reading.Of(topicPartition));
        }
    }

    [Fact]
    public void A_paused_partition_gives_nothing_and_goes_on_where_it_was()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 2);
        for (int i = 0; i < 20_000; i += 1000)
            Send(broker, "events", 0, i, 1000);
        using KafkaSource source = Source(broker);
        var first = new TopicPartition("events", 0);
        var second = new TopicPartition("events", 1);
        source.Assign(first, 0);
        source.Assign(second, 0);
        var reading = new Reading();
        int sent = 0;
        while (reading.Of(first).Count < 20_000)
        {
            int wanted = reading.Of(first).Count + 1;
            PollUntil(source, () => reading.Of(first).Count >= wanted, reading.Take);
            source.SetPaused(first, true);
            int before = reading.Of(first).Count;
            Send(broker, "events", 1, sent, 100);
            sent += 100;
            PollUntil(source, () => reading.Of(second).Count >= sent, reading.Take);
            Assert.Equal(before, reading.Of(first).Count);
            source.SetPaused(first, false);
        }

        Assert.Equal(Enumerable.Range(0, 20_000).Select(i => ((long)i, (string?)$"events-0-{i}")), reading.Of(first));
    }
}
