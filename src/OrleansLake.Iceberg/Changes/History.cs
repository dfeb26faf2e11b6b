using System.Globalization;
using System.Runtime.CompilerServices;

namespace OrleansLake.Iceberg;

/// <summary>
/// What others committed to a branch between the state that a change was made on and the state that it is put on: the
/// material of isolation checks.
/// </summary>
internal sealed class History
{
    private readonly LoadedTable _table;
    private readonly IReadOnlyList<Snapshot> _since;

    private History(LoadedTable table, IReadOnlyList<Snapshot> since)
    {
        _table = table;
        _since = since;
    }

    /// <summary>The ancestors of <paramref name="tip"/> down to the one that the change was made on, which is left out; all of them where that is null.</summary>
    /// <exception cref="ChangeConflictException">That one is no ancestor any more.</exception>
    public static History Since(LoadedTable table, Snapshot? tip, long? startingSnapshotId)
    {
        var since = new List<Snapshot>();
        long? at = tip?.SnapshotId;
        while (at is long id && id != startingSnapshotId)
        {
            // A cycle would be another writer's fault; it must not be this one's end.
            if (table.Metadata.FindSnapshot(id) is not { } snapshot || since.Count > table.Metadata.Snapshots.Count)
            {
                throw Unknown(startingSnapshotId, since.LastOrDefault());
            }

            since.Add(snapshot);
            at = snapshot.ParentSnapshotId;
        }

        return at == startingSnapshotId ? new History(table, since) : throw Unknown(startingSnapshotId, since.LastOrDefault());
    }

    /// <summary>Entries that snapshots of these operations added (or, with <paramref name="deleted"/>, removed), each with the snapshot.</summary>
    public async IAsyncEnumerable<ManifestEntry> EntriesAsync(
        ManifestContent content, bool deleted, string[] operations, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var snapshot in _since)
        {
            if (!operations.Contains(snapshot.Summary.GetValueOrDefault("operation", "overwrite")))
            {
                continue;
            }

            foreach (var manifest in await SnapshotFiles.ManifestsAsync(_table, snapshot, cancellationToken).ConfigureAwait(false))
            {
                if (manifest.Content != content || manifest.AddedSnapshotId != snapshot.SnapshotId || (deleted ? manifest.DeletedFilesCount : manifest.AddedFilesCount) == 0)
                {
                    continue;
                }

                await foreach (var entry in ManifestReader.ReadAsync(_table.Store, manifest, _table.Metadata, cancellationToken).ConfigureAwait(false))
                {
                    if (entry.Status == (deleted ? ManifestEntryStatus.Deleted : ManifestEntryStatus.Added) && entry.SnapshotId == snapshot.SnapshotId)
                    {
                        yield return entry;
                    }
                }
            }
        }
    }

    private static ChangeConflictException Unknown(long? startingSnapshotId, Snapshot? last) => new(
        ChangeConflictKind.UnknownHistory,
        $"expected snapshot {Text(startingSnapshotId)}, on which the change was made, to be an ancestor of the branch; the last that is known is {Text(last?.SnapshotId)}",
        []);

    private static string Text(long? id) => id?.ToString(CultureInfo.InvariantCulture) ?? "none";
}
