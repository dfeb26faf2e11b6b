using System.Globalization;

namespace OrleansLake.Iceberg;

/// <summary>What a snapshot carries beside the counters.</summary>
public sealed record SnapshotExtras
{
    /// <summary>Entries of the summary; <c>operation</c> and the counters are not overruled.</summary>
    public IReadOnlyDictionary<string, string> Summary { get; init; } = new Dictionary<string, string>();

    /// <summary>Keys of the manifest list's Avro header, in UTF-8.</summary>
    public IReadOnlyDictionary<string, string> ManifestListHeader { get; init; } = new Dictionary<string, string>();
}

/// <summary>A snapshot whose files are written and that only a swap is missing to.</summary>
/// <param name="Snapshot">The snapshot.</param>
/// <param name="Requirements">The table's uuid, and the branch's snapshot as the base has it.</param>
/// <param name="Updates">Adds the snapshot, and moves the branch to it.</param>
public sealed record StagedSnapshot(Snapshot Snapshot, IReadOnlyList<TableRequirement> Requirements, IReadOnlyList<TableUpdate> Updates);

/// <summary>
/// Adds data files to a branch: one logical commit, prepared once, staged for each attempt. Not for concurrent use.
/// </summary>
/// <remarks>
/// The manifests of the new files are written on the first call of <see cref="StageAsync"/> only: they carry no sequence
/// number, so a retry rewrites nothing but the manifest list. The snapshot id stays the same through all attempts, so that
/// two attempts can never both be in one table.
/// https://iceberg.apache.org/spec/#sequence-number-inheritance
/// </remarks>
/// <param name="branch">The branch to append to; made when the table does not have it.</param>
/// <param name="ids">Names the commit and the snapshot.</param>
/// <param name="time">Dates it.</param>
public sealed class AppendFiles(string branch, IdSource ids, TimeProvider time)
{
    private readonly Guid _commit = ids.NewUuid();
    private readonly List<DataFile> _files = [];
    private readonly HashSet<string> _paths = new(StringComparer.Ordinal);
    private ManifestSet? _manifests;
    private long _snapshotId;
    private int _attempt;

    /// <summary>Adds a file.</summary>
    /// <exception cref="ArgumentException">It is no data file, or was added before: a live path may stand in a snapshot once.</exception>
    /// <exception cref="InvalidOperationException">The manifests are written already.</exception>
    public void Add(DataFile file)
    {
        if (_manifests is not null)
        {
            throw new InvalidOperationException($"{file.FilePath}: the manifests of this commit are written already");
        }

        if (file.Content != DataFileContent.Data)
        {
            throw new ArgumentException($"{file.FilePath}: expected a data file, got {file.Content}");
        }

        if (!_paths.Add(file.FilePath))
        {
            throw new ArgumentException($"{file.FilePath}: expected each file once, got it twice");
        }

        _files.Add(file);
    }

    /// <summary>
    /// Writes what the next attempt needs on top of <paramref name="base"/>: on the first call the new manifests, then a
    /// manifest list and, where the table's <c>commit.manifest.*</c> properties ask for it, merged manifests.
    /// </summary>
    public async Task<StagedSnapshot> StageAsync(LoadedTable @base, SnapshotExtras extras, CancellationToken cancellationToken)
    {
        var metadata = @base.Metadata;
        if (_manifests is null)
        {
            do
            {
                _snapshotId = ids.NewSnapshotId();
            }
            while (metadata.FindSnapshot(_snapshotId) is not null);

            _manifests = new ManifestSet(_commit, _snapshotId, _files, ids);
        }
        else if (metadata.FindSnapshot(_snapshotId) is not null)
        {
            throw new InvalidOperationException($"snapshot {_snapshotId} is in the table already: this commit has succeeded");
        }

        var parent = metadata.FindRef(branch);
        if (metadata.Refs.TryGetValue(branch, out var reference) && reference.IsTag)
        {
            throw new ArgumentException($"{branch}: expected a branch, got a tag");
        }

        IReadOnlyList<ManifestFile> existing = parent is null ? [] : await SnapshotFiles.ManifestsAsync(@base, parent, cancellationToken).ConfigureAwait(false);
        var manifests = await _manifests.OnTopOfAsync(@base, existing, cancellationToken).ConfigureAwait(false);
        var snapshot = new Snapshot
        {
            SnapshotId = _snapshotId,
            ParentSnapshotId = parent?.SnapshotId,
            SequenceNumber = metadata.LastSequenceNumber + 1,
            // A clock that steps back must not make the table unreadable to Java, which wants the logs in order.
            TimestampMs = Math.Max(time.GetUtcNow().ToUnixTimeMilliseconds(), metadata.LastUpdatedMs + 1),
            Summary = await SnapshotSummary.OfAppendAsync(@base, parent, _files, extras.Summary, cancellationToken).ConfigureAwait(false),
            SchemaId = metadata.CurrentSchemaId,
            FirstRowId = metadata.FormatVersion >= 3 ? metadata.NextRowId ?? 0 : null,
        };
        (manifests, long? addedRows) = Numbered(manifests, snapshot);
        string location = MetadataPath(metadata, string.Create(CultureInfo.InvariantCulture, $"snap-{_snapshotId}-{++_attempt}-{_commit}.avro"));
        snapshot = snapshot with { ManifestList = location, AddedRows = addedRows };
        var bytes = ManifestList.Write(metadata.FormatVersion, snapshot, manifests, extras.ManifestListHeader, ids.NewUuid());
        await WriteAsync(@base.Store, location, bytes, cancellationToken).ConfigureAwait(false);
        return new StagedSnapshot(
            snapshot,
            [new TableRequirement.AssertTableUuid(metadata.TableUuid), new TableRequirement.AssertRefSnapshotId(branch, parent?.SnapshotId)],
            [
                new TableUpdate.AddSnapshot(snapshot),
                new TableUpdate.SetSnapshotRef(branch, (reference ?? new SnapshotRef(_snapshotId, IsTag: false)) with { SnapshotId = _snapshotId }),
            ]);
    }

    /// <summary>A file of the table's metadata folder.</summary>
    internal static string MetadataPath(TableMetadata metadata, string name) =>
        (metadata.Properties.GetValueOrDefault("write.metadata.path")?.TrimEnd('/') ?? metadata.Location + "/metadata") + "/" + name;

    internal static async Task WriteAsync(IObjectStore store, string location, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        var writer = store.OpenWrite(location);
        await using (writer.ConfigureAwait(false))
        {
            await writer.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
            await writer.CompleteAsync(cancellationToken).ConfigureAwait(false);
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
