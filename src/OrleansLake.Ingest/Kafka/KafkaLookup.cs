using Confluent.Kafka;
using Confluent.Kafka.Admin;
using OrleansLake.Ingest.Kafka.Native;
using OrleansLake.Ingest.Kafka.Security;

namespace OrleansLake.Ingest.Kafka;

/// <summary>Questions to a Kafka cluster that are asked now and then, none of them for a record.</summary>
/// <remarks>Every question has a time-out; what a broker refuses or does not answer is a <see cref="KafkaClientException"/>.</remarks>
public sealed class KafkaLookup : IDisposable
{
    private readonly IAdminClient _admin;
    private readonly string _bootstrap;
    private IReadOnlyDictionary<string, string> _settings;
    private readonly Action<KafkaLogLine>? _log;
    private readonly BrokerTrouble _trouble;
    private readonly TimeSpan _timeout;
    private readonly IBearerTokens? _tokens;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, ConsumerGroup> _groups = [];
    private bool _disposed;

    /// <summary>Makes the client; of a consumer's settings it takes those that say where and as whom to connect.</summary>
    public KafkaLookup(string bootstrapServers, IReadOnlyDictionary<string, string>? settings = null, Action<KafkaLogLine>? log = null, TimeSpan? timeout = null,
        IBearerTokens? tokens = null)
    {
        _tokens = tokens;
        _timeout = timeout ?? TimeSpan.FromSeconds(10);
        _trouble = new BrokerTrouble(bootstrapServers);
        _bootstrap = bootstrapServers;
        _settings = KafkaSettings.OfLookup(bootstrapServers, settings);
        _log = log;
        try
        {
            var builder = new AdminClientBuilder(_settings);
            if (KafkaSecurity.NeedsTokens(_settings))
                builder.SetOAuthBearerTokenRefreshHandler(AdminTokens.HandlerOf<Null, Null>(tokens ?? throw KafkaSecurity.NoTokens()));
            _admin = builder
                .SetLogHandler((_, line) => log?.Invoke(new KafkaLogLine((int)line.Level, line.Facility, line.Message)))
                .SetErrorHandler((_, error) => _trouble.Report((int)error.Code, error.Reason))
                .Build();
        }
        catch (Exception refused) when (refused is InvalidOperationException or ArgumentException)
        {
            throw new KafkaSettingException("", $"Kafka settings: {refused.Message}");
        }
    }

    /// <summary>Another login for connections from now on; those that stand go on.</summary>
    public void SetLogin(string username, string password)
    {
        _admin.SetSaslCredentials(username, password);
        lock (_lock)
        {
            _settings = new Dictionary<string, string>(_settings) { ["sasl.username"] = username, ["sasl.password"] = password };
            foreach (ConsumerGroup group in _groups.Values)
                group.SetLogin(username, password);
        }
    }

    /// <summary>How many partitions a topic has; null when there is no such topic.</summary>
    public Task<int?> PartitionsOfAsync(string topic, CancellationToken cancellationToken) => Ask(
        $"partitions of topic {topic}",
        () => Task.Run(
            () =>
            {
                TopicMetadata found = _admin.GetMetadata(topic, _timeout).Topics.Single();
                if (found.Error.Code is ErrorCode.UnknownTopicOrPart or ErrorCode.Local_UnknownTopic)
                    return (int?)null;
                return found.Error.IsError ? throw new KafkaException(found.Error) : found.Partitions.Count;
            },
            cancellationToken),
        cancellationToken);

    /// <summary>Every topic that the broker shows, with its number of partitions; those that are Kafka's own are left out.</summary>
    public Task<IReadOnlyDictionary<string, int>> TopicsAsync(CancellationToken cancellationToken) => Ask(
        "topics",
        () => Task.Run(
            () => (IReadOnlyDictionary<string, int>)_admin.GetMetadata(_timeout).Topics
                .Where(topic => !topic.Error.IsError && !topic.Topic.StartsWith("__", StringComparison.Ordinal))
                .ToDictionary(topic => topic.Topic, topic => topic.Partitions.Count),
            cancellationToken),
        cancellationToken);

