using Microsoft.Extensions.Logging;
using OrleansLake.Contracts;
using OrleansLake.Ingest;
using OrleansLake.Ingest.Pump;
using OrleansLake.Ingest.Quality;

namespace OrleansLake.Grains;

/// <summary>
/// The pumps of one silo: one for each pipeline, shared by all of its topic-partitions here, so that the number of open files
/// does not grow with theirs. Grains hold leases and renew them; what is not renewed is given up.
/// </summary>
/// <remarks>
/// A pump lives from the first lease of its definition to the end of its last. A pipeline whose definition changed gets a
/// second pump, and its topic-partitions move over one by one.
/// </remarks>
public sealed class PumpHost(IPumpFactory factory, TimeProvider time, ILogger<PumpHost> logger, AlertHub? alerts = null)
{
    private readonly Lock _lock = new();
    private readonly List<HostedPump> _pumps = [];
    private bool _draining;

    /// <summary>
    /// Begins to read a topic-partition for its grain. Null: the silo is draining. <paramref name="onNews"/> is called on a
    /// foreign thread when the pump gave it up.
    /// </summary>
    public PumpLease? Attach(PipelineDefinition definition, TopicPartition topicPartition, bool paused, Action onNews, bool isLate = false)
    {
        lock (_lock)
        {
            if (_draining)
            {
                return null;
            }

            HostedPump? pump = _pumps.Find(candidate => candidate.End is null && candidate.Definition.SameAs(definition));
            if (pump is null)
            {
                pump = new HostedPump(definition, time);
                pump.Pump = factory.Create(definition, pumpEvent => OnEvent(pump, pumpEvent));
                _pumps.Add(pump);
                logger.LogPumpStarted(definition.Name);
            }

            if (pump.Leases.TryGetValue(topicPartition, out PumpLease? former))
            {
                former.IsLost = true; // a twin or an earlier life of the grain: the newcomer is the one that the directory finds
            }

            var lease = new PumpLease(this, pump, topicPartition, onNews) { IsLate = isLate, RenewedAt = time.GetTimestamp() };
            pump.Leases[topicPartition] = lease;
            pump.Pump.Attach(topicPartition, lease.Start);
            pump.Pump.SetPaused(topicPartition, paused);
            TellGoesOn(definition.Name, topicPartition);
            return lease;
        }
    }

