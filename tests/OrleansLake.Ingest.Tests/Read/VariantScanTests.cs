using System.Text.Json.Nodes;
using OrleansLake.Iceberg;
using OrleansLake.Iceberg.Avro;
using OrleansLake.Iceberg.Deletes;
using OrleansLake.Ingest.Read;
using OrleansLake.Parquet;
using OrleansLake.Testing;
using OrleansLake.Testing.Processes;
using static OrleansLake.Ingest.Tests.Read.ScanTable;

namespace OrleansLake.Ingest.Tests.Read;

/// <summary>Columns of type variant, as they lie and shredded. https://iceberg.apache.org/spec/#parquet</summary>
public sealed class VariantScanTests
{
    [Fact]
    public async Task Variants_are_read_as_JSON_wherever_they_stand()
    {
        var table = new ScanTable(3, new Schema
        {
            SchemaId = 0,
            Fields =
            [
                Required(1, "id", new IntegerType()), Optional(2, "v", new VariantType()), Required(3, "r", new VariantType()), Optional(4, "l", new ListType(5, new VariantType(), false)),
                Optional(6, "s", new StructType([Optional(7, "x", new VariantType())])), Optional(8, "m", new MapType(9, new StringType(), 10, new VariantType(), false)),
            ],
        });
        var file = await table.WriteAsync(
        [
            [1, Object("a", Number(7)), Number(1), new List<object?> { Number(1), null, Text("x") }, new object?[] { Null }, new List<KeyValuePair<object, object?>> { new("k", Number(3)), new("n", null) }],
            [2, null, Null, null, null, null],
            [3, Text("ü"), Object("b", Text("y")), new List<object?>(), new object?[] { null }, new List<KeyValuePair<object, object?>>()],
            [4, Null, Number(-1), new List<object?> { Object("c", Null) }, new object?[] { Object("d", Number(0)) }, null],
        ]);
        await table.CommitAsync([file]);
        Assert.Equal((4L, 1L), (file.ValueCounts![2], file.NullValueCounts![2]));
        Assert.DoesNotContain(2, file.LowerBounds!.Keys);
        string[] rows =
        [
            """{"id":1,"v":{"a":7},"r":1,"l":[1,null,"x"],"s":{"x":null},"m":{"k":3,"n":null}}""",
            """{"id":2,"v":null,"r":null,"l":null,"s":null,"m":null}""",
            """{"id":3,"v":"ü","r":{"b":"y"},"l":[],"s":{"x":null},"m":{}}""",
            """{"id":4,"v":null,"r":-1,"l":[{"c":null}],"s":{"x":{"d":0}},"m":null}""",
        ];
        Assert.Equal(rows, await table.RowsAsync());

        // A variant that holds null is there; where there is none, the column is null.
        Assert.Equal(["""{"id":2}"""], await table.RowsAsync("v is null", "id"));
        Assert.Equal(["""{"id":1,"s":{"x":null}}""", """{"id":4,"s":{"x":{"d":0}}}"""], await table.RowsAsync("s.x is not null", "id", "s.x"));
        Assert.Contains("v", Assert.Throws<ArgumentException>(() => new TableScan(table.Table, new ScanOptions { Where = Expression.Parse("v = 1") })).Message, StringComparison.Ordinal);

        var deleted = new PositionSet();
        deleted.Add(0);
        deleted.Add(2);
        await table.CommitAsync([await table.WriteVectorAsync(file, deleted)]);
        Assert.Equal([rows[1], rows[3]], await table.RowsAsync());
        table.Evolve(Optional(20, "late", new VariantType()), Optional(2, "w", new VariantType()));
        Assert.Equal(["""{"late":null,"w":null}""", """{"late":null,"w":null}"""], await table.RowsAsync());
    }

