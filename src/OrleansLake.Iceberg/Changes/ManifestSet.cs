using System.Globalization;

namespace OrleansLake.Iceberg;

/// <summary>
/// The manifests that one commit writes: those of its new files, once, and those that it merges them with others into, once
/// for each set of manifests that it finds.
/// </summary>
internal sealed class ManifestSet(Guid commit, long snapshotId, IReadOnlyList<DataFile> files, IdSource ids)
{
    private const long DefaultTargetBytes = 8 << 20;
    private const int DefaultMinCountToMerge = 100;

    private readonly Dictionary<string, ManifestFile> _merged = new(StringComparer.Ordinal);
    private readonly Dictionary<string, IReadOnlyList<DataFile>> _filesOfNew = new(StringComparer.Ordinal);
    private List<ManifestFile>? _new;
    private int _written;

    /// <summary>The new manifests, then those that are there, merged as the table's properties say; newest first.</summary>
    public async Task<IReadOnlyList<ManifestFile>> OnTopOfAsync(LoadedTable @base, IReadOnlyList<ManifestFile> existing, CancellationToken cancellationToken)
    {
        _new ??= await WriteNewAsync(@base, cancellationToken).ConfigureAwait(false);
        var properties = @base.Metadata.Properties;
        var kept = existing.Where(manifest => manifest is not { AddedFilesCount: 0, ExistingFilesCount: 0 }).ToList();
        List<ManifestFile> data = [.. _new, .. kept.Where(manifest => manifest.Content == ManifestContent.Data)];
        var deletes = kept.Where(manifest => manifest.Content == ManifestContent.Deletes);
        bool merges = !properties.TryGetValue("commit.manifest-merge.enabled", out string? enabled) || !enabled.Equals("false", StringComparison.OrdinalIgnoreCase);
        if (merges && _new.Count > 0)
        {
            data = await MergeAsync(@base, data, cancellationToken).ConfigureAwait(false);
        }

        return [.. data, .. deletes];
    }

    private async Task<List<ManifestFile>> WriteNewAsync(LoadedTable table, CancellationToken cancellationToken)
    {
        long target = TargetBytes(table.Metadata);
        var manifests = new List<ManifestFile>();
        foreach (var group in files.GroupBy(file => file.SpecId).OrderByDescending(group => group.Key))
        {
            var rest = new Queue<DataFile>(group);
            while (rest.Count > 0)
            {
                var writer = new ManifestWriter(table.Metadata, group.Key, ManifestContent.Data, ids.NewUuid());
                var written = new List<DataFile>();
                do
                {
                    var file = rest.Dequeue();
                    writer.AddNew(file);
                    written.Add(file);
                }
                while (rest.Count > 0 && writer.SizeBytes < target);

                var manifest = await WriteAsync(table, writer, cancellationToken).ConfigureAwait(false);
                _filesOfNew[manifest.ManifestPath] = written;
                manifests.Add(manifest);
            }
        }

        return manifests;
    }

    /// <summary>
    /// Manifests of one spec are packed from the oldest on into bins of the target size, and a bin becomes one manifest;
    /// the bin with the newest waits until it holds the least count. So a manifest is rewritten once for that many commits,
    /// not once a commit.
    /// </summary>
    private async Task<List<ManifestFile>> MergeAsync(LoadedTable table, List<ManifestFile> manifests, CancellationToken cancellationToken)
    {
        long target = TargetBytes(table.Metadata);
        int least = MetadataHistory.Number(table.Metadata, "commit.manifest.min-count-to-merge", DefaultMinCountToMerge);
        var result = new List<ManifestFile>();
        foreach (var group in manifests.GroupBy(manifest => manifest.SpecId).OrderByDescending(group => group.Key))
        {
            foreach (var bin in Pack([.. group], target))
            {
                if (bin.Count == 1 || (ReferenceEquals(bin[0], manifests[0]) && bin.Count < least))
                {
                    result.AddRange(bin);
                    continue;
                }

                string key = string.Join('\n', bin.Select(manifest => manifest.ManifestPath));
                if (!_merged.TryGetValue(key, out var merged))
                {
                    merged = await MergeBinAsync(table, bin, cancellationToken).ConfigureAwait(false);
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

    private async Task<ManifestFile> MergeBinAsync(LoadedTable table, List<ManifestFile> bin, CancellationToken cancellationToken)
    {
        var writer = new ManifestWriter(table.Metadata, bin[0].SpecId, ManifestContent.Data, ids.NewUuid());
        foreach (var manifest in bin)
        {
            if (_filesOfNew.TryGetValue(manifest.ManifestPath, out var added))
            {
                foreach (var file in added)
                {
                    writer.AddNew(file);
                }

                continue;
            }

            await foreach (var entry in ManifestReader.ReadAsync(table.Store, manifest, table.Metadata, cancellationToken).ConfigureAwait(false))
            {
                if (entry.Status != ManifestEntryStatus.Deleted)
                {
                    writer.Add(entry with { Status = ManifestEntryStatus.Existing });
                }
            }
        }

        return await WriteAsync(table, writer, cancellationToken).ConfigureAwait(false);
    }

    private async Task<ManifestFile> WriteAsync(LoadedTable table, ManifestWriter writer, CancellationToken cancellationToken)
    {
        string location = AppendFiles.MetadataPath(table.Metadata, string.Create(CultureInfo.InvariantCulture, $"{commit}-m{_written++}.avro"));
        var (content, manifest) = writer.Finish(location, snapshotId);
        await AppendFiles.WriteAsync(table.Store, location, content, cancellationToken).ConfigureAwait(false);
        return manifest;
    }

    private static long TargetBytes(TableMetadata metadata) => MetadataHistory.LongNumber(metadata, "commit.manifest.target-size-bytes", DefaultTargetBytes);
}
