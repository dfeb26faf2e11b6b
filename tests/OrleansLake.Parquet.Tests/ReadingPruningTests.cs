using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using OrleansLake.Parquet.Statistics;
using OrleansLake.Testing;
using static OrleansLake.Parquet.Tests.Nodes;

namespace OrleansLake.Parquet.Tests;

/// <summary>Rows that are skipped by what the file says of them: never one that matches, in every column the same ones.</summary>
public sealed class ReadingPruningTests
{
    [Fact]
    public void Pruning_never_loses_a_matching_row()
    {
        var schema = new ParquetSchema(
        [
            .. RoundTripTests.AllLeaves(Repetition.Optional),
            Leaf("required", PhysicalType.Int64, Repetition.Required),
            Struct("s", Repetition.Optional, Leaf("deep", PhysicalType.Int32)),
            List("l", Text("element")),
            Map("m", Text("key"), Leaf("value", PhysicalType.Double)),
        ]);
        var random = new Random(5);
        for (int seed = 0; seed < 12; seed++)
        {
            var shape = new RowShape { Distinct = seed % 3 == 0 ? 5 : 0, NullRun = seed % 2 == 0 ? 1 : 40, Nulls = 0.3 };
            var batch = new RandomRows(schema, seed, shape).Make(400);
            byte[] file = Files.Write(batch, new ParquetWriterOptions
            {
                PageRows = random.Next(5, 60),
                RowGroupRows = random.Next(80, 500),
                DataPageVersion = 1 + seed % 2,
                PageIndex = seed % 5 != 4,
                Compression = CompressionCodec.Uncompressed,
            });
            for (int time = 0; time < 6; time++)
            {
                Check(file, batch, random);
            }
        }
    }

    [Fact]
    public void Pruning_never_loses_a_matching_row_of_files_of_others()
    {
        string? folder = SharedData.Find("parquet-testing/data");
        Assert.SkipWhen(folder is null, "shared/data/parquet-testing is absent");
        var random = new Random(6);
        int skipped = 0;
        foreach (string path in Directory.EnumerateFiles(folder, "*.parquet").Where(path => !path.Contains("large_string_map", StringComparison.Ordinal)).Order())
        {
            byte[] file = File.ReadAllBytes(path);
            var reader = ParquetReader.Open(file, new ParquetReaderOptions { VerifyChecksums = false });
            var all = Files.Gather(reader);
            for (int time = 0; time < (all.RowCount > 8000 ? 0 : all.RowCount > 2000 ? 1 : 3) && all.RowCount > 0 && all.Columns.Length > 0; time++)
            {
                skipped += Check(file, all, random, Path.GetFileName(path)) > 0 ? 1 : 0;
            }
        }

        Assert.True(skipped > 20, $"only {skipped} times anything was skipped");
    }

    [Fact]
    public void Pages_that_hold_no_match_are_neither_read_nor_decompressed()
    {
        var schema = new ParquetSchema([Leaf("n", PhysicalType.Int64, Repetition.Required), Text("t", Repetition.Required), List("l", Leaf("element", PhysicalType.Int32))]);
        var rows = new RandomRows(schema, 3);
        var batch = rows.Make(20_000);
        for (int i = 0; i < batch.RowCount; i++)
        {
            batch.Columns[0].Longs[i] = i;
        }

        byte[] file = Files.Write(batch, new ParquetWriterOptions { PageRows = 500, RowGroupRows = 10_000, DictionarySizeBytes = 0 });
        var source = new CountingSource(file);
        var reader = ParquetReader.Open(source, new ParquetReaderOptions { CoalesceBytes = 0, TailBytes = 8 });
        long opened = source.BytesRead;
        var filter = RowFilter.Between(reader.Schema.Columns[0], Plain(12_300L), Plain(12_600L));
        var found = new List<long>();
        foreach (var part in reader.Read(new RowSelection { Filter = filter }))
        {
            Assert.Equal(part.Columns[0].Longs[0], part.FirstRow);
            found.AddRange(part.Columns[0].Longs[..part.RowCount]);
        }

        Assert.Equal(Enumerable.Range(12_000, 1000).Select(i => (long)i), found);
        long pages = reader.Footer.RowGroups.SelectMany(rowGroup => rowGroup.Columns).Sum(chunk => chunk.SizeBytes);
        Assert.True(source.BytesRead - opened < pages / 10, $"{source.BytesRead - opened} bytes read of {pages}");
    }

