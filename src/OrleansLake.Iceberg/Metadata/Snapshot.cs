using System.Text.Json.Nodes;

namespace OrleansLake.Iceberg;

/// <summary>One state of the table's files. https://iceberg.apache.org/spec/#snapshots</summary>
public sealed record Snapshot
{
    /// <summary>Random, positive.</summary>
    public required long SnapshotId { get; init; }

    /// <summary>The state that it was made from.</summary>
    public long? ParentSnapshotId { get; init; }

    /// <summary>Its place in the order of all changes; 0 in v1.</summary>
    public long SequenceNumber { get; init; }

    /// <summary>When, in milliseconds since 1970.</summary>
    public required long TimestampMs { get; init; }

    /// <summary>Location of its manifest list; null only in v1 where <see cref="Manifests"/> stand in its place.</summary>
    public string? ManifestList { get; init; }

    /// <summary>Locations of its manifests, in v1 tables without a manifest list.</summary>
    public IReadOnlyList<string>? Manifests { get; init; }

    /// <summary>What changed: <c>operation</c>, the counters, and whatever the writer added.</summary>
    public IReadOnlyDictionary<string, string> Summary { get; init; } = new Dictionary<string, string>();

    /// <summary>The schema that was current.</summary>
    public int? SchemaId { get; init; }

    /// <summary>Row id of the first row that it added (v3).</summary>
    public long? FirstRowId { get; init; }

    /// <summary>Rows that were given ids (v3).</summary>
    public long? AddedRows { get; init; }

    /// <summary>Fields that another writer put there and this library does not know.</summary>
    public JsonObject? OtherFields { get; init; }
}

/// <summary>A named snapshot: a branch or a tag. https://iceberg.apache.org/spec/#snapshot-references</summary>
public sealed record SnapshotRef(long SnapshotId, bool IsTag)
{
    /// <summary>The branch that readers take when they name none.</summary>
    public const string Main = "main";

    /// <summary>Snapshots that expiry keeps on the branch.</summary>
    public int? MinSnapshotsToKeep { get; init; }

    /// <summary>Age at which expiry takes a snapshot of the branch.</summary>
    public long? MaxSnapshotAgeMs { get; init; }

    /// <summary>Age at which expiry takes the ref itself.</summary>
    public long? MaxRefAgeMs { get; init; }

    /// <summary>Fields that another writer put there and this library does not know.</summary>
    public JsonObject? OtherFields { get; init; }
}
