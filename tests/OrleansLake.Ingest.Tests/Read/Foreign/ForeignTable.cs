using OrleansLake.Iceberg;
using OrleansLake.Iceberg.Deletes;
using OrleansLake.Ingest.Read;
using OrleansLake.Ingest.Write;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Tests.Read.Foreign;

/// <summary>A condition in our SQL and in ClickHouse's.</summary>
public sealed record ForeignCondition(string Ours, string ClickHouse);

/// <summary>A table of a local warehouse, made as a test likes. Its first column is <c>id</c>, by which rows are named.</summary>
internal sealed class ForeignTable
{
    private readonly LocalCatalog _catalog;
    private readonly IdSource _ids;
    private readonly List<(DataFile File, List<long> Ids)> _files = [];

    private ForeignTable(LocalCatalog catalog, IdSource ids, LoadedTable table) => (_catalog, _ids, Table) = (catalog, ids, table);

    public LoadedTable Table { get; private set; }

    public string Name => Table.Identifier.Name;

    /// <summary>What engines are asked beside all rows.</summary>
    public List<ForeignCondition> Conditions { get; } = [];

    /// <summary>Snapshots that engines are asked for beside the newest.</summary>
    public List<long> Earlier { get; } = [];

    public static async Task<ForeignTable> CreateAsync(
        string warehouse, string name, int version, IReadOnlyList<NestedField> fields, IReadOnlyList<PartitionField>? partitions = null, IReadOnlyDictionary<string, string>? properties = null)
    {
        var ids = new IdSource(TimeProvider.System, new Random(3));
        var catalog = new LocalCatalog(warehouse, TimeProvider.System, ids);
        return new ForeignTable(catalog, ids, await catalog.CreateTableAsync(new TableIdentifier(["db"], name), new TableCreation
        {
            FormatVersion = version,
            Schema = new Schema { SchemaId = 0, Fields = fields },
            PartitionSpec = new PartitionSpec { SpecId = 0, Fields = partitions ?? [] },
            Properties = properties ?? new Dictionary<string, string>(),
        }, default));
    }

    /// <summary>One commit, with a file for each partition that the rows are of.</summary>
    public async Task AppendAsync(params IReadOnlyList<object?[]> rows)
    {
        var (schema, spec) = (Table.Metadata.CurrentSchema, Table.Metadata.DefaultSpec);
        var append = new AppendFiles(SnapshotRef.Main, _ids, TimeProvider.System);
        foreach (var group in rows.GroupBy(row => KeyOf(schema, spec, row)).ToList())
        {
            var file = await WriteAsync(schema, spec, group.Key, [.. group]);
            append.Add(file);
            _files.Add((file, [.. group.Select(row => (long)row[0]!)]));
        }

        await CommitAsync(append);
    }

    /// <summary>Statements of ALTER TABLE, one swap each.</summary>
    public async Task AlterAsync(params IReadOnlyList<string> statements)
    {
        foreach (string statement in statements)
        {
            await ChangeAsync(metadata => Ddl.ParseAlterTable($"ALTER TABLE {Name} {statement}").On(metadata));
        }
    }

    public async Task ChangeAsync(Func<TableMetadata, IMetadataChange> change) =>
        Table = Assert.IsType<CommitResult.Committed>(await new TableChanges(_catalog, _ids, TimeProvider.System).CommitAsync(Table.Identifier, change, default)).Table;

    /// <summary>Position deletes: one delete file for all files of a partition.</summary>
    public async Task DeletePositionsAsync(params long[] ids)
    {
        var delta = NewDelta();
        foreach (var partition in _files.GroupBy(one => (one.File.SpecId, one.File.Partition)))
        {
            var positions = new Dictionary<string, PositionSet>();
            foreach (var (file, rows) in partition.Where(one => one.Ids.Exists(ids.Contains)))
            {
                var set = positions[file.FilePath] = new PositionSet();
                foreach (int at in Enumerable.Range(0, rows.Count).Where(at => ids.Contains(rows[at])))
                {
                    set.Add(at);
                }
            }

            if (positions.Count > 0)
            {
                delta.AddDeletes(await DeleteFileWriter.WritePositionsAsync(Table, NewLocation("pos.parquet"), partition.Key.SpecId, partition.Key.Partition, positions, default));
            }
        }

        await CommitAsync(delta);
    }

