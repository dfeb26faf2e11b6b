using System.Text.Json;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Write;
using OrleansLake.Parquet;

namespace OrleansLake.Cli.Tests;

/// <summary>Tables of a local catalog: made, altered, rolled back, under its lock.</summary>
public sealed class OwnTableTests : CommandLine
{
    private const string Create = "CREATE TABLE db.events (id BIGINT NOT NULL, name VARCHAR, at TIMESTAMP(6) WITH TIME ZONE, place ROW(city VARCHAR, zip INTEGER)) WITH (partitioning = ARRAY['day(at)'])";

    private string TableDirectory => Path.Combine(Warehouse, "db", "events");

    [Fact]
    public async Task A_table_without_a_snapshot_is_shown_by_every_verb()
    {
        Assert.StartsWith("created db.events", await TextAsync("create", "db.events", "--ddl", Create), StringComparison.Ordinal);
        foreach (string verb in (string[])["show", "describe", "schema", "snapshots", "files", "partitions", "refs", "rows"])
        {
            Assert.NotEmpty(await TextAsync(verb, "db.events"));
            await JsonAsync(verb, TableDirectory);
        }

        Assert.Equal(0, (await JsonAsync("rows", "db.events", "--where", "id > 3")).GetArrayLength());
        Assert.Contains("without any", await FailureAsync(1, "diff", "db.events", "main"), StringComparison.Ordinal);
        Assert.Contains("expected a snapshot id", await FailureAsync(1, "rollback", "db.events", "--to", "1"), StringComparison.Ordinal);
        Assert.Contains("exists already", await FailureAsync(1, "create", "db.events", "--ddl", Create), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Columns_are_aligned_by_depth_and_programs_get_the_specification_s_schema()
    {
        await TextAsync("create", "db.events", "--ddl", Create);
        string[] lines = (await TextAsync("schema", "db.events")).TrimEnd().Split('\n');
        Assert.Equal("id  column  type         default  comment".Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries), lines[0].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains(lines, line => line.Contains("  city ", StringComparison.Ordinal));
        int type = lines[0].IndexOf("type", StringComparison.Ordinal);
        Assert.All(lines.Skip(1), line => Assert.Equal((' ', true), (line[type - 1], char.IsLetter(line[type]))));
        Assert.Equal(["id", "name", "at", "place"], (await JsonAsync("schema", "db.events")).GetProperty("fields").EnumerateArray().Select(field => field.GetProperty("name").GetString()!));
    }

    [Fact]
    public async Task Several_alterations_are_one_change()
    {
        await TextAsync("create", TableDirectory, "--ddl", Create);
        var altered = await JsonAsync(
            "alter", TableDirectory, "--ddl", "ALTER TABLE events ADD COLUMN price DOUBLE AFTER id", "--ddl", "ALTER TABLE db.events RENAME COLUMN name TO title", "--ddl", "ALTER TABLE events DROP COLUMN place");
        Assert.True(altered.GetProperty("changed").GetBoolean());
        Assert.EndsWith("v2.metadata.json", altered.GetProperty("metadata-location").GetString()!, StringComparison.Ordinal);
        Assert.Equal(["id", "price", "title", "at"], altered.GetProperty("schema").GetProperty("fields").EnumerateArray().Select(field => field.GetProperty("name").GetString()!));
        Assert.Contains("~ title moved: after at", await TextAsync("alter", "db.events", "--ddl", "ALTER TABLE events ALTER COLUMN title AFTER at"), StringComparison.Ordinal);
        Assert.Contains("~ a: none -> 1", await TextAsync("alter", "db.events", "--ddl", "ALTER TABLE events SET TBLPROPERTIES ('a' = '1')"), StringComparison.Ordinal);
        Assert.Contains("partitioned by day(at) as at_day, bucket[4](id) as b from now on", await TextAsync("alter", "db.events", "--ddl", "ALTER TABLE events ADD PARTITION FIELD bucket(4, id) AS b"), StringComparison.Ordinal);
        var ordered = await JsonAsync("alter", "db.events", "--ddl", "ALTER TABLE events WRITE ORDERED BY id DESC");
        Assert.Equal(("identity(id) desc nulls last", "1"), (ordered.GetProperty("sorted-by").GetString(), ordered.GetProperty("properties").GetProperty("a").GetString()));
        Assert.Contains("is so already", await TextAsync("alter", "db.events", "--ddl", "ALTER TABLE events ADD COLUMN IF NOT EXISTS price DOUBLE"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rollback_moves_main_and_a_diff_tells_what_it_undid()
    {
        await TextAsync("create", "db.events", "--ddl", Create);
        long[] ids = [await AppendAsync("a", 10), await AppendAsync("b", 20)];
        await TextAsync("alter", "db.events", "--ddl", "ALTER TABLE events ADD COLUMN price DOUBLE");
        var difference = await JsonAsync("diff", "db.events", $"{ids[0]}");
        Assert.Equal((20, 0), (difference.GetProperty("data-files").GetProperty("added-records").GetInt64(), difference.GetProperty("data-files").GetProperty("removed-records").GetInt64()));
        Assert.Equal("added price", string.Join(' ', difference.GetProperty("schema").EnumerateArray().Select(one => $"{one.GetProperty("change")} {one.GetProperty("path")}")));
        var records = difference.GetProperty("totals").EnumerateArray().Single(total => total.GetProperty("name").GetString() == "total-records");
        Assert.Equal((10, 30, 20), (records.GetProperty("from").GetInt64(), records.GetProperty("to").GetInt64(), records.GetProperty("change").GetInt64()));
        Assert.Equal("""{"at_day":"2022-01-08"}""", difference.GetProperty("data-files").GetProperty("added")[0].GetProperty("partition").GetRawText().Replace("\n", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal));
        Assert.Contains("+ price double", await TextAsync("diff", "db.events", $"{ids[0]}", "main"), StringComparison.Ordinal);

        var back = await JsonAsync("rollback", "db.events", "--to", $"{ids[0]}");
        Assert.Equal((ids[1], ids[0]), (back.GetProperty("from-snapshot-id").GetInt64(), back.GetProperty("to-snapshot-id").GetInt64()));
        Assert.Equal(10, (await JsonAsync("files", "db.events")).EnumerateArray().Sum(file => file.GetProperty("record_count").GetInt64()));
        Assert.Contains("already", await TextAsync("rollback", "db.events", "--to", $"{ids[0]}"), StringComparison.Ordinal);
        Assert.Contains("one of its ancestors", await FailureAsync(1, "rollback", "db.events", "--to", $"{ids[1]}"), StringComparison.Ordinal);
        Assert.Equal(20, (await JsonAsync("diff", "db.events", $"{ids[1]}", "main")).GetProperty("data-files").GetProperty("removed-records").GetInt64());
    }

    [Fact]
    public async Task A_table_that_was_copied_away_is_only_read()
    {
        await TextAsync("create", "db.events", "--ddl", Create);
        string copy = Elsewhere("copy/db/events");
        Directory.CreateDirectory(Path.Combine(copy, "metadata"));
        File.Copy(Path.Combine(TableDirectory, "metadata", "v1.metadata.json"), Path.Combine(copy, "metadata", "v1.metadata.json"));
        Assert.NotEmpty(await TextAsync("show", copy));
        Assert.Contains("only for reading", await FailureAsync(1, "alter", copy, "--ddl", "ALTER TABLE events DROP COLUMN name"), StringComparison.Ordinal);
        Directory.CreateDirectory(Elsewhere("copy/.locks"));
        await File.WriteAllTextAsync(Elsewhere("copy/.locks/db.events.lock"), "", TestContext.Current.CancellationToken);
        Assert.Contains("its metadata place it at", await FailureAsync(1, "alter", copy, "--ddl", "ALTER TABLE events DROP COLUMN name"), StringComparison.Ordinal);
        Assert.Contains("name its directory", await FailureAsync(1, "alter", Path.Combine(TableDirectory, "metadata", "v1.metadata.json"), "--ddl", "ALTER TABLE events DROP COLUMN name"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_wrong_is_said_in_one_line()
    {
        await TextAsync("create", "db.events", "--ddl", Create);
        Assert.Contains("--where", await FailureAsync(2, "rows", "db.events", "--where", "id >"), StringComparison.Ordinal);
        Assert.Contains("--columns", await FailureAsync(2, "rows", "db.events", "--columns", "id,,name"), StringComparison.Ordinal);
        Assert.Contains("--limit", await FailureAsync(2, "rows", "db.events", "--limit", "-1"), StringComparison.Ordinal);
        Assert.Contains("--ddl", await FailureAsync(2, "alter", "db.events", "--ddl", "ALTER TABEL t"), StringComparison.Ordinal);
        Assert.Contains("--ddl", await FailureAsync(2, "create", "db.other", "--ddl", "@no-such-file"), StringComparison.Ordinal);
        await File.WriteAllTextAsync(Elsewhere("t.sql"), "CREATE TABLE other (id INT)", TestContext.Current.CancellationToken);
        Assert.Contains("created db.other", await TextAsync("create", "db.other", "--ddl", "@" + Elsewhere("t.sql")), StringComparison.Ordinal);
        Assert.Contains("colour", await FailureAsync(1, "rows", "db.events", "--where", "colour = 1"), StringComparison.Ordinal);
        Assert.Contains("colour", await FailureAsync(1, "rows", "db.events", "--columns", "colour"), StringComparison.Ordinal);
        Assert.Contains("--at yesterday", await FailureAsync(1, "rows", "db.events", "--at", "yesterday"), StringComparison.Ordinal);
        Assert.Contains("--at ", await FailureAsync(1, "files", "db.events", "--at", ""), StringComparison.Ordinal);
        Assert.Contains("no table db.nothing", await FailureAsync(1, "show", "db.nothing"), StringComparison.Ordinal);
        Assert.Contains("no metadata", await FailureAsync(1, "show", Warehouse), StringComparison.Ordinal);
        Assert.Contains("a statement about db.events", await FailureAsync(1, "alter", "db.events", "--ddl", "ALTER TABLE db.others DROP COLUMN name"), StringComparison.Ordinal);
        Assert.Contains("nothing", await FailureAsync(1, "alter", "db.events", "--ddl", "ALTER TABLE events DROP COLUMN nothing"), StringComparison.Ordinal);
        Assert.Contains("expected a name like db.events", await FailureAsync(1, "create", "/events", "--ddl", "CREATE TABLE events (id INT)"), StringComparison.Ordinal);
    }

    /// <summary>https://iceberg.apache.org/spec/#semi-structured-types: what programs get is the JSON that the variant holds, not its bytes.</summary>
    [Fact]
    public async Task Variants_and_shapes_are_shown_as_what_they_hold()
    {
        await TextAsync("create", "db.events", "--ddl", "CREATE TABLE events (v VARIANT, g GEOMETRY, u UNKNOWN) USING iceberg TBLPROPERTIES ('format-version' = '3')");
        var ids = new IdSource(TimeProvider.System, new Random());
        var catalog = new LocalCatalog(Warehouse, TimeProvider.System, ids);
        var table = (await catalog.LoadTableAsync(TableIdentifier.Parse("db.events"), default))!;
        var columns = IcebergParquet.ToParquet(table.Metadata.CurrentSchema);
        var batch = new ColumnBatch(columns);
        // An object of one field and nothing; a point and nothing.
        byte[][] values = [[0x01, 1, 0, 1, (byte)'a'], [0x02, 1, 0, 0, 2, 3 << 2, 7], Convert.FromHexString("0101000000000000000000F03F0000000000000040")];
        for (int i = 0; i < values.Length; i++)
        {
            var column = batch.Columns[i];
            column.Reserve(2);
            column.ReserveBytes(values[i].Length);
            values[i].CopyTo(column.Bytes, 0);
            column.Offsets[1] = values[i].Length;
            (column.ValueCount, column.SlotCount) = (1, 2);
            column.DefinitionLevels[0] = 1;
        }

        batch.RowCount = 2;
        string location = $"{table.Metadata.Location}/data/a.parquet";
        await using var destination = table.Store.OpenWrite(location);
        using var writer = new ParquetWriter(destination, columns, new ParquetWriterOptions());
        writer.Append(batch);
        var written = writer.Close();
        await destination.CompleteAsync(TestContext.Current.CancellationToken);
        var append = new AppendFiles(SnapshotRef.Main, ids, TimeProvider.System);
        append.Add(new DataFile { FilePath = location, SpecId = 0, Partition = PartitionKey.None, RecordCount = 2, FileSizeBytes = written.FileSizeBytes });
        Assert.IsType<CommitResult.Committed>(await new TableChanges(catalog, ids, TimeProvider.System).CommitAsync(table.Identifier, append, null, default));

        Assert.Equal("""[{"v":{"a":7},"g":"POINT (1 2)","u":null},{"v":null,"g":null,"u":null}]""", JsonSerializer.Serialize(await JsonAsync("rows", "db.events")));
        string[] lines = (await TextAsync("rows", "db.events")).TrimEnd().Split('\n');
        Assert.Equal(["v", "g", "u"], lines[0].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("""{"a":7}  POINT (1 2)""", lines[1], StringComparison.Ordinal);
        Assert.Equal(1, (await JsonAsync("rows", "db.events", "--where", "v IS NOT NULL", "--columns", "g")).GetArrayLength());
        Assert.Contains("variant", await FailureAsync(1, "rows", "db.events", "--where", "v = 3"), StringComparison.Ordinal);
    }

    /// <summary>Adds the descriptor of a file; nothing here reads the file itself.</summary>
    private async Task<long> AppendAsync(string name, long rows)
    {
        var ids = new IdSource(TimeProvider.System, new Random());
        var catalog = new LocalCatalog(Warehouse, TimeProvider.System, ids);
        var table = (await catalog.LoadTableAsync(TableIdentifier.Parse("db.events"), default))!;
        var file = new DataFile
        {
            Content = DataFileContent.Data, FilePath = $"{table.Metadata.Location}/data/{name}.parquet", FileFormat = "parquet", SpecId = 0,
            Partition = new PartitionKey([19_000]), RecordCount = rows, FileSizeBytes = 100,
        };
        var append = new AppendFiles(SnapshotRef.Main, ids, TimeProvider.System);
        append.Add(file);
        var result = await new TableChanges(catalog, ids, TimeProvider.System).CommitAsync(table.Identifier, append, null, default);
        return Assert.IsType<CommitResult.Committed>(result).Table.Metadata.CurrentSnapshotId!.Value;
    }
}
