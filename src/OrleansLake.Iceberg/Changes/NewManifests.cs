namespace OrleansLake.Iceberg;

/// <summary>A file that a commit adds.</summary>
/// <param name="File">The file.</param>
/// <param name="DataSequenceNumber">The data sequence number that it shall have; null: that of the commit.</param>
internal readonly record struct AddedFile(DataFile File, long? DataSequenceNumber)
{
    public ManifestEntry ToEntry() => new() { Status = ManifestEntryStatus.Added, SequenceNumber = DataSequenceNumber, DataFile = File };
}

/// <summary>The manifests of the files that a commit adds: written on its first attempt only.</summary>
internal sealed class NewManifests(ManifestContent content, IReadOnlyList<AddedFile> files)
{
    private readonly Dictionary<string, IReadOnlyList<AddedFile>> _filesOf = new(StringComparer.Ordinal);
    private List<ManifestFile>? _manifests;

    /// <summary>The manifests, those of the newest spec first.</summary>
    public async Task<IReadOnlyList<ManifestFile>> WriteOnceAsync(LoadedTable table, CommitManifests commit, CancellationToken cancellationToken)
    {
        if (_manifests is not null)
        {
            return _manifests;
        }

        long target = CommitManifests.TargetBytes(table.Metadata);
        var manifests = new List<ManifestFile>();
        foreach (var group in files.GroupBy(file => file.File.SpecId).OrderByDescending(group => group.Key))
        {
            var rest = new Queue<AddedFile>(group);
            while (rest.Count > 0)
            {
                var writer = commit.Open(table, group.Key, content);
                var written = new List<AddedFile>();
                do
                {
                    var file = rest.Dequeue();
                    writer.Add(file.ToEntry());
                    written.Add(file);
                }
                while (rest.Count > 0 && writer.SizeBytes < target);

                var manifest = await commit.FinishAsync(table, writer, cancellationToken).ConfigureAwait(false);
                _filesOf[manifest.ManifestPath] = written;
                manifests.Add(manifest);
            }
        }

        return _manifests = manifests;
    }

    /// <summary>The files of one of them, so that it need not be read to be merged; null where the manifest is another's.</summary>
    public IReadOnlyList<AddedFile>? FilesOf(ManifestFile manifest) => _filesOf.GetValueOrDefault(manifest.ManifestPath);
}
