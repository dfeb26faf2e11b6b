using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using OrleansLake.Iceberg;
using OrleansLake.Iceberg.Deletes;
using OrleansLake.Ingest.Read;
using OrleansLake.Ingest.Write;
using OrleansLake.Parquet;
using OrleansLake.Testing.Processes;
using static OrleansLake.Ingest.Tests.Read.ScanTable;

namespace OrleansLake.Ingest.Tests.Read;

/// <summary>Tables written here with every type, partitions, later columns and deletes: ClickHouse and icebird see the rows that we see.</summary>
public sealed class ForeignReadersTests : IDisposable
{
    private readonly string _warehouse = Directory.CreateTempSubdirectory("lake-foreign-").FullName;
    private readonly IdSource _ids = new(TimeProvider.System, new Random(3));

    public void Dispose() => Directory.Delete(_warehouse, recursive: true);

    /// <summary>Neither engine reads deletion vectors, so the table of version 3 has no deletes; it has nanoseconds and a default, which ClickHouse does not read either.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task ClickHouse_and_icebird_read_the_rows_that_we_read(int version)
    {
        Assert.SkipWhen(ForeignReaders.Absent is not null, ForeignReaders.Absent ?? "");
        var (table, expected) = await MakeAsync(version);
        var icebird = await ForeignReaders.IcebirdAsync(LocalObjectStore.PathOf(table.Metadata.Location));
        Assert.Equal(expected.Select(Brief).Order(StringComparer.Ordinal), icebird.Select(row => row!.AsObject()).Select(Brief).Order(StringComparer.Ordinal));

        Assert.SkipWhen(ForeignReaders.ClickHouseAbsent is not null, ForeignReaders.ClickHouseAbsent ?? "");
        string path = Path.GetRelativePath(_warehouse, LocalObjectStore.PathOf(table.Metadata.Location));
        var found = await ForeignReaders.ClickHouseAsync(_warehouse, $"""
            SELECT toString(id) AS id, title, toString(n) AS n, toString(ratio) AS ratio, toString(price) AS price, toString(big) AS big, toString(day) AS day,
              toString(toUnixTimestamp64Micro(ts)) AS ts, toString(toUnixTimestamp64Micro(wall)) AS wall, toString(key) AS key, lower(hex(raw)) AS raw, flag, tags, place, attrs,
              toString(time) AS time, lower(hex(four)) AS four, toString(f) AS f{(version == 3 ? ", toString(toUnixTimestamp64Nano(nanos)) AS nanos" : "")}
            FROM icebergLocal('{path}')
            """);
        Assert.Equal(expected.Select(row => Text(Clicked(row))).Order(StringComparer.Ordinal), found.Select(row => Text(row!.AsObject())).Order(StringComparer.Ordinal));
    }