    [Fact]
    public async Task An_object_is_read_with_a_few_asynchronous_requests()
    {
        var schema = new ParquetSchema([Leaf("n", PhysicalType.Int64, Repetition.Required), Text("t"), List("l", Leaf("element", PhysicalType.Int32))]);
        var batch = new RandomRows(schema, 3).Make(20_000);
        for (int i = 0; i < batch.RowCount; i++)
        {
            batch.Columns[0].Longs[i] = i;
        }

        byte[] file = Files.Write(batch, new ParquetWriterOptions { PageRows = 500, RowGroupRows = 10_000 });
        var source = new CountingSource(file) { IsAsynchronousOnly = true };
        var reader = await ParquetReader.OpenAsync(source, new ParquetReaderOptions { TailBytes = 100 }, TestContext.Current.CancellationToken);
        Assert.Equal(2, source.Requests);
        var all = new ColumnBatch(schema);
        await foreach (var part in reader.ReadAsync(new RowSelection { BatchRows = 999 }, TestContext.Current.CancellationToken))
        {
            Files.Append(all, part);
        }

        Files.AssertEqual(batch, all);
        Assert.Equal(4, source.Requests);

        var rows = new ColumnBatch(schema);
        var wanted = new RowSelection { Rows = [new RowRange(17, 19), new RowRange(9_990, 10_010)], Filter = RowFilter.IsNotNull(reader.Schema.Columns[0]) };
        await foreach (var part in reader.ReadAsync(wanted, TestContext.Current.CancellationToken))
        {
            Files.Append(rows, part);
        }

        Assert.Equal([17, 18, .. Enumerable.Range(9_990, 20)], rows.Columns[0].Longs[..rows.RowCount]);
        Files.AssertEqual(Pick(batch, rows.Columns[0].Longs[..rows.RowCount]), rows);
    }

    [Fact]
    public void Rows_by_number_are_the_same_with_and_without_an_index()
    {
        var schema = new ParquetSchema([Leaf("n", PhysicalType.Int64), Text("t"), List("l", List("element", Text("element")))]);
        for (int seed = 0; seed < 20; seed++)
        {
            var random = new Random(seed);
            var batch = new RandomRows(schema, seed).Make(600);
            byte[] file = Files.Write(batch, new ParquetWriterOptions
            {
                PageRows = 37,
                RowGroupRows = 250,
                PageIndex = seed % 2 == 0,
                DataPageVersion = 1 + seed / 2 % 2,
                DictionarySizeBytes = seed % 3 == 0 ? 0 : 1 << 20,
            });
            var ranges = new List<RowRange>();
            for (long at = random.Next(50); at < 600; at += random.Next(1, 120))
            {
                var range = new RowRange(at, Math.Min(600, at + random.Next(1, 80)));
                ranges.Add(range);
                at = range.Next;
            }

            var found = new ColumnBatch(schema);
            var numbers = new List<long>();
            foreach (var part in ParquetReader.Open(file).Read(new RowSelection { Rows = ranges, BatchRows = random.Next(1, 100) }))
            {
                numbers.AddRange(Enumerable.Range(0, part.RowCount).Select(i => part.FirstRow + i));
                Files.Append(found, part);
            }

            Assert.Equal(ranges.SelectMany(range => Enumerable.Range((int)range.First, (int)range.Count)).Select(i => (long)i), numbers);
            Files.AssertEqual(Pick(batch, numbers), found);
        }
    }

    [Fact]
    public void A_Bloom_filter_of_another_writer_lets_go_of_what_was_never_written()
    {
        foreach (string name in (string[])["data_index_bloom_encoding_stats.parquet", "data_index_bloom_encoding_with_length.parquet"])
        {
            string? path = SharedData.Find($"parquet-testing/data/{name}");
            Assert.SkipWhen(path is null, "shared/data/parquet-testing is absent");
            var reader = ParquetReader.Open(File.ReadAllBytes(path));
            var column = reader.Schema.Columns[0];
            Assert.NotNull(reader.Footer.RowGroups[0].Columns[0].BloomFilter);
            foreach (string present in (string[])["Hello", "This is", "a", "test", "How", "are you", "doing ", "today", "the quick", "brown fox", "jumps", "over", "the lazy", "dog"])
            {
                Assert.NotEmpty(reader.Select(new RowSelection { Filter = RowFilter.AnyOf(column, Encoding.UTF8.GetBytes(present)) }));
            }

            int let = 0;
            for (int i = 0; i < 100; i++)
            {
                let += reader.Select(new RowSelection { Filter = RowFilter.AnyOf(column, Encoding.UTF8.GetBytes($"absent{i}")) }).Count == 0 ? 1 : 0;
            }

            Assert.True(let >= 90, $"{let} of 100");
        }
    }

