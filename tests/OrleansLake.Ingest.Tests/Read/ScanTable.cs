using System.Text;
using System.Text.Json;
using OrleansLake.Iceberg;
using OrleansLake.Iceberg.Deletes;
using OrleansLake.Ingest.Read;
using OrleansLake.Ingest.Write;
using OrleansLake.Parquet;
using OrleansLake.Testing.Iceberg;

namespace OrleansLake.Ingest.Tests.Read;

/// <summary>A table in memory whose files, manifests and snapshots a test makes as it likes.</summary>
internal sealed class ScanTable
{
    private readonly InMemoryObjectStore _store = new();
    private int _files;

    public ScanTable(int formatVersion, Schema schema, PartitionSpec? spec = null, IReadOnlyDictionary<string, string>? properties = null) => Metadata = new TableMetadata
    {
        FormatVersion = formatVersion,
        TableUuid = Guid.NewGuid(),
        Location = "memory://table",
        LastUpdatedMs = 1000,
        LastColumnId = 1000,
        Schemas = [schema],
        CurrentSchemaId = schema.SchemaId,
        PartitionSpecs = [spec ?? new PartitionSpec { SpecId = 0, Fields = [] }],
        DefaultSpecId = 0,
        LastPartitionId = 1010,
        SortOrders = [],
        DefaultSortOrderId = 0,
        Properties = properties ?? new Dictionary<string, string>(),
        NextRowId = formatVersion >= 3 ? 0 : null,
    };

    public TableMetadata Metadata { get; set; }

    public LoadedTable Table => new(TableIdentifier.Parse("db.t"), Metadata, "memory://table/metadata/v1.metadata.json", _store);

    public IObjectStore Store => _store;

    /// <summary>Rows of a page: few, so that conditions let go of some of them.</summary>
    public int PageRows { get; init; } = 4;

    public Schema Schema => Metadata.CurrentSchema;

    public static NestedField Optional(int id, string name, IcebergType type) => new(id, name, false, type);

    public static NestedField Required(int id, string name, IcebergType type) => new(id, name, true, type);

    public void Evolve(params IReadOnlyList<NestedField> fields)
    {
        int id = Metadata.Schemas.Max(schema => schema.SchemaId) + 1;
        Metadata = Metadata with { Schemas = [.. Metadata.Schemas, new Schema { SchemaId = id, Fields = fields }], CurrentSchemaId = id };
    }

    public string NewLocation(string kind = "data") => $"memory://table/data/{++_files:D5}-{kind}";

    /// <summary>A data file; columns that are left out of it are dropped from its rows.</summary>
    public async Task<DataFile> WriteAsync(IEnumerable<object?[]> rows, PartitionKey? partition = null, int specId = 0, Schema? schema = null, Func<ParquetNode, ParquetNode>? change = null)
    {
        schema ??= Schema;
        var columns = IcebergParquet.ToParquet(schema);
        var batch = new ColumnBatch(columns);
        var shredder = new RowShredder(schema.Fields, batch);
        foreach (object?[] row in rows)
        {
            shredder.Append(row);
        }

        string location = NewLocation() + ".parquet";
        var written = columns;
        if (change is not null)
        {
            written = new ParquetSchema([.. columns.Fields.Select(change)]);
            var copy = new ColumnBatch(written);
            for (int i = 0; i < written.Columns.Count; i++)
            {
                copy.Columns[i].Reserve(batch.Columns[i].SlotCount);
                batch.Columns[i].DefinitionLevels.AsSpan(0, Math.Min(batch.Columns[i].SlotCount, batch.Columns[i].DefinitionLevels.Length)).CopyTo(copy.Columns[i].DefinitionLevels);
                batch.Columns[i].RepetitionLevels.AsSpan(0, Math.Min(batch.Columns[i].SlotCount, batch.Columns[i].RepetitionLevels.Length)).CopyTo(copy.Columns[i].RepetitionLevels);
                copy.Columns[i].SlotCount = batch.Columns[i].SlotCount;
                LeafConversion.Copy(batch.Columns[i], copy.Columns[i]);
            }

            copy.RowCount = batch.RowCount;
            batch = copy;
        }

        await using var destination = _store.OpenWrite(location);
        using var writer = new ParquetWriter(destination, written, new ParquetWriterOptions { RowGroupSizeBytes = 64 << 10, PageRows = PageRows });
        for (int row = 0; row < batch.RowCount; row += 1000)
        {
            writer.Append(batch, row, Math.Min(1000, batch.RowCount - row));
        }

        var file = writer.Close();
        await destination.CompleteAsync(default);
        var descriptor = new DataFile
        {
            FilePath = location, SpecId = specId, Partition = partition ?? PartitionKey.None, RecordCount = file.RowCount, FileSizeBytes = file.FileSizeBytes, SplitOffsets = file.SplitPositions,
        };
        return change is null ? new FileMetrics(schema, columns, Metadata.Properties).Describe(descriptor, file) : descriptor;
    }

    public Task<DataFile> WritePositionsAsync(int specId, PartitionKey partition, IReadOnlyDictionary<string, PositionSet> positions) =>
        DeleteFileWriter.WritePositionsAsync(Table, NewLocation("deletes") + ".parquet", specId, partition, positions, default);

    public Task<DataFile> WriteKeysAsync(int specId, PartitionKey partition, IReadOnlyList<int> ids, IEnumerable<object?[]> rows) =>
        DeleteFileWriter.WriteKeysAsync(Table, NewLocation("deletes") + ".parquet", specId, partition, ids, rows, default);

