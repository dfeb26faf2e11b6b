using System.Globalization;

namespace OrleansLake.Iceberg;

/// <summary>
/// A change that makes a snapshot: one logical commit, prepared once, staged for each attempt. Not for concurrent use.
/// </summary>
/// <remarks>
/// The snapshot id stays the same through all attempts, so that two attempts can never both be in one table. Manifests are
/// written once and carry no sequence number where their files are new, so a retry rewrites the manifest list and whatever
/// depends on manifests that came since. https://iceberg.apache.org/spec/#sequence-number-inheritance
/// </remarks>
public abstract class SnapshotChange
{
    private readonly string _branch;
    private readonly IdSource _ids;
    private readonly TimeProvider _time;
    private int _attempt;

    private protected SnapshotChange(string branch, IdSource ids, TimeProvider time)
    {
        _branch = branch;
        _ids = ids;
        _time = time;
        CommitId = ids.NewUuid();
    }

    /// <summary>Names the files of the commit.</summary>
    private protected Guid CommitId { get; }

    /// <summary>The branch that is changed; made when the table does not have it.</summary>
    private protected string Branch => _branch;

    /// <summary>What the commit writes; null before it was first staged.</summary>
    private protected CommitManifests? Manifests { get; private set; }

    /// <summary>
    /// The metadata files that were written by all attempts so far. Once one of them is in the table, those of these that its
    /// manifest list does not name are garbage; as long as an attempt may still come in, none may be deleted.
    /// </summary>
    public IReadOnlyCollection<string> WrittenFiles => Manifests?.Locations ?? [];

    /// <summary>
    /// Writes what the next attempt needs on top of <paramref name="base"/>: manifests that are not written yet, and a manifest list.
    /// </summary>
    /// <exception cref="ChangeConflictException">What others committed since contradicts the change.</exception>
    public async Task<StagedSnapshot> StageAsync(LoadedTable @base, SnapshotExtras extras, CancellationToken cancellationToken)
    {
        var metadata = @base.Metadata;
        if (metadata.FormatVersion < 2)
        {
            throw new NotSupportedException($"table {metadata.Location} has format version {metadata.FormatVersion}: it can be read, but is written only after an upgrade to 2");
        }

        if (metadata.Properties.TryGetValue("encryption.key-id", out string? key))
        {
            throw new NotSupportedException($"table {metadata.Location} is encrypted ({key}): its files are neither read nor written here");
        }

        if (metadata.Refs.TryGetValue(_branch, out var reference) && reference.IsTag)
        {
            throw new ArgumentException($"{_branch}: expected a branch, got a tag");
        }

        if (Manifests is null)
        {
            long id;
            do
            {
                id = _ids.NewSnapshotId();
            }
            while (metadata.FindSnapshot(id) is not null);

            Manifests = new CommitManifests(CommitId, id, _ids);
        }
        else if (metadata.FindSnapshot(Manifests.SnapshotId) is not null)
        {
            throw new InvalidOperationException($"snapshot {Manifests.SnapshotId} is in the table already: this commit has succeeded");
        }

        var parent = metadata.FindRef(_branch);
        await CheckAsync(@base, parent, cancellationToken).ConfigureAwait(false);
        IReadOnlyList<ManifestFile> existing = parent is null ? [] : await SnapshotFiles.ManifestsAsync(@base, parent, cancellationToken).ConfigureAwait(false);
        // Files that are gone for a snapshot or more are of no use to it.
        existing = [.. existing.Where(manifest => manifest is not { AddedFilesCount: 0, ExistingFilesCount: 0 })];
        var tally = new SnapshotTally();
        var manifests = await BuildAsync(@base, existing, tally, cancellationToken).ConfigureAwait(false);
        var snapshot = new Snapshot
        {
            SnapshotId = Manifests.SnapshotId,
            ParentSnapshotId = parent?.SnapshotId,
            SequenceNumber = metadata.LastSequenceNumber + 1,
            // A clock that steps back must not make the table unreadable to Java, which wants the logs in order.
            TimestampMs = Math.Max(_time.GetUtcNow().ToUnixTimeMilliseconds(), metadata.LastUpdatedMs + 1),
            Summary = await SnapshotSummary.OfAsync(@base, parent, Operation(tally), tally, extras.Summary, cancellationToken).ConfigureAwait(false),
            SchemaId = metadata.CurrentSchemaId,
            FirstRowId = metadata.FormatVersion >= 3 ? metadata.NextRowId ?? 0 : null,
        };
        (manifests, long? addedRows) = Numbered(manifests, snapshot);
        string location = CommitManifests.MetadataPath(metadata, string.Create(CultureInfo.InvariantCulture, $"snap-{snapshot.SnapshotId}-{++_attempt}-{CommitId}.avro"));
        snapshot = snapshot with { ManifestList = location, AddedRows = addedRows };
        var bytes = ManifestList.Write(metadata.FormatVersion, snapshot, manifests, extras.ManifestListHeader, _ids.NewUuid());
        await Manifests.WriteAsync(@base.Store, location, bytes, cancellationToken).ConfigureAwait(false);
        return new StagedSnapshot(
            snapshot,
            [new TableRequirement.AssertTableUuid(metadata.TableUuid), new TableRequirement.AssertRefSnapshotId(_branch, parent?.SnapshotId)],
            [
                new TableUpdate.AddSnapshot(snapshot),
                new TableUpdate.SetSnapshotRef(_branch, (reference ?? new SnapshotRef(snapshot.SnapshotId, IsTag: false)) with { SnapshotId = snapshot.SnapshotId }),
            ]);
    }

    /// <summary>What the summary calls the change. https://iceberg.apache.org/spec/#snapshots</summary>
    private protected abstract string Operation(SnapshotTally tally);

    /// <summary>Throws where what was committed since the change was made contradicts it.</summary>
    private protected virtual Task CheckAsync(LoadedTable @base, Snapshot? parent, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>The manifests of the snapshot, newest first, data before deletes; and what it adds and removes.</summary>
    private protected abstract Task<IReadOnlyList<ManifestFile>> BuildAsync(
        LoadedTable @base, IReadOnlyList<ManifestFile> existing, SnapshotTally tally, CancellationToken cancellationToken);

    private protected void RefuseOnceStaged(string what)
    {
        if (Manifests is not null)
        {
            throw new InvalidOperationException($"{what}: the manifests of this commit are written already");
        }
    }

    /// <summary>Gives manifests that are new the snapshot's sequence number, and (v3) data manifests without row ids a range of them.</summary>
    private static (IReadOnlyList<ManifestFile> Manifests, long? AddedRows) Numbered(IReadOnlyList<ManifestFile> manifests, Snapshot snapshot)
    {
        var numbered = new List<ManifestFile>(manifests.Count);
        long? next = snapshot.FirstRowId;
        foreach (var manifest in manifests)
        {
            var one = manifest;
            if (one.SequenceNumber == ManifestFile.Unassigned)
            {
                one = one with
                {
                    SequenceNumber = snapshot.SequenceNumber,
                    MinSequenceNumber = one.MinSequenceNumber == ManifestFile.Unassigned ? snapshot.SequenceNumber : one.MinSequenceNumber,
                };
            }

            if (next is long rowId && one is { FirstRowId: null, Content: ManifestContent.Data })
            {
                one = one with { FirstRowId = rowId };
                next = rowId + (one.AddedRowsCount ?? 0) + (one.ExistingRowsCount ?? 0);
            }

            numbered.Add(one);
        }

        return (numbered, next - snapshot.FirstRowId);
    }
}