    /// <summary>The pumps with their pipelines, for metrics and people.</summary>
    public async Task<IReadOnlyList<(PipelineDefinition Definition, PumpStatus Status)>> StatusesAsync(CancellationToken cancellationToken)
    {
        HostedPump[] pumps;
        lock (_lock)
        {
            pumps = [.. _pumps];
        }

        var statuses = new List<(PipelineDefinition, PumpStatus)>(pumps.Length);
        foreach (HostedPump pump in pumps)
        {
            statuses.Add((pump.Definition, await pump.StatusAsync(cancellationToken)));
        }

        return statuses;
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
            logger.LogForsaken(lease.Definition.Name, lease.TopicPartition, age);
            await DetachAsync(lease, cancellationToken);
        }
    }

    /// <summary>Has every pump look at its table: one without records hears of a new schema only so.</summary>
    public async Task ReloadSchemasAsync(CancellationToken cancellationToken)
    {
        HostedPump[] pumps;
        lock (_lock)
        {
            pumps = [.. _pumps.Where(pump => pump.End is null)];
        }

        await Task.WhenAll(pumps.Select(pump => ReloadSchemaAsync(pump))).WaitAsync(cancellationToken);
    }

    /// <summary>Stops polling everywhere, closes, reports, and waits for the answers. Nothing is attached from now on.</summary>
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

    internal async Task<bool> DetachAsync(PumpLease lease, CancellationToken cancellationToken)
    {
        HostedPump pump = lease.Pump;
        lock (_lock)
        {
            if (!lease.IsValid || pump.Leases.GetValueOrDefault(lease.TopicPartition) != lease)
            {
                return true;
            }
        }

        HandOver handOver = await pump.Pump.DetachAsync(lease.TopicPartition, cancellationToken);
        bool last;
        lock (_lock)
        {
            // Someone may have attached it anew while its last records were being committed.
            if (pump.Leases.GetValueOrDefault(lease.TopicPartition) == lease)
            {
                pump.Leases.Remove(lease.TopicPartition);
                lease.IsLost = true;
            }

            last = pump.Leases.Count == 0 && pump.End is null;
            if (last)
            {
                pump.End = EndOnceAsync(pump);
            }
        }

        if (last)
        {
            await EndAsync(pump, cancellationToken);
        }

        return handOver.IsClean;
    }

    /// <summary>
    /// All topic-partitions of a pump share its files: those that ask with one id share one flush. With another id it is
    /// another flush, since records were read after the first began.
    /// </summary>
    internal Task<FlushResult> FlushAsync(HostedPump pump, Guid flushId)
    {
        lock (_lock)
        {
            if (pump.FlushId != flushId || pump.Flush is null)
            {
                pump.FlushId = flushId;
                pump.Flush = FlushOnceAsync(pump);
            }

            return pump.Flush;
        }
    }

    private static async Task<FlushResult> FlushOnceAsync(HostedPump pump)
    {
        FlushResult result = await pump.Pump.FlushAsync(CancellationToken.None);
        pump.ForgetStatus(); // whoever looks after a flush sees what it committed
        return result;
    }

    /// <summary>Likewise for a reload.</summary>
    internal Task<PumpEvent.SchemaApplied> ReloadSchemaAsync(HostedPump pump)
    {
        lock (_lock)
        {
            return pump.Reload is { IsCompleted: false } running ? running : pump.Reload = pump.Pump.ReloadSchemaAsync(CancellationToken.None);
        }
    }

    /// <summary>It is read again: if it had stopped, that is over.</summary>
    internal void TellGoesOn(string pipeline, TopicPartition topicPartition) =>
        alerts?.Tell(new Alert(AlertKind.Stopped, pipeline, StopRule(topicPartition), "it is read again", time.GetUtcNow(), IsOver: true));

    private static string StopRule(TopicPartition topicPartition) => $"{topicPartition} stopped";

    internal void Renew(PumpLease lease) => lease.RenewedAt = time.GetTimestamp();

    private async Task EndAsync(HostedPump pump, CancellationToken cancellationToken)
    {
        Task<bool> end;
        lock (_lock)
        {
            end = pump.End ??= EndOnceAsync(pump);
        }

        bool committed = await end.WaitAsync(cancellationToken);
        lock (_lock)
        {
            if (!_pumps.Remove(pump))
            {
                return;
            }
        }

        logger.LogPumpStopped(pump.Definition.Name, committed ? "all that was read is in the table" : "the rest is read again from the table's offsets");
    }

    private static async Task<bool> EndOnceAsync(HostedPump pump)
    {
        bool committed = await pump.Pump.StopAsync(CancellationToken.None);
        await pump.Pump.DisposeAsync();
        return committed;
    }

    private void OnEvent(HostedPump pump, PumpEvent pumpEvent)
    {
        string pipeline = pump.Definition.Name;
        switch (pumpEvent)
        {
            case PumpEvent.Stopped stopped:
                logger.LogStopped(pipeline, stopped.TopicPartition, stopped.Message);
                alerts?.Tell(new Alert(AlertKind.Stopped, pipeline, StopRule(stopped.TopicPartition), stopped.Message, time.GetUtcNow()));
                PumpLease? lease;
                lock (_lock)
                {
                    lease = pump.Leases.GetValueOrDefault(stopped.TopicPartition);
                }

                lease?.OnNews();
                break;
            case PumpEvent.Committed committed:
                logger.LogReportCommitted(
                    pipeline, committed.SnapshotId, committed.Report.Files.Count, committed.Report.Ranges.Sum(range => range.Rows),
                    committed.Took.TotalMilliseconds);
                break;
            case PumpEvent.Refused refused:
                logger.LogReportRefused(pipeline, refused.Reason, refused.Message);
                break;
            case PumpEvent.SchemaApplied applied:
                logger.LogSchemaApplied(pipeline, applied.SchemaId, string.Join(", ", applied.FirstOffsets.Select(entry => $"{entry.Key}@{entry.Value}")));
                break;
            case PumpEvent.Trouble { Message: { } message }:
                logger.LogTrouble(pipeline, message);
                break;
            case PumpEvent.Trouble:
                logger.LogTroubleOver(pipeline);
                break;
        }
    }

    /// <summary>A pump with those that hold it.</summary>
    internal sealed class HostedPump(PipelineDefinition definition, TimeProvider time)
    {
        private static readonly TimeSpan StatusAge = TimeSpan.FromMilliseconds(200);

        private readonly Lock _statusLock = new();
        private Pump? _pump;
        private Task<PumpStatus>? _status;
        private long _statusAt;

        internal PipelineDefinition Definition => definition;

        internal Pump Pump
        {
            get => _pump ?? throw new InvalidOperationException("the pump has not started");
            set => _pump = value;
        }

        internal Dictionary<TopicPartition, PumpLease> Leases { get; } = [];

        internal Task<bool>? End { get; set; }

        internal Guid FlushId { get; set; }

        internal Task<FlushResult>? Flush { get; set; }

        internal Task<PumpEvent.SchemaApplied>? Reload { get; set; }

        /// <summary>The next status is asked for afresh.</summary>
        internal void ForgetStatus()
        {
            lock (_statusLock)
            {
                _status = null;
            }
        }

        /// <summary>Each of a thousand topic-partitions asks for its own: they share one answer for a moment.</summary>
        internal Task<PumpStatus> StatusAsync(CancellationToken cancellationToken)
        {
            Task<PumpStatus> status;
            lock (_statusLock)
            {
                if (_status is null || (_status.IsCompleted && time.GetElapsedTime(_statusAt) > StatusAge))
                {
                    _status = Pump.StatusAsync(CancellationToken.None);
                    _statusAt = time.GetTimestamp();
                }

                status = _status;
            }

            return status.WaitAsync(cancellationToken);
        }
    }
}
