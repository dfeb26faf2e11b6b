using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>
/// Every file that a table reaches: from its metadata as they are, and from each metadata file that its log still names. A reader
/// that opened the table a while ago, or someone who sets it back, finds everything there.
/// https://iceberg.apache.org/spec/#table-metadata-fields
/// </summary>
internal static class ReachableFiles
{
    /// <summary>
    /// Reads them all. What the current metadata name must be there; what only earlier ones name may have been expired, and what is
    /// still there of it is found.
    /// </summary>
    public static async Task<LocationSet> FindAsync(LoadedTable table, CancellationToken cancellationToken)
    {
        var found = new LocationSet();
        found.Add(table.MetadataLocation);
        found.Add(FolderOf(table.Metadata) + "/version-hint.text");
        var lists = new HashSet<string>(StringComparer.Ordinal);
        var manifests = new HashSet<string>(StringComparer.Ordinal);
        await AddAsync(table, mustBeThere: true, found, lists, manifests, cancellationToken).ConfigureAwait(false);
        foreach (var entry in table.Metadata.MetadataLog)
        {
            found.Add(entry.MetadataFile);
            try
            {
                var earlier = await MetadataFile.ReadAsync(table.Store, entry.MetadataFile, cancellationToken).ConfigureAwait(false);
                await AddAsync(table with { Metadata = earlier, MetadataLocation = entry.MetadataFile }, mustBeThere: false, found, lists, manifests, cancellationToken).ConfigureAwait(false);
            }
            catch (ObjectNotFoundException)
            {
                // The table's own commits delete the oldest.
            }
        }

        return found;
    }

    /// <summary>Where a table keeps its metadata, without a slash at the end.</summary>
    public static string FolderOf(TableMetadata metadata) => metadata.Properties.GetValueOrDefault("write.metadata.path")?.TrimEnd('/') ?? metadata.Location.TrimEnd('/') + "/metadata";

    private static async Task AddAsync(LoadedTable table, bool mustBeThere, LocationSet found, HashSet<string> lists, HashSet<string> manifests, CancellationToken cancellationToken)
    {
        TableMetadata metadata = table.Metadata;
        foreach (string location in metadata.Statistics.Select(file => file.StatisticsPath).Concat(metadata.PartitionStatistics.Select(file => file.StatisticsPath)))
        {
            found.Add(location);
        }

        foreach (var snapshot in metadata.Snapshots)
        {
            if (snapshot.ManifestList is { } list)
            {
                found.Add(list);
                if (!lists.Add(list))
                {
                    continue;
                }
            }

            try
            {
                foreach (var manifest in await SnapshotFiles.ManifestsAsync(table, snapshot, cancellationToken).ConfigureAwait(false))
                {
                    found.Add(manifest.ManifestPath);
                    if (manifests.Add(manifest.ManifestPath) && manifest is not { AddedFilesCount: 0, ExistingFilesCount: 0 })
                    {
                        await AddFilesAsync(table, manifest, mustBeThere, found, cancellationToken).ConfigureAwait(false);
                    }
                }
            }
            catch (ObjectNotFoundException) when (!mustBeThere)
            {
                // Expired since.
            }
        }
    }

    private static async Task AddFilesAsync(LoadedTable table, ManifestFile manifest, bool mustBeThere, LocationSet found, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var entry in ManifestReader.ReadAsync(table.Store, manifest, table.Metadata, cancellationToken).ConfigureAwait(false))
            {
                if (entry.Status != ManifestEntryStatus.Deleted)
                {
                    found.Add(entry.DataFile.FilePath);
                }
            }
        }
        catch (ObjectNotFoundException) when (!mustBeThere)
        {
            // Expired since.
        }
    }
}
