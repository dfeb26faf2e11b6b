using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Write;

namespace OrleansLake.Grains;

/// <summary>Makes the committers of tables.</summary>
public sealed class TableCommitters(
    Catalogs catalogs, CommitIntervals intervals, IdSource ids, TimeProvider time, ILoggerFactory loggers, IDeadLetterOffsets deadLetterOffsets, CommitBranches? branches = null, ForwardedPipelines? forwarded = null) : IDisposable
{
    private readonly Meter _meter = new(CommitMetrics.MeterName);
    private CommitMetrics? _metrics;

    /// <summary>A committer of its own for an activation of a table's grain.</summary>
    /// <param name="catalog">The table's catalog.</param>
    /// <param name="table">The table.</param>
    /// <param name="isProtected">Snapshots that must stay for now.</param>
    /// <param name="branch">The branch, where it is another than the pipelines'.</param>
    public TableCommitter Create(string catalog, TableIdentifier table, Func<IReadOnlyCollection<long>>? isProtected = null, string? branch = null) => new(
        new TableCommitterOptions { Table = table, DeadLetters = DeadLetterSchema.Of(table), Interval = intervals.Of(catalog, table), Branch = branch ?? branches?.Of(catalog, table) ?? SnapshotRef.Main, ForwardedPipelines = forwarded?.Of(catalog, table) ?? new HashSet<string>(), ProtectedSnapshots = isProtected ?? (static () => []) },
        catalogs.Find(catalog), ids, time, _metrics ??= new CommitMetrics(_meter), loggers.CreateLogger<TableCommitter>(), deadLetterOffsets);

    /// <inheritdoc />
    public void Dispose() => _meter.Dispose();
}

/// <summary>How often each table is committed to: as often as the hastiest of its pipelines flushes.</summary>
public sealed class CommitIntervals(IReadOnlyDictionary<string, TimeSpan> byKey)
{
    /// <summary>The interval of a table.</summary>
    public TimeSpan Of(string catalog, TableIdentifier table) =>
        byKey.TryGetValue(Contracts.GrainKeys.Table(catalog, table.ToString()), out TimeSpan interval) ? interval : TimeSpan.FromSeconds(10);
}

/// <summary>The branch that each table's pipelines write to, where it is not main.</summary>
public sealed class CommitBranches(IReadOnlyDictionary<string, string> byKey)
{
    /// <summary>The branch of a table; null: main.</summary>
    public string? Of(string catalog, TableIdentifier table) => byKey.GetValueOrDefault(Contracts.GrainKeys.Table(catalog, table.ToString()));
}
