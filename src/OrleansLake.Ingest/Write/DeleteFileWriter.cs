using System.Globalization;
using OrleansLake.Iceberg;
using OrleansLake.Iceberg.Deletes;
using OrleansLake.Ingest.Read;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Write;

/// <summary>
/// Writes files of deletes, one partition each, and describes them ready for a row delta. Vectors of v3 are written by
/// <see cref="DeletionVector"/>. https://iceberg.apache.org/spec/#delete-formats
/// </summary>
public static class DeleteFileWriter
{
    private const int BatchRows = 8192;

    /// <summary>Position deletes of data files of one partition, sorted by path and position.</summary>
    /// <exception cref="NotSupportedException">The table is v3, which takes deletion vectors alone.</exception>
    public static async Task<DataFile> WritePositionsAsync(
        LoadedTable table, string location, int specId, PartitionKey partition, IReadOnlyDictionary<string, PositionSet> positions, CancellationToken cancellationToken)
    {
        if (table.Metadata.FormatVersion >= 3)
        {
            throw new NotSupportedException($"table {table.Identifier}: tables of v3 take deletion vectors, not files of position deletes");
        }

        // Whole paths as bounds: that is how readers tell which data file the deletes are of.
        var properties = new Dictionary<string, string>(table.Metadata.Properties) { ["write.metadata.metrics.default"] = "full" };
        var rows = positions.OrderBy(pair => pair.Key, StringComparer.Ordinal).SelectMany(pair => pair.Value.Positions().Select(position => new object?[] { pair.Key, position }));
        var file = new DataFile
        {
            Content = DataFileContent.PositionDeletes,
            FilePath = location,
            SpecId = specId,
            Partition = partition,
            RecordCount = 0,
            FileSizeBytes = 0,
            ReferencedDataFile = positions.Count == 1 ? positions.Keys.First() : null,
        };
        return await WriteAsync(table, file, [MetadataColumns.DeleteFilePath, MetadataColumns.DeletePosition], rows, properties, new() { ["delete-type"] = "position" }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Equality deletes: each row has one value for each of the fields, in the form of <see cref="PartitionKey"/>.</summary>
    /// <exception cref="ArgumentException">A field is no column of the table, or lies in a list or map.</exception>
    public static async Task<DataFile> WriteKeysAsync(
        LoadedTable table, string location, int specId, PartitionKey partition, IReadOnlyList<int> equalityIds, IEnumerable<object?[]> rows, CancellationToken cancellationToken)
    {
        var schema = table.Metadata.CurrentSchema;
        var fields = ReadSchema.Only(schema, equalityIds);
        foreach (int id in equalityIds)
        {
            if (schema.FindField(id) is { Type: not PrimitiveType or FloatType or DoubleType } wrong)
            {
                throw new ArgumentException($"rows are not told apart by column {wrong.Name}, a {(wrong.Type as PrimitiveType)?.Spelling ?? "nested type"}", nameof(equalityIds));
            }
        }

        var slots = equalityIds.Select((id, i) => (id, i)).ToDictionary(pair => pair.id, pair => pair.i);
        var file = new DataFile
        {
            Content = DataFileContent.EqualityDeletes,
            FilePath = location,
            SpecId = specId,
            Partition = partition,
            RecordCount = 0,
            FileSizeBytes = 0,
            EqualityIds = equalityIds,
            SortOrderId = 0,
        };
        var names = new Dictionary<string, string> { ["delete-type"] = "equality", ["delete-field-ids"] = string.Join(',', equalityIds.Select(id => id.ToString(CultureInfo.InvariantCulture))) };
        return await WriteAsync(table, file, fields, rows.Select(row => fields.Select(field => Nest(field, slots, row)).ToArray()), table.Metadata.Properties, names, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The value of a field, or the struct around some values; a struct of nothing but nulls is null where it may be.</summary>
    private static object? Nest(NestedField field, Dictionary<int, int> slots, object?[] row)
    {
        if (slots.TryGetValue(field.Id, out int slot))
        {
            return row[slot];
        }

        object?[] inner = [.. ((StructType)field.Type).Fields.Select(child => Nest(child, slots, row))];
        return field.Required || inner.Any(value => value is not null) ? inner : null;
    }

    private static async Task<DataFile> WriteAsync(
        LoadedTable table, DataFile file, IReadOnlyList<NestedField> fields, IEnumerable<object?[]> rows, IReadOnlyDictionary<string, string> properties, Dictionary<string, string> keyValues, CancellationToken cancellationToken)
    {
        var schema = new Schema { SchemaId = table.Metadata.CurrentSchemaId, Fields = fields };
        var columns = IcebergParquet.ToParquet(schema);
        keyValues["iceberg.schema"] = SchemaJson.Write(schema);
        await using var destination = table.Store.OpenWrite(file.FilePath);
        using var writer = new ParquetWriter(destination, columns, new ParquetWriterOptions { KeyValueMetadata = keyValues });
        var batch = new ColumnBatch(columns);
        var shredder = new RowShredder(fields, batch);
        foreach (object?[] row in rows)
        {
            shredder.Append(row);
            if (batch.RowCount == BatchRows)
            {
                cancellationToken.ThrowIfCancellationRequested();
                writer.Append(batch);
                batch.Clear();
            }
        }

        writer.Append(batch);
        var written = writer.Close();
        await destination.CompleteAsync(cancellationToken).ConfigureAwait(false);
        var described = file with { RecordCount = written.RowCount, FileSizeBytes = written.FileSizeBytes, SplitOffsets = written.SplitPositions };
        return new FileMetrics(schema, columns, properties).Describe(described, written);
    }
}
