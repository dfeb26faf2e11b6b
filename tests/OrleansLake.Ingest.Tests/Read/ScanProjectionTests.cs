using System.Text.Json.Nodes;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Read;
using OrleansLake.Parquet;
using static OrleansLake.Ingest.Tests.Read.ScanTable;

namespace OrleansLake.Ingest.Tests.Read;

/// <summary>Files read in columns that the table has later. https://iceberg.apache.org/spec/#column-projection</summary>
public sealed class ScanProjectionTests
{
    [Fact]
    public async Task Columns_are_found_by_id_whatever_became_of_them()
    {
        var table = new ScanTable(2, new Schema
        {
            SchemaId = 0,
            Fields =
            [
                Required(1, "a", new IntegerType()), Optional(2, "b", new FloatType()), Optional(3, "c", new DecimalType(9, 2)), Optional(4, "gone", new StringType()),
                Optional(5, "s", new StructType([Required(6, "x", new IntegerType()), Optional(7, "y", new StringType()), Optional(8, "l", new ListType(9, new IntegerType(), true))])),
                Optional(10, "m", new MapType(11, new StringType(), 12, new StructType([Optional(13, "p", new IntegerType()), Optional(14, "q", new StringType())]), false)),
            ],
        });
        object?[] s(int x, string? y, params object?[]? l) => [x, y, l?.ToList()];
        List<KeyValuePair<object, object?>> m(params (string Key, object?[]? Value)[] pairs) => [.. pairs.Select(pair => new KeyValuePair<object, object?>(pair.Key, pair.Value))];
        await table.CommitAsync([await table.WriteAsync(
        [
            [1, 1.5f, new Decimal128(150, 2), "x", s(7, "y", 1, 2), m(("k", [1, "q"]), ("n", null))],
            [2, null, null, null, null, null],
            [3, -0f, new Decimal128(-1, 2), "z", s(8, null, []), m()],
            [4, 2f, new Decimal128(0, 2), null, s(9, "w", null), m(("o", [null, null]))],
        ])]);
        table.Evolve(
            Optional(10, "map", new MapType(11, new StringType(), 12, new StructType([Optional(20, "new", new LongType()), Optional(13, "pp", new LongType())]), false)),
            Optional(5, "t", new StructType(
            [
                Optional(8, "list", new ListType(9, new LongType(), false)), Optional(21, "added", new StringType()), Optional(6, "wide", new LongType()),
                Optional(22, "inner", new StructType([Optional(23, "deep", new IntegerType())])),
            ])),
            Optional(3, "c", new DecimalType(30, 2)), Optional(2, "b", new DoubleType()), Optional(1, "a", new LongType()), Optional(24, "late", new ListType(25, new StringType(), false)));
        Assert.Equal(
            [
                """{"map":{"k":{"new":null,"pp":1},"n":null},"t":{"list":[1,2],"added":null,"wide":7,"inner":null},"c":1.50,"b":1.5,"a":1,"late":null}""",
                """{"map":null,"t":null,"c":null,"b":null,"a":2,"late":null}""",
                """{"map":{},"t":{"list":[],"added":null,"wide":8,"inner":null},"c":-0.01,"b":-0,"a":3,"late":null}""",
                """{"map":{"o":{"new":null,"pp":null}},"t":{"list":null,"added":null,"wide":9,"inner":null},"c":0.00,"b":2,"a":4,"late":null}""",
            ],
            await table.RowsAsync());
        Assert.Equal(["""{"t":{"wide":8},"a":3}"""], await table.RowsAsync("t.wide > 7 and c < 0", "t.wide", "a"));
        Assert.Equal(["""{"t":{"added":null}}""", """{"t":null}""", """{"t":{"added":null}}""", """{"t":{"added":null}}"""], await table.RowsAsync(null, "t.added"));
        Assert.Equal(["""{"a":2}"""], await table.RowsAsync("t is null", "a"));
        Assert.Equal(["""{"a":1}"""], await table.RowsAsync("a = 1 and t.inner is null and map is not null", "a"));

        // The columns of the time.
        Assert.Equal("""{"a":1,"gone":"x"}""", (await table.RowsAsync(new ScanOptions { At = "101", Columns = ["a", "gone"] }))[0]);
        Assert.Equal("""{"a":1}""", (await table.RowsAsync(new ScanOptions { At = "main", Columns = ["a"] }))[0]);
        Assert.Contains("column gone: the table has none", Assert.Throws<ArgumentException>(() => new TableScan(table.Table, new ScanOptions { Columns = ["gone"] })).Message);
    }

