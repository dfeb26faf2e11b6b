using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Commit;

/// <summary>What a commit takes out of the metadata, so that they do not grow for ever.</summary>
/// <param name="Snapshots">Ids of snapshots of ours that are too old.</param>
/// <param name="Requirements">Refs that this relies on: what they name, and what a branch descends from, stays.</param>
internal sealed record OwnHistory(IReadOnlyList<long> Snapshots, IReadOnlyList<TableRequirement> Requirements)
{
    private static readonly OwnHistory Nothing = new([], []);

    /// <summary>
    /// Chooses. Age counts from the new snapshot; the newest stay, and so do those that a tag or another branch holds, that a
    /// running rewrite was made from, or that someone else made. The new snapshot carries the offsets, so no older one must.
    /// One whose successor took files out stays too: it is the last that names them, and whoever expires it
    /// (<see cref="Upkeep.SnapshotExpiry"/>) deletes them; a commit deletes manifest lists and nothing else.
    /// </summary>
    public static OwnHistory Choose(Lineage lineage, Snapshot added, TableCommitterOptions options)
    {
        TableMetadata metadata = lineage.Table.Metadata;
        HashSet<long> kept = [.. options.ProtectedSnapshots()];
        var requirements = new List<TableRequirement>();
        foreach (var (name, reference) in metadata.Refs)
        {
            if (name == lineage.Branch)
            {
                continue;
            }

            requirements.Add(new TableRequirement.AssertRefSnapshotId(name, reference.SnapshotId));
            kept.Add(reference.SnapshotId);
            Snapshot? at = reference.IsTag ? null : metadata.FindSnapshot(reference.SnapshotId);
            while (at?.ParentSnapshotId is { } parentId && kept.Add(parentId))
            {
                at = metadata.FindSnapshot(parentId);
            }
        }

        var expired = new List<long>();
        long characters = SizeOf(added);
        int place = 1;
        Snapshot successor = added;
        foreach (Snapshot snapshot in lineage.Snapshots)
        {
            if (metadata.FindSnapshot(snapshot.SnapshotId) is null)
            {
                break;
            }

            characters += SizeOf(snapshot);
            place++;
            bool isLastToName = TookFilesOut(successor);
            successor = snapshot;
            bool isOld = added.TimestampMs - snapshot.TimestampMs > options.History.TotalMilliseconds || characters > options.HistoryCharacters;
            if (isOld && !isLastToName && place > options.KeptSnapshots && LineageReader.IsOurs(snapshot) && !kept.Contains(snapshot.SnapshotId))
            {
                expired.Add(snapshot.SnapshotId);
            }
        }

        return expired.Count == 0 ? Nothing : new OwnHistory(expired, requirements);
    }

    private static bool TookFilesOut(Snapshot snapshot) => snapshot.Summary.GetValueOrDefault("operation", "overwrite") != "append";

    private static long SizeOf(Snapshot snapshot)
    {
        long size = 200;
        foreach (var (key, value) in snapshot.Summary)
        {
            size += key.Length + value.Length + 6;
        }

        return size;
    }
}
