using System.Globalization;
using System.Text;
using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Write;

/// <summary>
/// Where a table's data files lie: below its partitions, or with <c>write.object-storage.enabled</c> below a hash of their names,
/// so that an object store spreads them over its servers. https://iceberg.apache.org/docs/latest/aws/#object-store-file-layout
/// </summary>
internal sealed class FileLocations
{
    private const int HashBits = 20;

    private readonly string _root;
    private readonly bool _hashed;
    private readonly bool _partitioned;
    private readonly string _context;

    public FileLocations(TableMetadata metadata)
    {
        _hashed = IsTrue(metadata, "write.object-storage.enabled", otherwise: false);
        _partitioned = !_hashed || IsTrue(metadata, "write.object-storage.partitioned-paths", otherwise: true);
        string? own = metadata.Properties.GetValueOrDefault("write.data.path") ?? (_hashed ? metadata.Properties.GetValueOrDefault("write.object-storage.path") : null);
        _root = (own ?? metadata.Location + "/data").TrimEnd('/');

        // Files of several tables may share a place: theirs are told by the end of the table's location.
        string[] parts = metadata.Location.TrimEnd('/').Split('/');
        _context = _root.StartsWith(metadata.Location, StringComparison.Ordinal) ? "" : string.Join('/', parts[^Math.Min(2, parts.Length)..]) + "/";
    }

    /// <summary>The location of a file.</summary>
    /// <param name="partitionPath">The path of its partition; empty without one.</param>
    /// <param name="name">Its name, which no other file has.</param>
    public string Of(string partitionPath, string name)
    {
        string path = !_partitioned || partitionPath.Length == 0 ? name : $"{partitionPath}/{name}";
        if (!_hashed)
        {
            return $"{_root}/{path}";
        }

        string hash = HashOf(path);
        return _context.Length > 0 || _partitioned ? $"{_root}/{hash}/{_context}{path}" : $"{_root}/{hash}-{path}";
    }

    /// <summary>Twenty bits in directories of four, four, four and eight.</summary>
    internal static string HashOf(string path)
    {
        string bits = BucketHash.Bucket(Encoding.UTF8.GetBytes(path), 1 << HashBits).ToString("b" + HashBits, CultureInfo.InvariantCulture);
        return $"{bits[..4]}/{bits[4..8]}/{bits[8..12]}/{bits[12..]}";
    }

    private static bool IsTrue(TableMetadata metadata, string property, bool otherwise) =>
        metadata.Properties.TryGetValue(property, out string? text) ? text.Equals("true", StringComparison.OrdinalIgnoreCase) : otherwise;
}
