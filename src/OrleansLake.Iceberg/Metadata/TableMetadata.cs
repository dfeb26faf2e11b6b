using System.Text.Json.Nodes;

namespace OrleansLake.Iceberg;

/// <summary>An earlier metadata file.</summary>
public sealed record MetadataLogEntry(long TimestampMs, string MetadataFile)
{
    /// <summary>Fields that another writer put there and this library does not know.</summary>
    public JsonObject? OtherFields { get; init; }
}

/// <summary>When a snapshot became the current one of main.</summary>
public sealed record SnapshotLogEntry(long TimestampMs, long SnapshotId)
{
    /// <summary>Fields that another writer put there and this library does not know.</summary>
    public JsonObject? OtherFields { get; init; }
}

/// <summary>
/// All that a catalog swaps: schemas, specs, snapshots, refs, properties. Immutable; changed by applying
/// <see cref="TableUpdate"/>s. https://iceberg.apache.org/spec/#table-metadata
/// </summary>
public sealed record TableMetadata
{
    /// <summary>1, 2 or 3.</summary>
    public required int FormatVersion { get; init; }

    /// <summary>Which table this is, whatever its name.</summary>
    public required Guid TableUuid { get; init; }

    /// <summary>Where it lies, without a slash at the end.</summary>
    public required string Location { get; init; }

    /// <summary>The highest sequence number given out.</summary>
    public long LastSequenceNumber { get; init; }

    /// <summary>When it was last changed, in milliseconds since 1970.</summary>
    public required long LastUpdatedMs { get; init; }

    /// <summary>The highest field id given out.</summary>
    public required int LastColumnId { get; init; }

    /// <summary>Every schema that it had.</summary>
    public required IReadOnlyList<Schema> Schemas { get; init; }

    /// <summary>The current one's id.</summary>
    public required int CurrentSchemaId { get; init; }

    /// <summary>Every spec that it had.</summary>
    public required IReadOnlyList<PartitionSpec> PartitionSpecs { get; init; }

    /// <summary>The spec that writers use.</summary>
    public required int DefaultSpecId { get; init; }

    /// <summary>The highest partition field id given out.</summary>
    public required int LastPartitionId { get; init; }

    /// <summary>Every order that it had.</summary>
    public required IReadOnlyList<SortOrder> SortOrders { get; init; }

    /// <summary>The order that writers use.</summary>
    public required int DefaultSortOrderId { get; init; }

    /// <summary>Its properties.</summary>
    public IReadOnlyDictionary<string, string> Properties { get; init; } = new Dictionary<string, string>();

    /// <summary>The snapshot that main names; null when there is none.</summary>
    public long? CurrentSnapshotId { get; init; }

    /// <summary>The snapshots that are listed.</summary>
    public IReadOnlyList<Snapshot> Snapshots { get; init; } = [];

    /// <summary>Branches and tags.</summary>
    public IReadOnlyDictionary<string, SnapshotRef> Refs { get; init; } = new Dictionary<string, SnapshotRef>();

    /// <summary>The states of main, oldest first.</summary>
    public IReadOnlyList<SnapshotLogEntry> SnapshotLog { get; init; } = [];

    /// <summary>Earlier metadata files, oldest first.</summary>
    public IReadOnlyList<MetadataLogEntry> MetadataLog { get; init; } = [];

    /// <summary>The next row id to give out (v3).</summary>
    public long? NextRowId { get; init; }

    /// <summary>Statistics files, one a snapshot at most.</summary>
    public IReadOnlyList<StatisticsFile> Statistics { get; init; } = [];

    /// <summary>Partition statistics files, one a snapshot at most.</summary>
    public IReadOnlyList<PartitionStatisticsFile> PartitionStatistics { get; init; } = [];

    /// <summary>Keys that files of the table are encrypted with (v3).</summary>
    public IReadOnlyList<EncryptedKey> EncryptionKeys { get; init; } = [];

    /// <summary>Fields that another writer put there and this library does not know.</summary>
    public JsonObject? OtherFields { get; init; }

    /// <summary>The current schema.</summary>
    public Schema CurrentSchema => Schemas.First(schema => schema.SchemaId == CurrentSchemaId);

    /// <summary>The spec that writers use.</summary>
    public PartitionSpec DefaultSpec => PartitionSpecs.First(spec => spec.SpecId == DefaultSpecId);

    /// <summary>A snapshot by its id; null when it is not listed.</summary>
    public Snapshot? FindSnapshot(long? snapshotId) => Snapshots.FirstOrDefault(snapshot => snapshot.SnapshotId == snapshotId);

    /// <summary>A snapshot and those that it was made from, newest first, as far as they are listed.</summary>
    public IEnumerable<Snapshot> AncestorsOf(long? snapshotId)
    {
        // A cycle would be another writer's fault; it must not keep anyone for ever.
        var seen = new HashSet<long>();
        var byId = new Dictionary<long, Snapshot>();
        foreach (var one in Snapshots)
        {
            byId[one.SnapshotId] = one;
        }

        for (var at = snapshotId; at is long id && seen.Add(id) && byId.TryGetValue(id, out var snapshot); at = snapshot.ParentSnapshotId)
        {
            yield return snapshot;
        }
    }

    /// <summary>The snapshot that a branch or tag names; null when there is none.</summary>
    public Snapshot? FindRef(string refName) => FindSnapshot(Refs.GetValueOrDefault(refName)?.SnapshotId);
}
