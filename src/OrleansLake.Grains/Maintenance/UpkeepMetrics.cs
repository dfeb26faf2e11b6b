using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using OrleansLake.Contracts;

namespace OrleansLake.Grains;

/// <summary>What the upkeep measures; every name of theirs is here.</summary>
public sealed class UpkeepMetrics : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "OrleansLake.Upkeep";

    private readonly Meter _meter = new(MeterName);
    private readonly Histogram<double> _duration;
    private readonly Counter<long> _runs;
    private readonly Counter<long> _filesRemoved;
    private readonly Counter<long> _bytesRemoved;
    private readonly Counter<long> _bytesWritten;
    private readonly Counter<double> _held;
    private readonly ConcurrentDictionary<string, MaintenanceDebt> _debts = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Table, string Task), int> _failures = new();

    /// <summary>Makes the instruments.</summary>
    public UpkeepMetrics()
    {
        _duration = _meter.CreateHistogram<double>("orleanslake.upkeep.duration", "s", "Runs of the upkeep");
        _runs = _meter.CreateCounter<long>("orleanslake.upkeep.runs", "{run}", "Runs of the upkeep by their end");
        _filesRemoved = _meter.CreateCounter<long>("orleanslake.upkeep.files_removed", "{file}", "Files that went out of tables or stores");
        _bytesRemoved = _meter.CreateCounter<long>("orleanslake.upkeep.bytes_removed", "By", "Bytes of those files");
        _bytesWritten = _meter.CreateCounter<long>("orleanslake.upkeep.bytes_written", "By", "Bytes that rewrites wrote");
        _held = _meter.CreateCounter<double>("orleanslake.upkeep.held", "s", "Time that rewrites waited for ingestion");
        _meter.CreateObservableGauge("orleanslake.upkeep.debt.small_files", () => Debts(debt => debt.SmallFiles), "{file}", "Data files below three quarters of the target size");
        _meter.CreateObservableGauge("orleanslake.upkeep.debt.small_file_size", () => Debts(debt => debt.SmallFileBytes), "By", "Bytes of them");
        _meter.CreateObservableGauge("orleanslake.upkeep.debt.delete_files", () => Debts(debt => debt.DeleteFiles), "{file}", "Delete files that scans must read");
        _meter.CreateObservableGauge("orleanslake.upkeep.debt.snapshots", () => Debts(debt => debt.Snapshots), "{snapshot}", "Snapshots that the table lists");
        _meter.CreateObservableGauge("orleanslake.upkeep.debt.orphans", () => Debts(debt => debt.OrphanBytes), "By", "Bytes of files that nothing refers to");
        _meter.CreateObservableGauge(
            "orleanslake.upkeep.failing",
            () => _failures.Select(pair => new Measurement<int>(pair.Value, new("table", pair.Key.Table), new("task", pair.Key.Task))),
            "{run}", "Runs in a row that failed: above 0, someone should look");
    }

    /// <inheritdoc />
    public void Dispose() => _meter.Dispose();

    internal void Ran(string table, MaintenanceRun run, int failures)
    {
        KeyValuePair<string, object?> at = new("table", table), of = new("task", run.Task);
        _runs.Add(1, at, of, new("end", run.Error is null ? "done" : "failed"));
        _duration.Record(run.Seconds ?? 0, at, of);
        _filesRemoved.Add(run.FilesRemoved, at, of);
        _bytesRemoved.Add(run.BytesRemoved, at, of);
        _bytesWritten.Add(run.BytesWritten, at, of);
        _held.Add(run.HeldSeconds, at, of);
        _failures[(table, run.Task)] = failures;
    }

    internal void Owes(string table, MaintenanceDebt debt) => _debts[table] = debt;

    /// <summary>The grain has gone from this silo.</summary>
    internal void Forget(string table)
    {
        _debts.TryRemove(table, out _);
        foreach (var key in _failures.Keys.Where(key => key.Table == table))
        {
            _failures.TryRemove(key, out _);
        }
    }

    private IEnumerable<Measurement<long>> Debts(Func<MaintenanceDebt, long?> value) =>
        from pair in _debts
        let measured = value(pair.Value)
        where measured is not null
        select new Measurement<long>(measured.Value, new KeyValuePair<string, object?>("table", pair.Key));
}
