namespace OrleansLake.Ingest.Kafka.Publishing;

/// <summary>
/// What a consumer group has committed in one topic, asked for in the background: a pipeline commits its group's offsets after
/// its table's (exactly-once, rule 17), so they never run ahead of what is safe.
/// </summary>
public sealed class GroupFollower : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly KafkaLookup _lookup;
    private readonly string _group;
    private readonly TopicPartition[] _topicPartitions;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stopping = new();
    private readonly long[] _committed;
    private readonly Task _loop;
    private volatile KafkaClientException? _failure;

    private GroupFollower(KafkaLookup lookup, string group, string topic, int partitions, TimeProvider time)
    {
        _lookup = lookup;
        _group = group;
        _time = time;
        _topicPartitions = [.. Enumerable.Range(0, partitions).Select(p => new TopicPartition(topic, p))];
        _committed = new long[partitions];
        Array.Fill(_committed, -1);
        _loop = Task.Run(FollowAsync);
    }

    /// <summary>Begins to follow.</summary>
    /// <exception cref="KafkaClientException">The topic does not exist, or no broker answers.</exception>
    public static async Task<GroupFollower> StartAsync(
        string bootstrapServers, IReadOnlyDictionary<string, string>? settings, string group, string topic, TimeProvider time, CancellationToken cancellationToken,
        Security.IBearerTokens? tokens = null)
    {
        var lookup = new KafkaLookup(bootstrapServers, settings, tokens: tokens);
        try
        {
            int partitions = await lookup.PartitionsOfAsync(topic, cancellationToken).ConfigureAwait(false)
                ?? throw new KafkaClientException($"topic {topic}: no such topic at {bootstrapServers}; create it first");
            return new GroupFollower(lookup, group, topic, partitions, time);
        }
        catch
        {
            lookup.Dispose();
            throw;
        }
    }

    /// <summary>The next offset that the group has committed; −1 none yet, or not a partition of the topic.</summary>
    public long CommittedOf(TopicPartition topicPartition)
    {
        if (topicPartition.Partition < 0 || topicPartition.Partition >= _committed.Length || topicPartition != _topicPartitions[topicPartition.Partition])
            return -1;

        return Volatile.Read(ref _committed[topicPartition.Partition]);
    }

    /// <summary>Why the last question had no answer; null when it had one. What is known stays valid: offsets only grow.</summary>
    public KafkaClientException? Failure => _failure;

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _lookup.Dispose();
        _stopping.Dispose();
    }

    private async Task FollowAsync()
    {
        try
        {
            while (true)
            {
                try
                {
                    foreach ((TopicPartition topicPartition, long next) in await _lookup.GroupOffsetsAsync(_group, _topicPartitions, _stopping.Token).ConfigureAwait(false))
                        Volatile.Write(ref _committed[topicPartition.Partition], next);
                    _failure = null;
                }
                catch (KafkaClientException failure)
                {
                    _failure = failure; // asked again; the publisher waits meanwhile
                }

                await Task.Delay(Interval, _time, _stopping.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // DisposeAsync
        }
    }
}
