using static OrleansLake.Parquet.Tests.Nodes;

namespace OrleansLake.Parquet.Tests;

public sealed class RoundTripTests
{
    private static readonly ParquetWriterOptions SmallPages = new()
    {
        PageRows = 500,
        PageSizeBytes = 4000,
        RowGroupRows = 1700,
        CompressionLevel = 1,
    };

    public static TheoryData<string> Leaves() =>
        [.. AllLeaves(Repetition.Required).Select(leaf => leaf.Name)];

    [Theory]
    [MemberData(nameof(Leaves))]
    public void Every_type_survives_in_every_nesting(string name)
    {
        ParquetNode.Primitive required = AllLeaves(Repetition.Required).Single(leaf => leaf.Name == name);
        ParquetNode.Primitive optional = AllLeaves(Repetition.Optional).Single(leaf => leaf.Name == name);
        var schema = new ParquetSchema(
        [
            required,
            optional with { Name = "optional" },
            Struct("struct", Repetition.Optional, required, optional with { Name = "inner" }),
            List("list", required),
            List("nullable", optional, Repetition.Required),
            List("lists", List("inner", optional)),
            Map("map", Text("key"), optional),
            List("structs", Struct("s", Repetition.Optional, required, List("deep", optional), Map("m", Text("k"), required))),
        ]);
        int seed = 0;
        foreach (var shape in Shapes())
        {
            var batch = new RandomRows(schema, ++seed, shape).Make(1900);
            Files.AssertEqual(batch, Files.ReadAll(Files.Write(batch, SmallPages)));
            Files.AssertEqual(batch, Files.ReadAll(Files.Write(batch, SmallPages with { DataPageVersion = 2, PageChecksums = false })));
        }
    }

    [Theory]
    [InlineData(CompressionCodec.Uncompressed)]
    [InlineData(CompressionCodec.Snappy)]
    [InlineData(CompressionCodec.Gzip)]
    [InlineData(CompressionCodec.Brotli)]
    [InlineData(CompressionCodec.Lz4Raw)]
    [InlineData(CompressionCodec.Zstd)]
    public void Every_codec_gives_back_what_went_in(CompressionCodec codec)
    {
        var schema = new ParquetSchema([.. AllLeaves(Repetition.Optional), List("list", Text("element"))]);
        foreach (int version in (int[])[1, 2])
        {
            foreach (var shape in Shapes())
            {
                var batch = new RandomRows(schema, version, shape).Make(3000);
                var options = SmallPages with { Compression = codec, DataPageVersion = version, CompressionLevel = null };
                Files.AssertEqual(batch, Files.ReadAll(Files.Write(batch, options)));
            }
        }
    }

    [Fact]
    public void The_default_options_give_back_what_went_in()
    {
        var schema = new ParquetSchema([.. AllLeaves(Repetition.Optional), List("list", Text("element"))]);
        foreach (int distinct in (int[])[0, 1, 3, 300, 60_000])
        {
            var batch = new RandomRows(schema, distinct, new RowShape { Distinct = distinct }).Make(45_000);
            Files.AssertEqual(batch, Files.ReadAll(Files.Write(batch, new ParquetWriterOptions()), 9000));
        }
    }

    [Fact]
    public void Rows_appended_in_runs_of_any_length_make_the_same_rows()
    {
        var schema = new ParquetSchema([Text("a"), List("l", Leaf("element", PhysicalType.Int64)), Leaf("r", PhysicalType.Int32, Repetition.Required)]);
        var batch = new RandomRows(schema, 5).Make(3000);
        foreach (int step in (int[])[1, 7, 499, 500, 501, 3000])
        {
            byte[] bytes = Files.Write(batch, SmallPages, out _, step);
            Files.AssertEqual(batch, Files.ReadAll(bytes, 1000));
        }
    }

    [Fact]
    public void A_batch_routed_to_several_writers_loses_and_doubles_no_row()
    {
        var schema = new ParquetSchema([Leaf("n", PhysicalType.Int64, Repetition.Required), List("l", Text("element"))]);
        var batch = new RandomRows(schema, 9).Make(5000);
        for (int i = 0; i < 5000; i++)
        {
            batch.Columns[0].Longs[i] = i;
        }

        var random = new Random(1);
        var streams = Enumerable.Range(0, 3).Select(_ => new MemoryStream()).ToArray();
        var writers = streams.Select(stream => new ParquetWriter(stream, schema, SmallPages)).ToArray();
        var routed = streams.Select(_ => new List<long>()).ToArray();
        for (int row = 0; row < 5000;)
        {
            int run = Math.Min(random.Next(1, 40), 5000 - row);
            int to = random.Next(3);
            writers[to].Append(batch, row, run);
            routed[to].AddRange(Enumerable.Range(row, run).Select(i => (long)i));
            row += run;
        }

        for (int i = 0; i < 3; i++)
        {
            writers[i].Close();
            var read = Files.ReadAll(streams[i].ToArray());
            Assert.Equal(routed[i], read.Columns[0].Longs.Take(read.RowCount));
        }
    }

