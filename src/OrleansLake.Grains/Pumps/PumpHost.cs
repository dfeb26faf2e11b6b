using Microsoft.Extensions.Logging;
using OrleansLake.Contracts;
using OrleansLake.Ingest;
using OrleansLake.Ingest.Pump;

namespace OrleansLake.Grains;

/// <summary>
/// The pumps of one silo: one for each pipeline, shared by all of its topic-partitions here, so that the number of open files
/// does not grow with theirs. Grains hold leases and renew them; what is not renewed is given up.
/// </summary>
/// <remarks>
/// A pump lives from the first lease of its definition to the end of its last. A pipeline whose definition changed gets a
/// second pump, and its topic-partitions move over one by one.
/// </remarks>
public sealed class PumpHost(IPipelinePumpFactory factory, TimeProvider time, ILogger<PumpHost> logger)
{
    private readonly Lock _lock = new();
    private readonly List<HostedPump> _pumps = [];
    private bool _draining;

    /// <summary>The silo is going: nothing is attached any more.</summary>
    public bool IsDraining
    {
        get
        {
            lock (_lock)
            {
                return _draining;
            }
        }
    }

    /// <summary>
    /// Begins to read a topic-partition for its grain. Null: the silo is draining. <paramref name="onNews"/> is called on a
    /// foreign thread when the pump gave it up.
    /// </summary>
    public PumpLease? Attach(PipelineDefinition definition, TopicPartition topicPartition, bool paused, Action onNews)
    {
        lock (_lock)
        {
            if (_draining)
            {
                return null;
            }

            HostedPump? pump = _pumps.Find(candidate => candidate.Definition.SameAs(definition) && !candidate.Ending);
            if (pump is null)
            {
                pump = new HostedPump(definition);
                pump.Start(factory.Create(definition, pumpEvent => OnEvent(pump, pumpEvent)));
                _pumps.Add(pump);
                logger.LogPumpStarted(definition.Name);
            }

            if (pump.Leases.TryGetValue(topicPartition, out PumpLease? former))
            {
                // A twin or an earlier life of the grain: the newcomer is the one that the directory finds.
                former.Lost = true;
            }

            var lease = new PumpLease(this, pump, topicPartition, onNews) { RenewedAt = time.GetTimestamp() };
            pump.Leases[topicPartition] = lease;
            pump.Pump.SetPaused(topicPartition, paused);
            pump.Pump.Attach(topicPartition);
            pump.Pump.SetPaused(topicPartition, paused);
            return lease;
        }
    }

    /// <summary>The pumps by pipeline, for metrics and people.</summary>
    public IReadOnlyList<(PipelineDefinition Definition, PumpStatus Status)> Statuses()
    {
        lock (_lock)
        {
            return [.. _pumps.Select(pump => (pump.Definition, pump.Pump.Status))];
        }
    }

    /// <summary>Gives up every topic-partition whose grain has not renewed its lease for so long.</summary>
    public async Task StopForsakenAsync(TimeSpan age, CancellationToken cancellationToken)
    {
        PumpLease[] forsaken;
        lock (_lock)
        {
            forsaken = [.. _pumps.SelectMany(pump => pump.Leases.Values).Where(lease => time.GetElapsedTime(lease.RenewedAt) > age)];
        }

        foreach (PumpLease lease in forsaken)
        {
            logger.LogForsaken(lease.Pump.Definition.Name, lease.TopicPartition, age);
            await lease.DetachAsync(cancellationToken);
        }
    }

    /// <summary>Stops polling everywhere, closes, reports, and waits for the answers until <paramref name="cancellationToken"/> says stop.</summary>
    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        HostedPump[] pumps;
        lock (_lock)
        {
            _draining = true;
            pumps = [.. _pumps];
        }

