using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

using static OrleansLake.Parquet.Tests.Nodes;

namespace OrleansLake.Parquet.Tests;

/// <summary>Files of ours as a reader finds them that we did not write.</summary>
public sealed class ForeignReaderTests
{
    private static readonly ParquetSchema Everything = new(
    [
        Leaf("n", PhysicalType.Int64, Repetition.Required, id: 1),
        Leaf("bool", PhysicalType.Boolean, id: 2),
        Leaf("int", PhysicalType.Int32, id: 3),
        Leaf("double", PhysicalType.Double, id: 4),
        Text("text", id: 5),
        Leaf("day", PhysicalType.Int32, logical: new LogicalType.Date(), id: 6),
        Leaf("zoned", PhysicalType.Int64, logical: new LogicalType.Timestamp(TimeUnit.Micros, true), id: 7),
        Leaf("local", PhysicalType.Int64, logical: new LogicalType.Timestamp(TimeUnit.Micros, false), id: 8),
        Leaf("price", PhysicalType.FixedLenByteArray, logical: new LogicalType.Decimal(38, 2), id: 9, length: 16),
        Leaf("id", PhysicalType.FixedLenByteArray, logical: new LogicalType.Uuid(), id: 10, length: 16),
        Leaf("time", PhysicalType.Int64, logical: new LogicalType.Time(TimeUnit.Micros, false), id: 11),
        Leaf("small", PhysicalType.Int32, logical: new LogicalType.Decimal(9, 3), id: 12),
        Leaf("float", PhysicalType.Float, id: 13),
        Leaf("bytes", PhysicalType.ByteArray, id: 14),
        List("texts", Text("element", id: 16), id: 15),
        Map("map", Text("key", id: 18), Leaf("value", PhysicalType.Int64, id: 19), id: 17),
        List("lists", List("inner", Leaf("e", PhysicalType.Int32, id: 22), id: 21), id: 20),
        List("structs", Struct("s", Repetition.Optional, Text("a", id: 25), List("b", Leaf("e", PhysicalType.Double, id: 27), id: 26)) with { FieldId = 24 }, id: 23),
    ]);

    public static TheoryData<CompressionCodec, int, int, EncodingChoice> Variants() => new()
    {
        { CompressionCodec.Zstd, 1, 0, EncodingChoice.Classic },
        { CompressionCodec.Zstd, 2, 40, EncodingChoice.Delta },
        { CompressionCodec.Zstd, 2, 0, EncodingChoice.Delta },
        { CompressionCodec.Snappy, 1, 0, EncodingChoice.All },
        { CompressionCodec.Gzip, 2, 0, EncodingChoice.Classic },
        { CompressionCodec.Uncompressed, 1, 700, EncodingChoice.Delta },
        { CompressionCodec.Lz4Raw, 1, 40, EncodingChoice.Classic },
        { CompressionCodec.Brotli, 2, 40, EncodingChoice.All },
    };

    [Theory]
    [MemberData(nameof(Variants))]
    public void DuckDB_finds_every_value(CompressionCodec codec, int pageVersion, int distinct, EncodingChoice encodings)
    {
        var batch = Rows(2000, distinct);
        var options = new ParquetWriterOptions
        {
            Compression = codec,
            DataPageVersion = pageVersion,
            PageRows = 300,
            RowGroupRows = 900,
            Encodings = encodings,
            Columns = Everything.Columns.ToDictionary(column => column.ToString(), _ => new ParquetColumnOptions { BloomFilterFpp = 0.05 }),
        };
        byte[] file = Files.Write(batch, options);
        var found = DuckDb.Query(
            file,
            """
            SELECT n, bool, int, double, text, day::INT AS day, epoch_us(zoned) AS zoned, epoch_us("local") AS "local", price, id,
                   epoch_us(time) AS time, small, float, hex(bytes) AS bytes, texts, map_entries("map") AS "map", lists, structs
            FROM read_parquet(FILE) ORDER BY n
            """.Replace("day::INT", "(day - DATE '1970-01-01')", StringComparison.Ordinal));
        var expected = RowJson.Of(batch);
        Assert.Equal(expected.Count, found.Count);
        for (int row = 0; row < expected.Count; row++)
        {
            foreach (var field in Everything.Fields)
            {
                string want = RowJson.Text(expected[row]![field.Name]);
                string got = RowJson.Text(found[row]![field.Name]);
                Assert.True(want == got, $"row {row} {field.Name}: expected {want}, DuckDB found {got}");
            }
        }
    }

