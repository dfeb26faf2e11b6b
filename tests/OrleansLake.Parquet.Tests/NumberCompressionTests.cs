using System.Buffers.Binary;
using System.Text.Json.Nodes;
using OrleansLake.Parquet.Buffers;
using OrleansLake.Parquet.Codecs;
using static OrleansLake.Parquet.Tests.Nodes;

namespace OrleansLake.Parquet.Tests;

/// <summary>Pages of numbers whose matches are found by what numbers have in common, as others restore them.</summary>
public sealed class NumberCompressionTests
{
    private static readonly NumberMatches[] Ways = [NumberMatches.Any, NumberMatches.Upper, NumberMatches.Steady, NumberMatches.None];

    public static TheoryData<string> Kinds() => [.. Makers.Keys];

    private static readonly Dictionary<string, Func<Random, long, long>> Makers = new()
    {
        ["small, of both signs"] = static (random, _) => random.Next(-1_000_000, 1_000_000),
        ["of every length"] = static (random, _) => random.NextInt64() >> random.Next(64),
        ["rising"] = static (random, i) => 1_700_000_000_000_000 + (i * 100_000) + random.Next(100_000),
        ["all alike"] = static (_, _) => 42,
        ["in runs"] = static (_, i) => i / 100,
        ["two in turn"] = static (_, i) => i % 2 == 0 ? long.MinValue : 7,
        ["doubles"] = static (random, _) => BitConverter.DoubleToInt64Bits(random.Next(100_000_000) / 1000.0),
        ["noise"] = static (random, _) => random.NextInt64(long.MinValue, long.MaxValue),
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void What_is_compressed_by_given_matches_is_restored_by_two_implementations(string kind)
    {
        var codec = Native();
        var managed = new ManagedZstdCodec(1);
        foreach (int count in new[] { 0, 1, 2, 3, 4, 5, 100, 16_383, 16_384, 16_385, 50_000 })
        {
            foreach (int numbersAt in new[] { 0, 1, 6, 7_507, 131_000 })
            {
                byte[] page = Page(kind, numbersAt, count);
                foreach (var matches in Ways)
                {
                    var compressed = new ByteBuffer();
                    codec.Compress(page, numbersAt, matches, compressed);
                    byte[] restored = new byte[page.Length];
                    codec.Decompress(compressed.Written, restored);
                    Assert.True(page.AsSpan().SequenceEqual(restored), $"{count} numbers at {numbersAt}, {matches}");
                    restored.AsSpan().Clear();
                    managed.Decompress(compressed.Written, restored);
                    Assert.True(page.AsSpan().SequenceEqual(restored), $"{count} numbers at {numbersAt}, {matches}");
                }
            }
        }
    }

    [Fact]
    public void Upper_bytes_of_the_numbers_before_save_room_where_numbers_are_alike_in_size()
    {
        byte[] page = Page("rising", 0, 20_000);
        Assert.InRange(Length(page, NumberMatches.Upper), 1, Length(page, NumberMatches.None) * 2 / 3);
        Assert.InRange(Length(Page("all alike", 0, 20_000), NumberMatches.Upper), 1, 100);
        Assert.InRange(Length(Page("noise", 0, 20_000), NumberMatches.Upper), 160_000, 160_200);
    }

    [Fact]
    public void Numbers_that_rise_take_the_room_of_their_lower_bytes_and_others_are_searched()
    {
        byte[] page = Page("rising", 6, 20_000);
        Assert.True(ZstdSteadyNumbers.TryPlan(page, 6, out int shared, out _));
        Assert.Equal(5, shared);
        Assert.InRange(Length(page, NumberMatches.Steady, 6), 60_000, 64_000);
        Assert.False(ZstdSteadyNumbers.TryPlan(Page("noise", 0, 20_000), 0, out _, out _));
        Assert.Equal(Length(Page("noise", 0, 20_000), NumberMatches.Any), Length(Page("noise", 0, 20_000), NumberMatches.Steady));
    }

    [Fact]
    public void Levels_that_repeat_after_a_few_bytes_take_next_to_nothing()
    {
        byte[] page = Page("noise", 7_500, 20_000);
        Assert.InRange(Length(page, NumberMatches.None, 7_500) - Length(page[7_500..], NumberMatches.None), 0, 100);
    }

    [Theory]
    [InlineData(1, 1, 1.09)]
    [InlineData(3, 2, 1.03)]
    [InlineData(9, 1, 1.0)]
    public void Files_whose_pages_choose_are_read_by_DuckDB_and_no_larger_than_the_level_allows(int level, int pageVersion, double allowance)
    {
        var columns = Makers.Keys.Select((_, i) => (ParquetNode)Leaf($"c{i}", PhysicalType.Int64, Repetition.Required))
            .Append(List("l", Leaf("element", PhysicalType.Int64, Repetition.Optional)));
        var schema = new ParquetSchema([.. columns]);
        var batch = Rows(schema, 45_000);
        var options = new ParquetWriterOptions
        {
            CompressionLevel = level,
            DataPageVersion = pageVersion,
            Columns = schema.Columns.ToDictionary(column => column.ToString(), _ => new ParquetColumnOptions { Dictionary = false }),
        };

        byte[] file = Files.Write(batch, options, out var written);
        Files.AssertEqual(batch, Files.ReadAll(file));

        string sums = string.Join(", ", Enumerable.Range(0, Makers.Count).Select(i => $"sum(c{i})::VARCHAR AS c{i}"));
        JsonNode found = DuckDb.Query(file, $"SELECT {sums}, (SELECT sum(e)::VARCHAR FROM (SELECT unnest(l) AS e FROM read_parquet(FILE))) AS l FROM read_parquet(FILE)")[0]!;
        for (int i = 0; i < batch.Columns.Length; i++)
        {
            var column = batch.Columns[i];
            Int128 sum = 0;
            foreach (long value in column.Longs.AsSpan(0, column.ValueCount))
            {
                sum += value;
            }

            Assert.Equal(sum.ToString(), (string?)found[i < Makers.Count ? $"c{i}" : "l"]);
        }

        // The same pages by the search alone.
        long searched = 0;
        foreach (var column in batch.Columns[..Makers.Count])
        {
            byte[] values = System.Runtime.InteropServices.MemoryMarshal.AsBytes(column.Longs.AsSpan(0, column.ValueCount)).ToArray();
            for (int at = 0; at < values.Length; at += 160_000)
            {
                searched += Length(values[at..Math.Min(values.Length, at + 160_000)], NumberMatches.Any, level: level);
            }
        }

        long chosen = written.Columns.Take(Makers.Count).Sum(column => column.SizeBytes);
        Assert.InRange(chosen, 1, (long)(searched * allowance) + (300 * Makers.Count));
    }

    private static NativeZstdCodec Native(int level = 1)
    {
        Assert.SkipWhen(ZstdLibrary.Instance is null, "the system has no libzstd");
        return new NativeZstdCodec(ZstdLibrary.Instance!, level);
    }

    private static int Length(byte[] page, NumberMatches matches, int numbersAt = 0, int level = 1)
    {
        var compressed = new ByteBuffer();
        Native(level).Compress(page, numbersAt, matches, compressed);
        return compressed.Length;
    }

    /// <summary>Levels of lists of three, and numbers.</summary>
    private static byte[] Page(string kind, int numbersAt, int count)
    {
        byte[] page = new byte[numbersAt + (count * 8)];
        ReadOnlySpan<byte> levels = [0b10110110, 0b01101101, 0b11011011];
        for (int i = 0; i < numbersAt; i++)
        {
            page[i] = levels[i % 3];
        }

        var random = new Random(17);
        for (int i = 0; i < count; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(page.AsSpan(numbersAt + (i * 8)), Makers[kind](random, i));
        }

        return page;
    }

    private static ColumnBatch Rows(ParquetSchema schema, int count)
    {
        var batch = new RandomRows(schema, 3, new RowShape { Nulls = 0, ListEnds = 0.4 }).Make(count);
        var random = new Random(18);
        int i = 0;
        foreach (var make in Makers.Values)
        {
            var column = batch.Columns[i++];
            for (int row = 0; row < count; row++)
            {
                column.Longs[row] = make(random, row);
            }
        }

        return batch;
    }
}