        await Task.WhenAll(pumps.Select(pump => EndAsync(pump, cancellationToken)));
    }

    internal async Task DetachAsync(PumpLease lease, CancellationToken cancellationToken)
    {
        HostedPump pump = lease.Pump;
        lock (_lock)
        {
            if (lease.Lost || pump.Ending || pump.Leases.GetValueOrDefault(lease.TopicPartition) != lease)
            {
                return;
            }
        }

        await pump.Pump.DetachAsync(lease.TopicPartition, cancellationToken);
        bool last;
        lock (_lock)
        {
            // Someone may have attached it anew while its last records were being committed.
            if (pump.Leases.GetValueOrDefault(lease.TopicPartition) == lease)
            {
                pump.Leases.Remove(lease.TopicPartition);
            }

            last = pump.Leases.Count == 0;
        }

        if (last)
        {
            await EndAsync(pump, cancellationToken);
        }
    }

    private async Task EndAsync(HostedPump pump, CancellationToken cancellationToken)
    {
        Task<bool> end;
        lock (_lock)
        {
            end = pump.End ??= EndOnceAsync(pump, cancellationToken);
        }

        bool committed = await end;
        lock (_lock)
        {
            if (_pumps.Remove(pump))
            {
                logger.LogPumpStopped(pump.Definition.Name, committed ? "everything read is committed" : "what was not committed is read again from the table's offsets");
            }
        }
    }

    private static async Task<bool> EndOnceAsync(HostedPump pump, CancellationToken cancellationToken)
    {
        await Task.Yield(); // not under the lock
        TopicPartition[] topicPartitions = [.. pump.Pump.Status.Partitions.Select(partition => partition.TopicPartition)];
        bool committed = false;
        try
        {
            await Task.WhenAll(topicPartitions.Select(topicPartition => pump.Pump.DetachAsync(topicPartition, cancellationToken)));
            committed = true;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Out of time. The table holds the offsets: whoever comes next reads the rest again.
        }
        finally
        {
            await pump.Pump.DisposeAsync();
        }

        return committed;
    }

    private void OnEvent(HostedPump pump, PumpEvent pumpEvent)
    {
        switch (pumpEvent)
        {
            case PumpEvent.Stopped stopped:
                logger.LogStopped(pump.Definition.Name, stopped.TopicPartition, stopped.Message);
                PumpLease? lease;
                lock (_lock)
                {
                    lease = pump.Leases.GetValueOrDefault(stopped.TopicPartition);
                }

                lease?.OnNews();
                break;
            case PumpEvent.Committed committed:
                logger.LogReportCommitted(
                    pump.Definition.Name, committed.SnapshotId, committed.Report.Files.Count, committed.Report.Ranges.Sum(range => range.Rows),
                    committed.Took.TotalMilliseconds);
                break;
            case PumpEvent.Refused refused:
                logger.LogReportRefused(pump.Definition.Name, refused.Reason, refused.Message);
                break;
            case PumpEvent.SchemaApplied applied:
                logger.LogSchemaApplied(pump.Definition.Name, applied.SchemaId, string.Join(", ", applied.FirstOffsets.Select(entry => $"{entry.Key}@{entry.Value}")));
                break;
            case PumpEvent.Trouble { Message: { } message }:
                logger.LogTrouble(pump.Definition.Name, message);
                break;
            case PumpEvent.Trouble:
                logger.LogTroubleOver(pump.Definition.Name);
                break;
        }
    }

    internal sealed class HostedPump(PipelineDefinition definition)
    {
        private IPipelinePump? _pump;

        internal PipelineDefinition Definition => definition;

        internal IPipelinePump Pump => _pump ?? throw new InvalidOperationException("the pump has not started");

        internal Dictionary<TopicPartition, PumpLease> Leases { get; } = [];

        internal Task<bool>? End { get; set; }

        internal bool Ending => End is not null;

        internal Task<bool>? Flush { get; set; }

        internal void Start(IPipelinePump pump) => _pump = pump;
    }

    internal Task<bool> FlushAsync(HostedPump pump, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            // All topic-partitions of a pump share its files: those that ask at the same time share one flush.
            if (pump.Flush is not { IsCompleted: false })
            {
                pump.Flush = pump.Pump.FlushAsync(cancellationToken);
            }

            return pump.Flush;
        }
    }

    internal void Renew(PumpLease lease)
    {
        lease.RenewedAt = time.GetTimestamp();
    }
}
