using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Pump;
using static OrleansLake.Ingest.Tests.Kafka.TestKafka;

namespace OrleansLake.Ingest.Tests.Kafka;

public sealed class KafkaTroubleTests
{
    private static readonly TopicPartition Events = new("events", 0);

    [Fact]
    public void A_broker_that_is_down_at_the_start_and_in_the_middle_is_told_of_and_waited_for()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 1);
        Send(broker, "events", 0, 0, 100);
        broker.SetAllDown();
        using KafkaSource source = Source(broker, ("reconnect.backoff.max.ms", "200"));
        source.Assign(Events, 0);
        var reading = new Reading();

        PollUntil(source, () => source.Trouble is not null, reading.Take);
        Assert.Contains(broker.BootstrapServers, source.Trouble!);
        Assert.Contains("can be reached", source.Trouble!);
        Assert.DoesNotContain("\n", source.Trouble!);
        Assert.Null(source.EndsOf(Events));

        broker.SetAllUp();
        PollUntil(source, () => reading.Count == 100 && source.Trouble is null, reading.Take);

        broker.SetAllDown();
        PollUntil(source, () => source.Trouble is not null, reading.Take);
        broker.SetAllUp();

        // Nothing new to read: the trouble ends all the same.
        PollUntil(source, () => source.Trouble is null, reading.Take);
        Send(broker, "events", 0, 100, 100);
        PollUntil(source, () => reading.Count == 200, reading.Take);
        Assert.Equal(Enumerable.Range(0, 200).Select(i => ((long)i, (string?)$"events-0-{i}")), reading.Of(Events));
    }

    [Fact]
    public void Errors_of_fetches_that_pass_lose_and_repeat_nothing()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 1);
        for (int i = 0; i < 2000; i += 100)
            Send(broker, "events", 0, i, 100);
        using KafkaSource source = Source(broker, ("fetch.error.backoff.ms", "10"));
        source.Assign(Events, 0);
        var reading = new Reading();
        broker.FailNext(KafkaApi.Fetch, 6, 6, 3, 7, 56, 9, 6);
        PollUntil(source, () => reading.Count >= 500, reading.Take);
        broker.FailNext(KafkaApi.Fetch, 5, 56, 76, 6);
        PollUntil(source, () => reading.Count >= 2000, reading.Take);

        Assert.Equal(Enumerable.Range(0, 2000).Select(i => ((long)i, (string?)$"events-0-{i}")), reading.Of(Events));
    }

    [Fact]
    public void Records_deleted_below_the_position_stop_the_partition_with_both_offsets_and_the_others_go_on()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 2);
        Send(broker, "events", 0, 0, 100);
        Send(broker, "events", 1, 0, 100);
        broker.DeleteRecords(Events, 60);
        using KafkaSource source = Source(broker);
        source.Assign(Events, 42);
        source.Assign(new TopicPartition("events", 1), 0);
        var reading = new Reading();

        SourceStoppedException stop = PollUntilStopped(source, reading.Take);

        Assert.Equal(Events, stop.TopicPartition);
        Assert.StartsWith("events-0@42: the log starts at 60 now, records [42, 60)", stop.Message);
        Assert.Contains("onDataLoss", stop.Message);
        PollUntil(source, () => reading.Count == 100, reading.Take);
        Assert.Null(source.EndsOf(Events));

        source.Assign(Events, 60);
        reading.StartAt(Events, 60);
        PollUntil(source, () => reading.Of(Events).Count == 40, reading.Take);
    }

    [Fact]
    public void A_position_beyond_the_log_stops_the_partition()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 1);
        Send(broker, "events", 0, 0, 10);
        using KafkaSource source = Source(broker);
        source.Assign(Events, 1000);

        SourceStoppedException stop = PollUntilStopped(source);

        Assert.StartsWith("events-0@1000: the log ends at 10, below this position", stop.Message);
    }

    [Theory]
    [InlineData("no-such-topic", 0)]
    [InlineData("events", 7)]
    public void A_topic_or_partition_that_does_not_exist_stops_with_its_name(string topic, int partition)
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 1);
        using KafkaSource source = Source(broker, ("topic.metadata.propagation.max.ms", "200"), ("topic.metadata.refresh.interval.ms", "500"));
        source.Assign(new TopicPartition(topic, partition), 0);

        SourceStoppedException stop = PollUntilStopped(source);

        Assert.StartsWith($"{topic}-{partition}: no such topic or partition at {broker.BootstrapServers}", stop.Message);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_log_that_was_truncated_below_the_position_is_noticed_by_the_leader_epoch(bool fresh)
    {
        using var broker = new EmbeddedBroker(2);
        broker.CreateTopic("events", 1, 2);
        Send(broker, "events", 0, 0, 50);
        using KafkaSource first = Source(broker);
        first.Assign(Events, 0);
        int epoch = -1;
        PollUntil(first, () => epoch >= 0, batch => epoch = batch.LeaderEpoch);
        broker.SetLeader(Events, 2);
        Send(broker, "events", 0, 50, 50);

        // The first epoch ended at 50: a reader that says it read up to 80 in it read what is no longer in the log.
        using KafkaSource second = Source(broker);
        KafkaSource source = fresh ? second : first;
        source.Assign(Events, 80, epoch);
        var reading = new Reading();
        reading.StartAt(Events, 80);
        SourceStoppedException stop = PollUntilStopped(source, reading.Take);

        Assert.Equal(0, reading.Count);
        Assert.StartsWith("events-0@80: the log was truncated below this position", stop.Message);
    }

    [Fact]
    public void A_leader_epoch_that_the_broker_does_not_remember_stops_nothing()
    {
        using var broker = new EmbeddedBroker(2);
        broker.CreateTopic("events", 1, 2);
        broker.SetLeader(Events, 2);
        Send(broker, "events", 0, 0, 50);
        using KafkaSource source = Source(broker);
        source.Assign(Events, 20, 0);
        var reading = new Reading();
        reading.StartAt(Events, 20);

        PollUntil(source, () => reading.Count == 30, reading.Take);
    }

    [Fact]
    public void Batches_carry_the_leader_epoch_of_their_last_record()
    {
        using var broker = new EmbeddedBroker(2);
        broker.CreateTopic("events", 1, 2);
        Send(broker, "events", 0, 0, 50);
        using KafkaSource source = Source(broker);
        source.Assign(Events, 0);
        int epoch = -1;
        long next = 0;
        void Take(KafkaBatch batch) => (epoch, next) = (batch.LeaderEpoch, batch.Range.Next);
        PollUntil(source, () => next == 50, Take);
        int before = epoch;
        broker.SetLeader(Events, 2);
        Send(broker, "events", 0, 50, 50);
        PollUntil(source, () => next == 100, Take);

        Assert.True(before >= 0 && epoch == before + 1, $"epochs {before} and {epoch}");
        source.Assign(Events, 50, before);
        next = 0;
        PollUntil(source, () => next == 100, Take);
    }

    [Theory]
    [InlineData("enable.auto.commit", "true")]
    [InlineData("auto.offset.reset", "earliest")]
    [InlineData("enable.partition.eof", "false")]
    [InlineData("partition.assignment.strategy", "range")]
    public void A_setting_that_would_break_the_protocol_is_refused_with_its_reason(string name, string value)
    {
        var refused = Assert.Throws<KafkaSettingException>(() => new KafkaSource(new KafkaSourceOptions
        {
            BootstrapServers = "127.0.0.1:1",
            Settings = new Dictionary<string, string> { [name] = value },
        }));

        Assert.Equal(name, refused.Setting);
        Assert.Contains("cannot be set", refused.Message);
    }

    [Theory]
    [InlineData("no.such.setting", "1")]
    [InlineData("fetch.wait.max.ms", "soon")]
    public void A_setting_that_librdkafka_refuses_is_named(string name, string value)
    {
        var refused = Assert.Throws<KafkaSettingException>(() => new KafkaSource(new KafkaSourceOptions
        {
            BootstrapServers = "127.0.0.1:1",
            Settings = new Dictionary<string, string> { [name] = value },
        }));

        Assert.Contains(name, refused.Message);
    }
}
