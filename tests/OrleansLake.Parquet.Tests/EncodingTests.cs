using OrleansLake.Parquet.Footers;
using static OrleansLake.Parquet.Tests.Nodes;

namespace OrleansLake.Parquet.Tests;

/// <summary>Every encoding, named by the options or chosen by the writer.</summary>
public sealed class EncodingTests
{
    private static readonly ParquetWriterOptions SmallPages = new() { PageRows = 400, PageSizeBytes = 6000, RowGroupRows = 900, CompressionLevel = 1 };

    private static readonly RowShape[] Shapes =
    [
        new() { Nulls = 0 },
        new() { Nulls = 1, ListEnds = 1 },
        new() { Nulls = 0.4, NullRun = 90, ListEnds = 0.2 },
        new() { Nulls = 0.1, Distinct = 30 },
    ];

    public static TheoryData<PageEncoding, string> Named()
    {
        var data = new TheoryData<PageEncoding, string>();
        foreach (var leaf in RoundTripTests.AllLeaves(Repetition.Required))
        {
            PageEncoding[] encodings = leaf.PhysicalType switch
            {
                PhysicalType.Boolean => [PageEncoding.Plain, PageEncoding.Rle],
                PhysicalType.Int32 or PhysicalType.Int64 => [PageEncoding.Plain, PageEncoding.DeltaBinaryPacked, PageEncoding.ByteStreamSplit],
                PhysicalType.Float or PhysicalType.Double => [PageEncoding.Plain, PageEncoding.ByteStreamSplit],
                PhysicalType.ByteArray => [PageEncoding.Plain, PageEncoding.DeltaLengthByteArray, PageEncoding.DeltaByteArray],
                _ => [PageEncoding.Plain, PageEncoding.DeltaByteArray, PageEncoding.ByteStreamSplit],
            };
            foreach (var encoding in encodings)
            {
                data.Add(encoding, leaf.Name);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Named))]
    public void An_encoding_that_is_named_is_used_and_gives_back_what_went_in(PageEncoding encoding, string leaf)
    {
        var required = RoundTripTests.AllLeaves(Repetition.Required).Single(node => node.Name == leaf) with { Name = "a" };
        var optional = required with { Name = "b", Repetition = Repetition.Optional };
        var schema = new ParquetSchema([required, optional, List("l", optional)]);
        var own = new ParquetColumnOptions { Encoding = encoding };
        for (int i = 0; i < Shapes.Length; i++)
        {
            var batch = new RandomRows(schema, i, Shapes[i]).Make(1000);
            var options = SmallPages with
            {
                Columns = schema.Columns.ToDictionary(column => column.ToString(), _ => own),
                DataPageVersion = 1 + (i % 2),
                Compression = i < 2 ? CompressionCodec.Uncompressed : CompressionCodec.Zstd,
            };
            byte[] file = Files.Write(batch, options);
            Files.AssertEqual(batch, Files.ReadAll(file));
            Assert.All(
                ParquetReader.Open(file).Footer.RowGroups.SelectMany(group => group.Columns),
                chunk => Assert.Equal(encoding, Assert.Single(chunk.PageEncodings).Encoding));
        }
    }

    [Theory]
    [InlineData(EncodingChoice.Classic)]
    [InlineData(EncodingChoice.Delta)]
    [InlineData(EncodingChoice.All)]
    public void Whatever_is_chosen_gives_back_what_went_in(EncodingChoice choice)
    {
        var schema = new ParquetSchema([.. RoundTripTests.AllLeaves(Repetition.Optional), List("list", Text("element"))]);
        for (int i = 0; i < Shapes.Length; i++)
        {
            foreach (int version in (int[])[1, 2])
            {
                var batch = new RandomRows(schema, 7 + i, Shapes[i]).Make(1500);
                byte[] file = Files.Write(batch, SmallPages with { Encodings = choice, DataPageVersion = version });
                Files.AssertEqual(batch, Files.ReadAll(file));
                var used = ParquetReader.Open(file).Footer.RowGroups.SelectMany(group => group.Columns).SelectMany(chunk => chunk.PageEncodings).Select(count => count.Encoding);
                PageEncoding[] classic = [PageEncoding.Plain, PageEncoding.RleDictionary];
                Assert.True(choice != EncodingChoice.Classic || used.All(classic.Contains));
            }
        }
    }

