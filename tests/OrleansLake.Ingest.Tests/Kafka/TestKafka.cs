using System.Diagnostics;
using System.Text;
using Confluent.Kafka;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Pump;

namespace OrleansLake.Ingest.Tests.Kafka;

/// <summary>What the tests of the Kafka folder share: producing with the ordinary client, and polling until something is so.</summary>
internal static class TestKafka
{
    internal static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    internal static KafkaSource Source(EmbeddedBroker broker, params (string Name, string Value)[] settings) => new(new KafkaSourceOptions
    {
        BootstrapServers = broker.BootstrapServers,
        Settings = new Dictionary<string, string>(settings.Select(s => KeyValuePair.Create(s.Name, s.Value))) { ["fetch.wait.max.ms"] = "20" },
    });

    internal static IProducer<byte[]?, byte[]?> Producer(EmbeddedBroker broker, params (string Name, string Value)[] settings)
    {
        var config = new ProducerConfig { BootstrapServers = broker.BootstrapServers, Acks = Acks.All, LingerMs = 2, MessageMaxBytes = 64_000_000 };
        foreach ((string name, string value) in settings)
            config.Set(name, value);
        return new ProducerBuilder<byte[]?, byte[]?>(config).SetLogHandler((_, _) => { }).Build();
    }

    internal static void Send(EmbeddedBroker broker, string topic, int partition, int from, int count, params (string Name, string Value)[] settings)
    {
        using IProducer<byte[]?, byte[]?> producer = Producer(broker, settings);
        Send(producer, topic, partition, from, count);
    }

    internal static void Send(IProducer<byte[]?, byte[]?> producer, string topic, int partition, int from, int count)
    {
        Error? failed = null;
        for (int i = from; i < from + count; i++)
        {
            producer.Produce(
                new Confluent.Kafka.TopicPartition(topic, partition),
                new Message<byte[]?, byte[]?> { Value = Value(topic, partition, i) },
                report => failed = report.Error.IsError ? report.Error : failed);
        }

        producer.Flush(Patience);
        Assert.Null(failed);
    }

    internal static byte[] Value(string topic, int partition, int i) => Encoding.UTF8.GetBytes($"{topic}-{partition}-{i}");

    /// <summary>Polls until the condition holds; fails the test when it does not in time.</summary>
    internal static void PollUntil(KafkaSource source, Func<bool> condition, Action<KafkaBatch>? take = null, TimeSpan? patience = null)
    {
        long begun = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(begun) < (patience ?? Patience), $"did not come to pass in time; trouble: {source.Trouble ?? "none"}");
            using KafkaBatch? batch = source.Poll(TimeSpan.FromMilliseconds(50), CancellationToken.None);
            if (batch is not null)
                take?.Invoke(batch);
        }
    }

    /// <summary>Polls until the source stops a topic-partition.</summary>
    internal static SourceStoppedException PollUntilStopped(KafkaSource source, Action<KafkaBatch>? take = null)
    {
        long begun = Stopwatch.GetTimestamp();
        while (true)
        {
            Assert.True(Stopwatch.GetElapsedTime(begun) < Patience, $"nothing stopped in time; trouble: {source.Trouble ?? "none"}");
            try
            {
                using KafkaBatch? batch = source.Poll(TimeSpan.FromMilliseconds(50), CancellationToken.None);
                if (batch is not null)
                    take?.Invoke(batch);
            }
            catch (SourceStoppedException stop)
            {
                return stop;
            }
        }
    }
}

/// <summary>Takes batches and checks that each goes on where the one before it ended.</summary>
internal sealed class Reading
{
    private readonly Dictionary<TopicPartition, long> _next = [];
    private readonly Dictionary<TopicPartition, List<(long Offset, string? Value)>> _records = [];

    internal int Count => _records.Values.Sum(r => r.Count);

    internal void StartAt(TopicPartition topicPartition, long position) => _next[topicPartition] = position;

    internal long NextOf(TopicPartition topicPartition) => _next.GetValueOrDefault(topicPartition);

    internal IReadOnlyList<(long Offset, string? Value)> Of(TopicPartition topicPartition) => _records.GetValueOrDefault(topicPartition) ?? [];

    internal void Take(KafkaBatch batch)
    {
        Assert.Equal(_next.GetValueOrDefault(batch.TopicPartition), batch.Range.First);
        _next[batch.TopicPartition] = batch.Range.Next;
        if (!_records.TryGetValue(batch.TopicPartition, out var records))
            _records.Add(batch.TopicPartition, records = []);
        foreach (ref readonly KafkaRecord record in batch.Records)
        {
            Assert.InRange(record.Offset, batch.Range.First, batch.Range.Next - 1);
            Assert.True(records.Count == 0 || record.Offset > records[^1].Offset || record.Offset == batch.Range.First);
            Assert.True(batch.Buffer.Length >= record.ValueStart + Math.Max(0, record.ValueLength) + KafkaBatch.Padding);
            records.Add((record.Offset, record.ValueLength < 0 ? null : Encoding.UTF8.GetString(batch.ValueOf(record))));
        }
    }
}