    [Fact]
    public async Task Columns_that_were_added_with_a_default_have_it_in_older_files()
    {
        var table = new ScanTable(3, new Schema { SchemaId = 0, Fields = [Required(1, "id", new IntegerType()), Optional(2, "s", new StructType([Optional(3, "x", new IntegerType())]))] });
        await table.CommitAsync([await table.WriteAsync([[1, new object?[] { 5 }], [2, null]])]);
        NestedField With(NestedField field, string json) => field with { InitialDefault = JsonNode.Parse(json) };
        table.Evolve(
            Required(1, "id", new IntegerType()),
            Optional(2, "s", new StructType([Optional(3, "x", new IntegerType()), With(Optional(4, "y", new StringType()), "\"why\"")])),
            With(Required(5, "i", new LongType()), "7"), With(Optional(6, "dec", new DecimalType(20, 2)), "\"1.50\""), With(Optional(7, "ts", new TimestampType(true)), "\"2025-01-31T00:00:00+00:00\""),
            With(Optional(8, "raw", new BinaryType()), "\"00ff\""), With(Optional(9, "day", new DateType()), "\"2025-01-31\""), With(Optional(10, "u", new UuidType()), "\"01234567-89ab-cdef-0123-456789abcdef\""),
            With(Optional(11, "t", new StructType([With(Optional(12, "deep", new IntegerType()), "3"), Optional(13, "none", new IntegerType())])), "{}"), With(Optional(14, "flag", new BooleanType()), "true"),
            With(Optional(15, "d", new DoubleType()), "0.5"));
        await table.CommitAsync([await table.WriteAsync([[3, null, 9L, null, null, null, null, null, null, null, null]])]);
        const string defaults = """7,"dec":1.50,"ts":"2025-01-31T00:00:00.000000+00:00","raw":"AP8=","day":"2025-01-31","u":"01234567-89ab-cdef-0123-456789abcdef","t":{"deep":3,"none":null},"flag":true,"d":0.5}""";
        Assert.Equal(
            [
                $$"""{"id":1,"s":{"x":5,"y":"why"},"i":{{defaults}}""",
                $$"""{"id":2,"s":null,"i":{{defaults}}""",
                """{"id":3,"s":null,"i":9,"dec":null,"ts":null,"raw":null,"day":null,"u":null,"t":null,"flag":null,"d":null}""",
            ],
            await table.RowsAsync());
        Assert.Equal(["""{"id":1}""", """{"id":2}"""], await table.RowsAsync("i = 7 and dec = 1.5 and flag and day < date '2026-01-01'", "id"));
        Assert.Equal(["""{"id":1}"""], await table.RowsAsync("s.y like 'w%'", "id"));
    }

    [Fact]
    public async Task A_required_column_without_default_that_a_file_lacks_is_an_error_with_its_name()
    {
        var table = new ScanTable(2, new Schema { SchemaId = 0, Fields = [Required(1, "id", new IntegerType())] });
        await table.CommitAsync([await table.WriteAsync([[1]])]);
        table.Evolve(Required(1, "id", new IntegerType()), Required(2, "must", new IntegerType()));
        Assert.Contains("field must (id 2) is required and has no default", (await Assert.ThrowsAsync<InvalidDataException>(() => table.RowsAsync())).Message);
    }

