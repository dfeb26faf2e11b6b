using OrleansLake.Iceberg;
using OrleansLake.Iceberg.Deletes;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Read;

namespace OrleansLake.Testing.Upkeep;

/// <summary>
/// Reads the table after each swap as a stranger would, and holds its rows against those before and what the swap may do to them.
/// By induction from an empty table no row is lost, doubled or brought back. And before each deletion it looks whether a snapshot that
/// is listed still has the file.
/// </summary>
internal sealed class UpkeepChecker(UpkeepSimulationWorld world)
{
    private readonly Dictionary<string, IReadOnlyList<long>> _rowsOfFile = new(StringComparer.Ordinal);
    private readonly Dictionary<string, IReadOnlyList<string>> _filesOfManifest = new(StringComparer.Ordinal);
    private string? _reachableAt;
    private HashSet<string> _reachable = [];

    /// <summary>Ids of the rows that are there.</summary>
    public HashSet<long> Live { get; private set; } = [];

    /// <summary>The table's next offset of each partition.</summary>
    public long[] Next { get; private set; } = [0, 0];

    public void AfterSwap(LoadedTable before, LoadedTable after, string who, Expected expected)
    {
        long[] offsets;
        var now = new HashSet<long>();
        try
        {
            foreach (long id in UpkeepSimulationWorld.Sync(ReadAsync(after)))
            {
                if (!now.Add(id))
                {
                    world.Fail($"after {who}: row {id} is there twice");
                }
            }

            offsets = OffsetsOf(after);
        }
        catch (ObjectNotFoundException e)
        {
            world.Fail($"after {who}: {e.Location} is gone, and the newest snapshot has it");
            return;
        }

        List<long> came = [.. now.Except(Live).Order()], went = [.. Live.Except(now).Order()];
        List<long> mayCome = expected switch
        {
            Expected.Ingest => [.. Enumerable.Range(0, 2).SelectMany(partition => Records(partition, Next[partition], offsets[partition]))],
            Expected.Added added => [.. added.Ids.Order()],
            _ => [],
        };
        if (!came.SequenceEqual(mayCome.Order()))
        {
            world.Fail($"after {who}: expected rows {Some(mayCome)} to come, got {Some(came)}");
        }

        bool isRight = expected switch
        {
            Expected.Deleted deleted => went.SequenceEqual(deleted.Ids.Order()),
            Expected.Retention => went.TrueForAll(UpkeepSimulationWorld.IsOld),
            _ => went.Count == 0,
        };
        if (!isRight)
        {
            world.Fail($"after {who}: rows {Some(went)} went");
        }

        if (expected is not Expected.Ingest && !offsets.SequenceEqual(Next))
        {
            world.Fail($"after {who}: the next offsets became {string.Join(", ", offsets)} after {string.Join(", ", Next)}");
        }

        (Live, Next) = (now, offsets);
        foreach (Snapshot gone in before.Metadata.Snapshots.Where(snapshot => after.Metadata.FindSnapshot(snapshot.SnapshotId) is null))
        {
            if (before.Metadata.Refs.Values.Any(reference => reference.SnapshotId == gone.SnapshotId && after.Metadata.Refs.Values.Any(still => still.SnapshotId == gone.SnapshotId)))
            {
                world.Fail($"after {who}: snapshot {gone.SnapshotId} was expired, and a branch or tag names it");
            }
        }
    }

    /// <summary>Ids of the rows of a file that are live and at some positions.</summary>
    public async Task<IReadOnlyCollection<long>> IdsAtAsync(LoadedTable table, FileScanTask task, PositionSet positions)
    {
        var scan = new TableScan(table, new ScanOptions { Snapshot = table.Metadata.FindRef(SnapshotRef.Main), Columns = ["id"] });
        var all = new List<long>();
        await foreach (var batch in scan.ReadAsync(task with { Deletes = [] }))
        {
            all.AddRange(batch.Columns[0].Longs.AsSpan(0, batch.RowCount));
        }

        return [.. all.Where((id, position) => positions.Contains(position) && Live.Contains(id))];
    }

