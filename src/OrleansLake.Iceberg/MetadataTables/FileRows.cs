using OrleansLake.Iceberg.Expressions;

namespace OrleansLake.Iceberg;

/// <summary>A file's descriptor as a row, its metrics once as they are stored and once readable, column by column.</summary>
internal sealed class FileRows
{
    private readonly StructType? _partition;
    private readonly List<NestedField> _columns = [];
    private readonly Dictionary<int, IReadOnlyList<PartitionField>> _specs;

    public FileRows(TableMetadata metadata)
    {
        var partition = MetadataColumns.Partition(metadata);
        _partition = partition.Type as StructType;
        _specs = metadata.PartitionSpecs.DistinctBy(spec => spec.SpecId).ToDictionary(spec => spec.SpecId, spec => spec.Fields);
        // Columns in lists and maps have counts, but nobody asks for them by name.
        Add(metadata.CurrentSchema.Fields, "");
        int next = 10_000;
        var metrics = _columns.Select(column => new NestedField(next++, column.Name, false, new StructType(
        [
            new(next++, "column_size", false, new LongType()), new(next++, "value_count", false, new LongType()), new(next++, "null_value_count", false, new LongType()),
            new(next++, "nan_value_count", false, new LongType()), new(next++, "lower_bound", false, column.Type), new(next++, "upper_bound", false, column.Type),
        ]))).ToList();
        Fields =
        [
            new(134, "content", true, new IntegerType()), new(100, "file_path", true, new StringType()), new(101, "file_format", true, new StringType()),
            new(141, "spec_id", true, new IntegerType()), partition with { Id = 102, Name = "partition" },
            new(103, "record_count", true, new LongType()), new(104, "file_size_in_bytes", true, new LongType()),
            Counts(108, "column_sizes", 117), Counts(109, "value_counts", 119), Counts(110, "null_value_counts", 121), Counts(137, "nan_value_counts", 138),
            new(125, "lower_bounds", false, new MapType(126, new IntegerType(), 127, new BinaryType(), true)),
            new(128, "upper_bounds", false, new MapType(129, new IntegerType(), 130, new BinaryType(), true)),
            new(131, "key_metadata", false, new BinaryType()), new(132, "split_offsets", false, new ListType(133, new LongType(), true)),
            new(135, "equality_ids", false, new ListType(136, new IntegerType(), true)), new(140, "sort_order_id", false, new IntegerType()),
            new(142, "first_row_id", false, new LongType()), new(143, "referenced_data_file", false, new StringType()),
            new(144, "content_offset", false, new LongType()), new(145, "content_size_in_bytes", false, new LongType()),
            new(9999, "readable_metrics", false, metrics.Count == 0 ? new UnknownType() : new StructType(metrics)),
        ];

        static NestedField Counts(int id, string name, int key) => new(id, name, false, new MapType(key, new IntegerType(), key + 1, new LongType(), true));
    }

    public IReadOnlyList<NestedField> Fields { get; }

    public object?[] Of(DataFile file) =>
    [
        (int)file.Content, file.FilePath, file.FileFormat.ToUpperInvariant(), file.SpecId, PartitionOf(file.SpecId, file.Partition), file.RecordCount, file.FileSizeBytes,
        Pairs(file.ColumnSizes), Pairs(file.ValueCounts), Pairs(file.NullValueCounts), Pairs(file.NanValueCounts), Pairs(file.LowerBounds), Pairs(file.UpperBounds),
        file.KeyMetadata, file.SplitOffsets?.Cast<object?>().ToList(), file.EqualityIds?.Cast<object?>().ToList(), file.SortOrderId, file.FirstRowId, file.ReferencedDataFile,
        file.ContentPosition, file.ContentSizeBytes, _columns.Select(column => MetricsOf(column, file)).ToArray(),
    ];

    /// <summary>Values by every field that a spec of the table has or had; null where there is none.</summary>
    public object?[]? PartitionOf(int specId, PartitionKey partition)
    {
        if (_partition is null || !_specs.TryGetValue(specId, out var spec))
        {
            return null;
        }

        return [.. _partition.Fields.Select(field =>
        {
            for (int i = 0; i < spec.Count && i < partition.Values.Count; i++)
            {
                if (spec[i].FieldId == field.Id)
                {
                    return BoundValue.Widen(field.Type, partition.Values[i]);
                }
            }

            return null;
        })];
    }

    private static object?[] MetricsOf(NestedField column, DataFile file) =>
    [
        Count(file.ColumnSizes, column.Id), Count(file.ValueCounts, column.Id), Count(file.NullValueCounts, column.Id), Count(file.NanValueCounts, column.Id),
        BoundValue.Read(column.Type, file.LowerBounds?.GetValueOrDefault(column.Id)), BoundValue.Read(column.Type, file.UpperBounds?.GetValueOrDefault(column.Id)),
    ];

    private static object? Count(IReadOnlyDictionary<int, long>? counts, int id) => counts is not null && counts.TryGetValue(id, out long count) ? count : null;

    private static List<KeyValuePair<object, object?>>? Pairs<T>(IReadOnlyDictionary<int, T>? map) =>
        map?.OrderBy(pair => pair.Key).Select(pair => new KeyValuePair<object, object?>(pair.Key, pair.Value)).ToList();

    private void Add(IReadOnlyList<NestedField> fields, string prefix)
    {
        foreach (var field in fields)
        {
            switch (field.Type)
            {
                case StructType structure:
                    Add(structure.Fields, $"{prefix}{field.Name}.");
                    break;
                case PrimitiveType and not (UnknownType or VariantType or GeometryType or GeographyType):
                    _columns.Add(field with { Name = prefix + field.Name });
                    break;
            }
        }
    }
}
