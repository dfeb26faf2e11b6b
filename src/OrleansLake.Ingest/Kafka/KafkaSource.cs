using OrleansLake.Ingest.Kafka.Native;
using OrleansLake.Ingest.Pump;

namespace OrleansLake.Ingest.Kafka;

/// <summary>
/// Records of many topic-partitions through one librdkafka consumer. Topic-partitions are assigned, never subscribed to; the
/// positions come from the table, and nothing here moves one by itself.
/// </summary>
/// <remarks>
/// Called by one thread. A topic-partition whose reading has stopped (<see cref="SourceStoppedException"/>) is no longer
/// assigned; the others go on.
/// </remarks>
public sealed unsafe class KafkaSource : IRecordSource
{
    // How long a wait inside the client may last before cancellation is looked at.
    private const int WaitSliceMs = 100;

    private readonly TimeProvider _time;
    private readonly NativeClient _client;
    private readonly nint _queue;
    private readonly AssignedPartitions _partitions;
    private readonly BatchCollector _collector;
    private readonly SpentMessages _spent = new();
    private readonly BrokerTrouble _trouble;
    private readonly EndsProbe _probe;
    private readonly PartitionErrors _errors;
    private readonly Queue<ReadyItem> _ready = new();
    private bool _disposed;

    /// <summary>Makes the consumer; brokers are reached in the background.</summary>
    /// <exception cref="KafkaSettingException">A setting is unknown or refused.</exception>
    public KafkaSource(KafkaSourceOptions options, TimeProvider? time = null)
    {
        _time = time ?? TimeProvider.System;
        _trouble = new BrokerTrouble(options.BootstrapServers);
        _client = new NativeClient(
            Librdkafka.Consumer, KafkaSettings.OfConsumer(options.BootstrapServers, options.Settings), (error, text) => _errors!.HandleAside(error, text), options.Log,
            tokens: options.Tokens, onResponse: _spent.Answered);
        Librdkafka.PollSetConsumer(_client.Handle);
        _queue = Librdkafka.QueueGetConsumer(_client.Handle);
        _partitions = new AssignedPartitions(_client.Handle);
        _errors = new PartitionErrors(_client.Handle, _partitions, _trouble, options.BootstrapServers);
        _collector = new BatchCollector(_queue, _partitions, _trouble, _spent, options, _errors.Handle);
        _probe = new EndsProbe(_client.Handle, _partitions, _trouble, _time);
    }

    /// <inheritdoc />
    public string? Trouble => _trouble.Line;

    /// <summary>Memory of the client that holds records which were already copied, in bytes.</summary>
    internal long SpentBytes => _spent.WaitingBytes;

    /// <inheritdoc />
    public void Assign(TopicPartition topicPartition, long position) => Assign(topicPartition, position, -1);

    /// <inheritdoc />
    public void Assign(TopicPartition topicPartition, long position, int leaderEpoch)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        _partitions.Assign(topicPartition, position, leaderEpoch);
    }

    /// <inheritdoc />
    public void Unassign(TopicPartition topicPartition)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _partitions.Unassign(topicPartition);
    }

    /// <inheritdoc />
    public void SetPaused(TopicPartition topicPartition, bool paused)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_partitions.Find(topicPartition) is not { } partition)
            return;

        _partitions.SetPaused(partition, paused);
        if (!paused)
        {
            // What was polled before the pause comes before anything else of it.
            int others = partition.Held.Count == 0 ? 0 : _ready.Count;
            while (partition.Held.TryDequeue(out ReadyItem item))
                _ready.Enqueue(item);
            for (; others > 0; others--)
                _ready.Enqueue(_ready.Dequeue());
        }
    }

    /// <inheritdoc />
    /// <remarks>A cancelled token ends the wait early, with null.</remarks>
    public KafkaBatch? Poll(TimeSpan timeout, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _partitions.Apply();
        if (TakeReady() is { } ready)
            return ready;

        long begun = _time.GetTimestamp();
        while (true)
        {
            _probe.Serve();
            int left = (int)Math.Clamp((timeout - _time.GetElapsedTime(begun)).TotalMilliseconds, 0, WaitSliceMs);
            _collector.Collect(left, _ready);
            _errors.TakeStops(_ready);
            _partitions.Apply(); // an error may have begun a topic-partition anew
            if (TakeReady() is { } batch)
                return batch;

            if (left == 0 || cancellationToken.IsCancellationRequested)
                return null;
        }
    }

    /// <inheritdoc />
    public PartitionEnds? EndsOf(TopicPartition topicPartition)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_partitions.Find(topicPartition) is not { } partition)
            return null;

        // From the last fetch response: this asks no broker.
        long low;
        long high;
        int error = Librdkafka.GetWatermarkOffsets(_client.Handle, topicPartition.Topic, topicPartition.Partition, &low, &high);
        if (error != 0 || high < 0)
            return null;

        long lastStable = partition.LastStable >= partition.Position ? Math.Min(partition.LastStable, high) : high;
        return new PartitionEnds(Math.Max(0, low), lastStable, high);
    }

    /// <summary>Another login for connections from now on; those that stand go on. Any thread may say so.</summary>
    public void SetLogin(string username, string password) => _client.SetLogin(username, password);

    /// <inheritdoc />
    public void Dispose()
    {
        if (_disposed)
            return;

        _disposed = true;
        while (_ready.TryDequeue(out ReadyItem item))
            item.Batch?.Dispose();
        _probe.Dispose();
        _partitions.Dispose();
        _collector.Dispose();
        _spent.FreeAll();
        Librdkafka.QueueDestroy(_queue);
        _client.Dispose();
    }

    private KafkaBatch? TakeReady()
    {
        while (_ready.TryDequeue(out ReadyItem item))
        {
            if (item.Owner.Dropped)
            {
                item.Batch?.Dispose();
            }
            else if (item.Owner.Paused)
            {
                item.Owner.Held.Enqueue(item);
            }
            else if (item.Stop is { } stop)
            {
                _partitions.Unassign(item.Owner.TopicPartition);
                throw stop;
            }
            else
            {
                return item.Batch;
            }
        }

        return null;
    }
}
