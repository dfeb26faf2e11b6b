using System.Diagnostics.Metrics;
using OrleansLake.Contracts;
using OrleansLake.Grains;
using OrleansLake.Ingest.Pump;

namespace OrleansLake.Silo.Telemetry;

/// <summary>What the pumps of this silo show: every name of theirs is here. Refreshed by each scrape.</summary>
internal sealed class PumpMetrics : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "OrleansLake.Pump";

    private readonly PumpHost _pumps;
    private readonly MemoryBudget _memory;
    private readonly Meter _meter = new(MeterName);
    private volatile IReadOnlyList<(PipelineDefinition Definition, PumpStatus Status)> _last = [];

    /// <summary>Makes the instruments.</summary>
    public PumpMetrics(PumpHost pumps, MemoryBudget memory)
    {
        _pumps = pumps;
        _memory = memory;
        _meter.CreateObservableGauge("orleanslake.pump.lag", () => Partitions(partition => partition.Lag), "{record}", "Offsets between the table and the end of the topic-partition");
        _meter.CreateObservableGauge("orleanslake.pump.freshness", () => Partitions(partition => partition.OldestUncommittedAge?.TotalSeconds), "s", "Age of the oldest record that is not in the table");
        _meter.CreateObservableGauge("orleanslake.pump.committed_offset", () => Partitions(partition => partition.CommittedNext), "{offset}", "The table's next offset");
        _meter.CreateObservableGauge(
            "orleanslake.pump.stopped", () => Partitions<long>(partition => partition.State == PartitionState.Stopped ? 1 : 0), "{partition}", "1: the topic-partition needs a person");
        _meter.CreateObservableCounter("orleanslake.pump.rows", () => Pumps(status => status.Rows), "{row}", "Records that became rows since the pump began");
        _meter.CreateObservableCounter("orleanslake.pump.rejected", () => Pumps(status => status.Rejected), "{record}", "Records that became dead letters since the pump began");
        _meter.CreateObservableCounter("orleanslake.records.unknown_fields", () => Paths(counts => counts.Unknown), "{field}", "Fields that the table does not have, by path; beyond a hundred paths under *");
        _meter.CreateObservableCounter("orleanslake.records.nulled_values", () => Paths(counts => counts.Nulled), "{value}", "Values that did not fit and became null, by path");
        _meter.CreateObservableCounter("orleanslake.records.values_made_text", () => Paths(counts => counts.MadeText), "{value}", "Values that became their JSON text, by path");
        _meter.CreateObservableCounter("orleanslake.records.tombstones", () => Pumps(status => status.Counts.Tombstones), "{record}", "Tombstones that were passed over since the pump began");
        _meter.CreateObservableGauge("orleanslake.pump.buffered", () => Pumps(status => status.BufferedBytes), "By", "Memory of open and closing files");
        _meter.CreateObservableGauge("orleanslake.pump.unanswered_reports", () => Pumps(status => status.UnansweredReports), "{report}", "Reports without an answer");
        _meter.CreateObservableGauge("orleanslake.pump.trouble", () => Pumps(status => status.Trouble is null ? 0 : 1), "{pump}", "1: something stands in the way");
        _meter.CreateObservableGauge("orleanslake.memory.used", () => _memory.UsedBytes, "By", "Memory of open and closing files on this silo");
        _meter.CreateObservableGauge("orleanslake.memory.limit", () => _memory.LimitBytes, "By", "The silo's budget for them");
        _meter.CreateObservableGauge("orleanslake.process.working_set", () => Environment.WorkingSet, "By", "Resident size of the process");
    }

    /// <inheritdoc />
    public void Dispose() => _meter.Dispose();

    /// <summary>Asks the pumps, so that what the instruments tell is of this moment.</summary>
    public async Task RefreshAsync(CancellationToken cancellationToken) => _last = await _pumps.StatusesAsync(cancellationToken);

    private IEnumerable<Measurement<T>> Partitions<T>(Func<PartitionStatus, T?> value)
        where T : struct =>
        from pump in _last
        from partition in pump.Status.Partitions
        let measured = value(partition)
        where measured is not null
        select new Measurement<T>(
            measured.Value,
            new("pipeline", pump.Definition.Name), new("topic", partition.TopicPartition.Topic), new("partition", partition.TopicPartition.Partition));

    private IEnumerable<Measurement<long>> Paths(Func<FieldCounts, IReadOnlyDictionary<string, long>> counts) =>
        from pump in _last
        from count in counts(pump.Status.Counts)
        select new Measurement<long>(count.Value, new("pipeline", pump.Definition.Name), new("path", count.Key));

    private IEnumerable<Measurement<long>> Pumps(Func<PumpStatus, long> value) =>
        from pump in _last
        select new Measurement<long>(value(pump.Status), new KeyValuePair<string, object?>("pipeline", pump.Definition.Name));
}