    /// <summary>Files are about to be deleted by a process of ours.</summary>
    public void BeforeDeletion(IEnumerable<string> locations, string who)
    {
        LoadedTable table = world.Load();
        if (_reachableAt != table.MetadataLocation)
        {
            (_reachableAt, _reachable) = (table.MetadataLocation, ReachableOf(table));
        }

        foreach (string location in locations)
        {
            if (_reachable.Contains(location))
            {
                world.Fail($"{who} deletes {location}, which a listed snapshot has");
            }
        }
    }

    /// <summary>Every file of every listed snapshot is there.</summary>
    public void CheckHistory()
    {
        var there = world.Store.Locations.ToHashSet();
        foreach (string location in ReachableOf(world.Load()))
        {
            if (!there.Contains(location))
            {
                world.Fail($"{location} is gone, and a listed snapshot has it");
            }
        }
    }

    /// <summary>Ids of the records of a partition in a range of offsets.</summary>
    public static IEnumerable<long> Records(int partition, long first, long next)
    {
        for (long offset = first; offset < next; offset++)
        {
            yield return (partition * 1_000_000L) + offset;
        }
    }

    private static string Some(List<long> ids) => ids.Count == 0 ? "none" : string.Join(' ', ids.Take(8)) + (ids.Count > 8 ? $" and {ids.Count - 8} more" : "");

    private static long[] OffsetsOf(LoadedTable table)
    {
        Lineage lineage = UpkeepSimulationWorld.Sync(new LineageReader().ReadAsync(table, SnapshotRef.Main, long.MaxValue, default));
        return [.. Enumerable.Range(0, 2).Select(partition => lineage.Offsets.Find(UpkeepSimulationWorld.Pipeline, UpkeepSimulationWorld.Generation, new("events", partition))?.Next ?? 0)];
    }

    private async Task<List<long>> ReadAsync(LoadedTable table)
    {
        var ids = new List<long>();
        if (table.Metadata.FindRef(SnapshotRef.Main) is not { } head)
        {
            return ids;
        }

        var scan = new TableScan(table, new ScanOptions { Snapshot = head, Columns = ["id"] });
        await foreach (FileScanTask task in scan.PlanAsync())
        {
            // A file's rows under the same deletes are the same: nothing in a store changes, it only goes.
            string key = $"{task.File.FilePath}|{string.Join('|', task.Deletes.Select(delete => $"{delete.FilePath}@{delete.ContentPosition}").Order(StringComparer.Ordinal))}";
            await world.Store.GetSizeAsync(task.File.FilePath, default);
            if (!_rowsOfFile.TryGetValue(key, out IReadOnlyList<long>? rows))
            {
                var read = new List<long>();
                await foreach (var batch in scan.ReadAsync(task))
                {
                    read.AddRange(batch.Columns[0].Longs.AsSpan(0, batch.RowCount));
                }

                _rowsOfFile[key] = rows = read;
            }

            ids.AddRange(rows);
        }

        return ids;
    }

    private HashSet<string> ReachableOf(LoadedTable table)
    {
        var files = new HashSet<string>(StringComparer.Ordinal) { table.MetadataLocation };
        foreach (Snapshot snapshot in table.Metadata.Snapshots)
        {
            files.Add(snapshot.ManifestList!);
            IReadOnlyList<ManifestFile> manifests;
            try
            {
                manifests = UpkeepSimulationWorld.Sync(SnapshotFiles.ManifestsAsync(table, snapshot, default));
            }
            catch (ObjectNotFoundException)
            {
                continue; // told by whoever misses the list
            }

            foreach (ManifestFile manifest in manifests)
            {
                files.Add(manifest.ManifestPath);
                if (!_filesOfManifest.TryGetValue(manifest.ManifestPath, out IReadOnlyList<string>? live))
                {
                    try
                    {
                        _filesOfManifest[manifest.ManifestPath] = live = UpkeepSimulationWorld.Sync(LiveAsync(table, manifest));
                    }
                    catch (ObjectNotFoundException)
                    {
                        continue;
                    }
                }

                files.UnionWith(live);
            }
        }

        return files;
    }

    private static async Task<IReadOnlyList<string>> LiveAsync(LoadedTable table, ManifestFile manifest) =>
        [.. await ManifestReader.ReadAsync(table.Store, manifest, table.Metadata, default).Where(entry => entry.Status != ManifestEntryStatus.Deleted).Select(entry => entry.DataFile.FilePath).ToListAsync()];
}
