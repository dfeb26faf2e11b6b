using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using OrleansLake.Iceberg.Deletes;
using OrleansLake.Ingest.Read;
using OrleansLake.Ingest.Write;
using OrleansLake.Parquet;
using OrleansLake.Testing.Processes;
using static OrleansLake.Iceberg.Tests.TestTables;

namespace OrleansLake.Iceberg.Tests;

/// <summary>A table that goes through every change, with files on disk: our scan and an engine of others see the rows that a model has.</summary>
public sealed class ForeignChangesTests : IDisposable
{
    private const long DayMicros = 86_400_000_000;

    private readonly string _warehouse = Directory.CreateTempSubdirectory("lake-changes-").FullName;
    private readonly SortedDictionary<long, int?> _model = [];
    private LocalCatalog _catalog = null!;
    private LoadedTable _table = null!;

    public void Dispose() => Directory.Delete(_warehouse, recursive: true);

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Every_change_leaves_the_rows_that_it_should(int version)
    {
        _catalog = new LocalCatalog(_warehouse, TimeProvider.System, Ids(1));
        _table = await _catalog.CreateTableAsync(Events, Creation(version, new Dictionary<string, string> { ["commit.manifest.min-count-to-merge"] = "3" }), default);
        var a = await WriteAsync("a", 0, 100, 19000);
        var b = await WriteAsync("b", 100, 100, 19001);
        var c = await WriteAsync("c", 200, 100, null);
        await AppendAsync(a);
        await AppendAsync(b, c);
        await CheckAsync();

        var positions = new PositionSet();
        for (int i = 0; i < 10; i++)
        {
            positions.Add(i);
        }

        var delta = new RowDelta("main", _table.Metadata.FindRef("main"), Ids(20), TimeProvider.System);
        var deletesOfA = await DeletesAsync(version, "p", a, positions);
        delta.AddDeletes(deletesOfA);
        await CommitAsync(delta);
        Remove(0, 10);
        await CheckAsync();

        delta = new RowDelta("main", _table.Metadata.FindRef("main"), Ids(21), TimeProvider.System) { Isolation = null };
        delta.AddDeletes(await DeleteFileWriter.WriteKeysAsync(_table, $"{_table.Metadata.Location}/data/e.parquet", 0, b.Partition, [1], [[100L], [101L]], default));
        await CommitAsync(delta);
        Remove(100, 2);
        await CheckAsync();

        await ChangeAsync(metadata => new UpdateSchema(metadata).RenameColumn("name", "title").AddColumn(null, "level", new IntegerType(), defaultValue: version == 3 ? 7 : null));
        foreach (long id in _model.Keys.ToList())
        {
            _model[id] = version == 3 ? 7 : null;
        }

        await ChangeAsync(metadata => new UpdateSpec(metadata).RemoveField("ts_day"));
        await ChangeAsync(metadata => new ManageSnapshots(metadata).CreateTag("before"));
        await AppendAsync(await WriteAsync("d", 300, 50, 19002));
        await CheckAsync();

        var rewrite = new RewriteFiles("main", _table.Metadata.FindRef("main")!, Ids(22), TimeProvider.System);
        rewrite.Remove(a);
        rewrite.RemoveDeletes(deletesOfA);
        rewrite.Add(await WriteAsync("a2", 10, 90, 19000, level: version == 3 ? 7 : null));
        await CommitAsync(rewrite);
        await CheckAsync();

        await CommitAsync(new DeleteFiles("main", Ids(23), TimeProvider.System) { RowFilter = Expression.Parse("ts >= TIMESTAMP '2022-01-09 00:00:00 UTC' AND ts < TIMESTAMP '2022-01-10 00:00:00 UTC'") });
        Remove(100, 100);
        await CheckAsync();

        var overwrite = new OverwriteFiles("main", _table.Metadata.FindRef("main"), Ids(24), TimeProvider.System) { RowFilter = Expression.Parse("ts IS NULL"), AddedFilesMustMatch = true };
        Remove(200, 100);
        overwrite.Add(await WriteAsync("c2", 500, 20, null));
        await CommitAsync(overwrite);
        await CommitAsync(new RewriteManifests("main", Ids(25), TimeProvider.System));
        await CheckAsync();

        Assert.Equal(288, await CountAsync(new ScanOptions { At = "before" }));
        var expiry = await new ExpireSnapshots(TimeProvider.System) { OlderThan = DateTimeOffset.UtcNow.AddDays(1) }.StageAsync(_table, default);
        _table = Assert.IsType<CommitResult.Committed>(await _catalog.CommitTableAsync(new TableCommit(_table, expiry.Requirements, expiry.Updates), default)).Table;
        await expiry.Files.DeleteAsync(default);
        await CheckAsync();
        Assert.Equal(288, await CountAsync(new ScanOptions { At = "before" }));

        Assert.SkipWhen(ForeignReaders.Absent is not null, ForeignReaders.Absent ?? "");
        var rows = await ForeignReaders.IcebirdAsync(LocalObjectStore.PathOf(_table.Metadata.Location));
        Assert.Equal(_model.Keys, rows.Select(row => long.Parse(row!["id"]!.GetValue<string>(), CultureInfo.InvariantCulture)).Order());
        Assert.All(rows, row => Assert.Equal($"name {row!["id"]}", row["title"]!.GetValue<string>()));
    }

    private void Remove(long first, int count)
    {
        for (long id = first; id < first + count; id++)
        {
            _model.Remove(id);
        }
    }

