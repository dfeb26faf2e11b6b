using System.Globalization;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>Files of a rewrite may be gone: someone's orphan removal may have taken them. They are written again under new names.</summary>
internal sealed class StaleFilesException(string message) : Exception(message);

/// <summary>
/// What is looked at before each swap of the upkeep, beside what the change itself checks.
/// </summary>
/// <remarks>
/// <list type="bullet">
/// <item>The table is the one that was planned for: its uuid.</item>
/// <item>No file is brought in that was named before the table's <see cref="SummaryKeys.NoFileBefore"/>, or more than an hour
/// ago, or since whose naming a snapshot has left the metadata that may have said so.</item>
/// <item>The line that an orphan removal drew is drawn again, so that it outlives the snapshot which drew it first.</item>
/// <item>The snapshot carries neither a commit id nor offsets: the walk along the lineage goes past it.</item>
/// </list>
/// </remarks>
internal static class UpkeepGuard
{
    /// <summary>A change of files as one step of a transaction, with those checks before each attempt.</summary>
    /// <param name="change">The change.</param>
    /// <param name="plan">What was planned.</param>
    /// <param name="readAt">The sequence number of the state that was known when the first file was named.</param>
    /// <param name="added">The files that come.</param>
    /// <param name="time">The clock.</param>
    /// <param name="staged">Told of each snapshot before it is swapped in.</param>
    public static Transaction Guarded(
        SnapshotChange change, UpkeepPlan plan, long readAt, IReadOnlyCollection<DataFile> added, TimeProvider time, Action<StagedSnapshot> staged) =>
        new Transaction(time).Then(async (table, cancellationToken) =>
        {
            Check(table, plan, readAt, [.. added.Select(file => file.FilePath)], time);
            var snapshot = await change.StageAsync(table, new SnapshotExtras { Summary = Summary(table.Metadata, plan.Operation) }, cancellationToken).ConfigureAwait(false);
            staged(snapshot);
            return snapshot;
        });

    /// <summary>What the summary of a snapshot of the upkeep says beside the counters.</summary>
    public static Dictionary<string, string> Summary(TableMetadata metadata, string operation)
    {
        var summary = new Dictionary<string, string> { [SummaryKeys.Upkeep] = operation };
        if (NoFileBefore(metadata) is > 0 and var ms)
        {
            summary[SummaryKeys.NoFileBefore] = ms.ToString(CultureInfo.InvariantCulture);
        }

        return summary;
    }

    /// <summary>The table that was planned for.</summary>
    /// <exception cref="InvalidOperationException">It is another one by now, or gone.</exception>
    public static async Task<LoadedTable> LoadAsync(ICatalog catalog, UpkeepPlan plan, CancellationToken cancellationToken)
    {
        var table = await catalog.LoadTableAsync(plan.Table, cancellationToken).ConfigureAwait(false)
            ?? throw new InvalidOperationException($"table {plan.Table} is gone");
        return SameTable(table, plan);
    }

    /// <summary>The checks, of a table as it is.</summary>
    /// <exception cref="StaleFilesException">A file was named too long ago.</exception>
    public static void Check(LoadedTable table, UpkeepPlan plan, long readAt, IReadOnlyCollection<string> added, TimeProvider time)
    {
        SameTable(table, plan);
        var metadata = table.Metadata;
        long line = Math.Max(NoFileBefore(metadata), time.GetUtcNow().ToUnixTimeMilliseconds() - (long)ReportJudge.OldestReport.TotalMilliseconds);
        if (added.FirstOrDefault(file => FileNameTime.Of(file) is { } named && named < line) is { } old)
        {
            throw new StaleFilesException($"{old} was named too long ago");
        }

        var listed = metadata.Snapshots.Select(snapshot => snapshot.SequenceNumber).ToHashSet();
        for (long number = metadata.LastSequenceNumber; added.Count > 0 && number > readAt; number--)
        {
            if (!listed.Contains(number))
            {
                throw new StaleFilesException($"snapshot number {number} of table {table.Identifier} has left the metadata since files were written");
            }
        }
    }

    /// <summary>The table, if it is the one that was planned for.</summary>
    public static LoadedTable SameTable(LoadedTable table, UpkeepPlan plan) => table.Metadata.TableUuid == plan.TableUuid
        ? table
        : throw new InvalidOperationException($"table {plan.Table} was planned for as {plan.TableUuid} and is {table.Metadata.TableUuid} now");

    private static long NoFileBefore(TableMetadata metadata) => metadata.Snapshots
        .Select(snapshot => long.TryParse(snapshot.Summary.GetValueOrDefault(SummaryKeys.NoFileBefore), CultureInfo.InvariantCulture, out long ms) ? ms : 0)
        .DefaultIfEmpty().Max();
}