    [Fact]
    public async Task Shredded_variants_in_lists_are_put_together_beside_other_columns()
    {
        var table = new ScanTable(3, new Schema { SchemaId = 0, Fields = [Required(1, "id", new IntegerType()), Optional(2, "l", new ListType(3, new VariantType(), true))] });
        var columns = new ParquetSchema(
        [
            new ParquetNode.Primitive { Name = "id", FieldId = 1, Repetition = Repetition.Required, PhysicalType = PhysicalType.Int32 },
            new ParquetNode.Group
            {
                Name = "l", FieldId = 2, LogicalType = new LogicalType.List(),
                Children =
                [
                    new ParquetNode.Group
                    {
                        Name = "list", Repetition = Repetition.Repeated,
                        Children =
                        [
                            new ParquetNode.Group
                            {
                                Name = "element", FieldId = 3, Repetition = Repetition.Required,
                                Children =
                                [
                                    // In another order than the usual one.
                                    new ParquetNode.Primitive { Name = "typed_value", PhysicalType = PhysicalType.Int64 },
                                    new ParquetNode.Primitive { Name = "value", PhysicalType = PhysicalType.ByteArray },
                                    new ParquetNode.Primitive { Name = "metadata", Repetition = Repetition.Required, PhysicalType = PhysicalType.ByteArray },
                                ],
                            },
                        ],
                    },
                ],
            },
        ]);
        // Row 1: [7, "x"]; row 2: null; row 3: []; row 4: [8].
        var batch = new ColumnBatch(columns);
        Fill(batch.Columns[0], [0, 0, 0, 0], [0, 0, 0, 0]);
        new[] { 1, 2, 3, 4 }.CopyTo(batch.Columns[0].Ints, 0);
        batch.Columns[0].ValueCount = 4;
        Fill(batch.Columns[1], [3, 2, 0, 1, 3], [0, 1, 0, 0, 0]);
        new[] { 7L, 8L }.CopyTo(batch.Columns[1].Longs, 0);
        batch.Columns[1].ValueCount = 2;
        Fill(batch.Columns[2], [2, 3, 0, 1, 2], [0, 1, 0, 0, 0]);
        LeafConversion.Append(batch.Columns[2], Text("x").Value);
        Fill(batch.Columns[3], [2, 2, 0, 1, 2], [0, 1, 0, 0, 0]);
        for (int i = 0; i < 3; i++)
        {
            LeafConversion.Append(batch.Columns[3], Text("x").Metadata);
        }

        batch.RowCount = 4;
        await table.CommitAsync([await StoreAsync(table, batch)]);
        Assert.Equal(["""{"id":1,"l":[7,"x"]}""", """{"id":2,"l":null}""", """{"id":3,"l":[]}""", """{"id":4,"l":[8]}"""], await table.RowsAsync());
        Assert.Equal(["""{"l":[8]}"""], await table.RowsAsync("id = 4", "l"));
    }

