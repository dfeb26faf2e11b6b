using System.Globalization;

namespace OrleansLake.Iceberg;

/// <summary>
/// Puts what a snapshot of elsewhere (staged for review, of another branch) added onto a branch: by moving the branch where
/// the snapshot was made on its tip, else as a new snapshot with the same files. Appends only. Not for concurrent use.
/// https://iceberg.apache.org/spec/#snapshot-references
/// </summary>
/// <param name="branch">The branch.</param>
/// <param name="snapshotId">The snapshot.</param>
/// <param name="ids">Names the commit and the snapshot.</param>
/// <param name="time">Dates it.</param>
public sealed class CherryPick(string branch, long snapshotId, IdSource ids, TimeProvider time)
{
    private const string SourceKey = "source-snapshot-id";
    private const string StagedKey = "wap.id";
    private const string PublishedKey = "published-wap-id";

    private AppendFiles? _append;

    /// <summary>What the next attempt needs on top of <paramref name="base"/>.</summary>
    /// <exception cref="ArgumentException">The snapshot is in the branch already, is no append, or is not of the table.</exception>
    public async Task<StagedChange> StageAsync(LoadedTable @base, CancellationToken cancellationToken)
    {
        var metadata = @base.Metadata;
        var source = metadata.FindSnapshot(snapshotId) ?? throw new ArgumentException($"cherry-pick: expected a snapshot of the table, got {snapshotId}");
        var tip = metadata.FindRef(branch);
        string? wap = source.Summary.GetValueOrDefault(StagedKey);
        foreach (var ancestor in metadata.AncestorsOf(tip?.SnapshotId))
        {
            bool same = ancestor.SnapshotId == snapshotId
                || ancestor.Summary.GetValueOrDefault(SourceKey) == snapshotId.ToString(CultureInfo.InvariantCulture)
                || (wap is not null && (ancestor.Summary.GetValueOrDefault(PublishedKey) == wap || ancestor.Summary.GetValueOrDefault(StagedKey) == wap));
            if (same)
            {
                throw new ArgumentException($"cherry-pick: {branch} has snapshot {snapshotId} already, as {ancestor.SnapshotId}");
            }
        }

        if (source.ParentSnapshotId == tip?.SnapshotId && (tip is not null || !metadata.Refs.ContainsKey(branch)))
        {
            var reference = metadata.Refs.GetValueOrDefault(branch) ?? new SnapshotRef(snapshotId, IsTag: false);
            return new StagedChange(
                [new TableRequirement.AssertTableUuid(metadata.TableUuid), new TableRequirement.AssertRefSnapshotId(branch, tip?.SnapshotId)],
                [new TableUpdate.SetSnapshotRef(branch, reference with { SnapshotId = snapshotId })]);
        }

        if (source.Summary.GetValueOrDefault("operation") != "append")
        {
            throw new ArgumentException($"cherry-pick: snapshot {snapshotId} is no append, and its parent is not the tip of {branch}");
        }

        _append ??= await PrepareAsync(@base, source, cancellationToken).ConfigureAwait(false);
        var summary = new Dictionary<string, string> { [SourceKey] = snapshotId.ToString(CultureInfo.InvariantCulture) };
        if (wap is not null)
        {
            summary[PublishedKey] = wap;
        }

        return await _append.StageAsync(@base, new SnapshotExtras { Summary = summary }, cancellationToken).ConfigureAwait(false);
    }

    private async Task<AppendFiles> PrepareAsync(LoadedTable table, Snapshot source, CancellationToken cancellationToken)
    {
        var append = new AppendFiles(branch, ids, time);
        foreach (var manifest in await SnapshotFiles.ManifestsAsync(table, source, cancellationToken).ConfigureAwait(false))
        {
            if (manifest.AddedSnapshotId != snapshotId || manifest.Content != ManifestContent.Data)
            {
                continue;
            }

            await foreach (var entry in ManifestReader.ReadAsync(table.Store, manifest, table.Metadata, cancellationToken).ConfigureAwait(false))
            {
                if (entry.Status == ManifestEntryStatus.Added && entry.SnapshotId == snapshotId)
                {
                    append.Add(entry.DataFile);
                }
            }
        }

        return append;
    }
}