    private Task AppendAsync(params DataFile[] files)
    {
        var append = new AppendFiles("main", Ids(100 + files.Length + (int)_table.Metadata.LastSequenceNumber), TimeProvider.System);
        foreach (var file in files)
        {
            append.Add(file);
        }

        return CommitAsync(append);
    }

    private async Task CommitAsync(SnapshotChange change) => _table = await TestTables.CommitAsync(_catalog, _table, change);

    private async Task ChangeAsync(Func<TableMetadata, IMetadataChange> change) =>
        _table = Assert.IsType<CommitResult.Committed>(await new TableChanges(_catalog, Ids(9), TimeProvider.System).CommitAsync(Events, change, default)).Table;

    private async Task CheckAsync()
    {
        var rows = new SortedDictionary<long, int?>();
        await foreach (var utf8 in new TableScan(_table).ReadJsonAsync())
        {
            var row = JsonNode.Parse(utf8.Span)!;
            long id = row["id"]!.GetValue<long>();
            Assert.Equal($"name {id}", (row["title"] ?? row["name"])!.GetValue<string>());
            rows.Add(id, row["level"]?.GetValue<int>());
        }

        Assert.Equal(_model, rows);
        var summary = _table.Metadata.FindRef("main")!.Summary;
        var live = await LiveAsync(_table);
        Assert.Equal(live.Count(entry => entry.DataFile.Content == DataFileContent.Data).ToString(CultureInfo.InvariantCulture), summary["total-data-files"]);
        Assert.Equal(live.Count(entry => entry.DataFile.Content != DataFileContent.Data).ToString(CultureInfo.InvariantCulture), summary["total-delete-files"]);
        Assert.Equal(live.Where(entry => entry.DataFile.Content == DataFileContent.Data).Sum(entry => entry.DataFile.RecordCount).ToString(CultureInfo.InvariantCulture), summary["total-records"]);
        Assert.Equal(live.Where(entry => entry.DataFile.Content == DataFileContent.PositionDeletes).Sum(entry => entry.DataFile.RecordCount).ToString(CultureInfo.InvariantCulture), summary["total-position-deletes"]);
    }

    private async Task<int> CountAsync(ScanOptions options)
    {
        int count = 0;
        await foreach (var batch in new TableScan(_table, options).ReadAsync())
        {
            count += batch.RowCount;
        }

        return count;
    }

    private async Task<DataFile> DeletesAsync(int version, string name, DataFile data, PositionSet positions) => version >= 3
        ? (await DeletionVector.WriteAsync(_table.Store, $"{_table.Metadata.Location}/data/{name}.puffin", [(data, positions)], default))[0]
        : await DeleteFileWriter.WritePositionsAsync(_table, $"{_table.Metadata.Location}/data/{name}.parquet", 0, data.Partition, new Dictionary<string, PositionSet> { [data.FilePath] = positions }, default);

    private async Task<DataFile> WriteAsync(string name, long firstId, int rows, int? day, int? level = null)
    {
        string location = $"{_table.Metadata.Location}/data/{name}.parquet";
        var schema = IcebergParquet.ToParquet(_table.Metadata.CurrentSchema);
        var batch = new ColumnBatch(schema);
        foreach (var column in batch.Columns)
        {
            column.Reserve(rows);
        }

        for (int row = 0; row < rows; row++)
        {
            _model[firstId + row] = level;
            var (id, ts, text) = (batch.Columns[0], batch.Columns[1], batch.Columns[2]);
            id.Longs[id.ValueCount++] = firstId + row;
            id.SlotCount++;
            ts.DefinitionLevels[ts.SlotCount++] = day is null ? (byte)0 : (byte)1;
            if (day is int days)
            {
                ts.Longs[ts.ValueCount++] = (days * DayMicros) + row;
            }

            byte[] utf8 = Encoding.UTF8.GetBytes($"name {firstId + row}");
            text.ReserveBytes(utf8.Length);
            utf8.CopyTo(text.Bytes, text.Offsets[text.ValueCount]);
            text.Offsets[text.ValueCount + 1] = text.Offsets[text.ValueCount] + utf8.Length;
            text.ValueCount++;
            text.DefinitionLevels[text.SlotCount++] = 1;
            if (schema.Columns.Count > 3)
            {
                var number = batch.Columns[3];
                number.DefinitionLevels[number.SlotCount++] = level is null ? (byte)0 : (byte)1;
                if (level is int value)
                {
                    number.Ints[number.ValueCount++] = value;
                }
            }

            batch.RowCount++;
        }

        await using var destination = _table.Store.OpenWrite(location);
        using var writer = new ParquetWriter(destination, schema, new ParquetWriterOptions());
        writer.Append(batch);
        var file = writer.Close();
        await destination.CompleteAsync(default);
        return new DataFile
        {
            FilePath = location,
            SpecId = _table.Metadata.DefaultSpecId,
            Partition = _table.Metadata.DefaultSpec.Fields.Count == 0 ? PartitionKey.None : new PartitionKey([day]),
            RecordCount = file.RowCount,
            FileSizeBytes = file.FileSizeBytes,
            ValueCounts = new Dictionary<int, long> { [2] = rows },
            NullValueCounts = new Dictionary<int, long> { [2] = day is null ? rows : 0 },
            LowerBounds = day is int first ? new Dictionary<int, byte[]> { [2] = SingleValue.ToBytes(first * DayMicros) } : null,
            UpperBounds = day is int last ? new Dictionary<int, byte[]> { [2] = SingleValue.ToBytes((last * DayMicros) + rows) } : null,
            SplitOffsets = file.SplitPositions,
        };
    }
}