    /// <summary>The cluster's id; null when the broker does not tell.</summary>
    public Task<string?> ClusterIdAsync(CancellationToken cancellationToken) => Ask(
        "cluster id",
        () => Task.Run(
            () =>
            {
                // DescribeCluster wants a controller to answer; this wants any broker.
                using var client = new NativeClient(Librdkafka.Producer, _settings, _trouble.Report, _log, tokens: _tokens);
                return ClusterIdOf(client.Handle);
            },
            cancellationToken),
        cancellationToken);

    /// <summary>Ids of topics by name, in base 64, where the broker has them; a topic that is made anew gets another.</summary>
    public Task<IReadOnlyDictionary<string, string>> TopicIdsAsync(IReadOnlyCollection<string> topics, CancellationToken cancellationToken) => Ask(
        $"ids of topics {string.Join(", ", topics)}",
        async () =>
        {
            List<TopicDescription> described;
            try
            {
                described = (await _admin.DescribeTopicsAsync(TopicCollection.OfTopicNames(topics), new DescribeTopicsOptions { RequestTimeout = _timeout }).ConfigureAwait(false)).TopicDescriptions;
            }
            catch (DescribeTopicsException partial)
            {
                described = partial.Results.TopicDescriptions;
            }

            return (IReadOnlyDictionary<string, string>)described
                .Where(t => !t.Error.IsError && t.TopicId is { } id && (id.MostSignificantBits != 0 || id.LeastSignificantBits != 0))
                .ToDictionary(t => t.Name, t => t.TopicId.ToString());
        },
        cancellationToken);

    /// <summary>The oldest offset that the broker still has, of each.</summary>
    public Task<IReadOnlyDictionary<TopicPartition, long>> EarliestAsync(IReadOnlyCollection<TopicPartition> topicPartitions, CancellationToken cancellationToken) =>
        ListOffsetsAsync(topicPartitions, OffsetSpec.Earliest(), IsolationLevel.ReadUncommitted, cancellationToken);

    /// <summary>The high watermark of each.</summary>
    public Task<IReadOnlyDictionary<TopicPartition, long>> LatestAsync(IReadOnlyCollection<TopicPartition> topicPartitions, CancellationToken cancellationToken) =>
        ListOffsetsAsync(topicPartitions, OffsetSpec.Latest(), IsolationLevel.ReadUncommitted, cancellationToken);

    /// <summary>The end of each for readers of committed transactions.</summary>
    public Task<IReadOnlyDictionary<TopicPartition, long>> LastStableAsync(IReadOnlyCollection<TopicPartition> topicPartitions, CancellationToken cancellationToken) =>
        ListOffsetsAsync(topicPartitions, OffsetSpec.Latest(), IsolationLevel.ReadCommitted, cancellationToken);

    /// <summary>The first offset of each whose record is not older; the high watermark where every record is.</summary>
    public async Task<IReadOnlyDictionary<TopicPartition, long>> AtTimeAsync(IReadOnlyCollection<TopicPartition> topicPartitions, DateTimeOffset time, CancellationToken cancellationToken)
    {
        var found = await ListOffsetsAsync(topicPartitions, OffsetSpec.ForTimestamp(time.ToUnixTimeMilliseconds()), IsolationLevel.ReadUncommitted, cancellationToken).ConfigureAwait(false);
        var later = found.Where(f => f.Value < 0).Select(f => f.Key).ToList();
        if (later.Count == 0)
            return found;

        var result = new Dictionary<TopicPartition, long>(found);
        foreach ((TopicPartition topicPartition, long end) in await LatestAsync(later, cancellationToken).ConfigureAwait(false))
            result[topicPartition] = end;
        return result;
    }

    /// <summary>
    /// Tells a consumer group's coordinator how far a table is, for people's lag tools (exactly-once, rule 17). Nothing of ours
    /// reads it to resume.
    /// </summary>
    public Task CommitGroupOffsetsAsync(string group, IReadOnlyDictionary<TopicPartition, long> next, CancellationToken cancellationToken) => Ask(
        $"offsets of group {group}",
        () => Task.Run(
            () =>
            {
                ThrowIf(GroupOf(group).Commit(next, _timeout, cancellationToken));
                return true;
            },
            cancellationToken),
        cancellationToken);

