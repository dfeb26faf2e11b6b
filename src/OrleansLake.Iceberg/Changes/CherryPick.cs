using System.Globalization;

namespace OrleansLake.Iceberg;

/// <summary>
/// Puts what a snapshot of elsewhere (staged for review, of another branch) did onto a branch: by moving the branch where
/// the snapshot was made on its tip, else as a new snapshot of the same files. The latter with appends, and with overwrites that
/// say they replaced whole partitions (<c>replace-partitions</c>), while nobody has touched those: what any other snapshot depends on
/// is not known to the table. Not for concurrent use.
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

    private const string ReplaceKey = "replace-partitions";

    private SnapshotChange? _change;

    /// <summary>What the next attempt needs on top of <paramref name="base"/>.</summary>
    /// <exception cref="ArgumentException">The snapshot is in the branch already, is of a kind that cannot be picked, or is not of the table.</exception>
    /// <exception cref="ChangeConflictException">The partitions that it replaced have changed on the branch, or it was not made on a state of the branch.</exception>
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

        string? operation = source.Summary.GetValueOrDefault("operation");
        bool replaces = operation == "overwrite" && bool.TryParse(source.Summary.GetValueOrDefault(ReplaceKey), out bool partitions) && partitions;
        if (operation != "append" && !replaces)
        {
            throw new ArgumentException(
                $"cherry-pick: snapshot {snapshotId} is neither an append nor an overwrite of whole partitions, and its parent is not the tip of {branch}");
        }

        _change ??= await PrepareAsync(@base, source, replaces, cancellationToken).ConfigureAwait(false);
        var summary = new Dictionary<string, string> { [SourceKey] = snapshotId.ToString(CultureInfo.InvariantCulture) };
        if (wap is not null)
        {
            summary[PublishedKey] = wap;
        }

        if (replaces)
        {
            summary[ReplaceKey] = "true";
        }

        return await _change.StageAsync(@base, new SnapshotExtras { Summary = summary }, cancellationToken).ConfigureAwait(false);
    }

    private async Task<SnapshotChange> PrepareAsync(LoadedTable table, Snapshot source, bool replaces, CancellationToken cancellationToken)
    {
        var append = replaces ? null : new AppendFiles(branch, ids, time);
        var replace = replaces ? new PickedOverwrite(branch, source, ids, time) : null;
        foreach (var manifest in await SnapshotFiles.ManifestsAsync(table, source, cancellationToken).ConfigureAwait(false))
        {
            if (manifest.AddedSnapshotId != snapshotId || manifest.Content != ManifestContent.Data)
            {
                continue;
            }

            await foreach (var entry in ManifestReader.ReadAsync(table.Store, manifest, table.Metadata, cancellationToken).ConfigureAwait(false))
            {
                if (entry.SnapshotId != snapshotId)
                {
                    continue;
                }

                if (entry.Status == ManifestEntryStatus.Added)
                {
                    append?.Add(entry.DataFile);
                    replace?.Add(entry.DataFile);
                }
                else if (entry.Status == ManifestEntryStatus.Deleted)
                {
                    replace?.Remove(entry.DataFile);
                }
            }
        }

        return append ?? (SnapshotChange)replace!;
    }
}
