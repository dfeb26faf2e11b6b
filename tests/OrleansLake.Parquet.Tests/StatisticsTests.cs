using System.Buffers.Binary;
using System.Text;
using OrleansLake.Parquet.Footers;
using OrleansLake.Parquet.Statistics;
using OrleansLake.Parquet.Thrift;
using static OrleansLake.Parquet.Tests.Nodes;

namespace OrleansLake.Parquet.Tests;

public sealed class StatisticsTests
{
    [Fact]
    public void Bounds_of_every_type_are_what_a_plain_loop_finds()
    {
        var schema = new ParquetSchema([.. RoundTripTests.AllLeaves(Repetition.Optional)]);
        foreach (int distinct in (int[])[0, 5, 900])
        {
            var batch = new RandomRows(schema, 40 + distinct, new RowShape { Distinct = distinct }).Make(3000);
            Files.Write(batch, new ParquetWriterOptions { PageRows = 700, RowGroupRows = 1600 }, out var file);
            for (int i = 0; i < schema.Columns.Count; i++)
            {
                var (min, max) = PlainBounds(batch.Columns[i]);
                var metrics = file.Columns[i];
                Assert.True(min.AsSpan().SequenceEqual(metrics.Min), $"{metrics.Column} min");
                Assert.True(max.AsSpan().SequenceEqual(metrics.Max), $"{metrics.Column} max");
                Assert.Equal(3000, metrics.ValueCount);
                Assert.Equal(3000 - batch.Columns[i].ValueCount, metrics.NullCount);
            }
        }
    }

    [Fact]
    public void Not_a_number_is_counted_and_is_no_bound()
    {
        var file = WriteDoubles([double.NaN, 3, double.NaN, -1], out var bytes);
        Assert.Equal(2, file.Columns[0].NanCount);
        Assert.Equal(-1, BinaryPrimitives.ReadDoubleLittleEndian(file.Columns[0].Min));
        Assert.Equal(3, BinaryPrimitives.ReadDoubleLittleEndian(file.Columns[0].Max));
        Assert.NotNull(Chunk(bytes).ColumnIndex);

        file = WriteDoubles([double.NaN, double.NaN], out bytes);
        Assert.Null(file.Columns[0].Min);
        Assert.Null(file.Columns[0].Max);
        Assert.Null(Chunk(bytes).Statistics!.Min);
        Assert.Null(Chunk(bytes).ColumnIndex);
        Assert.NotNull(Chunk(bytes).OffsetIndex);
    }

    [Fact]
    public void A_zero_as_bound_stands_for_both_zeros()
    {
        foreach (double[] values in (double[][])[[0.0, 0.0], [-0.0, -0.0], [0.0, -0.0]])
        {
            var file = WriteDoubles(values, out _);
            Assert.Equal(BitConverter.DoubleToInt64Bits(-0.0), BinaryPrimitives.ReadInt64LittleEndian(file.Columns[0].Min));
            Assert.Equal(BitConverter.DoubleToInt64Bits(0.0), BinaryPrimitives.ReadInt64LittleEndian(file.Columns[0].Max));
        }
    }