    [Fact]
    public async Task Columns_that_are_in_the_partition_alone_are_taken_from_there()
    {
        var spec = new PartitionSpec { SpecId = 0, Fields = [new PartitionField(1000, "day", [2], new Transform.Identity()), new PartitionField(1001, "n_bucket", [1], new Transform.Bucket(4))] };
        var table = new ScanTable(2, new Schema { SchemaId = 0, Fields = [Required(1, "n", new IntegerType()), Optional(2, "day", new DateType())] }, spec);
        var without = new Schema { SchemaId = 0, Fields = [Required(1, "n", new IntegerType())] };
        await table.CommitAsync([await table.WriteAsync([[1]], new PartitionKey([20000, 2]), schema: without), await table.WriteAsync([[2]], new PartitionKey([null, 0]), schema: without)]);
        Assert.Equal(["""{"n":1,"day":"2024-10-04"}""", """{"n":2,"day":null}"""], await table.RowsAsync());
        Assert.Equal(["""{"n":1}"""], await table.RowsAsync("day = date '2024-10-04'", "n"));
        Assert.Equal(
            ["""{"_partition":{"day":"2024-10-04","n_bucket":2},"_spec_id":0,"_file":"memory://table/data/00001-data.parquet","_pos":0}""", """{"_partition":{"day":null,"n_bucket":0},"_spec_id":0,"_file":"memory://table/data/00002-data.parquet","_pos":0}"""],
            await table.RowsAsync(null, "_partition", "_spec_id", "_file", "_pos"));
    }

