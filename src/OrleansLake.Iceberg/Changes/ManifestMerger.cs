namespace OrleansLake.Iceberg;

/// <summary>
/// Merges small manifests as the table's <c>commit.manifest.*</c> properties say. Manifests of one spec are packed from the
/// oldest on into bins of the target size, and a bin becomes one manifest; the bin with the newest waits until it holds the
/// least count. So a manifest is rewritten once for that many commits, not once a commit. Each set of manifests is merged once,
/// however often the commit is tried.
/// </summary>
internal sealed class ManifestMerger(NewManifests added)
{
    private const int DefaultMinCountToMerge = 100;

    private readonly Dictionary<string, ManifestFile> _merged = new(StringComparer.Ordinal);

    public static bool IsEnabled(TableMetadata metadata) =>
        !metadata.Properties.TryGetValue("commit.manifest-merge.enabled", out string? enabled) || !enabled.Equals("false", StringComparison.OrdinalIgnoreCase);

    /// <summary>Manifests of one content, newest first.</summary>
    public async Task<List<ManifestFile>> MergeAsync(LoadedTable table, CommitManifests commit, List<ManifestFile> manifests, CancellationToken cancellationToken)
    {
        long target = CommitManifests.TargetBytes(table.Metadata);
        int least = MetadataHistory.Number(table.Metadata, "commit.manifest.min-count-to-merge", DefaultMinCountToMerge);
        var result = new List<ManifestFile>();
        foreach (var group in manifests.GroupBy(manifest => manifest.SpecId).OrderByDescending(group => group.Key))
        {
            // What cannot be written again stays as it is.
            bool isKnown = table.Metadata.PartitionSpecs.FirstOrDefault(spec => spec.SpecId == group.Key)?.UnknownField is null;
            foreach (var bin in Pack([.. group], target))
            {
                if (bin.Count == 1 || !isKnown || (ReferenceEquals(bin[0], manifests[0]) && bin.Count < least))
                {
                    result.AddRange(bin);
                    continue;
                }

                string key = string.Join('\n', bin.Select(manifest => manifest.ManifestPath));
                if (!_merged.TryGetValue(key, out var merged))
                {
                    merged = await MergeBinAsync(table, commit, bin, cancellationToken).ConfigureAwait(false);
                    _merged[key] = merged;
                }

                result.Add(merged);
            }
        }

        return result;
    }

    private static List<List<ManifestFile>> Pack(List<ManifestFile> newestFirst, long target)
    {
        var bins = new List<List<ManifestFile>>();
        long size = 0;
        for (int i = newestFirst.Count - 1; i >= 0; i--)
        {
            long length = newestFirst[i].ManifestLengthBytes;
            if (bins.Count == 0 || size + length > target)
            {
                bins.Insert(0, []);
                size = 0;
            }

            bins[0].Insert(0, newestFirst[i]);
            size += length;
        }

        return bins;
    }

    private async Task<ManifestFile> MergeBinAsync(LoadedTable table, CommitManifests commit, List<ManifestFile> bin, CancellationToken cancellationToken)
    {
        var writer = commit.Open(table, bin[0].SpecId, bin[0].Content);
        foreach (var manifest in bin)
        {
            if (added.FilesOf(manifest) is { } files)
            {
                foreach (var file in files)
                {
                    writer.Add(file.ToEntry());
                }

                continue;
            }

            await foreach (var entry in ManifestReader.ReadAsync(table.Store, manifest, table.Metadata, cancellationToken).ConfigureAwait(false))
            {
                if (entry.Status != ManifestEntryStatus.Deleted)
                {
                    writer.Add(entry with { Status = ManifestEntryStatus.Existing });
                }
                else if (entry.SnapshotId == commit.SnapshotId)
                {
                    // What this very snapshot removes must be seen in it; what earlier ones removed is history.
                    writer.Add(entry);
                }
            }
        }

        return await commit.FinishAsync(table, writer, cancellationToken).ConfigureAwait(false);
    }
}
