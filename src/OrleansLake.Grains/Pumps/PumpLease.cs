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

    /// <summary>Whether it still holds: another took its place, or the pump is ending.</summary>
    public bool IsValid => !Lost && !Pump.Ending;

    /// <summary>How the topic-partition does; null when the pump does not have it (any more).</summary>
    public PartitionStatus? Status => Pump.Pump.Status.Partitions.FirstOrDefault(partition => partition.TopicPartition == TopicPartition);

    /// <summary>What stands in the way of the whole pump.</summary>
    public string? PumpTrouble => Pump.Pump.Status.Trouble;

    internal PumpHost.HostedPump Pump { get; }

    internal bool Lost { get; set; }

    internal long RenewedAt
    {
        get => Volatile.Read(ref _renewedAt);
        set => Volatile.Write(ref _renewedAt, value);
    }

    /// <summary>Says that the grain is still there.</summary>
    public void Renew() => _host.Renew(this);

    /// <summary>Holds it or lets it run.</summary>
    public void SetPaused(bool paused) => Pump.Pump.SetPaused(TopicPartition, paused);

    /// <summary>Reads it again after it had stopped.</summary>
    public void Retry() => Pump.Pump.Attach(TopicPartition);

    /// <summary>Closes the files of the pump and waits for the commit. True: all that was read is in the table.</summary>
    public Task<bool> FlushAsync(CancellationToken cancellationToken) => _host.FlushAsync(Pump, cancellationToken);

    /// <summary>Decodes by the table's schema as it is now; the first offset that it applies to here.</summary>
    public async Task<long?> ReloadSchemaAsync(CancellationToken cancellationToken) =>
        (await Pump.Pump.ReloadSchemaAsync(cancellationToken)).FirstOffsets.TryGetValue(TopicPartition, out long first) ? first : null;

    /// <summary>Commits what was read and gives it up.</summary>
    public Task DetachAsync(CancellationToken cancellationToken) => _host.DetachAsync(this, cancellationToken);

    internal void OnNews() => _onNews();
}