    [Fact]
    public void Bloom_filters_are_those_of_the_specification()
    {
        string? path = SharedData.Find("parquet-testing/data/bloom_filter.xxhash.bin");
        Assert.SkipWhen(path is null, "shared/data/parquet-testing is absent");
        byte[] file = File.ReadAllBytes(path);
        var filter = Reading.BloomFilterReader.Read(ByteSource.From(file), new Footers.FileSection(0, 0));
        var mine = new uint[filter.Length];
        foreach (string word in (string[])["hello", "parquet", "bloom", "filter"])
        {
            Assert.True(BloomFilter.MayContain(filter, XxHash64.HashToUInt64(Encoding.UTF8.GetBytes(word))));
            BloomFilter.Insert(mine, XxHash64.HashToUInt64(Encoding.UTF8.GetBytes(word)));
        }

        Assert.Equal(filter, mine);
    }

    [Fact]
    public void Bounds_that_cannot_be_relied_upon_let_go_of_nothing()
    {
        foreach (string name in (string[])["nan_in_stats.parquet", "single_nan.parquet", "float16_zeros_and_nans.parquet", "float16_nonzeros_and_nans.parquet", "floating_orders_nan_count.parquet"])
        {
            string? path = SharedData.Find($"parquet-testing/data/{name}");
            Assert.SkipWhen(path is null, "shared/data/parquet-testing is absent");
            byte[] file = File.ReadAllBytes(path);
            var all = Files.ReadAll(file);
            var random = new Random(1);
            for (int time = 0; time < 50; time++)
            {
                Check(file, all, random);
            }
        }
    }

