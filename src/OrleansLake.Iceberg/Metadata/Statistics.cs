using System.Text.Json.Nodes;

namespace OrleansLake.Iceberg;

/// <summary>A Puffin file of statistics of one snapshot. https://iceberg.apache.org/spec/#table-statistics</summary>
public sealed record StatisticsFile
{
    /// <summary>The snapshot that it is of.</summary>
    public required long SnapshotId { get; init; }

    /// <summary>Where it lies.</summary>
    public required string StatisticsPath { get; init; }

    /// <summary>Its size in bytes.</summary>
    public required long FileSizeBytes { get; init; }

    /// <summary>The size of its footer in bytes.</summary>
    public required long FileFooterSizeBytes { get; init; }

    /// <summary>Its blobs.</summary>
    public IReadOnlyList<BlobMetadata> Blobs { get; init; } = [];

    /// <summary>Fields that another writer put there and this library does not know.</summary>
    public JsonObject? OtherFields { get; init; }
}

/// <summary>One blob of a statistics file, as the metadata repeat it from the file's footer.</summary>
/// <param name="Type">What it is: <c>apache-datasketches-theta-v1</c>, …</param>
/// <param name="SnapshotId">The snapshot that it was computed from.</param>
/// <param name="SequenceNumber">That snapshot's sequence number.</param>
/// <param name="FieldIds">The fields that it is of.</param>
public sealed record BlobMetadata(string Type, long SnapshotId, long SequenceNumber, IReadOnlyList<int> FieldIds)
{
    /// <summary>What its writer noted: <c>ndv</c>, …</summary>
    public IReadOnlyDictionary<string, string>? Properties { get; init; }

    /// <summary>Fields that another writer put there and this library does not know.</summary>
    public JsonObject? OtherFields { get; init; }
}

/// <summary>A file of counters by partition of one snapshot. https://iceberg.apache.org/spec/#partition-statistics</summary>
/// <param name="SnapshotId">The snapshot that it is of.</param>
/// <param name="StatisticsPath">Where it lies.</param>
/// <param name="FileSizeBytes">Its size in bytes.</param>
public sealed record PartitionStatisticsFile(long SnapshotId, string StatisticsPath, long FileSizeBytes)
{
    /// <summary>Fields that another writer put there and this library does not know.</summary>
    public JsonObject? OtherFields { get; init; }
}

/// <summary>A key of the table, encrypted by another (v3). https://iceberg.apache.org/spec/#encryption-keys</summary>
/// <param name="KeyId">Its name.</param>
/// <param name="EncryptedKeyMetadata">The key and its metadata, encrypted, in Base64.</param>
public sealed record EncryptedKey(string KeyId, string EncryptedKeyMetadata)
{
    /// <summary>The key that encrypted it.</summary>
    public string? EncryptedById { get; init; }

    /// <summary>What its writer noted.</summary>
    public IReadOnlyDictionary<string, string>? Properties { get; init; }

    /// <summary>Fields that another writer put there and this library does not know.</summary>
    public JsonObject? OtherFields { get; init; }
}