    /// <summary>The files of the format's own project, by a name mapping where they have no ids.</summary>
    [Fact]
    public async Task Shredded_files_of_others_give_the_variants_that_their_makers_named()
    {
        string? folder = SharedData.Find("parquet-testing/shredded_variant");
        Assert.SkipWhen(folder is null, "shared/data/parquet-testing is absent");
        int read = 0, refused = 0;
        foreach (var item in JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "cases.json")))!.AsArray().Where(item => item!["parquet_file"] is not null))
        {
            byte[] bytes = File.ReadAllBytes(Path.Combine(folder, item!["parquet_file"]!.ToString()));
            var schema = new Schema { SchemaId = 0, Fields = [Optional(1, "id", new IntegerType()), Optional(2, "var", new VariantType())] };
            var table = new ScanTable(3, schema, properties: new Dictionary<string, string> { [NameMapping.Property] = NameMapping.Of(schema).ToJson() });
            string location = table.NewLocation() + ".parquet";
            await table.Store.TryCreateAsync(location, bytes, default);
            var reader = await ParquetReader.OpenAsync(ByteSource.From(bytes));
            await table.CommitAsync([new DataFile { FilePath = location, SpecId = 0, Partition = PartitionKey.None, RecordCount = reader.RowCount, FileSizeBytes = bytes.Length }]);
            if (item["error_message"] is not null || item["notes"] is not null)
            {
                Assert.Contains(location, (await Assert.ThrowsAnyAsync<InvalidDataException>(() => table.RowsAsync())).Message, StringComparison.Ordinal);
                refused++;
                continue;
            }

            var files = item["variant_files"] is JsonArray several ? several.Select(one => one?.ToString()).ToList() : [item["variant_file"]?.ToString()];
            var expected = files.Select(name => name is null ? "null" : Json(File.ReadAllBytes(Path.Combine(folder, name))));
            Assert.Equal(expected.Select(text => $$"""{"var":{{text}}}"""), await table.RowsAsync(null, "var"));
            read++;
        }

        Assert.True(read > 100 && refused > 5, $"{read} read, {refused} refused");
    }

    /// <summary>One file shredded as DuckDB likes, one as it was told to.</summary>
    [Fact]
    public async Task Variants_that_DuckDB_has_shredded_are_read_as_it_reads_them()
    {
        Assert.SkipWhen(ForeignReaders.Absent is not null, ForeignReaders.Absent ?? "");
        string folder = Directory.CreateTempSubdirectory("lake-variants-").FullName;
        try
        {
            var rows = await ForeignReaders.DuckDbAsync(
                """
                CREATE TABLE t AS SELECT 1 AS id, {'a': 7, 'b': 'x'}::VARIANT AS v UNION ALL SELECT 2, NULL UNION ALL SELECT 3, [1, 2, 3]::VARIANT UNION ALL SELECT 4, 'text'::VARIANT
                  UNION ALL SELECT 5, {'a': 'no', 'c': 1.5::DECIMAL(5, 2), 'd': {'e': [{'f': 1.25::DOUBLE}, NULL]}}::VARIANT UNION ALL SELECT 6, DATE '2020-01-02'::VARIANT UNION ALL SELECT 7, 1::BIGINT::VARIANT
                """,
                $"COPY (SELECT * FROM t ORDER BY id) TO '{folder}/own.parquet' (FORMAT parquet, FIELD_IDS {{'id': 1, 'v': 2}})",
                $"COPY (SELECT id + 10 AS id, v FROM t ORDER BY id) TO '{folder}/told.parquet' (FORMAT parquet, SHREDDING {{'v': 'STRUCT(a INTEGER, b VARCHAR)'}}, FIELD_IDS {{'id': 1, 'v': 2}})",
                $"SELECT id, CASE WHEN v IS NOT NULL THEN v::JSON::VARCHAR END AS v FROM read_parquet('{folder}/*.parquet') ORDER BY id");
            var table = new ScanTable(3, new Schema { SchemaId = 0, Fields = [Optional(1, "id", new IntegerType()), Optional(2, "v", new VariantType())] });
            foreach (string name in new[] { "own", "told" })
            {
                byte[] bytes = File.ReadAllBytes($"{folder}/{name}.parquet");
                Assert.Contains((await ParquetReader.OpenAsync(ByteSource.From(bytes))).Schema.Columns, column => column.Path.Contains("typed_value"));
                string location = table.NewLocation() + ".parquet";
                await table.Store.TryCreateAsync(location, bytes, default);
                await table.CommitAsync([new DataFile { FilePath = location, SpecId = 0, Partition = PartitionKey.None, RecordCount = 7, FileSizeBytes = bytes.Length }]);
            }

            var found = (await table.RowsAsync()).Select(row => JsonNode.Parse(row)!).OrderBy(row => row["id"]!.GetValue<int>()).ToList();
            Assert.Equal(14, found.Count);
            foreach (var (ours, theirs) in found.Zip(rows))
            {
                Assert.True(JsonNode.DeepEquals(ours["v"], theirs!["v"] is { } text ? JsonNode.Parse(text.GetValue<string>()) : null), $"{ours.ToJsonString()} {theirs.ToJsonString()}");
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Variants_of_Avro_files_are_records_of_metadata_and_value()
    {
        var table = new ScanTable(3, new Schema { SchemaId = 0, Fields = [Required(1, "id", new IntegerType()), Optional(2, "v", new VariantType())] });
        var record = AvroSchema.Record("table", new AvroField("id", AvroSchema.Int) { FieldId = 1 }, new AvroField("v", AvroSchema.Optional(AvroSchema.Record(
            "r2", new AvroField("value", AvroSchema.Bytes), new AvroField("metadata", AvroSchema.Bytes)))) { FieldId = 2 });
        var writer = new AvroContainerWriter(record, [], AvroCodec.Null, Guid.NewGuid());
        var some = Object("k", Text("v"));
        writer.Append([1, new object?[] { some.Value, some.Metadata }]);
        writer.Append([2, null]);
        var bytes = writer.Finish();
        string location = table.NewLocation() + ".avro";
        await table.Store.TryCreateAsync(location, bytes, default);
        await table.CommitAsync([new DataFile { FilePath = location, FileFormat = "avro", SpecId = 0, Partition = PartitionKey.None, RecordCount = 2, FileSizeBytes = bytes.Length }]);
        Assert.Equal(["""{"id":1,"v":{"k":"v"}}""", """{"id":2,"v":null}"""], await table.RowsAsync());
    }

    [Fact]
    public async Task What_is_no_variant_is_refused_with_its_place()
    {
        var table = new ScanTable(3, new Schema { SchemaId = 0, Fields = [Required(1, "id", new IntegerType()), Optional(2, "v", new StructType([Optional(3, "x", new StringType())]))] });
        await table.CommitAsync([await table.WriteAsync([[1, new object?[] { "y" }]])]);
        table.Evolve(Required(1, "id", new IntegerType()), Optional(2, "v", new VariantType()));
        Assert.Contains(
            "00001-data.parquet: field v (id 2): expected a variant, which has required metadata, got a struct of x",
            (await Assert.ThrowsAsync<InvalidDataException>(() => table.RowsAsync())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Shapes_are_shown_as_well_known_text_and_what_is_none_as_hexadecimal()
    {
        var table = new ScanTable(3, new Schema
        {
            SchemaId = 0, Fields = [Required(1, "id", new IntegerType()), Optional(2, "g", new GeometryType("EPSG:3857")), Optional(3, "e", new GeographyType(null, "vincenty"))],
        });
        byte[] point = Convert.FromHexString("0101000000000000000000F03F0000000000000040");
        await table.CommitAsync([await table.WriteAsync([[1, point, point], [2, null, new byte[] { 1, 255 }], [3, Array.Empty<byte>(), null]])]);
        Assert.Equal(["""{"id":1,"g":"POINT (1 2)","e":"POINT (1 2)"}""", """{"id":2,"g":null,"e":"01ff"}""", """{"id":3,"g":"","e":null}"""], await table.RowsAsync());
        Assert.Equal(["""{"id":2}"""], await table.RowsAsync("g is null", "id"));
    }

    [Theory]
    [InlineData("0101000000000000000000F87F000000000000F87F", "POINT EMPTY")]
    [InlineData("00000003E93FF000000000000040000000000000004008000000000000", "POINT Z (1 2 3)")]
    [InlineData("010200000002000000000000000000F03F000000000000004000000000000008400000000000001040", "LINESTRING (1 2, 3 4)")]
    [InlineData("010300000000000000", "POLYGON EMPTY")]
    [InlineData("0104000000010000000101000000000000000000F03F0000000000000040", "MULTIPOINT ((1 2))")]
    [InlineData("0107000000010000000101000000000000000000F03F0000000000000040", "GEOMETRYCOLLECTION (POINT (1 2))")]
    [InlineData("01020000000200000000000000", null)]
    [InlineData("0102000000FFFFFFFF", null)]
    [InlineData("0101000020E6100000000000000000F03F0000000000000040", null)]
    public void Well_known_binary_is_text(string binary, string? text) => Assert.Equal(text, WellKnownText.Of(Convert.FromHexString(binary)));

    private static readonly byte[] NoNames = [0x01, 0, 0];

    private static VariantBytes Null => new(NoNames, [0]);

    private static VariantBytes Number(sbyte number) => new(NoNames, [3 << 2, (byte)number]);

    private static VariantBytes Text(string text)
    {
        byte[] utf8 = System.Text.Encoding.UTF8.GetBytes(text);
        return new(NoNames, [(byte)(utf8.Length << 2 | 1), .. utf8]);
    }

    /// <summary>An object of one field whose name is one letter.</summary>
    private static VariantBytes Object(string name, VariantBytes value) => new([0x01, 1, 0, 1, (byte)name[0]], [0x02, 1, 0, 0, (byte)value.Value.Length, .. value.Value]);

    /// <summary>Metadata and value behind one another, as the files have them.</summary>
    private static string Json(byte[] both)
    {
        int width = (both[0] >> 6) + 1;
        int Number(int at) => Enumerable.Range(0, width).Sum(i => both[at + i] << (8 * i));
        int names = Number(1);
        int length = 1 + ((names + 2) * width) + Number(1 + ((names + 1) * width));
        return VariantJson.Text(new Variant(both.AsSpan(0, length), both.AsSpan(length)));
    }

    private static void Fill(ColumnBuffer column, byte[] definitions, byte[] repetitions)
    {
        column.Reserve(definitions.Length);
        if (column.Column.MaxDefinitionLevel > 0)
        {
            definitions.CopyTo(column.DefinitionLevels, 0);
        }

        if (column.Column.MaxRepetitionLevel > 0)
        {
            repetitions.CopyTo(column.RepetitionLevels, 0);
        }

        column.SlotCount = definitions.Length;
    }

    private static async Task<DataFile> StoreAsync(ScanTable table, ColumnBatch batch)
    {
        string location = table.NewLocation() + ".parquet";
        await using var destination = table.Store.OpenWrite(location);
        using var writer = new ParquetWriter(destination, batch.Schema, new ParquetWriterOptions());
        writer.Append(batch);
        var file = writer.Close();
        await destination.CompleteAsync(default);
        return new DataFile { FilePath = location, SpecId = 0, Partition = PartitionKey.None, RecordCount = file.RowCount, FileSizeBytes = file.FileSizeBytes };
    }
}
