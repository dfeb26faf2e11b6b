using System.Text;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Tests.Upkeep;

/// <summary>What is read with codes for the values of its dictionaries is written as without them.</summary>
public sealed class ValueCodesTests
{
    private static readonly ParquetSchema Columns = new(
    [
        new ParquetNode.Primitive { Name = "few", Repetition = Repetition.Optional, PhysicalType = PhysicalType.ByteArray, LogicalType = new LogicalType.String() },
        new ParquetNode.Primitive { Name = "many", Repetition = Repetition.Required, PhysicalType = PhysicalType.ByteArray, LogicalType = new LogicalType.String() },
        new ParquetNode.Primitive { Name = "number", Repetition = Repetition.Required, PhysicalType = PhysicalType.Int64 },
    ]);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Codes_change_no_byte_of_what_is_written(int seed)
    {
        var random = new Random(seed);
        // Dictionaries that overflow, so that pages of one chunk differ; values that come and go from file to file.
        var files = Enumerable.Range(0, 6).Select(file => Write(
            random, rows: random.Next(1, 9000), few: random.Next(1, 60), many: random.Next(1, 4000), dictionaryBytes: random.Next(3) == 0 ? 300 : 1 << 20)).ToList();
        foreach (var options in new[]
        {
            new ParquetWriterOptions { PageRows = 700, DictionarySizeBytes = 4000 },
            new ParquetWriterOptions { PageRows = 20_000, RowGroupSizeBytes = 40_000 },
            new ParquetWriterOptions { Columns = new Dictionary<string, ParquetColumnOptions> { ["few"] = new() { BloomFilterFpp = 0.01 } } },
        })
        {
            byte[] without = Rewrite(files, new ReadMemory(), options, batchRows: 1000);
            byte[] with = Rewrite(files, new ReadMemory { KeepsCodes = true }, options, batchRows: 1000);
            Assert.True(without.AsSpan().SequenceEqual(with), $"expected {without.Length} bytes, got {with.Length} that are others");
        }
    }

    private static byte[] Write(Random random, int rows, int few, int many, int dictionaryBytes)
    {
        var batch = new ColumnBatch(Columns);
        for (int row = 0; row < rows; row++)
        {
            bool there = random.Next(5) > 0;
            batch.Columns[0].Reserve(1);
            batch.Columns[0].DefinitionLevels[batch.Columns[0].SlotCount++] = there ? (byte)1 : (byte)0;
            if (there)
            {
                Add(batch.Columns[0], $"value {random.Next(few)}");
            }

            batch.Columns[1].Reserve(1);
            batch.Columns[1].SlotCount++;
            Add(batch.Columns[1], random.Next(20) == 0 ? "" : new string('x', random.Next(40)) + random.Next(many));
            batch.Columns[2].Reserve(1);
            batch.Columns[2].Longs[batch.Columns[2].ValueCount++] = row;
            batch.Columns[2].SlotCount++;
            batch.RowCount++;
        }

        using var stream = new MemoryStream();
        using var writer = new ParquetWriter(stream, Columns, new ParquetWriterOptions { PageRows = 2000, DictionarySizeBytes = dictionaryBytes, RowGroupSizeBytes = 60_000 });
        writer.Append(batch);
        writer.Close();
        return stream.ToArray();
    }

    private static void Add(ColumnBuffer column, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        column.ReserveBytes(bytes.Length);
        int at = column.Offsets[column.ValueCount];
        bytes.CopyTo(column.Bytes, at);
        column.Offsets[++column.ValueCount] = at + bytes.Length;
    }

    private static byte[] Rewrite(List<byte[]> files, ReadMemory memory, ParquetWriterOptions options, int batchRows)
    {
        using var stream = new MemoryStream();
        using var writer = new ParquetWriter(stream, Columns, options);
        foreach (byte[] file in files)
        {
            foreach (var batch in ParquetReader.Open(file).Read(new RowSelection { Memory = memory, BatchRows = batchRows }))
            {
                writer.Append(batch);
            }
        }

        writer.Close();
        return stream.ToArray();
    }
}
