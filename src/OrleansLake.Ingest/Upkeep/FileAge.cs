using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>
/// Rule 19 for changes of the upkeep: no file that was named before the table's <c>orleanslake.no-file-before</c> comes in any more,
/// manifests included, since orphan removal may already have taken it. File names carry a UUID of version 7.
/// </summary>
internal static class FileAge
{
    /// <summary>The change, refused where it brings in what is too old by the state that it is staged on.</summary>
    public static Transaction Guard(Transaction change, TimeProvider time) => new Transaction(time).Then(async (table, cancellationToken) =>
    {
        var staged = await change.StageAsync(table, cancellationToken).ConfigureAwait(false);
        await CheckAsync(table, staged, cancellationToken).ConfigureAwait(false);
        return staged;
    });

    private static async Task CheckAsync(LoadedTable table, StagedChange staged, CancellationToken cancellationToken)
    {
        var added = staged.Updates.OfType<TableUpdate.AddSnapshot>().Select(update => update.Snapshot).ToList();
        long limit = table.Metadata.Snapshots.Select(LineageReader.NoFileBeforeOf).DefaultIfEmpty().Max();
        if (added.Count == 0 || limit == 0)
        {
            return;
        }

        var old = new List<string>();
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (var snapshot in table.Metadata.Snapshots.Where(snapshot => added.Exists(one => one.ParentSnapshotId == snapshot.SnapshotId)))
        {
            known.UnionWith((await SnapshotFiles.ManifestsAsync(table, snapshot, cancellationToken).ConfigureAwait(false)).Select(manifest => manifest.ManifestPath));
        }

        foreach (var snapshot in added)
        {
            Look(snapshot.ManifestList);
            foreach (var manifest in await SnapshotFiles.ManifestsAsync(table, snapshot, cancellationToken).ConfigureAwait(false))
            {
                if (known.Contains(manifest.ManifestPath))
                {
                    continue;
                }

                Look(manifest.ManifestPath);
                if (manifest.AddedFilesCount == 0)
                {
                    continue;
                }

                await foreach (var entry in ManifestReader.ReadAsync(table.Store, manifest, table.Metadata, cancellationToken).ConfigureAwait(false))
                {
                    if (entry.Status == ManifestEntryStatus.Added)
                    {
                        Look(entry.DataFile.FilePath);
                    }
                }
            }
        }

        if (old.Count > 0)
        {
            throw new ChangeConflictException(
                ChangeConflictKind.MissingFiles, "files were made before the time that the table's orphan removal has set, and may be gone", old);
        }

        void Look(string? location)
        {
            if (location is not null && FileNameTime.Of(location) is { } madeMs && madeMs < limit)
            {
                old.Add(location);
            }
        }
    }
}