    private async Task<(LoadedTable Table, List<JsonObject> Rows)> MakeAsync(int version)
    {
        var catalog = new LocalCatalog(_warehouse, TimeProvider.System, _ids);
        var changes = new TableChanges(catalog, _ids, TimeProvider.System);
        var name = TableIdentifier.Parse("db.t");
        var table = await catalog.CreateTableAsync(name, new TableCreation
        {
            FormatVersion = version,
            Schema = new Schema
            {
                SchemaId = 0,
                Fields =
                [
                    Required(1, "id", new LongType()), Optional(2, "name", new StringType()), Optional(3, "n", new IntegerType()), Optional(4, "ratio", new DoubleType()),
                    Optional(5, "price", new DecimalType(9, 2)), Optional(6, "big", new DecimalType(30, 3)), Optional(7, "day", new DateType()), Optional(8, "ts", new TimestampType(true)),
                    Optional(9, "wall", new TimestampType(false)), Optional(10, "key", new UuidType()), Optional(11, "raw", new BinaryType()), Optional(12, "flag", new BooleanType()),
                    Optional(13, "tags", new ListType(20, new StringType(), false)), Optional(14, "place", new StructType([Optional(21, "zip", new IntegerType())])),
                    Optional(15, "attrs", new MapType(22, new StringType(), 23, new IntegerType(), false)), Optional(16, "time", new TimeType()), Optional(17, "four", new FixedType(4)), Optional(18, "f", new FloatType()),
                    .. version == 3 ? new[] { Optional(19, "nanos", new TimestampNanoType(true)) } : [],
                ],
            },
            PartitionSpec = new PartitionSpec { SpecId = 0, Fields = [new PartitionField(1000, "day", [7], new Transform.Identity()), new PartitionField(1001, "id_bucket", [1], new Transform.Bucket(2))] },
        }, default);

        object?[] Row(long id) => [.. RowOfTwo(id), .. version == 3 ? new object?[] { id % 5 == 4 ? null : 1_700_000_000_123_456_789 + id } : []];
        object?[] RowOfTwo(long id) => id % 5 == 4 ? [id, null, null, null, null, null, 20_000, null, null, null, null, null, null, null, null, null, null, null] :
        [
            id, $"näme {id}", (int)id * 3, id / 8.0, new Decimal128(id * 100 - 250, 2), new Decimal128(Int128.Parse("123456789012345678901234", CultureInfo.InvariantCulture) + id, 3), 20_000, 1_700_000_000_123_456 + id,
            1_700_000_000_000_000 - id, new Guid($"01234567-89ab-cdef-0123-4567{id:x8}"), new byte[] { 0, (byte)id, 255 }, id % 2 == 0,
            Enumerable.Range(0, (int)id % 3).Select(object? (i) => $"t{i}").ToList(), new object?[] { (int)id }, new List<KeyValuePair<object, object?>> { new("k", (int)id) },
            3_600_000_000 + id, new byte[] { 1, 2, 3, (byte)id }, id / 4f,
        ];
        var files = new List<DataFile>();
        foreach (var group in Enumerable.Range(0, 40).Select(i => (long)i).GroupBy(id => (int)new Transform.Bucket(2).Apply(new LongType(), id)!))
        {
            files.Add(await WriteAsync(table, new PartitionKey([20_000, group.Key]), [.. group.Select(Row)]));
        }

        var append = new AppendFiles(SnapshotRef.Main, _ids, TimeProvider.System);
        files.ForEach(append.Add);
        table = Assert.IsType<CommitResult.Committed>(await changes.CommitAsync(name, append, null, default)).Table;
        table = Assert.IsType<CommitResult.Committed>(await changes.CommitAsync(
            name, metadata => Ddl.ParseAlterTable("ALTER TABLE t RENAME COLUMN name TO title").On(metadata), default)).Table;

        if (version == 3)
        {
            table = Assert.IsType<CommitResult.Committed>(await changes.CommitAsync(
                name, metadata => new UpdateSchema(metadata).AddColumn(null, "level", new IntegerType(), defaultValue: 7), default)).Table;
            return (table, await ReadAsync(40));
        }

        var delta = new RowDelta(SnapshotRef.Main, table.Metadata.FindRef(SnapshotRef.Main), _ids, TimeProvider.System);
        foreach (var file in files)
        {
            var positions = new PositionSet();
            positions.Add(0);
            positions.Add(3);
            string location = $"{table.Metadata.Location}/data/{file.Partition.Values[1]}";
            delta.AddDeletes(await DeleteFileWriter.WritePositionsAsync(table, $"{location}-pos.parquet", 0, file.Partition, new Dictionary<string, PositionSet> { [file.FilePath] = positions }, default));
            delta.AddDeletes(await DeleteFileWriter.WriteKeysAsync(table, $"{location}-eq.parquet", 0, file.Partition, [1], [[20L], [21L], [22L], [23L]], default));
        }

        table = Assert.IsType<CommitResult.Committed>(await changes.CommitAsync(name, delta, null, default)).Table;
        return (table, await ReadAsync(40 - 4 - 4));

        async Task<List<JsonObject>> ReadAsync(int count)
        {
            var rows = (await RowsAsync(table, new ScanOptions())).Select(row => JsonNode.Parse(row)!.AsObject()).OrderBy(row => row["id"]!.GetValue<int>()).ToList();
            Assert.Equal(count, rows.Count);
            return rows;
        }
    }

