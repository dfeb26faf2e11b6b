using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using OrleansLake.Parquet.Statistics;
using static OrleansLake.Parquet.Tests.Nodes;

namespace OrleansLake.Parquet.Tests;

public sealed class BloomFilterTests
{
    [Theory]
    [InlineData(1, 0.01, 1 << 20)]
    [InlineData(1000, 0.01, 1 << 20)]
    [InlineData(60_000, 0.01, 1 << 20)]
    [InlineData(60_000, 0.2, 1 << 20)]
    [InlineData(300_000, 0.001, 1 << 20)]
    [InlineData(5000, 0.01, 1024)]
    public void Every_value_is_found_and_few_others_are(int values, double fpp, int mostBytes)
    {
        var schema = new ParquetSchema([Leaf("n", PhysicalType.Int64, Repetition.Required)]);
        var batch = new ColumnBatch(schema);
        for (int i = 0; i < values; i++)
        {
            EncodingTests.AddLong(batch.Columns[0], i * 7L);
        }

        batch.RowCount = batch.Columns[0].SlotCount = values;
        var filter = Filter(Files.Write(batch, WithFilter("n", fpp) with { BloomFilterMaxBytes = mostBytes }), 0, 0)!;
        Assert.True(filter.Length * 4 <= mostBytes);
        Assert.All(Enumerable.Range(0, values), i => Assert.True(BloomFilter.MayContain(filter, Hash(i * 7L))));
        double found = Enumerable.Range(0, 100_000).Count(i => BloomFilter.MayContain(filter, Hash((i * 7L) + 3))) / 100_000.0;
        bool atLimit = filter.Length * 4 == BloomFilter.SizeFor(long.MaxValue, fpp, mostBytes);
        Assert.True(atLimit || found < 1.5 * fpp, $"{found} of strangers are found in {filter.Length * 4} bytes");
        Assert.InRange(found, (BloomFilter.FalsePositives(filter) * 0.5) - 0.001, (BloomFilter.FalsePositives(filter) * 1.5) + 0.001);
        // No larger than it must be: half of it would break the promise.
        if (filter.Length > BloomFilter.BlockWords)
        {
            uint[] half = new uint[filter.Length / 2];
            BloomFilter.Fold(filter, half);
            Assert.True(BloomFilter.FalsePositives(half) > fpp);
        }
    }

    [Fact]
    public void Values_that_repeat_make_no_larger_filter()
    {
        var schema = new ParquetSchema([Text("a"), Text("plain")]);
        var batch = new RandomRows(schema, 3, new RowShape { Distinct = 100, Nulls = 0.1 }).Make(50_000);
        byte[] file = Files.Write(batch, new ParquetWriterOptions
        {
            Columns = new Dictionary<string, ParquetColumnOptions> { ["a"] = new() { BloomFilterFpp = 0.01 }, ["plain"] = new() { BloomFilterFpp = 0.01, Dictionary = false } },
        });
        Assert.InRange(Filter(file, 0, 0)!.Length * 4, 64, 256);
        Assert.Equal(Filter(file, 0, 0)!.Length, Filter(file, 0, 1)!.Length);
    }

    [Fact]
    public void Every_type_has_a_filter_of_its_values_in_each_row_group()
    {
        var leaves = RoundTripTests.AllLeaves(Repetition.Optional).ToList();
        var schema = new ParquetSchema([.. leaves, List("list", Text("element"))]);
        // Few values with a dictionary, many without, and a dictionary that is given up on the way.
        foreach (int distinct in (int[])[20, 0, 700])
        {
            var batch = new RandomRows(schema, 5, new RowShape { Distinct = distinct }).Make(2000);
            var options = new ParquetWriterOptions
            {
                PageRows = 250,
                RowGroupRows = 1100,
                DictionarySizeBytes = 4000,
                Columns = schema.Columns.ToDictionary(column => column.ToString(), _ => new ParquetColumnOptions { BloomFilterFpp = 0.05 }),
            };
            byte[] file = Files.Write(batch, options);
            Files.AssertEqual(batch, Files.ReadAll(file));
            var reader = ParquetReader.Open(file);
            for (int group = 0; group < 2; group++)
            {
                foreach (var part in reader.Read(rowGroup: group, batchRows: 2000))
                {
                    foreach (var column in part.Columns)
                    {
                        uint[]? filter = Filter(file, group, column.Column.Index);
                        if (column.Column.PhysicalType == PhysicalType.Boolean)
                        {
                            Assert.Null(filter);
                            continue;
                        }

                        for (int i = 0; i < column.ValueCount; i++)
                        {
                            Assert.True(BloomFilter.MayContain(filter!, XxHash64.HashToUInt64(PlainValue(column, i))), $"{column.Column} value {i}");
                        }
                    }
                }
            }
        }
    }

