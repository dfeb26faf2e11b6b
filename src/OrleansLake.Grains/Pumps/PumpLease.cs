using OrleansLake.Contracts;
using OrleansLake.Ingest;
using OrleansLake.Ingest.Pump;

namespace OrleansLake.Grains;

/// <summary>A grain's hold on its topic-partition in the pump of its silo.</summary>
public sealed class PumpLease
{
    private readonly PumpHost _host;
    private readonly Action _onNews;
    private long _renewedAt;
    private volatile bool _isLost;

    internal PumpLease(PumpHost host, PumpHost.HostedPump pump, TopicPartition topicPartition, Action onNews)
    {
        _host = host;
        _onNews = onNews;
        Pump = pump;
        TopicPartition = topicPartition;
    }

    /// <summary>Which.</summary>
    public TopicPartition TopicPartition { get; }

    /// <summary>The definition that it is read by.</summary>
    public PipelineDefinition Definition => Pump.Definition;

    /// <summary>Whether it still holds: nobody took its place, and the pump is not ending.</summary>
    public bool IsValid => !IsLost && Pump.End is null;

    internal PumpHost.HostedPump Pump { get; }

    internal bool IsLost { get => _isLost; set => _isLost = value; }

    internal long RenewedAt
    {
        get => Volatile.Read(ref _renewedAt);
        set => Volatile.Write(ref _renewedAt, value);
    }

    /// <summary>Whether it came while the pipeline ran: all of its records came since, so none is passed over.</summary>
    internal bool IsLate { get; init; }

    internal StartPosition Start => StartPositions.Of(Definition, TopicPartition, IsLate);

    /// <summary>Says that the grain is still there.</summary>
    public void Renew() => _host.Renew(this);

    /// <summary>How the topic-partition does (null: the pump does not have it), and what stands in the whole pump's way.</summary>
    public async Task<(PartitionStatus? Status, string? Trouble)> StatusAsync(CancellationToken cancellationToken)
    {
        PumpStatus status = await Pump.StatusAsync(cancellationToken);
        return (status.Partitions.FirstOrDefault(partition => partition.TopicPartition == TopicPartition), status.Trouble);
    }

    /// <summary>What the pump counted, for the first of its topic-partitions; null: for another, or it counted nothing.</summary>
    public async Task<RecordCounts?> CountsAsync(CancellationToken cancellationToken)
    {
        PumpStatus status = await Pump.StatusAsync(cancellationToken);
        return status.Counts == FieldCounts.None || status.Partitions is not [{ } first, ..] || first.TopicPartition != TopicPartition ? null : new RecordCounts
        {
            UnknownFields = Paths(status.Counts.Unknown),
            NulledValues = Paths(status.Counts.Nulled),
            ValuesMadeText = Paths(status.Counts.MadeText),
            TombstonesSkipped = status.Counts.Tombstones,
        };

        static PathCount[] Paths(IReadOnlyDictionary<string, long> counts) =>
            [.. counts.Select(one => new PathCount(one.Key, one.Value)).OrderByDescending(one => one.Count).ThenBy(one => one.Path, StringComparer.Ordinal)];
    }

    /// <summary>Holds it or lets it run.</summary>
    public void SetPaused(bool paused) => Pump.Pump.SetPaused(TopicPartition, paused);

    /// <summary>Reads it again after it had stopped.</summary>
    public void Retry()
    {
        Pump.Pump.Attach(TopicPartition, Start);
        _host.TellGoesOn(Definition.Name, TopicPartition);
    }

    /// <summary>Closes the files of the pump and waits for the commit. True: all that was read is in the table. With one id it is done once.</summary>
    public async Task<bool> FlushAsync(Guid flushId, CancellationToken cancellationToken) =>
        await _host.FlushAsync(Pump, flushId).WaitAsync(cancellationToken) is not FlushResult.GivenUp;

    /// <summary>Decodes by the table's schema as it is now: its id, and the first offset that it applies to here.</summary>
    public async Task<(int SchemaId, long? FirstOffset)> ReloadSchemaAsync(CancellationToken cancellationToken)
    {
        PumpEvent.SchemaApplied applied = await _host.ReloadSchemaAsync(Pump).WaitAsync(cancellationToken);
        return (applied.SchemaId, applied.FirstOffsets.TryGetValue(TopicPartition, out long first) ? first : null);
    }

    /// <summary>Commits what was read and gives it up. True: all of it is in the table.</summary>
    public Task<bool> DetachAsync(CancellationToken cancellationToken) => _host.DetachAsync(this, cancellationToken);

    internal void OnNews() => _onNews();
}
