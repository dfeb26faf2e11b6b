namespace OrleansLake.Iceberg;

/// <summary>Columns that every table has without storing them. https://iceberg.apache.org/spec/#reserved-field-ids</summary>
public static class MetadataColumns
{
    /// <summary><c>_file</c>: the location of the data file.</summary>
    public static NestedField FilePath { get; } = new(2147483646, "_file", true, new StringType());

    /// <summary><c>_pos</c>: the row's position in its file, from 0.</summary>
    public static NestedField RowPosition { get; } = new(2147483645, "_pos", true, new LongType());

    /// <summary><c>_spec_id</c>: the spec of the file.</summary>
    public static NestedField SpecId { get; } = new(2147483643, "_spec_id", true, new IntegerType());

    /// <summary>Id of <c>_partition</c>, whose type depends on the table.</summary>
    public const int PartitionId = 2147483642;

    /// <summary><c>_row_id</c> (v3): which row it is, from its first version on.</summary>
    public static NestedField RowId { get; } = new(2147483540, "_row_id", false, new LongType());

    /// <summary><c>_last_updated_sequence_number</c> (v3): when the row was last changed.</summary>
    public static NestedField LastUpdatedSequenceNumber { get; } = new(2147483539, "_last_updated_sequence_number", false, new LongType());

    /// <summary><c>file_path</c> of position deletes.</summary>
    public static NestedField DeleteFilePath { get; } = new(2147483546, "file_path", true, new StringType());

    /// <summary><c>pos</c> of position deletes.</summary>
    public static NestedField DeletePosition { get; } = new(2147483545, "pos", true, new LongType());

    /// <summary><c>_partition</c>: the partition values by every field that a spec of the table has or had.</summary>
    public static NestedField Partition(TableMetadata metadata)
    {
        var fields = new List<NestedField>();
        foreach (var spec in metadata.PartitionSpecs.Reverse())
        {
            var types = PartitionTypes.Of(metadata, spec);
            for (int i = 0; i < spec.Fields.Count; i++)
            {
                var field = spec.Fields[i];
                if (fields.TrueForAll(one => one.Id != field.FieldId))
                {
                    // A name may have been used again for another field.
                    string name = fields.Exists(one => one.Name == field.Name) ? FormattableString.Invariant($"{field.Name}_{field.FieldId}") : field.Name;
                    fields.Add(new NestedField(field.FieldId, name, false, types[i]));
                }
            }
        }

        // A table without partitions has none to show: a struct without fields could not be stored either.
        return fields.Count == 0 ? new NestedField(PartitionId, "_partition", false, new UnknownType())
            : new NestedField(PartitionId, "_partition", true, new StructType([.. fields.OrderBy(field => field.Id)]));
    }

    /// <summary>A metadata column by its name; null where there is none of that name.</summary>
    public static NestedField? Find(TableMetadata metadata, string name) => name.ToLowerInvariant() switch
    {
        "_file" => FilePath,
        "_pos" => RowPosition,
        "_spec_id" => SpecId,
        "_partition" => Partition(metadata),
        "_row_id" => RowId,
        "_last_updated_sequence_number" => LastUpdatedSequenceNumber,
        _ => null,
    };
}