    [Fact]
    public void A_column_of_nothing_but_nulls_has_no_filter()
    {
        var batch = new RandomRows(new ParquetSchema([Text("a")]), 1, new RowShape { Nulls = 1 }).Make(100);
        Assert.Null(Filter(Files.Write(batch, WithFilter("a", 0.01)), 0, 0));
    }

    [Fact]
    public void DuckDB_excludes_row_groups_by_our_filters_and_loses_no_row()
    {
        var schema = new ParquetSchema([Text("t", Repetition.Required), Leaf("n", PhysicalType.Int64, Repetition.Required)]);
        var batch = new ColumnBatch(schema);
        for (int i = 0; i < 20_000; i++)
        {
            EncodingTests.AddText(batch.Columns[0], $"name {(i * 7919) % 20_011}");
            EncodingTests.AddLong(batch.Columns[1], (i * 104_729L) % 1_000_003);
        }

        batch.RowCount = batch.Columns[0].SlotCount = batch.Columns[1].SlotCount = 20_000;
        byte[] file = Files.Write(batch, new ParquetWriterOptions
        {
            RowGroupRows = 5000,
            Columns = new Dictionary<string, ParquetColumnOptions> { ["t"] = new() { BloomFilterFpp = 0.01 }, ["n"] = new() { BloomFilterFpp = 0.01 } },
        });
        string[] texts = [.. Enumerable.Range(0, 12).Select(i => $"name {(i * 1500 * 7919) % 20_011}")];
        var answers = DuckDb.Query(
            file,
            [
                .. texts.Select(text => $"SELECT count(*)::INT AS c FROM FILE WHERE t = '{text}'"),
                .. texts.Select(text => $"SELECT list(row_group_id) FILTER (WHERE NOT bloom_filter_excludes) AS c FROM parquet_bloom_probe(FILE, 't', '{text}')"),
                "SELECT sum(bloom_filter_excludes::INT)::INT AS c FROM parquet_bloom_probe(FILE, 't', 'a stranger')",
                "SELECT sum(bloom_filter_excludes::INT)::INT AS c FROM parquet_bloom_probe(FILE, 'n', 1000004)",
                string.Create(CultureInfo.InvariantCulture, $"SELECT list(row_group_id) FILTER (WHERE NOT bloom_filter_excludes) AS c FROM parquet_bloom_probe(FILE, 'n', {batch.Columns[1].Longs[12_345]})"),
            ]);
        for (int i = 0; i < texts.Length; i++)
        {
            Assert.Equal(1, (int)answers[i][0]!["c"]!);
            Assert.Contains((i * 1500 / 5000).ToString(CultureInfo.InvariantCulture), answers[texts.Length + i][0]!["c"]!.AsArray().Select(group => group!.ToString()));
        }

        Assert.Equal(4, (int)answers[2 * texts.Length][0]!["c"]!);
        Assert.Equal(4, (int)answers[(2 * texts.Length) + 1][0]!["c"]!);
        Assert.Contains("2", answers[(2 * texts.Length) + 2][0]!["c"]!.AsArray().Select(group => group!.ToString()));
    }

    private static ParquetWriterOptions WithFilter(string column, double fpp) => new()
    {
        Columns = new Dictionary<string, ParquetColumnOptions> { [column] = new() { BloomFilterFpp = fpp } },
    };

    private static ulong Hash(long value) => XxHash64.HashToUInt64(BitConverter.GetBytes(value));

    /// <summary>The words of a filter, behind its header, which ends with three empty unions and a stop.</summary>
    private static uint[]? Filter(byte[] file, int group, int column)
    {
        if (ParquetReader.Open(file).Footer.RowGroups[group].Columns[column].BloomFilter is not { } place)
        {
            return null;
        }

        var section = file.AsSpan((int)place.Position, place.Length);
        var reader = new Thrift.ThriftReader(section);
        short id = 0;
        Assert.True(reader.NextField(ref id));
        int bytes = reader.Int32();
        while (reader.NextField(ref id))
        {
            reader.Skip();
        }

        Assert.Equal(section.Length, reader.Position + bytes);
        return [.. MemoryMarshal.Cast<byte, uint>(section[reader.Position..])];
    }

    private static byte[] PlainValue(ColumnBuffer column, int i) => column.Column.PhysicalType switch
    {
        PhysicalType.Int32 => BitConverter.GetBytes(column.Ints[i]),
        PhysicalType.Int64 => BitConverter.GetBytes(column.Longs[i]),
        PhysicalType.Float => BitConverter.GetBytes(column.Floats[i]),
        PhysicalType.Double => BitConverter.GetBytes(column.Doubles[i]),
        PhysicalType.ByteArray => column.Bytes[column.Offsets[i]..column.Offsets[i + 1]],
        _ => column.Bytes.AsSpan(i * column.ValueWidth, column.ValueWidth).ToArray(),
    };
}