    [Fact]
    public void Each_column_gets_what_makes_it_smallest()
    {
        var schema = new ParquetSchema(
        [
            Leaf("rising", PhysicalType.Int64, Repetition.Required), Leaf("random", PhysicalType.Int64, Repetition.Required),
            Leaf("measure", PhysicalType.Double, Repetition.Required), Text("path", Repetition.Required), Text("noise", Repetition.Required), Text("kind", Repetition.Required),
        ]);
        var batch = new ColumnBatch(schema);
        var random = new Random(1);
        for (int row = 0; row < 5000; row++)
        {
            AddLong(batch.Columns[0], 1_700_000_000_000 + (row * 37) + random.Next(30));
            AddLong(batch.Columns[1], random.NextInt64());
            batch.Columns[2].Reserve(1);
            batch.Columns[2].Doubles[batch.Columns[2].ValueCount++] = 20 + Math.Sin(row / 300.0) + (random.Next(1 << 20) * 1e-9);
            AddText(batch.Columns[3], $"/var/lib/data/{row / 100:D5}/part-{row:D7}.bin");
            AddText(batch.Columns[4], random.NextInt64(1L << 60, long.MaxValue).ToString("x")[..random.Next(8, 16)]);
            AddText(batch.Columns[5], $"kind {random.Next(9)}");
            batch.RowCount++;
        }

        foreach (var column in batch.Columns)
        {
            column.SlotCount = batch.RowCount;
        }

        PageEncoding[] Chosen(EncodingChoice choice, out long size)
        {
            byte[] file = Files.Write(batch, new ParquetWriterOptions { Encodings = choice, CompressionLevel = 1 }, out var written);
            size = written.FileSizeBytes;
            Files.AssertEqual(batch, Files.ReadAll(file));
            return [.. ParquetReader.Open(file).Footer.RowGroups[0].Columns.Select(chunk => chunk.PageEncodings[^1].Page == PageType.Dictionary ? chunk.PageEncodings[0].Encoding : chunk.PageEncodings[^1].Encoding)];
        }

        Assert.Equal(
            [PageEncoding.Plain, PageEncoding.Plain, PageEncoding.Plain, PageEncoding.Plain, PageEncoding.Plain, PageEncoding.RleDictionary],
            Chosen(EncodingChoice.Classic, out long classic));
        Assert.Equal(
            [PageEncoding.DeltaBinaryPacked, PageEncoding.Plain, PageEncoding.Plain, PageEncoding.DeltaByteArray, PageEncoding.DeltaLengthByteArray, PageEncoding.RleDictionary],
            Chosen(EncodingChoice.Delta, out long delta));
        Assert.Equal(
            [PageEncoding.DeltaBinaryPacked, PageEncoding.Plain, PageEncoding.ByteStreamSplit, PageEncoding.DeltaByteArray, PageEncoding.DeltaLengthByteArray, PageEncoding.RleDictionary],
            Chosen(EncodingChoice.All, out long all));
        Assert.True(all < delta && delta < classic, $"{classic}, {delta}, {all} bytes");
    }

    [Fact]
    public void An_encoding_that_a_type_does_not_have_is_refused_before_anything_is_written()
    {
        var schema = new ParquetSchema([Text("a")]);
        var options = new ParquetWriterOptions { Columns = new Dictionary<string, ParquetColumnOptions> { ["a"] = new() { Encoding = PageEncoding.DeltaBinaryPacked } } };
        var error = Assert.Throws<ArgumentException>(() => new ParquetWriter(Stream.Null, schema, options));
        Assert.StartsWith("a: values of ByteArray cannot be written in encoding DeltaBinaryPacked", error.Message);
    }

    [Fact]
    public void A_column_without_dictionary_and_statistics_has_neither()
    {
        var schema = new ParquetSchema([Text("a"), Text("b")]);
        var batch = new RandomRows(schema, 1, new RowShape { Distinct = 5 }).Make(500);
        byte[] file = Files.Write(
            batch,
            new ParquetWriterOptions { Columns = new Dictionary<string, ParquetColumnOptions> { ["a"] = new() { Dictionary = false, Statistics = false } } },
            out var written);
        var chunks = ParquetReader.Open(file).Footer.RowGroups[0].Columns;
        Assert.Null(chunks[0].DictionaryPagePosition);
        Assert.NotNull(chunks[1].DictionaryPagePosition);
        Assert.Null(chunks[0].Statistics!.Min);
        Assert.Null(chunks[0].ColumnIndex);
        Assert.Equal(batch.RowCount - batch.Columns[0].ValueCount, chunks[0].Statistics!.NullCount);
        Assert.NotNull(chunks[1].Statistics!.Max);
        Assert.NotNull(chunks[1].ColumnIndex);
        Assert.NotNull(written.Columns[0].Min);
    }

    internal static void AddText(ColumnBuffer column, string text)
    {
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(text);
        column.Reserve(1);
        column.ReserveBytes(bytes.Length);
        bytes.CopyTo(column.Bytes, column.Offsets[column.ValueCount]);
        column.Offsets[column.ValueCount + 1] = column.Offsets[column.ValueCount] + bytes.Length;
        column.ValueCount++;
    }

    internal static void AddLong(ColumnBuffer column, long value)
    {
        column.Reserve(1);
        column.Longs[column.ValueCount++] = value;
    }
}