    [Fact]
    public void Long_text_is_cut_in_the_footer_and_whole_in_the_metrics()
    {
        string low = "a" + new string('é', 100), high = "z" + new string('漢', 100);
        var batch = Texts([high, low, "m"]);
        byte[] bytes = Files.Write(batch, new ParquetWriterOptions { BoundLengthBytes = 16 }, out var file);
        var statistics = Chunk(bytes).Statistics!;
        Assert.Equal(low, Encoding.UTF8.GetString(file.Columns[0].Min!));
        Assert.Equal(high, Encoding.UTF8.GetString(file.Columns[0].Max!));
        Assert.False(statistics.IsMinExact);
        Assert.False(statistics.IsMaxExact);
        Assert.Equal("aééééééé", Encoding.UTF8.GetString(statistics.Min!));
        Assert.Equal("z漢漢漢漢漣", Encoding.UTF8.GetString(statistics.Max!).Replace(char.ConvertFromUtf32('漢' + 1), "漣", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(16)]
    public void A_cut_bound_never_lies_on_the_wrong_side(int length)
    {
        var random = new Random(length);
        string[] pieces = ["a", "z", "\u007f", "é", "\u07ff", "\ud7ff", "\uffff", "😀", char.ConvertFromUtf32(0x10FFFF)];
        for (int i = 0; i < 2000; i++)
        {
            byte[] text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, random.Next(1, 12)).Select(_ => pieces[random.Next(pieces.Length)])));
            byte[] lower = BoundTruncation.Lower(text, length, isText: true);
            Assert.True(lower.AsSpan().SequenceCompareTo(text) <= 0);
            Assert.True(lower.Length <= length || lower.Length == text.Length);
            Assert.DoesNotContain('\ufffd', Encoding.UTF8.GetString(lower));
            if (BoundTruncation.Upper(text, length, isText: true) is { } upper)
            {
                Assert.True(upper.AsSpan().SequenceCompareTo(text) >= 0);
                Assert.DoesNotContain('\ufffd', Encoding.UTF8.GetString(upper));
            }

            byte[] bytes = new byte[random.Next(1, 20)];
            random.NextBytes(bytes);
            bytes.AsSpan(0, random.Next(bytes.Length)).Fill(0xFF);
            Assert.True(BoundTruncation.Lower(bytes, length, isText: false).AsSpan().SequenceCompareTo(bytes) <= 0);
            byte[]? raised = BoundTruncation.Upper(bytes, length, isText: false);
            Assert.True(raised is null ? bytes.Length > length && bytes.AsSpan(0, length).IndexOfAnyExcept((byte)0xFF) < 0 : raised.AsSpan().SequenceCompareTo(bytes) >= 0);
        }
    }

    [Fact]
    public void The_page_index_names_each_page_with_its_place_rows_and_bounds()
    {
        var schema = new ParquetSchema([Leaf("n", PhysicalType.Int64)]);
        var batch = new ColumnBatch(schema);
        var column = batch.Columns[0];
        column.Reserve(1000);
        for (int i = 0; i < 1000; i++)
        {
            // The third page has nothing but nulls.
            bool isNull = i is >= 200 and < 300;
            column.DefinitionLevels[column.SlotCount++] = (byte)(isNull ? 0 : 1);
            if (!isNull)
            {
                column.Longs[column.ValueCount++] = i;
            }
        }

        batch.RowCount = 1000;
        byte[] bytes = Files.Write(batch, new ParquetWriterOptions { PageRows = 100, Compression = CompressionCodec.Uncompressed });
        var chunk = Chunk(bytes);
        var offsets = new ThriftReader(bytes.AsSpan((int)chunk.OffsetIndex!.Value.Position, chunk.OffsetIndex.Value.Length));
        short id = 0;
        Assert.True(offsets.NextField(ref id));
        Assert.Equal(10, offsets.List(ThriftType.Struct));
        long position = chunk.DataPagePosition;
        for (int page = 0; page < 10; page++)
        {
            short field = 0;
            offsets.NextField(ref field);
            Assert.Equal(position, offsets.Int64());
            offsets.NextField(ref field);
            position += offsets.Int32();
            offsets.NextField(ref field);
            Assert.Equal(page * 100, offsets.Int64());
            Assert.False(offsets.NextField(ref field));
        }

        Assert.Equal(chunk.DataPagePosition + chunk.SizeBytes, position);
        var bounds = new ThriftReader(bytes.AsSpan((int)chunk.ColumnIndex!.Value.Position, chunk.ColumnIndex.Value.Length));
        id = 0;
        bounds.NextField(ref id);
        Assert.Equal(10, bounds.List(ThriftType.True));
        Assert.Equal([2], Enumerable.Range(0, 10).Zip(Bools(ref bounds, 10)).Where(pair => pair.Second).Select(pair => pair.First));
        bounds.NextField(ref id);
        Assert.Equal(10, bounds.List(ThriftType.Binary));
        for (int page = 0; page < 10; page++)
        {
            var min = bounds.Binary();
            Assert.Equal(page == 2 ? -1 : page * 100, min.IsEmpty ? -1 : BinaryPrimitives.ReadInt64LittleEndian(min));
        }
    }

    [Fact]
    public void Rejected_rows_are_dropped_whole_from_every_column()
    {
        var schema = new ParquetSchema([Text("a"), Leaf("r", PhysicalType.Int32, Repetition.Required), List("l", List("i", Text("e"))), Map("m", Text("k"), Leaf("v", PhysicalType.Double))]);
        var kept = new RandomRows(schema, 1);
        var expected = kept.Make(400);
        var again = new RandomRows(schema, 1);
        var batch = new ColumnBatch(schema);
        var rejected = new RandomRows(schema, 2);
        for (int row = 0; row < 400; row++)
        {
            again.Append(batch, 1);
            rejected.Append(batch, 1);
            batch.RowCount--;
            batch.DropIncompleteRow();
        }

        Files.AssertEqual(expected, batch);
    }

    private static List<bool> Bools(ref ThriftReader reader, int count)
    {
        var values = new List<bool>();
        for (int i = 0; i < count; i++)
        {
            values.Add(reader.BoolElement());
        }

        return values;
    }

    private static ColumnChunk Chunk(byte[] file) => ParquetReader.Open(file).Footer.RowGroups[0].Columns[0];

    private static ParquetFile WriteDoubles(double[] values, out byte[] bytes)
    {
        var batch = new ColumnBatch(new ParquetSchema([Leaf("d", PhysicalType.Double, Repetition.Required)]));
        var column = batch.Columns[0];
        column.Reserve(values.Length);
        values.CopyTo(column.Doubles, 0);
        column.SlotCount = column.ValueCount = batch.RowCount = values.Length;
        bytes = Files.Write(batch, new ParquetWriterOptions(), out var file);
        return file;
    }

    private static ColumnBatch Texts(string[] texts)
    {
        var batch = new ColumnBatch(new ParquetSchema([Text("t", Repetition.Required)]));
        var column = batch.Columns[0];
        column.Reserve(texts.Length);
        foreach (string text in texts)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            column.ReserveBytes(bytes.Length);
            bytes.CopyTo(column.Bytes, column.Offsets[column.ValueCount]);
            column.Offsets[column.ValueCount + 1] = column.Offsets[column.ValueCount] + bytes.Length;
            column.ValueCount++;
            column.SlotCount++;
            batch.RowCount++;
        }

        return batch;
    }

    private static (byte[]? Min, byte[]? Max) PlainBounds(ColumnBuffer column)
    {
        var order = ValueOrders.Of(column.Column);
        byte[]? min = null, max = null;
        for (int i = 0; i < column.ValueCount; i++)
        {
            byte[] value = column.Column.PhysicalType switch
            {
                PhysicalType.Int32 => BitConverter.GetBytes(column.Ints[i]),
                PhysicalType.Int64 => BitConverter.GetBytes(column.Longs[i]),
                PhysicalType.Float => BitConverter.GetBytes(column.Floats[i]),
                PhysicalType.Double => BitConverter.GetBytes(column.Doubles[i]),
                PhysicalType.ByteArray => column.Bytes[column.Offsets[i]..column.Offsets[i + 1]],
                _ => column.Bytes.AsSpan(i * column.ValueWidth, column.ValueWidth).ToArray(),
            };
            bool nan = order switch
            {
                ValueOrder.Float => float.IsNaN(column.Floats[i]),
                ValueOrder.Double => double.IsNaN(column.Doubles[i]),
                ValueOrder.Half => Half.IsNaN(BinaryPrimitives.ReadHalfLittleEndian(value)),
                _ => false,
            };
            if (!nan)
            {
                min = min is null || ValueOrders.Compare(order, value, min) < 0 ? value : min;
                max = max is null || ValueOrders.Compare(order, value, max) > 0 ? value : max;
            }
        }

        return (min, max);
    }
}
