namespace OrleansLake.Iceberg;

/// <summary>
/// Writes the manifests of a branch anew: entries ordered by partition, in manifests of the target size, so that scans read
/// few of them and a commit lists few. No file comes or goes. Not for concurrent use.
/// </summary>
/// <remarks>
/// Entries keep status EXISTING, the snapshot that added them, both sequence numbers and (v3) row ids. Manifests that others
/// add meanwhile stay as they are; one that others rewrote meanwhile makes its content be written once more.
/// https://iceberg.apache.org/spec/#manifest-entry-fields
/// </remarks>
/// <param name="branch">The branch.</param>
/// <param name="ids">Names the commit and the snapshot.</param>
/// <param name="time">Dates it.</param>
public sealed class RewriteManifests(string branch, IdSource ids, TimeProvider time) : SnapshotChange(branch, ids, time)
{
    private readonly Dictionary<string, Group> _groups = new(StringComparer.Ordinal);

    /// <summary>Which manifests are rewritten; null: all of data and of deletes, of each spec by itself.</summary>
    public Func<ManifestFile, bool>? Where { get; init; }

    private protected override string Operation(SnapshotTally tally) => "replace";

    private protected override async Task<IReadOnlyList<ManifestFile>> BuildAsync(
        LoadedTable @base, IReadOnlyList<ManifestFile> existing, SnapshotTally tally, CancellationToken cancellationToken)
    {
        var result = new List<ManifestFile>();
        long created = 0, kept = 0, replaced = 0, entries = 0;
        foreach (var group in existing.GroupBy(manifest => (manifest.Content, manifest.SpecId)).OrderBy(group => group.Key.Content).ThenByDescending(group => group.Key.SpecId))
        {
            bool isKnown = @base.Metadata.PartitionSpecs.FirstOrDefault(spec => spec.SpecId == group.Key.SpecId)?.UnknownField is null;
            var chosen = group.Where(manifest => isKnown && (Where?.Invoke(manifest) ?? true)).ToList();
            if (chosen.Count < 2 && Where is null && chosen.All(manifest => manifest.DeletedFilesCount == 0))
            {
                chosen.Clear();
            }

            var rewritten = chosen.Count == 0 ? new Group([], 0) : await RewriteAsync(@base, chosen, cancellationToken).ConfigureAwait(false);
            result.AddRange(rewritten.Manifests);
            result.AddRange(group.Except(chosen));
            created += rewritten.Manifests.Count;
            entries += rewritten.Entries;
            replaced += chosen.Count;
            kept += group.Count() - chosen.Count;
        }

        foreach (var (name, value) in new[] { ("manifests-created", created), ("manifests-kept", kept), ("manifests-replaced", replaced), ("entries-processed", entries) })
        {
            tally.Others[name] = value;
        }

        return result;
    }

    private async Task<Group> RewriteAsync(LoadedTable table, List<ManifestFile> manifests, CancellationToken cancellationToken)
    {
        string key = string.Join('\n', manifests.Select(manifest => manifest.ManifestPath));
        if (_groups.TryGetValue(key, out var known))
        {
            return known;
        }

        var entries = new List<ManifestEntry>();
        foreach (var manifest in manifests)
        {
            await foreach (var entry in ManifestReader.ReadAsync(table.Store, manifest, table.Metadata, cancellationToken).ConfigureAwait(false))
            {
                if (entry.Status != ManifestEntryStatus.Deleted)
                {
                    entries.Add(entry with { Status = ManifestEntryStatus.Existing });
                }
            }
        }

        entries.Sort(static (a, b) => ComparePartitions(a.DataFile.Partition, b.DataFile.Partition) is not 0 and int order ? order : a.SequenceNumber!.Value.CompareTo(b.SequenceNumber!.Value));
        var written = new List<ManifestFile>();
        long target = CommitManifests.TargetBytes(table.Metadata);
        for (int at = 0; at < entries.Count;)
        {
            var writer = Manifests!.Open(table, manifests[0].SpecId, manifests[0].Content);
            do
            {
                writer.Add(entries[at++]);
            }
            while (at < entries.Count && writer.SizeBytes < target);

            written.Add(await Manifests.FinishAsync(table, writer, cancellationToken).ConfigureAwait(false));
        }

        return _groups[key] = new Group(written, entries.Count);
    }

    private static int ComparePartitions(PartitionKey a, PartitionKey b)
    {
        for (int i = 0; i < a.Values.Count; i++)
        {
            int order = (a.Values[i], b.Values[i]) switch
            {
                (null, null) => 0,
                (null, _) => -1,
                (_, null) => 1,
                var (x, y) => SingleValue.Compare(x!, y!),
            };
            if (order != 0)
            {
                return order;
            }
        }

        return 0;
    }

    private sealed record Group(IReadOnlyList<ManifestFile> Manifests, long Entries);
}
