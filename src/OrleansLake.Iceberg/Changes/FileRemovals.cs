namespace OrleansLake.Iceberg;

/// <summary>Which files a change takes out of the table: those that it names, and those whose rows a filter takes.</summary>
internal sealed class FileRemovals
{
    private readonly Dictionary<FileKey, DataFile> _files = [];
    private readonly HashSet<(int SpecId, PartitionKey Partition)> _partitions = [];

    /// <summary>Files that are named.</summary>
    public IReadOnlyDictionary<FileKey, DataFile> Files => _files;

    /// <summary>Takes the data files all of whose rows it matches; null: none.</summary>
    public FileFilter? Rows { get; set; }

    /// <summary>Data files that go: a delete file that is of one of them alone goes too.</summary>
    public IReadOnlySet<string> DataFilesThatGo { get; set; } = new HashSet<string>();

    /// <summary>Data files that are given a deletion vector: there may be no other that stays.</summary>
    public HashSet<string> GivenVectors { get; } = new(StringComparer.Ordinal);

    public bool IsEmpty => _files.Count == 0 && Rows is null && DataFilesThatGo.Count == 0 && GivenVectors.Count == 0;

    public void Add(DataFile file)
    {
        if (!_files.TryAdd(file.Key, file))
        {
            throw new ArgumentException($"{file.FilePath}: expected each file to be removed once, got it twice");
        }

        _partitions.Add((file.SpecId, file.Partition));
    }

    /// <summary>Also looks into the manifests that may hold files of this partition.</summary>
    public void LookInto(DataFile file) => _partitions.Add((file.SpecId, file.Partition));

    /// <summary>Whether a manifest may hold a file that goes.</summary>
    public bool MayBeIn(ManifestFile manifest, TableMetadata metadata)
    {
        var spec = metadata.PartitionSpecs.FirstOrDefault(one => one.SpecId == manifest.SpecId);
        if (spec is null)
        {
            return true;
        }

        return (manifest.Content == ManifestContent.Data && Rows?.MightMatch(manifest) == true) || PartitionRange.Contains(manifest, metadata, spec, _partitions);
    }

    /// <summary>Whether an entry goes.</summary>
    /// <exception cref="ArgumentException">The row filter takes a part of the file only.</exception>
    public bool Takes(ManifestEntry entry)
    {
        var file = entry.DataFile;
        if (_files.ContainsKey(file.Key) || (file.ReferencedDataFile is { } referenced && DataFilesThatGo.Contains(referenced)))
        {
            return true;
        }

        if (file.IsDeletionVector && file.ReferencedDataFile is { } of && GivenVectors.Contains(of))
        {
            throw new ChangeConflictException(
                ChangeConflictKind.NewDeletes, "the data file has a deletion vector already, which the new one must include and replace", [of]);
        }

        if (file.Content != DataFileContent.Data || Rows is null)
        {
            return false;
        }

        return Rows.MightMatch(file) && (Rows.MustMatch(file)
            ? true
            : throw new ArgumentException($"{file.FilePath}: some of its rows may satisfy {Rows.Expression} and some not; only whole files are removed by metadata"));
    }
}