    /// <summary>Equality deletes: one file of the keys for each partition that has rows.</summary>
    public async Task DeleteKeysAsync(IReadOnlyList<int> fieldIds, params IReadOnlyList<object?[]> keys)
    {
        var delta = NewDelta();
        foreach (var (specId, partition) in _files.Select(one => (one.File.SpecId, one.File.Partition)).Distinct().ToList())
        {
            delta.AddDeletes(await DeleteFileWriter.WriteKeysAsync(Table, NewLocation("eq.parquet"), specId, partition, fieldIds, keys, default));
        }

        await CommitAsync(delta);
    }

    /// <summary>Puts one file of each partition in place of all of it.</summary>
    public async Task RewriteAsync(params IReadOnlyList<object?[]> rows)
    {
        var rewrite = new RewriteFiles(SnapshotRef.Main, Table.Metadata.FindRef(SnapshotRef.Main)!, _ids, TimeProvider.System);
        _files.ForEach(one => rewrite.Remove(one.File));
        _files.Clear();
        var (schema, spec) = (Table.Metadata.CurrentSchema, Table.Metadata.DefaultSpec);
        foreach (var group in rows.GroupBy(row => KeyOf(schema, spec, row)).ToList())
        {
            var file = await WriteAsync(schema, spec, group.Key, [.. group]);
            rewrite.Add(file);
            _files.Add((file, [.. group.Select(row => (long)row[0]!)]));
        }

        await CommitAsync(rewrite);
    }

    public Task RewriteManifestsAsync() => CommitAsync(new RewriteManifests(SnapshotRef.Main, _ids, TimeProvider.System));

    public void Ask(string ours, string? clickHouse = null) => Conditions.Add(new ForeignCondition(ours, clickHouse ?? ours));

    public Task<List<string>> RowsAsync(ScanOptions? options = null) => ScanTable.RowsAsync(Table, options ?? new ScanOptions());

    private RowDelta NewDelta() => new(SnapshotRef.Main, Table.Metadata.FindRef(SnapshotRef.Main), _ids, TimeProvider.System);

    private async Task CommitAsync(SnapshotChange change) =>
        Table = Assert.IsType<CommitResult.Committed>(await new TableChanges(_catalog, _ids, TimeProvider.System).CommitAsync(Table.Identifier, change, null, default)).Table;

    private string NewLocation(string name) => $"{Table.Metadata.Location}/data/{_ids.NewUuid()}-{name}";

    private static PartitionKey KeyOf(Schema schema, PartitionSpec spec, object?[] row) => new([.. spec.Fields.Select(field =>
        field.Transform.Apply(schema.FindField(field.SourceId)!.Type, row[schema.Fields.ToList().FindIndex(one => one.Id == field.SourceId)]))]);

    private async Task<DataFile> WriteAsync(Schema schema, PartitionSpec spec, PartitionKey partition, List<object?[]> rows)
    {
        var columns = IcebergParquet.ToParquet(schema);
        var batch = new ColumnBatch(columns);
        var shredder = new RowShredder(schema.Fields, batch);
        rows.ForEach(shredder.Append);
        string location = NewLocation("rows.parquet");
        await using var destination = Table.Store.OpenWrite(location);
        var options = ParquetProperties.Read(Table.Metadata.Properties, schema, columns);
        using var writer = new ParquetWriter(destination, columns, options with { KeyValueMetadata = new Dictionary<string, string> { ["iceberg.schema"] = SchemaJson.Write(schema) } });
        writer.Append(batch);
        var file = writer.Close();
        await destination.CompleteAsync(default);
        return new FileMetrics(schema, columns, Table.Metadata.Properties).Describe(
            new DataFile { FilePath = location, SpecId = spec.SpecId, Partition = partition, RecordCount = file.RowCount, FileSizeBytes = file.FileSizeBytes, SplitOffsets = file.SplitPositions, SortOrderId = 0 }, file);
    }
}
