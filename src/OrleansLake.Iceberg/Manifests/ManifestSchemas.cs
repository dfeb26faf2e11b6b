using OrleansLake.Iceberg.Avro;

namespace OrleansLake.Iceberg;

/// <summary>
/// The Avro schemas of manifests and manifest lists. Names of records, ids and nullability are those that every engine
/// checks. https://iceberg.apache.org/spec/#manifests
/// </summary>
internal static class ManifestSchemas
{
    private static readonly AvroSchema Summary = AvroSchema.Record(
        "r508",
        Required("contains_null", 509, AvroSchema.Boolean, "True if any file has a null partition value"),
        Optional("contains_nan", 518, AvroSchema.Boolean, "True if any file has a nan partition value"),
        Optional("lower_bound", 510, AvroSchema.Bytes, "Partition lower bound for all files"),
        Optional("upper_bound", 511, AvroSchema.Bytes, "Partition upper bound for all files"));

    /// <summary>A manifest list. In v2 and later all but the last three are required.</summary>
    public static AvroSchema ManifestFileOf(int formatVersion)
    {
        var fields = new List<AvroField>
        {
            Required("manifest_path", 500, AvroSchema.String, "Location URI with FS scheme"),
            Required("manifest_length", 501, AvroSchema.Long, "Total file size in bytes"),
            Required("partition_spec_id", 502, AvroSchema.Int, "Spec ID used to write"),
            Required("content", 517, AvroSchema.Int, "Contents of the manifest: 0=data, 1=deletes"),
            Required("sequence_number", 515, AvroSchema.Long, "Sequence number when the manifest was added"),
            Required("min_sequence_number", 516, AvroSchema.Long, "Lowest sequence number in the manifest"),
            Required("added_snapshot_id", 503, AvroSchema.Long, "Snapshot ID that added the manifest"),
            Required("added_files_count", 504, AvroSchema.Int, "Added entry count"),
            Required("existing_files_count", 505, AvroSchema.Int, "Existing entry count"),
            Required("deleted_files_count", 506, AvroSchema.Int, "Deleted entry count"),
            Required("added_rows_count", 512, AvroSchema.Long, "Added rows count"),
            Required("existing_rows_count", 513, AvroSchema.Long, "Existing rows count"),
            Required("deleted_rows_count", 514, AvroSchema.Long, "Deleted rows count"),
            Optional("partitions", 507, new AvroSchema(AvroKind.Array) { Items = Summary, ElementId = 508 }, "Summary for each partition"),
            Optional("key_metadata", 519, AvroSchema.Bytes, "Encryption key metadata blob"),
        };
        if (formatVersion >= 3)
        {
            fields.Add(Optional("first_row_id", 520, AvroSchema.Long, "Starting row ID to assign to new rows in ADDED data files"));
        }

        return AvroSchema.Record("manifest_file", fields);
    }

    /// <summary>A manifest whose partition record is given.</summary>
    public static AvroSchema ManifestEntryOf(int formatVersion, AvroSchema partition, ManifestContent content)
    {
        var file = new List<AvroField>
        {
            Required("content", 134, AvroSchema.Int, "Contents of the file: 0=data, 1=position deletes, 2=equality deletes"),
            Required("file_path", 100, AvroSchema.String, "Location URI with FS scheme"),
            Required("file_format", 101, AvroSchema.String, "File format name: avro, orc, or parquet"),
            Required("partition", 102, partition, "Partition data tuple, schema based on the partition spec"),
            Required("record_count", 103, AvroSchema.Long, "Number of records in the file"),
            Required("file_size_in_bytes", 104, AvroSchema.Long, "Total file size in bytes"),
            Optional("column_sizes", 108, Map(117, 118, AvroSchema.Long), "Map of column id to total size on disk"),
            Optional("value_counts", 109, Map(119, 120, AvroSchema.Long), "Map of column id to total count, including null and NaN"),
            Optional("null_value_counts", 110, Map(121, 122, AvroSchema.Long), "Map of column id to null value count"),
            Optional("nan_value_counts", 137, Map(138, 139, AvroSchema.Long), "Map of column id to number of NaN values in the column"),
            Optional("lower_bounds", 125, Map(126, 127, AvroSchema.Bytes), "Map of column id to lower bound"),
            Optional("upper_bounds", 128, Map(129, 130, AvroSchema.Bytes), "Map of column id to upper bound"),
            Optional("key_metadata", 131, AvroSchema.Bytes, "Encryption key metadata blob"),
            Optional("split_offsets", 132, new AvroSchema(AvroKind.Array) { Items = AvroSchema.Long, ElementId = 133 }, "Splittable offsets"),
            Optional("equality_ids", 135, new AvroSchema(AvroKind.Array) { Items = AvroSchema.Int, ElementId = 136 }, "Equality comparison field IDs"),
            Optional("sort_order_id", 140, AvroSchema.Int, "Sort order ID"),
        };
        if (formatVersion >= 3)
        {
            file.Add(Optional("first_row_id", 142, AvroSchema.Long, "Starting row ID to assign to new rows"));
        }

        if (formatVersion >= 3 || content == ManifestContent.Deletes)
        {
            file.Add(Optional("referenced_data_file", 143, AvroSchema.String, "Fully qualified location (URI with FS scheme) of a data file that all deletes reference"));
        }

        if (formatVersion >= 3)
        {
            file.Add(Optional("content_offset", 144, AvroSchema.Long, "The offset in the file where the content starts"));
            file.Add(Optional("content_size_in_bytes", 145, AvroSchema.Long, "The length of referenced content stored in the file"));
        }

        return AvroSchema.Record(
            "manifest_entry",
            Required("status", 0, AvroSchema.Int, null),
            Optional("snapshot_id", 1, AvroSchema.Long, null),
            Optional("sequence_number", 3, AvroSchema.Long, null),
            Optional("file_sequence_number", 4, AvroSchema.Long, null),
            Required("data_file", 2, AvroSchema.Record("r2", file), null));
    }

    private static AvroField Required(string name, int id, AvroSchema schema, string? doc) => new(name, schema) { FieldId = id, Doc = doc };

    private static AvroField Optional(string name, int id, AvroSchema schema, string? doc) =>
        new(name, AvroSchema.Optional(schema)) { FieldId = id, Doc = doc };

    private static AvroSchema Map(int keyId, int valueId, AvroSchema value) => new(AvroKind.Array)
    {
        LogicalType = "map",
        Items = AvroSchema.Record(
            FormattableString.Invariant($"k{keyId}_v{valueId}"),
            new AvroField("key", AvroSchema.Int) { FieldId = keyId },
            new AvroField("value", value) { FieldId = valueId }),
    };
}
