namespace OrleansLake.Iceberg;

/// <summary>The tables that the metadata file alone fills.</summary>
internal static class HistoryTables
{
    public static readonly IReadOnlyList<NestedField> SnapshotFields =
    [
        new(1, "committed_at", true, new TimestampType(true)), new(2, "snapshot_id", true, new LongType()), new(3, "parent_id", false, new LongType()),
        new(4, "operation", false, new StringType()), new(5, "manifest_list", false, new StringType()),
        new(6, "summary", false, new MapType(7, new StringType(), 8, new StringType(), true)),
    ];

    public static readonly IReadOnlyList<NestedField> HistoryFields =
    [
        new(1, "made_current_at", true, new TimestampType(true)), new(2, "snapshot_id", true, new LongType()), new(3, "parent_id", false, new LongType()),
        new(4, "is_current_ancestor", true, new BooleanType()),
    ];

    public static readonly IReadOnlyList<NestedField> RefFields =
    [
        new(1, "name", true, new StringType()), new(2, "type", true, new StringType()), new(3, "snapshot_id", true, new LongType()),
        new(4, "max_reference_age_in_ms", false, new LongType()), new(5, "min_snapshots_to_keep", false, new IntegerType()), new(6, "max_snapshot_age_in_ms", false, new LongType()),
    ];

    public static readonly IReadOnlyList<NestedField> LogFields =
    [
        new(1, "timestamp", true, new TimestampType(true)), new(2, "file", true, new StringType()), new(3, "latest_snapshot_id", false, new LongType()),
        new(4, "latest_schema_id", false, new IntegerType()), new(5, "latest_sequence_number", false, new LongType()),
    ];

    public static IEnumerable<object?[]> Snapshots(TableMetadata metadata) => metadata.Snapshots.Select(snapshot => new object?[]
    {
        snapshot.TimestampMs * 1000, snapshot.SnapshotId, snapshot.ParentSnapshotId, snapshot.Summary.GetValueOrDefault("operation"), snapshot.ManifestList,
        snapshot.Summary.Where(pair => pair.Key != "operation").Select(pair => new KeyValuePair<object, object?>(pair.Key, pair.Value)).ToList(),
    });

    public static IEnumerable<object?[]> History(TableMetadata metadata)
    {
        var snapshots = metadata.Snapshots.DistinctBy(snapshot => snapshot.SnapshotId).ToDictionary(snapshot => snapshot.SnapshotId);
        var ancestors = new HashSet<long>();
        // A chain that comes back to itself ends here.
        for (long? at = metadata.CurrentSnapshotId; at is long id && ancestors.Add(id); at = snapshots.GetValueOrDefault(id)?.ParentSnapshotId)
        {
        }

        return metadata.SnapshotLog.Select(entry => new object?[]
        {
            entry.TimestampMs * 1000, entry.SnapshotId, snapshots.GetValueOrDefault(entry.SnapshotId)?.ParentSnapshotId, ancestors.Contains(entry.SnapshotId),
        });
    }

    public static IEnumerable<object?[]> Refs(TableMetadata metadata) => metadata.Refs.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => new object?[]
    {
        pair.Key, pair.Value.IsTag ? "TAG" : "BRANCH", pair.Value.SnapshotId, pair.Value.MaxRefAgeMs, pair.Value.MinSnapshotsToKeep, pair.Value.MaxSnapshotAgeMs,
    });

    public static IEnumerable<object?[]> Log(LoadedTable table)
    {
        var metadata = table.Metadata;
        return metadata.MetadataLog.Append(new MetadataLogEntry(metadata.LastUpdatedMs, table.MetadataLocation)).Select(entry =>
        {
            var snapshot = metadata.SnapshotAsOf(DateTimeOffset.FromUnixTimeMilliseconds(entry.TimestampMs));
            return new object?[] { entry.TimestampMs * 1000, entry.MetadataFile, snapshot?.SnapshotId, snapshot?.SchemaId, snapshot?.SequenceNumber };
        });
    }
}
