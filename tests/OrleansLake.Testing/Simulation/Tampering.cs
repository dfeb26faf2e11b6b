using System.Text.Json.Nodes;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;

namespace OrleansLake.Testing.Simulation;

/// <summary>
/// Spoils copies of two tables that are right, one way at a time: what the audit must never call proved. Manifest lists are
/// written anew beside the old ones; nothing of the tables themselves changes.
/// </summary>
internal sealed class Tampering(LoadedTable rows, LoadedTable deadLetters, int seed)
{
    private readonly Random _random = new(seed);
    private int _lists;

    /// <summary>Each way that these tables leave room for, with its name.</summary>
    public IEnumerable<(string What, LoadedTable Rows, LoadedTable DeadLetters, bool IsWrong)> All()
    {
        yield return ("manifest lists written anew", WithList(rows, static manifests => manifests), deadLetters, false);
        List<Snapshot> compared = Compared(rows);
        foreach (LoadedTable dropped in Dropped(rows, compared))
        {
            yield return ("a file dropped", dropped, deadLetters, true);
        }

        foreach (LoadedTable dropped in Dropped(deadLetters, Compared(deadLetters)))
        {
            yield return ("a file of dead letters dropped", rows, dropped, true);
        }

        if (ManifestsOf(rows).Any(static manifest => manifest.AddedFilesCount > 0))
        {
            yield return ("a file doubled", WithList(rows, static manifests => [.. manifests, manifests.First(static manifest => manifest.AddedFilesCount > 0)]), deadLetters, true);
        }

        foreach (string array in new[] { "next", "rows", "rejected" })
        {
            foreach (Snapshot snapshot in compared.Where(snapshot => HasOffsetsOf(rows, snapshot)).OrderBy(_ => _random.Next()).Take(1))
            {
                yield return ($"{array} of an offset edited", WithSnapshot(rows, Edited(snapshot, array)), deadLetters, true);
            }
        }

        foreach (Snapshot snapshot in compared.Skip(1).Where((snapshot, newer) => AddedIn(rows, snapshot.SnapshotId) is not null && FirstPlace(snapshot)?.Key == FirstPlace(compared[newer])?.Key).OrderBy(_ => _random.Next()).Take(1))
        {
            // As if it had never been: its child hangs on its parent, and its rows are in no list. (Without the newest of a
            // generation the table would be right: as it was before.)
            LoadedTable without = WithList(rows, manifests => [.. manifests.Where(manifest => manifest.AddedSnapshotId != snapshot.SnapshotId)]);
            TableMetadata metadata = without.Metadata;
            yield return ("a commit left out", without with
            {
                Metadata = metadata with
                {
                    Snapshots = [.. metadata.Snapshots.Where(other => other.SnapshotId != snapshot.SnapshotId)
                        .Select(other => other.ParentSnapshotId == snapshot.SnapshotId ? other with { ParentSnapshotId = snapshot.ParentSnapshotId } : other)],
                },
            }, deadLetters, true);
        }
    }

    private IEnumerable<LoadedTable> Dropped(LoadedTable table, List<Snapshot> compared) =>
        compared.Select(snapshot => AddedIn(table, snapshot.SnapshotId)).OfType<ManifestFile>().OrderBy(_ => _random.Next()).Take(1)
            .Select(dropped => WithList(table, manifests => [.. manifests.Where(manifest => manifest.ManifestPath != dropped.ManifestPath)]));

    /// <summary>Snapshots of ours that the audit holds against the one of ours before: those of main but the first, if that has a parent.</summary>
    private static List<Snapshot> Compared(LoadedTable table)
    {
        List<Snapshot> line = [];
        for (Snapshot? at = table.Metadata.FindRef(SnapshotRef.Main); at is not null; at = table.Metadata.FindSnapshot(at.ParentSnapshotId))
        {
            line.Add(at);
        }

        bool isWhole = line.Count > 0 && line[^1].ParentSnapshotId is null;
        List<Snapshot> ours = [.. line.Where(LineageReader.IsOurs)];
        return isWhole || ours.Count == 0 ? ours : ours[..^1];
    }

    /// <summary>A topic-partition's offset was there before too: where it began nobody wrote down.</summary>
    private static bool HasOffsetsOf(LoadedTable table, Snapshot snapshot)
    {
        for (Snapshot? at = table.Metadata.FindSnapshot(snapshot.ParentSnapshotId); at is not null; at = table.Metadata.FindSnapshot(at.ParentSnapshotId))
        {
            if (LineageReader.IsOurs(at))
            {
                return FirstPlace(at) is { } before && FirstPlace(snapshot) == before;
            }
        }

        return false;
    }

    private static (string Key, string Topic, int Partition)? FirstPlace(Snapshot snapshot)
    {
        foreach (var (key, topics) in CommittedOffsetsJson.Read(snapshot.Summary[SummaryKeys.Offsets], "simulation").Pipelines)
        {
            foreach (var (topic, places) in topics)
            {
                for (int partition = 0; partition < places.Partitions.Length; partition++)
                {
                    if (places.Find(partition) is not null)
                    {
                        return (key, topic, partition);
                    }
                }
            }
        }

        return null;
    }

    private static Snapshot Edited(Snapshot snapshot, string array)
    {
        var (key, topic, partition) = FirstPlace(snapshot)!.Value;
        JsonNode offsets = JsonNode.Parse(snapshot.Summary[SummaryKeys.Offsets])!;
        JsonNode places = offsets[key]![topic]!;
        places[array] ??= new JsonArray([.. places["next"]!.AsArray().Select(static _ => JsonValue.Create(0L))]);
        places[array]![partition] = places[array]![partition]!.GetValue<long>() + 1;
        return snapshot with { Summary = new Dictionary<string, string>(snapshot.Summary) { [SummaryKeys.Offsets] = offsets.ToJsonString() } };
    }

    private static IReadOnlyList<ManifestFile> ManifestsOf(LoadedTable table) =>
        table.Metadata.FindRef(SnapshotRef.Main) is { } head ? SimulationWorld.Sync(SnapshotFiles.ManifestsAsync(table, head, default)) : [];

    private static ManifestFile? AddedIn(LoadedTable table, long snapshotId) =>
        ManifestsOf(table).FirstOrDefault(manifest => manifest.AddedSnapshotId == snapshotId && manifest.AddedRowsCount > 0);

    private LoadedTable WithList(LoadedTable table, Func<IReadOnlyList<ManifestFile>, IReadOnlyList<ManifestFile>> change)
    {
        Snapshot head = table.Metadata.FindRef(SnapshotRef.Main)!;
        ManifestList list = SimulationWorld.Sync(ManifestList.ReadAsync(table.Store, head.ManifestList!, default));
        var header = list.Header.Where(static pair => !pair.Key.StartsWith("avro.", StringComparison.Ordinal)).ToDictionary(static pair => pair.Key, static pair => pair.Value);
        string location = $"{head.ManifestList}.{_lists++}";
        ReadOnlyMemory<byte> bytes = ManifestList.Write(table.Metadata.FormatVersion, head, change(list.Manifests), header, Guid.Empty);
        SimulationWorld.Sync(table.Store.TryCreateAsync(location, bytes, default));
        return WithSnapshot(table, head with { ManifestList = location });
    }

    private static LoadedTable WithSnapshot(LoadedTable table, Snapshot changed) => table with
    {
        Metadata = table.Metadata with { Snapshots = [.. table.Metadata.Snapshots.Select(snapshot => snapshot.SnapshotId == changed.SnapshotId ? changed : snapshot)] },
    };
}