    /// <summary>ClickHouse knows no null lists and maps: they are empty there.</summary>
    [Fact]
    public void ClickHouse_finds_every_value()
    {
        string folder = Directory.CreateTempSubdirectory("lake-clickhouse-").FullName;
        try
        {
            var queries = new List<string>();
            var expected = new List<JsonArray>();
            foreach (var (codec, pageVersion, distinct, encodings) in Variants().Select(row => row.Data))
            {
                var batch = Rows(500, distinct);
                File.WriteAllBytes(Path.Combine(folder, $"{queries.Count}.parquet"), Files.Write(batch, new ParquetWriterOptions
                {
                    Compression = codec, DataPageVersion = pageVersion, PageRows = 60, RowGroupRows = 220, Encodings = encodings,
                }));
                queries.Add($"""
                    SELECT {queries.Count} AS file, n, bool, int, double, text, toInt32(day) AS day, toUnixTimestamp64Micro(zoned) AS zoned, toUnixTimestamp64Micro(local) AS local,
                      toString(price) AS price, toString(id) AS id, toUnixTimestamp64Micro(time) AS time, toString(small) AS small, toFloat64(float) AS float, hex(bytes) AS bytes, texts,
                      arrayMap((k, v) -> tuple(k, v)::Tuple(key String, value Nullable(Int64)), mapKeys(map), mapValues(map)) AS map, lists, structs
                    FROM file('{queries.Count}.parquet')
                    """);
                expected.Add(RowJson.Of(batch));
            }

            var found = ClickHouse.Query(
                folder, $"SELECT * FROM ({string.Join(" UNION ALL ", queries)}) ORDER BY file, n SETTINGS output_format_json_quote_denormals = 1, output_format_json_quote_64bit_integers = 1");
            Assert.Equal(expected.Sum(rows => rows.Count), found.Count);
            int next = 0;
            for (int file = 0; file < expected.Count; file++)
            {
                foreach (var row in expected[file])
                {
                    foreach (var field in Everything.Fields)
                    {
                        string want = ClickHouseText(field, row![field.Name]);
                        string got = ClickHouseText(field, found[next]![field.Name]);
                        Assert.True(want == got, $"file {file} row {row["n"]} {field.Name}: expected {want}, ClickHouse found {got}");
                    }

                    next++;
                }
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void DuckDB_skips_pages_by_our_bounds_without_losing_rows()
    {
        var schema = new ParquetSchema([Leaf("n", PhysicalType.Int64, Repetition.Required), Text("t"), Leaf("d", PhysicalType.Double)]);
        var batch = new RandomRows(schema, 4, new RowShape { Distinct = 200 }).Make(20_000);
        for (int i = 0; i < batch.RowCount; i++)
        {
            batch.Columns[0].Longs[i] = i * 3L;
        }

        byte[] file = Files.Write(batch, new ParquetWriterOptions { PageRows = 1000, RowGroupRows = 4000 });
        string text = Encoding.UTF8.GetString(batch.Columns[1].Bytes.AsSpan(0, batch.Columns[1].Offsets[1]));
        string quoted = text.Replace("'", "''", StringComparison.Ordinal);
        var counts = DuckDb.Query(file,
        [
            "SELECT count(*)::INT AS c FROM FILE WHERE n BETWEEN 9000 AND 12000",
            $"SELECT count(*)::INT AS c FROM FILE WHERE t = '{quoted}'",
            "SELECT count(*)::INT AS c FROM FILE WHERE d = 0",
            "SELECT count(*)::INT AS c FROM FILE WHERE n < 0",
        ]);
        Assert.Equal(1001, (int)counts[0][0]!["c"]!);
        var all = RowJson.Of(batch);
        Assert.Equal(all.Count(row => (string?)row!["t"] == text), (int)counts[1][0]!["c"]!);
        Assert.Equal(batch.Columns[2].Doubles.Take(batch.Columns[2].ValueCount).Count(d => d == 0), (int)counts[2][0]!["c"]!);
        Assert.Equal(0, (int)counts[3][0]!["c"]!);
    }

    [Fact]
    public void DuckDB_finds_field_ids_and_metadata()
    {
        var batch = Rows(100, 5);
        byte[] file = Files.Write(batch, new ParquetWriterOptions
        {
            KeyValueMetadata = new Dictionary<string, string> { ["iceberg.schema"] = "{\"type\":\"struct\"}" },
        });
        var found = DuckDb.Query(file,
        [
            "SELECT name, field_id, converted_type, logical_type FROM parquet_schema(FILE) WHERE field_id IS NOT NULL ORDER BY field_id",
            "SELECT decode(key) AS key, decode(value) AS value FROM parquet_kv_metadata(FILE)",
            "SELECT DISTINCT compression FROM parquet_metadata(FILE)",
        ]);
        var ids = found[0].Select(row => (int)long.Parse(row!["field_id"]!.ToString(), CultureInfo.InvariantCulture)).ToList();
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27], ids);
        Assert.Equal("iceberg.schema", (string?)found[1][0]!["key"]);
        Assert.Equal("{\"type\":\"struct\"}", (string?)found[1][0]!["value"]);
        Assert.Equal("ZSTD", (string?)Assert.Single(found[2])!["compression"]);
    }

    [Theory]
    [InlineData(EncodingChoice.Classic, 1)]
    [InlineData(EncodingChoice.Delta, 1)]
    [InlineData(EncodingChoice.All, 2)]
    public async Task Parquet_Net_finds_every_value(EncodingChoice encodings, int pageVersion)
    {
        var schema = new ParquetSchema(
        [
            Leaf("n", PhysicalType.Int64, Repetition.Required),
            Leaf("int", PhysicalType.Int32),
            Leaf("double", PhysicalType.Double),
            Text("text"),
        ]);
        foreach (int distinct in (int[])[0, 100])
        {
            var batch = new RandomRows(schema, 6, new RowShape { Distinct = distinct }).Make(3000);
            byte[] file = Files.Write(batch, new ParquetWriterOptions { PageRows = 500, RowGroupRows = 1100, Encodings = encodings, DataPageVersion = pageVersion });
            var stop = TestContext.Current.CancellationToken;
            await using var reader = await global::Parquet.ParquetReader.CreateAsync(new MemoryStream(file), cancellationToken: stop);
            var fields = reader.Schema.GetDataFields();
            var found = new List<(long N, int? Int, double? Double, string? Text)>();
            for (int g = 0; g < reader.RowGroupCount; g++)
            {
                using var group = reader.OpenRowGroupReader(g);
                int rows = (int)group.RowCount;
                var (n, ints, doubles, texts) = (new long[rows], new int?[rows], new double?[rows], new string?[rows]);
                await group.ReadAsync<long>(fields[0], n.AsMemory(), null, stop);
                await group.ReadAsync<int>(fields[1], ints.AsMemory(), null, stop);
                await group.ReadAsync<double>(fields[2], doubles.AsMemory(), null, stop);
                await group.ReadAsync(fields[3], texts.AsMemory(), null, stop);
                found.AddRange(Enumerable.Range(0, rows).Select(i => (n[i], ints[i], doubles[i], texts[i])));
            }

            var expected = RowJson.Of(batch);
            Assert.Equal(expected.Count, found.Count);
            for (int i = 0; i < found.Count; i++)
            {
                Assert.Equal(batch.Columns[0].Longs[i], found[i].N);
                Assert.Equal((int?)expected[i]!["int"], found[i].Int);
                Assert.Equal((string?)expected[i]!["text"], found[i].Text);
                Assert.Equal(RowJson.Text(expected[i]!["double"]), found[i].Double is { } number ? RowJson.Number(number) : "null");
            }
        }
    }

    /// <summary>One text for what either says: no difference between null and empty lists, nor in the zeros behind a decimal.</summary>
    private static string ClickHouseText(ParquetNode node, JsonNode? value)
    {
        switch (node)
        {
            case ParquetNode.Group { LogicalType: LogicalType.List, Children: [ParquetNode.Group { Children: [var element] }] }:
                return $"[{string.Join(",", (value as JsonArray ?? []).Select(one => ClickHouseText(element, one)))}]";
            case ParquetNode.Group { LogicalType: LogicalType.Map, Children: [ParquetNode.Group entry] }:
                return $"[{string.Join(",", (value as JsonArray ?? []).Select(one => ClickHouseText(entry, one)))}]";
            case ParquetNode.Group group:
                return $"({string.Join(",", group.Children.Select(child => ClickHouseText(child, value?[child.Name])))})";
            default:
                bool isNumber = ((ParquetNode.Primitive)node).PhysicalType is PhysicalType.Double or PhysicalType.Float;
                string text = value?.ToString() ?? "null";
                return value is null ? text
                    : isNumber ? RowJson.Number(text switch { "nan" or "-nan" => double.NaN, "inf" => double.PositiveInfinity, "-inf" => double.NegativeInfinity, _ => double.Parse(text, CultureInfo.InvariantCulture) })
                    : node.LogicalType is LogicalType.Decimal && text.Contains('.') ? text.TrimEnd('0').TrimEnd('.') : text;
        }
    }

    private static ColumnBatch Rows(int count, int distinct)
    {
        var batch = new RandomRows(Everything, 17, new RowShape { Distinct = distinct }).Make(count);
        for (int i = 0; i < count; i++)
        {
            batch.Columns[0].Longs[i] = i;
        }

        foreach (var column in batch.Columns)
        {
            Bound(column);
        }

        return batch;
    }

    /// <summary>Brings values into what their types allow, since the generator fills all bits.</summary>
    private static void Bound(ColumnBuffer column)
    {
        for (int i = 0; i < column.ValueCount; i++)
        {
            switch (column.Column.Node.LogicalType)
            {
                case LogicalType.Date: column.Ints[i] %= 25_000; break; // ClickHouse begins at 1900
                case LogicalType.Timestamp: column.Longs[i] %= 4_000_000_000_000_000; break;
                case LogicalType.Time: column.Longs[i] = Math.Abs(column.Longs[i] % 86_400_000_000); break;
                case LogicalType.Decimal when column.Column.PhysicalType == PhysicalType.Int32: column.Ints[i] %= 1_000_000_000; break;
                case LogicalType.Decimal: column.Bytes.AsSpan(16 * i, 4).Fill((byte)((sbyte)column.Bytes[16 * i] >> 7)); break;
            }
        }
    }
}
