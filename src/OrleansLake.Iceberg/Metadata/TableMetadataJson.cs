using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using OrleansLake.Iceberg.Json;

namespace OrleansLake.Iceberg;

/// <summary>
/// Table metadata in JSON: reads v1, v2 and v3, writes the version that the table has, and loses nothing that another
/// writer put there. https://iceberg.apache.org/spec/#table-metadata-fields
/// </summary>
public static class TableMetadataJson
{
    internal static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = JsonCursor.MaxDepth };

    private static readonly HashSet<string> Known =
    [
        "format-version", "table-uuid", "location", "last-sequence-number", "last-updated-ms", "last-column-id", "schema", "schemas",
        "current-schema-id", "partition-spec", "partition-specs", "default-spec-id", "last-partition-id", "sort-orders",
        "default-sort-order-id", "properties", "current-snapshot-id", "snapshots", "refs", "snapshot-log", "metadata-log", "next-row-id",
        "statistics", "partition-statistics", "encryption-keys",
    ];

    private static readonly HashSet<string> SnapshotLogFields = ["timestamp-ms", "snapshot-id"];

    private static readonly HashSet<string> MetadataLogFields = ["timestamp-ms", "metadata-file"];

    /// <summary>Reads metadata that are not compressed.</summary>
    /// <param name="utf8">The JSON document.</param>
    /// <param name="place">What to call the file in errors.</param>
    /// <exception cref="IcebergFormatException">It is not table metadata, or contradicts itself.</exception>
    public static TableMetadata Read(ReadOnlyMemory<byte> utf8, string place) => JsonCursor.Read(utf8, place, "", Read);

    internal static TableMetadata Read(JsonCursor at)
    {
        at.ExpectObject("table metadata");
        int version = at.Get("format-version").Int();
        if (version is < 1 or > 3)
        {
            throw at.Get("format-version").Expected("1, 2 or 3");
        }

        var (schemas, currentSchemaId) = ReadSchemas(at, version);
        var (specs, defaultSpecId) = ReadSpecs(at, version);
        var (orders, defaultOrderId) = ReadOrders(at, version);
        var snapshots = at.TryGet("snapshots", out var list) ? list.List("snapshots", snapshot => SnapshotJson.ReadSnapshot(snapshot, version)) : [];
        // Java writes -1 for "none" up to v2 and null from v3 on; others leave the field out.
        long? current = at.LongOrNull("current-snapshot-id") is long id and not -1 ? id : null;
        var metadata = new TableMetadata
        {
            FormatVersion = version,
            TableUuid = version == 1 && !at.TryGet("table-uuid", out _) ? Guid.Empty : at.Get("table-uuid").Uuid(),
            Location = at.Get("location").Text().TrimEnd('/'),
            LastSequenceNumber = version == 1 ? 0 : at.Get("last-sequence-number").Long(),
            LastUpdatedMs = at.Get("last-updated-ms").Long(),
            LastColumnId = at.Get("last-column-id").Int(),
            Schemas = schemas,
            CurrentSchemaId = currentSchemaId,
            PartitionSpecs = specs,
            DefaultSpecId = defaultSpecId,
            LastPartitionId = version == 1 && !at.TryGet("last-partition-id", out _)
                ? specs.SelectMany(spec => spec.Fields).Select(field => field.FieldId).DefaultIfEmpty(SpecJson.FirstFieldId - 1).Max()
                : at.Get("last-partition-id").Int(),
            SortOrders = orders,
            DefaultSortOrderId = defaultOrderId,
            Properties = at.TryGet("properties", out var properties) ? properties.TextMap() : [],
            CurrentSnapshotId = current,
            Snapshots = snapshots,
            Refs = ReadRefs(at, current),
            SnapshotLog = at.TryGet("snapshot-log", out var log)
                ? log.List("log entries", entry => new SnapshotLogEntry(entry.ExpectObject("a log entry").Get("timestamp-ms").Long(), entry.Get("snapshot-id").Long())
                {
                    OtherFields = entry.Others(SnapshotLogFields),
                })
                : [],
            MetadataLog = at.TryGet("metadata-log", out var files)
                ? files.List("log entries", entry => new MetadataLogEntry(entry.ExpectObject("a log entry").Get("timestamp-ms").Long(), entry.Get("metadata-file").Text())
                {
                    OtherFields = entry.Others(MetadataLogFields),
                })
                : [],
            NextRowId = version >= 3 ? at.Get("next-row-id").Long() : null,
            Statistics = at.TryGet("statistics", out var statistics) ? statistics.List("statistics files", StatisticsJson.ReadFile) : [],
            PartitionStatistics = at.TryGet("partition-statistics", out var partitions) ? partitions.List("partition statistics files", StatisticsJson.ReadPartitionFile) : [],
            EncryptionKeys = at.TryGet("encryption-keys", out var keys) ? keys.List("encryption keys", StatisticsJson.ReadKey) : [],
            OtherFields = at.Others(Known),
        };
        Check(at, metadata);
        return metadata;
    }

    /// <summary>Writes metadata, not compressed.</summary>
    public static byte[] Write(TableMetadata metadata)
    {
        var buffer = new ArrayBufferWriter<byte>(64 * 1024);
        using (var json = new Utf8JsonWriter(buffer, WriterOptions))
        {
            Write(json, metadata);
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void Write(Utf8JsonWriter json, TableMetadata metadata)
    {
        json.WriteStartObject();
        json.WriteNumber("format-version", metadata.FormatVersion);
        if (metadata.TableUuid != Guid.Empty)
        {
            json.WriteString("table-uuid", metadata.TableUuid);
        }

        json.WriteString("location", metadata.Location);
        if (metadata.FormatVersion > 1)
        {
            json.WriteNumber("last-sequence-number", metadata.LastSequenceNumber);
        }

        json.WriteNumber("last-updated-ms", metadata.LastUpdatedMs);
        json.WriteNumber("last-column-id", metadata.LastColumnId);
        if (metadata.FormatVersion == 1)
        {
            json.WritePropertyName("schema");
            SchemaJson.Write(json, metadata.CurrentSchema);
            json.WritePropertyName("partition-spec");
            SpecJson.WriteFields(json, metadata.DefaultSpec.Fields);
        }

        json.WriteNumber("current-schema-id", metadata.CurrentSchemaId);
        WriteAll(json, "schemas", metadata.Schemas, SchemaJson.Write);
        json.WriteNumber("default-spec-id", metadata.DefaultSpecId);
        WriteAll(json, "partition-specs", metadata.PartitionSpecs, SpecJson.Write);
        json.WriteNumber("last-partition-id", metadata.LastPartitionId);
        json.WriteNumber("default-sort-order-id", metadata.DefaultSortOrderId);
        WriteAll(json, "sort-orders", metadata.SortOrders, SpecJson.Write);
        json.WritePropertyName("properties");
        SnapshotJson.WriteTexts(json, metadata.Properties);
        WriteCurrentSnapshot(json, metadata);
        json.WriteStartObject("refs");
        foreach (var (name, reference) in metadata.Refs)
        {
            json.WritePropertyName(name);
            SnapshotJson.Write(json, reference);
        }

        json.WriteEndObject();
        WriteAll(json, "snapshots", metadata.Snapshots, (writer, snapshot) => SnapshotJson.Write(writer, snapshot, metadata.FormatVersion));
        WriteAll(json, "snapshot-log", metadata.SnapshotLog, static (writer, entry) =>
        {
            writer.WriteStartObject();
            writer.WriteNumber("timestamp-ms", entry.TimestampMs);
            writer.WriteNumber("snapshot-id", entry.SnapshotId);
            SnapshotJson.WriteOthers(writer, entry.OtherFields);
            writer.WriteEndObject();
        });
        WriteAll(json, "metadata-log", metadata.MetadataLog, static (writer, entry) =>
        {
            writer.WriteStartObject();
            writer.WriteNumber("timestamp-ms", entry.TimestampMs);
            writer.WriteString("metadata-file", entry.MetadataFile);
            SnapshotJson.WriteOthers(writer, entry.OtherFields);
            writer.WriteEndObject();
        });
        // Java writes both always, keys only where there are some.
        WriteAll(json, "statistics", metadata.Statistics, StatisticsJson.Write);
        WriteAll(json, "partition-statistics", metadata.PartitionStatistics, StatisticsJson.Write);
        if (metadata.EncryptionKeys.Count > 0)
        {
            WriteAll(json, "encryption-keys", metadata.EncryptionKeys, StatisticsJson.Write);
        }

        if (metadata.FormatVersion >= 3)
        {
            json.WriteNumber("next-row-id", metadata.NextRowId ?? 0);
        }

        SnapshotJson.WriteOthers(json, metadata.OtherFields);
        json.WriteEndObject();
    }

    private static void WriteCurrentSnapshot(Utf8JsonWriter json, TableMetadata metadata)
    {
        if (metadata.CurrentSnapshotId is long current)
        {
            json.WriteNumber("current-snapshot-id", current);
        }
        else if (metadata.FormatVersion < 3)
        {
            json.WriteNumber("current-snapshot-id", -1);
        }
        else
        {
            json.WriteNull("current-snapshot-id");
        }
    }

    private static void WriteAll<T>(Utf8JsonWriter json, string name, IReadOnlyList<T> list, Action<Utf8JsonWriter, T> write)
    {
        json.WriteStartArray(name);
        foreach (var one in list)
        {
            write(json, one);
        }

        json.WriteEndArray();
    }

    private static (List<Schema> Schemas, int CurrentId) ReadSchemas(JsonCursor at, int version)
    {
        if (version > 1 || at.TryGet("schemas", out _))
        {
            var schemas = at.Get("schemas").List("schemas", schema => SchemaJson.Read(schema, defaultId: 0));
            int? current = at.IntOrNull("current-schema-id");
            if (current is null && version == 1 && at.TryGet("schema", out var single))
            {
                var schema = SchemaJson.Read(single, defaultId: schemas.Select(one => one.SchemaId).DefaultIfEmpty(0).Max());
                current = schemas.FirstOrDefault(one => one.Fields.SequenceEqual(schema.Fields))?.SchemaId ?? schema.SchemaId;
            }

            return (schemas, current ?? at.Get("current-schema-id").Int());
        }

        var only = SchemaJson.Read(at.Get("schema"), defaultId: 0);
        return ([only], only.SchemaId);
    }

    private static (List<PartitionSpec> Specs, int DefaultId) ReadSpecs(JsonCursor at, int version)
    {
        if (version > 1 || at.TryGet("partition-specs", out _))
        {
            var specs = at.Get("partition-specs").List("partition specs", SpecJson.ReadSpec);
            int? defaultId = at.IntOrNull("default-spec-id");
            if (defaultId is null && version == 1 && specs.Count > 0)
            {
                defaultId = specs.Max(spec => spec.SpecId);
            }

            return (specs, defaultId ?? at.Get("default-spec-id").Int());
        }

        return ([new PartitionSpec { SpecId = 0, Fields = SpecJson.ReadFields(at.Get("partition-spec")) }], 0);
    }

    private static (List<SortOrder> Orders, int DefaultId) ReadOrders(JsonCursor at, int version)
    {
        if (version > 1 || at.TryGet("sort-orders", out _))
        {
            return (at.Get("sort-orders").List("sort orders", SpecJson.ReadOrder), at.Get("default-sort-order-id").Int());
        }

        return ([new SortOrder { OrderId = 0, Fields = [] }], 0);
    }

    private static Dictionary<string, SnapshotRef> ReadRefs(JsonCursor at, long? current)
    {
        var refs = new Dictionary<string, SnapshotRef>(StringComparer.Ordinal);
        if (at.TryGet("refs", out var members))
        {
            foreach (var member in members.ExpectObject("an object of refs").Element.EnumerateObject())
            {
                refs[member.Name] = SnapshotJson.ReadRef(members.Get(member.Name));
            }
        }

        // Writers older than refs name only the current snapshot.
        if (current is long id && !refs.ContainsKey(SnapshotRef.Main))
        {
            refs[SnapshotRef.Main] = new SnapshotRef(id, IsTag: false);
        }

        return refs;
    }

    private static void Check(JsonCursor at, TableMetadata metadata)
    {
        Unique(at, "schemas", metadata.Schemas.Select(schema => (long)schema.SchemaId));
        Unique(at, "partition-specs", metadata.PartitionSpecs.Select(spec => (long)spec.SpecId));
        Unique(at, "sort-orders", metadata.SortOrders.Select(order => (long)order.OrderId));
        var snapshotIds = Unique(at, "snapshots", metadata.Snapshots.Select(snapshot => snapshot.SnapshotId));
        if (!metadata.Schemas.Any(schema => schema.SchemaId == metadata.CurrentSchemaId))
        {
            throw at.Error($"expected current-schema-id to be one of the schemas, got {metadata.CurrentSchemaId}");
        }

        if (!metadata.PartitionSpecs.Any(spec => spec.SpecId == metadata.DefaultSpecId))
        {
            throw at.Error($"expected default-spec-id to be one of the partition specs, got {metadata.DefaultSpecId}");
        }

        // Order 0 is "unsorted" and need not be listed.
        if (metadata.DefaultSortOrderId != 0 && !metadata.SortOrders.Any(order => order.OrderId == metadata.DefaultSortOrderId))
        {
            throw at.Error($"expected default-sort-order-id to be one of the sort orders, got {metadata.DefaultSortOrderId}");
        }

        if (metadata.CurrentSnapshotId is long current && !snapshotIds.Contains(current))
        {
            throw at.Error($"expected current-snapshot-id to be one of the snapshots, got {current}");
        }

        foreach (var (name, reference) in metadata.Refs)
        {
            if (!snapshotIds.Contains(reference.SnapshotId))
            {
                throw at.Error($"expected ref \"{name}\" to name one of the snapshots, got {reference.SnapshotId}");
            }
        }

        if (metadata.Refs.TryGetValue(SnapshotRef.Main, out var main) && main.SnapshotId != metadata.CurrentSnapshotId)
        {
            throw at.Error($"expected current-snapshot-id to be that of main ({main.SnapshotId}), got {metadata.CurrentSnapshotId?.ToString() ?? "none"}");
        }

        CheckDescent(at, metadata.Snapshots);
        foreach (var snapshot in metadata.Snapshots)
        {
            if (snapshot.SequenceNumber > metadata.LastSequenceNumber)
            {
                throw at.Error($"expected no sequence number above last-sequence-number {metadata.LastSequenceNumber}, got {snapshot.SequenceNumber} of snapshot {snapshot.SnapshotId}");
            }
        }
    }

    // Whoever walks up from a snapshot must come to an end.
    private static void CheckDescent(JsonCursor at, IReadOnlyList<Snapshot> snapshots)
    {
        var parents = snapshots.ToDictionary(snapshot => snapshot.SnapshotId, snapshot => snapshot.ParentSnapshotId);
        var ends = new HashSet<long>();
        foreach (var snapshot in snapshots)
        {
            var walk = new HashSet<long>();
            for (long? id = snapshot.SnapshotId; id is long known && parents.TryGetValue(known, out long? parent) && !ends.Contains(known); id = parent)
            {
                if (!walk.Add(known))
                {
                    throw at.Error($"expected no snapshot to descend from itself, got {known}");
                }
            }

            ends.UnionWith(walk);
        }
    }

    private static HashSet<long> Unique(JsonCursor at, string what, IEnumerable<long> ids)
    {
        var seen = new HashSet<long>();
        foreach (long id in ids)
        {
            if (!seen.Add(id))
            {
                throw at.Error($"expected the ids of {what} to be unique, got {id} twice");
            }
        }

        return seen;
    }
}