    /// <summary>A consumer group's committed offsets; a topic-partition without one is missing.</summary>
    public Task<IReadOnlyDictionary<TopicPartition, long>> GroupOffsetsAsync(string group, IReadOnlyCollection<TopicPartition> topicPartitions, CancellationToken cancellationToken) => Ask(
        $"offsets of group {group}",
        () => Task.Run(
            () =>
            {
                var found = new Dictionary<TopicPartition, long>();
                ThrowIf(GroupOf(group).Committed(topicPartitions, _timeout, found));
                return (IReadOnlyDictionary<TopicPartition, long>)found;
            },
            cancellationToken),
        cancellationToken);

    /// <inheritdoc />
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            foreach (ConsumerGroup group in _groups.Values)
                group.Dispose();
            _groups.Clear();
        }

        _admin.Dispose();
    }

    private ConsumerGroup GroupOf(string name)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (!_groups.TryGetValue(name, out ConsumerGroup? group))
                _groups.Add(name, group = new ConsumerGroup(name, _settings, _log, _tokens));
            return group;
        }
    }

    private static void ThrowIf(int error)
    {
        if (error != 0)
            throw new KafkaException((ErrorCode)error);
    }

    private Task<IReadOnlyDictionary<TopicPartition, long>> ListOffsetsAsync(
        IReadOnlyCollection<TopicPartition> topicPartitions, OffsetSpec spec, IsolationLevel isolation, CancellationToken cancellationToken) => Ask(
        $"offsets of {string.Join(", ", topicPartitions.Take(3))}{(topicPartitions.Count > 3 ? ", …" : "")}",
        async () =>
        {
            if (topicPartitions.Count == 0)
                return new Dictionary<TopicPartition, long>();

            ListOffsetsResult answer = await _admin.ListOffsetsAsync(
                topicPartitions.Select(tp => new TopicPartitionOffsetSpec { TopicPartition = Theirs(tp), OffsetSpec = spec }),
                new ListOffsetsOptions { RequestTimeout = _timeout, IsolationLevel = isolation }).ConfigureAwait(false);
            return (IReadOnlyDictionary<TopicPartition, long>)answer.ResultInfos.ToDictionary(
                i => new TopicPartition(i.TopicPartitionOffsetError.Topic, i.TopicPartitionOffsetError.Partition.Value),
                i => i.TopicPartitionOffsetError.Offset.Value);
        },
        cancellationToken);

    // The client's calls take no token: the caller is let go, the call runs into its own time-out.
    private async Task<T> Ask<T>(string what, Func<Task<T>> ask, CancellationToken cancellationToken)
    {
        try
        {
            return await ask().WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (KafkaException refused)
        {
            string reason = refused is ListOffsetsException { Result.ResultInfos: var infos }
                && infos.FirstOrDefault(i => i.TopicPartitionOffsetError.Error.IsError) is { } first
                ? $"{first.TopicPartitionOffsetError.TopicPartition}: {first.TopicPartitionOffsetError.Error.Reason}"
                : refused.Error.Reason;
            string? connection = refused.Error.Code is ErrorCode.Local_Transport or ErrorCode.Local_TimedOut or ErrorCode.Local_AllBrokersDown or ErrorCode.Local_WaitCoord && _trouble.Line is { } line ? Said(line) : null;
            throw new KafkaClientException($"{what}: {_bootstrap} gave no answer: {reason}{(connection is null ? "" : $" ({connection})")}", (int)refused.Error.Code, refused);
        }
    }

    // A question is asked once.
    private static string Said(string trouble) => trouble.Replace("; still trying", "", StringComparison.Ordinal);

    private unsafe string? ClusterIdOf(nint client)
    {
        byte* id = Librdkafka.ClusterId(client, (int)_timeout.TotalMilliseconds);
        if (id == null)
            throw new KafkaClientException($"cluster id: {_bootstrap} gave no answer{(_trouble.Line is { } line ? $": {Said(line)}" : "")}", (int)ErrorCode.Local_TimedOut);

        string text = Librdkafka.Text(id);
        Librdkafka.MemFree(client, id);
        return text.Length == 0 ? null : text;
    }

    private static Confluent.Kafka.TopicPartition Theirs(TopicPartition topicPartition) => new(topicPartition.Topic, topicPartition.Partition);
}
