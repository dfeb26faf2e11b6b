namespace OrleansLake.Iceberg.Puffin;

/// <summary>One blob of a Puffin file. https://iceberg.apache.org/puffin-spec/#blobmetadata</summary>
public sealed record PuffinBlob
{
    /// <summary>A vector of deleted positions.</summary>
    public const string DeletionVectorType = "deletion-vector-v1";

    /// <summary>A sketch of the distinct values of a column.</summary>
    public const string ThetaSketchType = "apache-datasketches-theta-v1";

    /// <summary>What the blob is.</summary>
    public required string Type { get; init; }

    /// <summary>The fields that it was made of.</summary>
    public required IReadOnlyList<int> Fields { get; init; }

    /// <summary>The snapshot that it was made of; −1 for deletion vectors, which inherit it.</summary>
    public required long SnapshotId { get; init; }

    /// <summary>That snapshot's sequence number; −1 likewise.</summary>
    public required long SequenceNumber { get; init; }

    /// <summary>Where it begins in the file.</summary>
    public long Position { get; init; }

    /// <summary>Bytes in the file.</summary>
    public long LengthBytes { get; init; }

    /// <summary><c>zstd</c> or <c>lz4</c>; null where it is not compressed.</summary>
    public string? CompressionCodec { get; init; }

    /// <summary>What else its writer says of it.</summary>
    public IReadOnlyDictionary<string, string> Properties { get; init; } = new Dictionary<string, string>();
}