    public async Task<DataFile> WriteVectorAsync(DataFile file, PositionSet positions) =>
        (await DeletionVector.WriteAsync(_store, NewLocation("dv") + ".puffin", [(file, positions)], default))[0];

    /// <summary>A snapshot that adds files, and takes others out.</summary>
    public async Task<Snapshot> CommitAsync(IReadOnlyList<DataFile> added, IReadOnlyList<DataFile>? removed = null)
    {
        long sequence = Metadata.LastSequenceNumber + 1;
        var parent = Metadata.FindSnapshot(Metadata.CurrentSnapshotId);
        var manifests = new List<ManifestFile>();
        long nextRowId = Metadata.NextRowId ?? 0;
        foreach (var manifest in parent is null ? [] : await SnapshotFiles.ManifestsAsync(Table, parent, default))
        {
            if (removed is null)
            {
                manifests.Add(manifest);
                continue;
            }

            var kept = new ManifestWriter(Metadata, manifest.SpecId, manifest.Content, Guid.NewGuid());
            await foreach (var entry in ManifestReader.ReadAsync(_store, manifest, Metadata, default))
            {
                if (entry.Status != ManifestEntryStatus.Deleted)
                {
                    kept.Add(entry with { Status = removed.Any(one => one.FilePath == entry.DataFile.FilePath) ? ManifestEntryStatus.Deleted : ManifestEntryStatus.Existing });
                }
            }

            manifests.Add(await StoreAsync(kept, sequence));
        }

        foreach (var group in added.GroupBy(file => (file.SpecId, IsData: file.Content == DataFileContent.Data)))
        {
            var writer = new ManifestWriter(Metadata, group.Key.SpecId, group.Key.IsData ? ManifestContent.Data : ManifestContent.Deletes, Guid.NewGuid());
            foreach (var file in group)
            {
                writer.AddNew(file);
            }

            var stored = await StoreAsync(writer, sequence);
            if (Metadata.FormatVersion >= 3 && group.Key.IsData)
            {
                stored = stored with { FirstRowId = nextRowId };
                nextRowId += group.Sum(file => file.RecordCount);
            }

            manifests.Add(stored);
        }

        var snapshot = new Snapshot
        {
            SnapshotId = 100 + sequence, ParentSnapshotId = parent?.SnapshotId, SequenceNumber = sequence, TimestampMs = 1000 * sequence, SchemaId = Metadata.CurrentSchemaId,
            ManifestList = $"memory://table/metadata/snap-{sequence}.avro", Summary = new Dictionary<string, string> { ["operation"] = "overwrite" },
            FirstRowId = Metadata.NextRowId, AddedRows = Metadata.NextRowId is null ? null : nextRowId - Metadata.NextRowId,
        };
        await _store.TryCreateAsync(snapshot.ManifestList, ManifestList.Write(Metadata.FormatVersion, snapshot, manifests, new Dictionary<string, string>(), Guid.NewGuid()), default);
        Metadata = Metadata with
        {
            Snapshots = [.. Metadata.Snapshots, snapshot], CurrentSnapshotId = snapshot.SnapshotId, LastSequenceNumber = sequence, LastUpdatedMs = snapshot.TimestampMs,
            Refs = new Dictionary<string, SnapshotRef>(Metadata.Refs) { [SnapshotRef.Main] = new(snapshot.SnapshotId, false) },
            SnapshotLog = [.. Metadata.SnapshotLog, new SnapshotLogEntry(snapshot.TimestampMs, snapshot.SnapshotId)],
            NextRowId = Metadata.NextRowId is null ? null : nextRowId,
        };
        return snapshot;
    }

    public Task<List<string>> RowsAsync(string? where = null, params string[] columns) =>
        RowsAsync(new ScanOptions { Where = where is null ? null : Expression.Parse(where), Columns = columns.Length == 0 ? null : columns });

    public Task<List<string>> RowsAsync(ScanOptions options) => RowsAsync(Table, options);

    public static async Task<List<string>> RowsAsync(LoadedTable table, ScanOptions options)
    {
        var rows = new List<string>();
        await foreach (var row in new TableScan(table, options).ReadJsonAsync())
        {
            rows.Add(Encoding.UTF8.GetString(row.Span));
        }

        return rows;
    }

    /// <summary>Rows as the scan would show them.</summary>
    public static List<string> Json(Schema schema, IEnumerable<object?[]> rows)
    {
        var batch = new ColumnBatch(IcebergParquet.ToParquet(schema));
        var shredder = new RowShredder(schema.Fields, batch);
        foreach (object?[] row in rows)
        {
            shredder.Append(row);
        }

        var json = new RowJson(schema, batch.Schema);
        json.Attach(batch);
        var texts = new List<string>();
        for (int i = 0; i < batch.RowCount; i++)
        {
            using var stream = new MemoryStream();
            using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            {
                json.WriteRow(writer);
            }

            texts.Add(Encoding.UTF8.GetString(stream.ToArray()));
        }

        return texts;
    }

    private async Task<ManifestFile> StoreAsync(ManifestWriter writer, long sequence)
    {
        string location = $"memory://table/metadata/{Guid.NewGuid():N}.avro";
        var (content, manifest) = writer.Finish(location, 100 + sequence);
        await _store.TryCreateAsync(location, content, default);
        return manifest with { SequenceNumber = sequence, MinSequenceNumber = manifest.MinSequenceNumber < 0 ? sequence : manifest.MinSequenceNumber };
    }
}
