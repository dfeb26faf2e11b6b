using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using OrleansLake.Ingest.Write;
using OrleansLake.Parquet;
using static OrleansLake.Iceberg.Tests.TestTables;

namespace OrleansLake.Iceberg.Tests;

/// <summary>Tables that we wrote, read by an engine that nobody here wrote.</summary>
public sealed class ForeignReadersTests : IDisposable
{
    private readonly string _warehouse = Directory.CreateTempSubdirectory("lake-readers-").FullName;

    public void Dispose() => Directory.Delete(_warehouse, recursive: true);

    [Theory]
    [InlineData("")]
    [InlineData("file://")]
    public async Task Icebird_reads_every_row_of_a_table_by_its_path(string scheme)
    {
        string script = Script();
        var catalog = new LocalCatalog(scheme + _warehouse, TimeProvider.System, Ids(1));
        var properties = new Dictionary<string, string> { ["commit.manifest.min-count-to-merge"] = "3" };
        var table = await catalog.CreateTableAsync(Events, Creation(properties: properties), default);
        for (int commit = 0; commit < 4; commit++)
        {
            table = await AppendAsync(catalog, table, commit, await WriteAsync(table, firstId: commit * 100, rows: 100, day: commit % 2 == 0 ? 19000 + commit : null));
        }

        table = await RenamedAsync(catalog, table);
        var rows = JsonNode.Parse(await RunAsync("node", script, LocalObjectStore.PathOf(table.Metadata.Location)))!.AsArray();

        Assert.Equal(400, rows.Count);
        Assert.Equal(Enumerable.Range(0, 400), rows.Select(row => int.Parse(row!["id"]!.GetValue<string>(), System.Globalization.CultureInfo.InvariantCulture)).Order());
        Assert.All(rows, row => Assert.Equal($"name ü {row!["id"]}", row["title"]!.GetValue<string>()));
        Assert.Equal(200, rows.Count(row => row!["ts"] is null));
    }

    private static async Task<LoadedTable> RenamedAsync(ICatalog catalog, LoadedTable table)
    {
        var update = Ddl.ParseAlterTable("ALTER TABLE events RENAME COLUMN name TO title").On(table.Metadata);
        return Assert.IsType<CommitResult.Committed>(await catalog.CommitTableAsync(new TableCommit(table, update.Requirements, update.Updates), default)).Table;
    }

    private static async Task<DataFile> WriteAsync(LoadedTable table, int firstId, int rows, int? day)
    {
        var key = new PartitionKey([day]);
        string location = $"{table.Metadata.Location}/data/{PartitionPath.Of(table.Metadata.DefaultSpec, table.Metadata.CurrentSchema, key)}/{firstId}.parquet";
        var schema = IcebergParquet.ToParquet(table.Metadata.CurrentSchema);
        var batch = new ColumnBatch(schema);
        foreach (var column in batch.Columns)
        {
            column.Reserve(rows);
        }

        for (int row = 0; row < rows; row++)
        {
            var (id, ts, name) = (batch.Columns[0], batch.Columns[1], batch.Columns[2]);
            id.Longs[id.ValueCount++] = firstId + row;
            id.SlotCount++;
            ts.DefinitionLevels[ts.SlotCount++] = day is null ? (byte)0 : (byte)1;
            if (day is int days)
            {
                ts.Longs[ts.ValueCount++] = (days * 86_400_000_000L) + row;
            }

            byte[] text = Encoding.UTF8.GetBytes($"name ü {firstId + row}");
            name.ReserveBytes(text.Length);
            text.CopyTo(name.Bytes, name.Offsets[name.ValueCount]);
            name.Offsets[name.ValueCount + 1] = name.Offsets[name.ValueCount] + text.Length;
            name.ValueCount++;
            name.DefinitionLevels[name.SlotCount++] = 1;
            batch.RowCount++;
        }

        await using var destination = table.Store.OpenWrite(location);
        using var writer = new ParquetWriter(destination, schema, new ParquetWriterOptions { KeyValueMetadata = new Dictionary<string, string> { ["iceberg.schema"] = SchemaJson.Write(table.Metadata.CurrentSchema) } });
        writer.Append(batch);
        var file = writer.Close();
        await destination.CompleteAsync(default);
        return new DataFile
        {
            FilePath = location,
            SpecId = 0,
            Partition = key,
            RecordCount = file.RowCount,
            FileSizeBytes = file.FileSizeBytes,
            SplitOffsets = file.SplitPositions,
        };
    }

    private static string Script()
    {
        for (string? at = AppContext.BaseDirectory; at is not null; at = Path.GetDirectoryName(at))
        {
            string readers = Path.Combine(at, "tests", "readers");
            if (System.IO.File.Exists(Path.Combine(readers, "icebird.mjs")))
            {
                Assert.SkipUnless(Directory.Exists(Path.Combine(readers, "node_modules", "icebird")), "icebird is not installed: tests/readers/restore.sh");
                return Path.Combine(readers, "icebird.mjs");
            }
        }

        throw new InvalidOperationException("expected tests/readers/icebird.mjs above the test");
    }

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        string errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, errors);
        return await output;
    }
}