    [Fact]
    public async Task Rows_of_v3_have_ids_that_outlive_their_files()
    {
        var schema = new Schema { SchemaId = 0, Fields = [Required(1, "id", new IntegerType())] };
        var table = new ScanTable(3, schema);
        var old = await table.WriteAsync([[1], [2], [3]]);
        await table.CommitAsync([old]);
        await table.CommitAsync([await table.WriteAsync([[4]])]);
        Assert.Equal(
            ["""{"id":1,"_row_id":0,"_last_updated_sequence_number":1}""", """{"id":2,"_row_id":1,"_last_updated_sequence_number":1}""", """{"id":3,"_row_id":2,"_last_updated_sequence_number":1}""", """{"id":4,"_row_id":3,"_last_updated_sequence_number":2}"""],
            await table.RowsAsync(null, "id", "_row_id", "_last_updated_sequence_number"));

        // A rewrite keeps what the rows had; a row that it changed or added has null.
        var rewritten = new Schema { SchemaId = 0, Fields = [Required(1, "id", new IntegerType()), MetadataColumns.RowId, MetadataColumns.LastUpdatedSequenceNumber] };
        await table.CommitAsync([await table.WriteAsync([[3, 2L, 1L], [20, 1L, null], [5, null, null]], schema: rewritten)], removed: [old]);
        Assert.Equal(
            ["""{"id":20,"_row_id":1,"_last_updated_sequence_number":3}""", """{"id":3,"_row_id":2,"_last_updated_sequence_number":1}""", """{"id":4,"_row_id":3,"_last_updated_sequence_number":2}""", """{"id":5,"_row_id":6,"_last_updated_sequence_number":3}"""],
            (await table.RowsAsync(null, "id", "_row_id", "_last_updated_sequence_number")).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Files_without_ids_are_read_by_the_name_mapping_and_refused_without_one()
    {
        const string mapping = """[{"field-id":1,"names":["id","old_id"]},{"field-id":2,"names":["s"],"fields":[{"field-id":3,"names":["x"]}]},{"field-id":4,"names":["l"],"fields":[{"field-id":5,"names":["element"]}]}]""";
        var schema = new Schema { SchemaId = 0, Fields = [Required(1, "old_id", new IntegerType()), Optional(2, "s", new StructType([Optional(3, "x", new IntegerType()), Optional(6, "unmapped", new IntegerType())])), Optional(4, "l", new ListType(5, new IntegerType(), false))] };
        var table = new ScanTable(2, schema);
        var file = await table.WriteAsync([[1, new object?[] { 2, 3 }, new List<object?> { 4, null }], [5, null, null]], change: WithoutIds);
        await table.CommitAsync([file]);
        Assert.Contains("its columns have no field ids, and the table has no property schema.name-mapping.default", (await Assert.ThrowsAsync<NotSupportedException>(() => table.RowsAsync())).Message);
        table.Metadata = table.Metadata with { Properties = new Dictionary<string, string> { [NameMapping.Property] = mapping } };
        table.Evolve(Required(1, "number", new LongType()), Optional(4, "l", new ListType(5, new IntegerType(), false)), Optional(2, "s", new StructType([Optional(3, "y", new IntegerType()), Optional(6, "unmapped", new IntegerType())])));
        Assert.Equal(["""{"number":1,"l":[4,null],"s":{"y":2,"unmapped":null}}""", """{"number":5,"l":null,"s":null}"""], await table.RowsAsync());
        table.Metadata = table.Metadata with { Properties = new Dictionary<string, string> { [NameMapping.Property] = "[{\"names\":3}]" } };
        Assert.Contains("schema.name-mapping.default", (await Assert.ThrowsAsync<IcebergFormatException>(() => table.RowsAsync())).Message);
    }

    [Fact]
    public async Task Optional_and_required_differ_between_file_and_table()
    {
        var table = new ScanTable(2, new Schema { SchemaId = 0, Fields = [Required(1, "id", new IntegerType()), Required(2, "l", new ListType(3, new IntegerType(), true)), Required(4, "s", new StructType([Required(5, "x", new IntegerType())]))] });
        await table.CommitAsync([await table.WriteAsync([[1, new List<object?> { 1, 2 }, new object?[] { 3 }], [2, new List<object?>(), new object?[] { 4 }]])]);
        table.Evolve(Optional(1, "id", new IntegerType()), Optional(2, "l", new ListType(3, new IntegerType(), false)), Optional(4, "s", new StructType([Optional(5, "x", new IntegerType())])));
        await table.CommitAsync([await table.WriteAsync([[null, null, null], [3, new List<object?> { null }, new object?[] { null }]])]);
        Assert.Equal(
            ["""{"id":1,"l":[1,2],"s":{"x":3}}""", """{"id":2,"l":[],"s":{"x":4}}""", """{"id":null,"l":null,"s":null}""", """{"id":3,"l":[null],"s":{"x":null}}"""],
            await table.RowsAsync());
        table.Evolve(Required(1, "id", new IntegerType()));
        Assert.Contains("expected values, since the table requires them, got null", (await Assert.ThrowsAsync<InvalidDataException>(() => table.RowsAsync())).Message);
    }

    [Fact]
    public async Task Times_and_dates_of_other_units_are_read_in_those_of_the_table()
    {
        var table = new ScanTable(3, new Schema { SchemaId = 0, Fields = [Optional(1, "d", new DateType()), Optional(2, "t", new TimeType()), Optional(3, "ts", new TimestampType(false)), Optional(4, "tz", new TimestampType(true))] });
        await table.CommitAsync([await table.WriteAsync([[1, 3_600_000L, -1500L, 86_400_000L]], change: node => node switch
        {
            { Name: "t" } => node with { LogicalType = new LogicalType.Time(TimeUnit.Nanos, false) },
            { Name: "ts" } => node with { LogicalType = new LogicalType.Timestamp(TimeUnit.Nanos, false) },
            { Name: "tz" } => node with { LogicalType = new LogicalType.Timestamp(TimeUnit.Millis, true) },
            _ => node,
        })]);
        table.Evolve(Optional(1, "d", new TimestampType(false)), Optional(2, "t", new TimeType()), Optional(3, "ts", new TimestampType(false)), Optional(4, "tz", new TimestampNanoType(true)));
        Assert.Equal(["""{"d":"1970-01-02T00:00:00.000000","t":"00:00:00.003600","ts":"1969-12-31T23:59:59.999998","tz":"1970-01-02T00:00:00.000000000+00:00"}"""], await table.RowsAsync());
    }

    [Fact]
    public async Task A_file_of_another_type_or_format_is_refused_with_its_place()
    {
        var table = new ScanTable(2, new Schema { SchemaId = 0, Fields = [Optional(1, "id", new StringType())] });
        var file = await table.WriteAsync([["x"]]);
        await table.CommitAsync([file]);
        table.Evolve(Optional(1, "id", new IntegerType()));
        Assert.Contains("00001-data.parquet: field id (id 1): expected int, got ByteArray (String { }) in the file", (await Assert.ThrowsAsync<InvalidDataException>(() => table.RowsAsync())).Message);
        var orc = new ScanTable(2, table.Schema);
        await orc.CommitAsync([file with { FileFormat = "orc" }]);
        Assert.Contains("expected Parquet or Avro, got ORC, which is not read", (await Assert.ThrowsAsync<NotSupportedException>(() => orc.RowsAsync())).Message);
        var wrong = new ScanTable(2, new Schema { SchemaId = 0, Fields = [Optional(1, "id", new StringType())] });
        var short_ = await wrong.WriteAsync([["x"]]);
        await wrong.CommitAsync([short_ with { RecordCount = 2 }]);
        Assert.Contains("expected 2 rows, as the manifest says, got 1", (await Assert.ThrowsAsync<InvalidDataException>(() => wrong.RowsAsync())).Message);
    }

    [Fact]
    public async Task Time_travel_finds_the_snapshot_by_id_name_and_time()
    {
        var table = new ScanTable(2, new Schema { SchemaId = 0, Fields = [Required(1, "id", new IntegerType())] });
        await table.CommitAsync([await table.WriteAsync([[1]])]);
        await table.CommitAsync([await table.WriteAsync([[2]])]);
        table.Metadata = table.Metadata with { Refs = new Dictionary<string, SnapshotRef>(table.Metadata.Refs) { ["first"] = new(101, true) } };
        foreach (string at in new[] { "101", "first", "1970-01-01T00:00:01Z", "1970-01-01 00:00:01.999" })
        {
            Assert.Equal(["""{"id":1}"""], await table.RowsAsync(new ScanOptions { At = at }));
        }

        foreach (string? at in new[] { null, "102", "main", "1970-01-01T02:00:02+02:00", "2025-01-01" })
        {
            Assert.Equal(2, (await table.RowsAsync(new ScanOptions { At = at })).Count);
        }

        Assert.Contains("the table had no snapshot at 1970-01-01", Assert.Throws<ArgumentException>(() => table.Metadata.SnapshotAt("1970-01-01")).Message);
        Assert.Contains("a branch or tag (first, main) or a time, got \"other\"", Assert.Throws<ArgumentException>(() => table.Metadata.SnapshotAt("other")).Message);
        Assert.Empty(await new ScanTable(2, table.Schema).RowsAsync());
    }

    [Fact]
    public async Task No_columns_at_all_still_count_the_rows()
    {
        var table = new ScanTable(2, new Schema { SchemaId = 0, Fields = [Required(1, "id", new IntegerType())] });
        await table.CommitAsync([await table.WriteAsync([[1], [2], [3]])]);
        Assert.Equal(["{}", "{}", "{}"], await table.RowsAsync(new ScanOptions { Columns = [] }));
        Assert.Equal(["{}"], await table.RowsAsync(new ScanOptions { Columns = [], Where = Expression.Parse("id > 2") }));
    }

    private static ParquetNode WithoutIds(ParquetNode node) => node is ParquetNode.Group group
        ? group with { FieldId = null, Children = [.. group.Children.Select(WithoutIds)] }
        : node with { FieldId = null };
}
