using System.Runtime.CompilerServices;

namespace OrleansLake.Iceberg;

/// <summary>The files of a snapshot.</summary>
public static class SnapshotFiles
{
    /// <summary>The manifests of a snapshot, whether it has a list or (v1) names them itself.</summary>
    public static async Task<IReadOnlyList<ManifestFile>> ManifestsAsync(LoadedTable table, Snapshot snapshot, CancellationToken cancellationToken)
    {
        if (snapshot.ManifestList is { } list)
        {
            return (await ManifestList.ReadAsync(table.Store, list, cancellationToken).ConfigureAwait(false)).Manifests;
        }

        var manifests = new List<ManifestFile>();
        foreach (string location in snapshot.Manifests ?? [])
        {
            var bytes = await table.Store.ReadAsync(location, cancellationToken).ConfigureAwait(false);
            manifests.Add(new ManifestFile
            {
                ManifestPath = location,
                ManifestLengthBytes = bytes.Length,
                SpecId = ManifestReader.SpecIdOf(bytes, location),
                AddedSnapshotId = snapshot.SnapshotId,
            });
        }

        return manifests;
    }

    /// <summary>Every live file of a snapshot, data and deletes: entries that are ADDED or EXISTING.</summary>
    public static async IAsyncEnumerable<ManifestEntry> LiveAsync(
        LoadedTable table, Snapshot snapshot, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var manifest in await ManifestsAsync(table, snapshot, cancellationToken).ConfigureAwait(false))
        {
            if (manifest is { AddedFilesCount: 0, ExistingFilesCount: 0 })
            {
                continue;
            }

            await foreach (var entry in ManifestReader.ReadAsync(table.Store, manifest, table.Metadata, cancellationToken).ConfigureAwait(false))
            {
                if (entry.Status != ManifestEntryStatus.Deleted)
                {
                    yield return entry;
                }
            }
        }
    }
}