    private static byte[] Plain(long value)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        return bytes;
    }

    /// <summary>Reads with a random filter, compares the rows with those of the same numbers, and looks for matches among the rest.</summary>
    /// <returns>Rows skipped.</returns>
    private static int Check(byte[] file, ColumnBatch all, Random random, string name = "")
    {
        var reader = ParquetReader.Open(file, new ParquetReaderOptions { VerifyChecksums = false, FetchBytes = random.Next(2) * 1_000_000 });
        var (filter, matches) = RandomFilter(reader.Schema, all, random, depth: 0);
        var found = new ColumnBatch(all.Schema);
        var numbers = new List<long>();
        foreach (var part in reader.Read(new RowSelection { Filter = filter, BatchRows = random.Next(1, 300) }))
        {
            numbers.AddRange(Enumerable.Range(0, part.RowCount).Select(i => part.FirstRow + i));
            Files.Append(found, part);
        }

        Files.AssertEqual(Pick(all, numbers), found);
        Assert.Equal(numbers.Count, reader.Select(new RowSelection { Filter = filter }).Sum(range => range.Count));
        var kept = numbers.ToHashSet();
        for (int row = 0; row < all.RowCount; row++)
        {
            Assert.True(kept.Contains(row) || !matches(row), $"{name} row {row} matches and was skipped by {filter.GetType().Name} of {string.Join(", ", filter.Columns)} ({string.Join(", ", reader.Footer.RowGroups[0].Columns[filter.Columns.First().Index].Statistics)}), rows {string.Join(", ", reader.Select(new RowSelection { Filter = filter }))} came");
        }

        return all.RowCount - numbers.Count;
    }

    private static (RowFilter Filter, Func<int, bool> Matches) RandomFilter(ParquetSchema schema, ColumnBatch all, Random random, int depth)
    {
        if (depth < 2 && random.Next(3) == 0)
        {
            var (left, leftMatches) = RandomFilter(schema, all, random, depth + 1);
            var (right, rightMatches) = RandomFilter(schema, all, random, depth + 1);
            return random.Next(2) == 0
                ? (RowFilter.And(left, right), row => leftMatches(row) && rightMatches(row))
                : (RowFilter.Or(left, right), row => leftMatches(row) || rightMatches(row));
        }

        int number = random.Next(schema.Columns.Count);
        var column = schema.Columns[number];
        var order = ValueOrders.Of(column);
        var values = Values(all.Columns[number], all.RowCount);
        bool isNumber(byte[] value) => !ValueOrders.IsNan(order, value);
        var present = values.SelectMany(row => row).Where(isNumber).ToList();
        if (order == ValueOrder.None || present.Count == 0 || random.Next(5) == 0)
        {
            return random.Next(2) == 0
                ? (RowFilter.IsNull(column), row => values[row].Count < Slots(all.Columns[number], row))
                : (RowFilter.IsNotNull(column), row => values[row].Count > 0);
        }

        byte[] a = present[random.Next(present.Count)];
        byte[] b = present[random.Next(present.Count)];
        int compare(byte[] left, byte[] right) => ValueOrders.Compare(order, left, right);
        if (compare(a, b) > 0)
        {
            (a, b) = (b, a);
        }

        return random.Next(4) switch
        {
            0 => (RowFilter.AnyOf(column, a, b), row => values[row].Any(value => isNumber(value) && (compare(value, a) == 0 || compare(value, b) == 0))),
            1 => (RowFilter.Between(column, b, null), row => values[row].Any(value => isNumber(value) && compare(value, b) >= 0)),
            2 => (RowFilter.Between(column, null, a), row => values[row].Any(value => isNumber(value) && compare(value, a) <= 0)),
            _ => (RowFilter.Between(column, a, b), row => values[row].Any(value => isNumber(value) && compare(value, a) >= 0 && compare(value, b) <= 0)),
        };
    }

    private static int Slots(ColumnBuffer column, int row) => column.Locate(row + 1).Slot - column.Locate(row).Slot;

    /// <summary>The values of each row, plainly encoded.</summary>
    private static List<List<byte[]>> Values(ColumnBuffer column, int rows)
    {
        var values = new List<List<byte[]>>();
        for (int row = 0; row < rows; row++)
        {
            var (from, to) = (column.Locate(row), column.Locate(row + 1));
            values.Add([.. Enumerable.Range(from.Value, to.Value - from.Value).Select(i => ValueAt(column, i))]);
        }

        return values;
    }

    private static byte[] ValueAt(ColumnBuffer column, int i) => column.Column.PhysicalType switch
    {
        PhysicalType.Int32 => BitConverter.GetBytes(column.Ints[i]),
        PhysicalType.Int64 => BitConverter.GetBytes(column.Longs[i]),
        PhysicalType.Float => BitConverter.GetBytes(column.Floats[i]),
        PhysicalType.Double => BitConverter.GetBytes(column.Doubles[i]),
        PhysicalType.ByteArray => column.Bytes[column.Offsets[i]..column.Offsets[i + 1]],
        _ => column.Bytes.AsSpan(i * column.ValueWidth, column.ValueWidth).ToArray(),
    };

    private static ColumnBatch Pick(ColumnBatch all, IEnumerable<long> rows)
    {
        var picked = new ColumnBatch(all.Schema);
        var ranges = new List<RowRange>();
        foreach (long row in rows)
        {
            RowRange.Append(ranges, new RowRange(row, row + 1));
        }

        foreach (var range in ranges)
        {
            foreach (var column in all.Columns)
            {
                picked.Columns[column.Column.Index].AppendSlots(column, column.Locate((int)range.First), column.Locate((int)range.Next));
            }

            picked.RowCount += (int)range.Count;
        }

        return picked;
    }

    private sealed class CountingSource(byte[] bytes) : ByteSource
    {
        public long BytesRead { get; private set; }

        public int Requests { get; private set; }

        public bool IsAsynchronousOnly { get; init; }

        public override long Length => bytes.Length;

        public override void Read(long position, Span<byte> destination)
        {
            Assert.False(IsAsynchronousOnly, "a read that keeps the thread");
            BytesRead += destination.Length;
            Requests++;
            bytes.AsSpan((int)position, destination.Length).CopyTo(destination);
        }

        public override async ValueTask ReadAsync(long position, Memory<byte> destination, CancellationToken cancellationToken)
        {
            await Task.Yield();
            BytesRead += destination.Length;
            Requests++;
            bytes.AsMemory((int)position, destination.Length).CopyTo(destination);
        }
    }
}
