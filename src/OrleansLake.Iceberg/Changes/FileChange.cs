namespace OrleansLake.Iceberg;

/// <summary>A change that adds files to a branch, removes files from it, or both.</summary>
public abstract class FileChange : SnapshotChange
{
    private readonly List<AddedFile> _data = [];
    private readonly List<AddedFile> _deletes = [];
    private readonly HashSet<FileKey> _keys = [];
    private readonly NewManifests _newData;
    private readonly NewManifests _newDeletes;
    private readonly ManifestRewriter _oldData;
    private readonly ManifestRewriter _oldDeletes;
    private readonly ManifestMerger _dataMerger;
    private readonly ManifestMerger _deleteMerger;

    private protected FileChange(string branch, IdSource ids, TimeProvider time)
        : base(branch, ids, time)
    {
        _newData = new NewManifests(ManifestContent.Data, _data);
        _newDeletes = new NewManifests(ManifestContent.Deletes, _deletes);
        _oldData = new ManifestRewriter(Removals);
        _oldDeletes = new ManifestRewriter(Removals);
        _dataMerger = new ManifestMerger(_newData);
        _deleteMerger = new ManifestMerger(_newDeletes);
    }

    /// <summary>What goes.</summary>
    private protected FileRemovals Removals { get; } = new();

    /// <summary>The data files that come.</summary>
    private protected IEnumerable<DataFile> AddedDataFiles => _data.Select(one => one.File);

    /// <summary>The delete files that come.</summary>
    private protected IEnumerable<DataFile> AddedDeleteFiles => _deletes.Select(one => one.File);

    private protected void AddDataFile(DataFile file, long? dataSequenceNumber = null)
    {
        if (file.Content != DataFileContent.Data)
        {
            throw new ArgumentException($"{file.FilePath}: expected a data file, got {file.Content}");
        }

        // What another snapshot has numbered gets numbers of its own here. https://iceberg.apache.org/spec/#first-row-id-inheritance
        Add(_data, file with { FirstRowId = null }, dataSequenceNumber);
    }

    private protected void AddDeleteFile(DataFile file, long? dataSequenceNumber = null)
    {
        if (file.Content == DataFileContent.Data)
        {
            throw new ArgumentException($"{file.FilePath}: expected a delete file, got a data file");
        }

        if (file.IsDeletionVector && (file.ReferencedDataFile is null || file.ContentPosition is null || file.ContentSizeBytes is null))
        {
            throw new ArgumentException($"{file.FilePath}: expected a deletion vector to name its data file, its position and its size in the Puffin file");
        }

        if (file.IsDeletionVector && !Removals.GivenVectors.Add(file.ReferencedDataFile!))
        {
            throw new ArgumentException($"{file.ReferencedDataFile}: expected one deletion vector of a data file, got two");
        }

        if (file.Content == DataFileContent.EqualityDeletes && file.EqualityIds is null or { Count: 0 })
        {
            throw new ArgumentException($"{file.FilePath}: expected the ids of the fields that the equality deletes compare");
        }

        Add(_deletes, file, dataSequenceNumber);
        if (file.IsDeletionVector)
        {
            Removals.LookInto(file);
        }
    }

    private protected void RemoveFile(DataFile file, bool isData)
    {
        RefuseOnceStaged(file.FilePath);
        if (file.Content == DataFileContent.Data != isData)
        {
            throw new ArgumentException($"{file.FilePath}: expected a {(isData ? "data" : "delete")} file, got {file.Content}");
        }

        Removals.Add(file);
    }

    /// <inheritdoc />
    private protected override async Task<IReadOnlyList<ManifestFile>> BuildAsync(
        LoadedTable @base, IReadOnlyList<ManifestFile> existing, SnapshotTally tally, CancellationToken cancellationToken)
    {
        CheckVersion(@base.Metadata.FormatVersion);
        var commit = Manifests!;
        var removed = new List<DataFile>();
        Removals.DataFilesThatGo = new HashSet<string>();
        var oldData = await _oldData.ApplyAsync(@base, commit, existing.Where(one => one.Content == ManifestContent.Data), tally, removed, cancellationToken).ConfigureAwait(false);
        // A deletion vector must not outlive its data file; a position delete file that is of that file alone has no use either.
        Removals.DataFilesThatGo = removed.Select(file => file.FilePath).ToHashSet(StringComparer.Ordinal);
        foreach (var file in removed)
        {
            Removals.LookInto(file);
        }

        var oldDeletes = await _oldDeletes.ApplyAsync(@base, commit, existing.Where(one => one.Content == ManifestContent.Deletes), tally, removed, cancellationToken).ConfigureAwait(false);
        var found = removed.Select(file => file.Key).ToHashSet();
        var missing = Removals.Files.Keys.Where(key => !found.Contains(key)).Select(key => key.FilePath).ToList();
        if (missing.Count > 0)
        {
            throw new ChangeConflictException(ChangeConflictKind.MissingFiles, "files that shall be removed are not in the table", missing);
        }

        List<ManifestFile> data = [.. await _newData.WriteOnceAsync(@base, commit, cancellationToken).ConfigureAwait(false), .. oldData];
        List<ManifestFile> deletes = [.. await _newDeletes.WriteOnceAsync(@base, commit, cancellationToken).ConfigureAwait(false), .. oldDeletes];
        foreach (var file in _data.Concat(_deletes))
        {
            tally.Add(file.File);
        }

        if (ManifestMerger.IsEnabled(@base.Metadata))
        {
            data = await MergedAsync(_dataMerger, data).ConfigureAwait(false);
            deletes = await MergedAsync(_deleteMerger, deletes).ConfigureAwait(false);
        }

        return [.. data, .. deletes];

        // A change that leaves these manifests as they are is no occasion to rewrite them.
        async Task<List<ManifestFile>> MergedAsync(ManifestMerger merger, List<ManifestFile> manifests) =>
            manifests.Any(manifest => manifest.SequenceNumber == ManifestFile.Unassigned)
                ? await merger.MergeAsync(@base, commit, manifests, cancellationToken).ConfigureAwait(false)
                : manifests;
    }

    private void Add(List<AddedFile> files, DataFile file, long? dataSequenceNumber)
    {
        RefuseOnceStaged(file.FilePath);
        if (!_keys.Add(file.Key))
        {
            throw new ArgumentException($"{file.FilePath}: expected each file once, got it twice");
        }

        files.Add(new AddedFile(file, dataSequenceNumber));
    }

    /// <summary>Position delete files are of v2, deletion vectors of v3. https://iceberg.apache.org/spec/#deletion-vectors</summary>
    private void CheckVersion(int formatVersion)
    {
        foreach (var file in AddedDeleteFiles.Where(file => file.Content == DataFileContent.PositionDeletes && file.IsDeletionVector != formatVersion >= 3))
        {
            throw new ArgumentException(formatVersion >= 3
                ? $"{file.FilePath}: a v3 table takes deletion vectors, no new position delete files"
                : $"{file.FilePath}: deletion vectors need format version 3, the table has {formatVersion}");
        }
    }
}
