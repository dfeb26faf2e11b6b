using OrleansLake.Contracts;
using OrleansLake.Ingest.Upkeep;

namespace OrleansLake.Grains;

/// <summary>Records of runs, made of what operations tell.</summary>
internal static class MaintenanceRuns
{
    private const int MostLines = 40;
    private const int MostSnapshots = 100;
    private const int MostJobs = 100;

    /// <summary>A plan's lines, so many that a record stays small.</summary>
    public static string[] LinesOf(UpkeepPlan plan) => Bounded([.. plan.Lines()]);

    /// <summary>A record with what a run did.</summary>
    public static MaintenanceRun With(this MaintenanceRun run, UpkeepResult result) => run with
    {
        Before = run.Before ?? CountsOf(result.Before),
        After = CountsOf(result.After) ?? run.After,
        FilesRemoved = run.FilesRemoved + result.FilesRemoved,
        FilesAdded = run.FilesAdded + result.FilesAdded,
        RowsRemoved = run.RowsRemoved + result.RowsRemoved,
        BytesRead = run.BytesRead + result.BytesRead,
        BytesWritten = run.BytesWritten + result.BytesWritten,
        BytesRemoved = run.BytesRemoved + result.BytesRemoved,
        Snapshots = [.. run.Snapshots.Concat(result.SnapshotsCommitted).Take(MostSnapshots)],
        Notes = Bounded([.. run.Notes, .. result.Notes]),
        Error = run.Error ?? result.Error,
    };

    /// <summary>A record with what a job of it did.</summary>
    public static MaintenanceRun With(this MaintenanceRun run, MaintenanceRun job) => run with
    {
        FilesRemoved = run.FilesRemoved + job.FilesRemoved,
        FilesAdded = run.FilesAdded + job.FilesAdded,
        RowsRemoved = run.RowsRemoved + job.RowsRemoved,
        BytesRead = run.BytesRead + job.BytesRead,
        BytesWritten = run.BytesWritten + job.BytesWritten,
        BytesRemoved = run.BytesRemoved + job.BytesRemoved,
        Snapshots = [.. run.Snapshots.Concat(job.Snapshots).Take(MostSnapshots)],
        Notes = Bounded([.. run.Notes, .. job.Notes]),
        Jobs = [.. run.Jobs.Concat(job.Jobs).Take(MostJobs)],
        HeldSeconds = run.HeldSeconds + job.HeldSeconds,
        Error = run.Error ?? job.Error,
    };

    /// <summary>As it crosses.</summary>
    public static MaintenanceCounts? CountsOf(UpkeepCounts? counts) =>
        counts is null ? null : new MaintenanceCounts(counts.DataFiles, counts.DeleteFiles, counts.Rows, counts.Bytes, counts.Manifests, counts.Snapshots);

    /// <summary>A record with one more line for people.</summary>
    public static MaintenanceRun With(this MaintenanceRun run, string note) => run with { Notes = Bounded([.. run.Notes, note]) };

    private static string[] Bounded(string[] lines) => lines.Length <= MostLines ? lines : [.. lines.Take(MostLines), $"and {lines.Length - MostLines} more"];
}
