using Orleans.Concurrency;

namespace OrleansLake.Contracts;

/// <summary>
/// The upkeep of one table: compaction, expiry of snapshots, removal of orphan files, on a schedule and on request. Key:
/// <see cref="GrainKeys.Table"/>. It calls tables and <see cref="ICompactionJobGrain"/>s, never the other way round; commits take
/// their turn behind ingestion.
/// </summary>
[Alias("orleanslake.IMaintenanceGrain")]
public interface IMaintenanceGrain : IGrainWithStringKey
{
    /// <summary>Takes settings and begins to keep the schedule; the same settings again change nothing.</summary>
    [Alias("Configure")]
    Task ConfigureAsync(MaintenanceDefinition definition);

    /// <summary>How it does: what runs, what is due, what is left to do.</summary>
    [Alias("Status"), AlwaysInterleave]
    Task<MaintenanceStatus> StatusAsync();

    /// <summary>
    /// Starts a task now, whatever schedule, window and switch say, and returns; what becomes of it is in <see cref="HistoryAsync"/>.
    /// With <paramref name="dryRun"/> it only says what it would do.
    /// </summary>
    [Alias("Run"), AlwaysInterleave]
    Task<MaintenanceStart> RunAsync(string task, bool dryRun);

    /// <summary>Keeps the schedule no longer, or again; a run that goes on ends as it would have.</summary>
    [Alias("Pause"), AlwaysInterleave]
    Task PauseAsync(bool isPaused);

    /// <summary>The newest runs, newest first, the one that goes on among them.</summary>
    [Alias("History"), AlwaysInterleave]
    Task<MaintenanceRun[]> HistoryAsync(int most);
}

/// <summary>
/// One group of a compaction, rewritten wherever there is room for it: started, then polled. Key: the table's key, the run and a
/// number.
/// </summary>
[Alias("orleanslake.ICompactionJobGrain")]
public interface ICompactionJobGrain : IGrainWithStringKey
{
    /// <summary>Starts it and says where it is. Started again, it changes nothing.</summary>
    [Alias("Start")]
    Task<CompactionJobStatus> StartAsync(CompactionJobOrder order);

    /// <summary>How it does; waits a few seconds for its end.</summary>
    [Alias("Status"), AlwaysInterleave]
    Task<CompactionJobStatus> StatusAsync();

    /// <summary>Ends it early; what was not committed is not in the table.</summary>
    [Alias("Stop"), AlwaysInterleave]
    Task StopAsync();
}
