namespace OrleansLake.Iceberg;

/// <summary>
/// Takes files out of manifests: a manifest that holds one is written anew, with the files that go as DELETED and the others
/// as EXISTING, each with the sequence numbers and row ids that it had; the others stay as they are, unread where their
/// partition summaries say that they hold none. https://iceberg.apache.org/spec/#manifest-entry-fields
/// </summary>
internal sealed class ManifestRewriter(FileRemovals removals)
{
    private readonly Dictionary<string, Outcome> _outcomes = new(StringComparer.Ordinal);
    private IReadOnlySet<string> _dataFilesThatWent = new HashSet<string>();

    /// <summary>The manifests without the files that go; those files are counted, and added to <paramref name="removed"/>.</summary>
    public async Task<List<ManifestFile>> ApplyAsync(
        LoadedTable table, CommitManifests commit, IEnumerable<ManifestFile> manifests, SnapshotTally tally, ICollection<DataFile> removed, CancellationToken cancellationToken)
    {
        if (!_dataFilesThatWent.SetEquals(removals.DataFilesThatGo))
        {
            // What was found on another base need not be so on this one.
            _outcomes.Clear();
            _dataFilesThatWent = removals.DataFilesThatGo;
        }

        var result = new List<ManifestFile>();
        foreach (var manifest in manifests)
        {
            if (removals.IsEmpty || !removals.MayBeIn(manifest, table.Metadata))
            {
                result.Add(manifest);
                continue;
            }

            if (!_outcomes.TryGetValue(manifest.ManifestPath, out var outcome))
            {
                outcome = await FilterAsync(table, commit, manifest, cancellationToken).ConfigureAwait(false);
                _outcomes[manifest.ManifestPath] = outcome;
            }

            result.Add(outcome.Manifest);
            foreach (var file in outcome.Removed)
            {
                tally.Remove(file);
                removed.Add(file);
            }
        }

        return result;
    }

    private async Task<Outcome> FilterAsync(LoadedTable table, CommitManifests commit, ManifestFile manifest, CancellationToken cancellationToken)
    {
        var live = new List<(ManifestEntry Entry, bool Goes)>();
        await foreach (var entry in ManifestReader.ReadAsync(table.Store, manifest, table.Metadata, cancellationToken).ConfigureAwait(false))
        {
            if (entry.Status != ManifestEntryStatus.Deleted)
            {
                live.Add((entry, removals.Takes(entry)));
            }
        }

        if (!live.Any(one => one.Goes))
        {
            return new Outcome(manifest, []);
        }

        var writer = commit.Open(table, manifest.SpecId, manifest.Content);
        foreach (var (entry, goes) in live)
        {
            writer.Add(goes
                ? entry with { Status = ManifestEntryStatus.Deleted, SnapshotId = commit.SnapshotId }
                : entry with { Status = ManifestEntryStatus.Existing });
        }

        var rewritten = await commit.FinishAsync(table, writer, cancellationToken).ConfigureAwait(false);
        return new Outcome(rewritten, [.. live.Where(one => one.Goes).Select(one => one.Entry.DataFile)]);
    }

    private sealed record Outcome(ManifestFile Manifest, IReadOnlyList<DataFile> Removed);
}
