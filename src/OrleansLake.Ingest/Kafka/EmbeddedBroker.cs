using OrleansLake.Ingest.Kafka.Native;

namespace OrleansLake.Ingest.Kafka;

/// <summary>Requests that an <see cref="EmbeddedBroker"/> can be told to fail. https://kafka.apache.org/protocol#protocol_api_keys</summary>
public enum KafkaApi : short
{
    /// <summary>Records in.</summary>
    Produce = 0,

    /// <summary>Records out.</summary>
    Fetch = 1,

    /// <summary>Watermarks and offsets by time.</summary>
    ListOffsets = 2,

    /// <summary>Topics, partitions, leaders.</summary>
    Metadata = 3,

    /// <summary>A group's offsets in.</summary>
    OffsetCommit = 8,

    /// <summary>A group's offsets out.</summary>
    OffsetFetch = 9,

    /// <summary>Where a group's offsets live.</summary>
    FindCoordinator = 10,

    /// <summary>Whether a log was truncated.</summary>
    OffsetForLeaderEpoch = 23,
}

/// <summary>
/// A Kafka cluster inside this process, on loopback, in memory: librdkafka's mock cluster. Any client can produce, consume
/// and use transactions and groups.
/// </summary>
/// <remarks>
/// What it is not: each partition keeps only its newest <see cref="RetainedBytes"/> as stored (compressed), so what publishes
/// must wait for what consumes (a batch that is larger can be read only while it is a partition's first and only one); a fetch
/// gives one record batch a partition; it has no topic administration and no look-up
/// by time, readers of committed records see aborted ones, and nothing survives the process.
/// </remarks>
public sealed unsafe class EmbeddedBroker : IDisposable
{
    /// <summary>What a partition keeps of its newest record batches, in bytes as stored.</summary>
    public const long RetainedBytes = 5 * 1024 * 1024;

    private readonly NativeClient _client;
    private readonly int _brokers;
    private nint _cluster;

    /// <summary>Starts it.</summary>
    public EmbeddedBroker(int brokers = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(brokers, 1);
        _brokers = brokers;
        // The cluster lives on a client's thread and timers; this client itself connects nowhere.
        _client = new NativeClient(Librdkafka.Producer, new Dictionary<string, string> { ["client.id"] = "orleanslake-embedded-broker" }, null, null);
        _cluster = Librdkafka.MockClusterNew(_client.Handle, brokers);
        if (_cluster == 0)
        {
            _client.Dispose();
            throw new KafkaClientException("the embedded broker did not start: librdkafka could not open a listening socket on 127.0.0.1");
        }

        // Some questions of administration wait for a controller.
        Librdkafka.MockSetControllerId(_cluster, 1);
        BootstrapServers = Librdkafka.Text(Librdkafka.MockClusterBootstraps(_cluster));
    }

    /// <summary>Where clients connect: host:port, several separated by commas.</summary>
    public string BootstrapServers { get; }

    /// <summary>Whether a cluster id is one of an embedded broker.</summary>
    public static bool IsEmbedded(string? clusterId) => clusterId is not null && clusterId.StartsWith("mockCluster", StringComparison.Ordinal);

    /// <summary>Makes a topic.</summary>
    public void CreateTopic(string topic, int partitions, int replicas = 1)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(topic);
        ArgumentOutOfRangeException.ThrowIfLessThan(partitions, 1);
        ThrowIf(Librdkafka.MockTopicCreate(Cluster, topic, partitions, replicas), $"topic {topic} with {partitions} partitions was not created");
    }

    /// <summary>Removes a topic and its records.</summary>
    public void DeleteTopic(string topic) => ThrowIf(Librdkafka.MockTopicDelete(Cluster, topic), $"topic {topic} was not deleted");

    /// <summary>Moves the log start of a partition: records before it are gone.</summary>
    public void DeleteRecords(TopicPartition topicPartition, long beforeOffset) => ThrowIf(
        Librdkafka.MockPartitionDeleteRecords(Cluster, topicPartition.Topic, topicPartition.Partition, beforeOffset),
        $"records of {topicPartition} below {beforeOffset} were not deleted");

    /// <summary>Closes a broker's connections and refuses new ones. Brokers count from 1.</summary>
    public void SetDown(int broker) => ThrowIf(Librdkafka.MockBrokerSetDown(Cluster, broker), $"broker {broker} was not set down");

    /// <summary>Lets a broker be reached again.</summary>
    public void SetUp(int broker) => ThrowIf(Librdkafka.MockBrokerSetUp(Cluster, broker), $"broker {broker} was not set up");

    /// <summary>Every broker down.</summary>
    public void SetAllDown()
    {
        for (int broker = 1; broker <= _brokers; broker++)
            SetDown(broker);
    }

    /// <summary>Every broker up.</summary>
    public void SetAllUp()
    {
        for (int broker = 1; broker <= _brokers; broker++)
            SetUp(broker);
    }

    /// <summary>Moves a partition to another leader; its epoch goes up.</summary>
    public void SetLeader(TopicPartition topicPartition, int broker) => ThrowIf(
        Librdkafka.MockPartitionSetLeader(Cluster, topicPartition.Topic, topicPartition.Partition, broker),
        $"broker {broker} was not made leader of {topicPartition}");

    /// <summary>Fails the next requests of a kind, each with one of the errors. https://kafka.apache.org/protocol#protocol_error_codes</summary>
    public void FailNext(KafkaApi api, params ReadOnlySpan<int> errors)
    {
        fixed (int* first = errors)
            Librdkafka.MockPushRequestErrors(Cluster, (short)api, (nuint)errors.Length, first);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (_cluster == 0)
            return;

        Librdkafka.MockClusterDestroy(_cluster);
        _cluster = 0;
        _client.Dispose();
    }

    private nint Cluster
    {
        get
        {
            ObjectDisposedException.ThrowIf(_cluster == 0, this);
            return _cluster;
        }
    }

    private static void ThrowIf(int error, string what)
    {
        if (error != 0)
            throw new KafkaClientException($"embedded broker: {what}: {Librdkafka.TextOf(error)}", error);
    }
}
