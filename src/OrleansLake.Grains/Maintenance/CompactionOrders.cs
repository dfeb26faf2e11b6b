using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Upkeep;

namespace OrleansLake.Grains;

/// <summary>A group of a compaction as it crosses from silo to silo: the names of its files. All else is read from the table there.</summary>
internal static class CompactionOrders
{
    /// <summary>As it crosses.</summary>
    public static CompactionJobOrder Of(string tableKey, CompactionPlan plan, CompactionGroup group, Dictionary<string, string> settings) => new()
    {
        TableKey = tableKey,
        TableUuid = plan.TableUuid,
        SnapshotId = plan.SnapshotId!.Value,
        Settings = settings,
        Bins = [.. group.Bins.Select(bin => bin.Tasks.Select(task => task.File.FilePath).ToArray())],
    };

    /// <summary>As it was, by the snapshot that it was planned from, or the newest where that is gone. A bin whose files are not all live any more is left out.</summary>
    public static async Task<(CompactionPlan Plan, CompactionGroup Group)> ReadAsync(CompactionJobOrder order, LoadedTable table, UpkeepOptions options, CancellationToken cancellationToken)
    {
        var snapshot = table.Metadata.FindSnapshot(order.SnapshotId) ?? table.Metadata.FindRef(SnapshotRef.Main);
        var wanted = order.Bins.SelectMany(bin => bin).ToHashSet(StringComparer.Ordinal);
        var tasks = new Dictionary<string, FileScanTask>(StringComparer.Ordinal);
        var shared = new Dictionary<string, SharedDeletes>(StringComparer.Ordinal);
        if (snapshot is not null)
        {
            await foreach (var task in ScanPlan.FilesAsync(table, snapshot, cancellationToken: cancellationToken).ConfigureAwait(false))
            {
                foreach (var deletes in task.Deletes.Where(deletes => deletes.ReferencedDataFile is null))
                {
                    shared[deletes.FilePath] = new SharedDeletes(deletes, (shared.GetValueOrDefault(deletes.FilePath)?.DataFiles ?? 0) + 1);
                }

                if (wanted.Contains(task.File.FilePath))
                {
                    tasks[task.File.FilePath] = task;
                }
            }
        }

        var group = new CompactionGroup(
        [
            .. from bin in order.Bins
               where bin.Length > 0 && bin.All(tasks.ContainsKey)
               let first = tasks[bin[0]].File
               select new CompactionBin { SpecId = first.SpecId, Partition = first.Partition, PartitionName = "", Why = "", Tasks = [.. bin.Select(path => tasks[path])] },
        ]);
        return (
            new CompactionPlan
            {
                Table = table.Identifier,
                TableUuid = order.TableUuid,
                SnapshotId = snapshot?.SnapshotId,
                Groups = [group],
                SharedDeletes = shared,
                Options = options.Compaction,
            },
            group);
    }
}