    private static async Task<DataFile> WriteAsync(LoadedTable table, PartitionKey partition, List<object?[]> rows)
    {
        var schema = table.Metadata.CurrentSchema;
        var columns = IcebergParquet.ToParquet(schema);
        var batch = new ColumnBatch(columns);
        var shredder = new RowShredder(schema.Fields, batch);
        rows.ForEach(shredder.Append);
        string location = $"{table.Metadata.Location}/data/{partition.Values[1]}.parquet";
        await using var destination = table.Store.OpenWrite(location);
        using var writer = new ParquetWriter(destination, columns, new ParquetWriterOptions { KeyValueMetadata = new Dictionary<string, string> { ["iceberg.schema"] = SchemaJson.Write(schema) } });
        writer.Append(batch);
        var file = writer.Close();
        await destination.CompleteAsync(default);
        return new FileMetrics(schema, columns, table.Metadata.Properties).Describe(
            new DataFile { FilePath = location, SpecId = 0, Partition = partition, RecordCount = file.RowCount, FileSizeBytes = file.FileSizeBytes, SplitOffsets = file.SplitPositions, SortOrderId = 0 }, file);
    }

    /// <summary>What both of our JSON and icebird's say in one way: numbers, text, truth, lists, structs, maps.</summary>
    private static string Brief(JsonObject row)
    {
        string title = row["title"]?.GetValue<string>() ?? "null";
        string id = row["id"]!.ToString().PadLeft(3);
        return $"{id} {title} {row["n"]} {row["ratio"]} {row["flag"]} [{string.Join(",", row["tags"]?.AsArray().Select(tag => tag!.ToString()) ?? ["null"])}] {row["place"]?["zip"]} {row["attrs"]?["k"]} {row["level"]}".Trim();
    }

    /// <summary>Our row as ClickHouse shows it: nothing null but what it can have so, and its text of each type.</summary>
    private static JsonObject Clicked(JsonObject row)
    {
        string? Micros(string column) => row[column] is { } time
            ? ((DateTimeOffset.Parse(time.GetValue<string>() + (column == "wall" ? "+00:00" : ""), CultureInfo.InvariantCulture) - DateTimeOffset.UnixEpoch).Ticks / 10).ToString(CultureInfo.InvariantCulture)
            : null;
        string? Hex(string column) => row[column] is { } bytes ? Convert.ToHexStringLower(Convert.FromBase64String(bytes.GetValue<string>())) : null;
        var clicked = new JsonObject
        {
            ["id"] = row["id"]!.ToJsonString(), ["title"] = row["title"]?.DeepClone(), ["n"] = row["n"]?.ToJsonString(), ["ratio"] = row["ratio"]?.ToJsonString(), ["price"] = row["price"]?.ToJsonString(),
            ["big"] = row["big"]?.ToJsonString(), ["day"] = row["day"]?.DeepClone(), ["ts"] = Micros("ts"), ["wall"] = Micros("wall"), ["key"] = row["key"]?.DeepClone(),
            ["raw"] = Hex("raw"), ["flag"] = row["flag"]?.DeepClone(),
            ["tags"] = row["tags"]?.DeepClone() ?? new JsonArray(), ["place"] = new JsonObject { ["zip"] = row["place"]?["zip"]?.DeepClone() }, ["attrs"] = row["attrs"]?.DeepClone() ?? new JsonObject(),
            // It shows a time of day in whole seconds.
            ["time"] = row["time"] is { } time ? ((int)TimeOnly.Parse(time.GetValue<string>(), CultureInfo.InvariantCulture).ToTimeSpan().TotalSeconds).ToString(CultureInfo.InvariantCulture) : null,
            ["four"] = Hex("four"), ["f"] = row["f"]?.ToJsonString(),
        };
        if (row.ContainsKey("nanos"))
        {
            string? nanos = row["nanos"]?.GetValue<string>(); // …T22:13:20.123456789Z, or with an offset
            clicked["nanos"] = nanos is null ? null : (((DateTimeOffset.Parse(nanos, CultureInfo.InvariantCulture).ToUnixTimeSeconds()) * 1_000_000_000) + long.Parse(nanos.Split('.')[1][..9], CultureInfo.InvariantCulture)).ToString(CultureInfo.InvariantCulture);
        }

        return clicked;
    }

    /// <summary>One line a row; decimals without the zeros that ClickHouse leaves out.</summary>
    private static string Text(JsonObject row)
    {
        var text = new StringBuilder();
        foreach (var (name, value) in row)
        {
            string shown = value?.ToJsonString() ?? "null";
            text.Append(name).Append('=').Append(name is "price" or "big" && value is not null ? decimal.Parse(value.ToString(), CultureInfo.InvariantCulture).ToString("G29", CultureInfo.InvariantCulture) : shown).Append(' ');
        }

        return text.ToString();
    }
}
