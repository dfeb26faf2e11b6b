using System.Globalization;

namespace OrleansLake.Iceberg;

/// <summary>Writes and names the manifests of one commit.</summary>
internal sealed class CommitManifests(Guid commit, long snapshotId, IdSource ids)
{
    private const long DefaultTargetBytes = 8 << 20;

    private readonly List<string> _locations = [];
    private int _written;

    /// <summary>The snapshot that the manifests come with.</summary>
    public long SnapshotId => snapshotId;

    /// <summary>All that was written, manifest lists too.</summary>
    public IReadOnlyCollection<string> Locations => _locations;

    /// <summary>The size that a manifest shall have: <c>commit.manifest.target-size-bytes</c>.</summary>
    public static long TargetBytes(TableMetadata metadata) => MetadataHistory.LongNumber(metadata, "commit.manifest.target-size-bytes", DefaultTargetBytes);

    /// <summary>A file of the table's metadata folder.</summary>
    public static string MetadataPath(TableMetadata metadata, string name) =>
        (metadata.Properties.GetValueOrDefault("write.metadata.path")?.TrimEnd('/') ?? metadata.Location + "/metadata") + "/" + name;

    /// <summary>A manifest to be filled.</summary>
    public ManifestWriter Open(LoadedTable table, int specId, ManifestContent content) => new(table.Metadata, specId, content, ids.NewUuid());

    /// <summary>Writes a manifest that is filled.</summary>
    public async Task<ManifestFile> FinishAsync(LoadedTable table, ManifestWriter writer, CancellationToken cancellationToken)
    {
        string location = MetadataPath(table.Metadata, string.Create(CultureInfo.InvariantCulture, $"{commit}-m{_written++}.avro"));
        var (content, manifest) = writer.Finish(location, snapshotId);
        await WriteAsync(table.Store, location, content, cancellationToken).ConfigureAwait(false);
        return manifest;
    }

    /// <summary>Writes a file and remembers it.</summary>
    public async Task WriteAsync(IObjectStore store, string location, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        _locations.Add(location);
        var writer = store.OpenWrite(location);
        await using (writer.ConfigureAwait(false))
        {
            await writer.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
            await writer.CompleteAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