    [Fact]
    public void A_reopened_writer_starts_from_nothing()
    {
        var schema = new ParquetSchema([Text("a"), Leaf("b", PhysicalType.Double)]);
        var first = new RandomRows(schema, 1, new RowShape { Distinct = 50 }).Make(2000);
        var second = new RandomRows(schema, 2, new RowShape { Distinct = 50 }).Make(1000);
        var stream = new MemoryStream();
        using var writer = new ParquetWriter(stream, schema, SmallPages);
        writer.Append(first);
        writer.Close();
        Assert.Throws<ObjectDisposedException>(() => writer.Append(first));
        var again = new MemoryStream();
        writer.Reopen(again);
        writer.Append(second);
        var file = writer.Close();
        Assert.Equal(Files.Write(second, SmallPages), again.ToArray());
        Assert.Equal(1000, file.Columns[0].ValueCount);
    }

    [Fact]
    public void A_file_without_rows_reads_as_one()
    {
        var batch = new ColumnBatch(new ParquetSchema([Text("a"), List("l", Text("element"))]));
        byte[] bytes = Files.Write(batch, new ParquetWriterOptions(), out var file);
        Assert.Equal(0, Files.ReadAll(bytes).RowCount);
        Assert.Empty(file.SplitPositions);
    }

    [Fact]
    public void Columns_and_row_groups_can_be_read_by_themselves()
    {
        var schema = new ParquetSchema([Text("a"), Struct("s", Repetition.Optional, Leaf("x", PhysicalType.Int32), Text("y")), Leaf("b", PhysicalType.Int64)]);
        var batch = new RandomRows(schema, 3).Make(4000);
        var reader = ParquetReader.Open(Files.Write(batch, SmallPages));
        Assert.Equal(3, reader.Footer.RowGroups.Count);
        int rows = 0;
        foreach (var part in reader.Read(["s.y", "b"], rowGroup: 1))
        {
            Assert.Equal(["s.y", "b"], part.Schema.Columns.Select(column => column.ToString()));
            rows += part.RowCount;
        }

        Assert.Equal(1700, rows);
        Assert.Throws<ArgumentException>(() => reader.Read(["s.z"]));
    }

    [Fact]
    public void A_value_larger_than_a_page_and_a_dictionary_is_written_whole()
    {
        var schema = new ParquetSchema([Text("a")]);
        var batch = new ColumnBatch(schema);
        var column = batch.Columns[0];
        foreach (int length in (int[])[0, 10, 5_000_000, 3, 2_000_000, 2_000_000])
        {
            column.Reserve(1);
            column.ReserveBytes(length);
            column.Bytes.AsSpan(column.Offsets[column.ValueCount], length).Fill((byte)'x');
            column.Offsets[column.ValueCount + 1] = column.Offsets[column.ValueCount] + length;
            column.DefinitionLevels[column.SlotCount++] = 1;
            column.ValueCount++;
            batch.RowCount++;
        }

        Files.AssertEqual(batch, Files.ReadAll(Files.Write(batch, new ParquetWriterOptions(), out var file)));
        Assert.Equal(5_000_000, file.Columns[0].Max!.Length);
        Assert.True(file.FileSizeBytes < 20_000);
    }

    internal static IEnumerable<ParquetNode.Primitive> AllLeaves(Repetition repetition) =>
    [
        Leaf("boolean", PhysicalType.Boolean, repetition),
        Leaf("int32", PhysicalType.Int32, repetition),
        Leaf("int64", PhysicalType.Int64, repetition),
        Leaf("float", PhysicalType.Float, repetition),
        Leaf("double", PhysicalType.Double, repetition),
        Leaf("binary", PhysicalType.ByteArray, repetition),
        Leaf("string", PhysicalType.ByteArray, repetition, new LogicalType.String()),
        Leaf("uuid", PhysicalType.FixedLenByteArray, repetition, new LogicalType.Uuid(), length: 16),
        Leaf("fixed", PhysicalType.FixedLenByteArray, repetition, length: 5),
        Leaf("half", PhysicalType.FixedLenByteArray, repetition, new LogicalType.Float16(), length: 2),
        Leaf("date", PhysicalType.Int32, repetition, new LogicalType.Date()),
        Leaf("timestamp", PhysicalType.Int64, repetition, new LogicalType.Timestamp(TimeUnit.Micros, true)),
        Leaf("decimal9", PhysicalType.Int32, repetition, new LogicalType.Decimal(9, 2)),
        Leaf("decimal18", PhysicalType.Int64, repetition, new LogicalType.Decimal(18, 4)),
        Leaf("decimal38", PhysicalType.FixedLenByteArray, repetition, new LogicalType.Decimal(38, 10), length: 16),
        Leaf("decimalbytes", PhysicalType.ByteArray, repetition, new LogicalType.Decimal(20, 0)),
        Leaf("unsigned", PhysicalType.Int64, repetition, new LogicalType.Integer(64, false)),
    ];

    private static IEnumerable<RowShape> Shapes() =>
    [
        new() { Nulls = 0 },
        new() { Nulls = 1, ListEnds = 1 },
        new() { Nulls = 0.3, Distinct = 40 },
        new() { Nulls = 0.5, NullRun = 200, ListEnds = 0.1 },
        new() { Nulls = 0.1, Distinct = 1, ListEnds = 0.6 },
    ];
}
