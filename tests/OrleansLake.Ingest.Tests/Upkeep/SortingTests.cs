using System.Text.Json;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Read;
using OrleansLake.Ingest.Upkeep;
using OrleansLake.Ingest.Write;
using OrleansLake.Parquet;
using static OrleansLake.Ingest.Tests.Upkeep.UpkeepStand;

namespace OrleansLake.Ingest.Tests.Upkeep;

/// <summary>Rewrites that lay rows in an order.</summary>
public sealed class SortingTests
{
    private static readonly IReadOnlyList<SortField> NameThenId =
    [
        new SortField([3], new Transform.Identity(), Descending: true, NullsLast: true), new SortField([1], new Transform.Identity(), Descending: false, NullsLast: false),
    ];

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Files_are_sorted_by_the_order_of_the_table_and_say_so(int version)
    {
        await using var stand = await UpkeepStand.CreateAsync(version, order: NameThenId);
        var random = new Random(3);
        for (int file = 0; file < 4; file++)
        {
            int start = file * 300;
            await stand.AppendAsync(Enumerable.Range(0, 300).Select(i => Row(start + i, random.Next(1000), random.Next(5) == 0 ? null : $"n{random.Next(40)}")).Select(row => (long)row[0]! % 11 == 0 ? [row[0], row[1], null, row[3]] : row));
        }

        await stand.DeletePositionsAsync(file => file.FilePath.Contains("w-00002", StringComparison.Ordinal), 7, 8);
        var before = await stand.RowsAsync();
        stand.Options = stand.Options with { Strategy = CompactionStrategy.Sort };
        stand.Time.Now += TimeSpan.FromHours(2);
        await stand.CompactAsync();
        Assert.Equal(before, await stand.RowsAsync());
        var sorted = await InOrderAsync(stand);
        Assert.Equal(sorted.OrderBy(row => row.Name is null).ThenByDescending(row => row.Name, StringComparer.Ordinal).ThenBy(row => row.Id), sorted);
        Assert.Equal(1, Assert.Single(await stand.EntriesAsync()).DataFile.SortOrderId);
        Assert.True((await stand.PlanAsync()).IsEmpty);

        // What comes unsorted is sorted, and what is sorted alike is merged: the order stays.
        await stand.AppendAsync(Numbered(5000, 50));
        stand.Time.Now += TimeSpan.FromHours(2);
        Assert.Contains("1 not in the table's order", (await stand.PlanAsync()).Steps[0].Why, StringComparison.Ordinal);
        await stand.CompactAsync();
        Assert.All(await stand.EntriesAsync(), entry => Assert.Equal(1, entry.DataFile.SortOrderId));
        before = await stand.RowsAsync();
        stand.Options = stand.Options with { Strategy = CompactionStrategy.BinPack, MinInputFiles = 2, RewriteAll = true };
        await stand.CompactAsync();
        Assert.Equal(before, await stand.RowsAsync());
        sorted = await InOrderAsync(stand);
        Assert.Equal(sorted.OrderBy(row => row.Name is null).ThenByDescending(row => row.Name, StringComparer.Ordinal).ThenBy(row => row.Id), sorted);
        Assert.Equal(1, Assert.Single(await stand.EntriesAsync()).DataFile.SortOrderId);
    }

    [Fact]
    public async Task Files_that_say_sorted_and_are_not_are_sorted_once_more()
    {
        await using var stand = await UpkeepStand.CreateAsync(order: NameThenId);
        var append = new AppendFiles(SnapshotRef.Main, stand.Ids, stand.Time);
        for (int i = 0; i < 3; i++)
        {
            int start = i * 20;
            foreach (var file in await stand.WriteAsync(Numbered(start, 20)))
            {
                append.Add(file with { SortOrderId = 1 });
            }
        }

        await stand.ChangeAsync(append);
        stand.Time.Now += TimeSpan.FromHours(2);
        await stand.CompactAsync();
        var sorted = await InOrderAsync(stand);
        Assert.Equal(60, sorted.Count);
        Assert.Equal(sorted.OrderByDescending(row => row.Name, StringComparer.Ordinal), sorted);
    }

    [Fact]
    public async Task More_rows_than_fit_into_memory_are_merged_from_files_that_are_gone_afterwards()
    {
        var schema = new Schema { SchemaId = 0, Fields = Fields };
        var columns = IcebergParquet.ToParquet(schema);
        var random = new Random(9);
        var rows = Enumerable.Range(0, 30_000).Select(i => Row(i, random.Next(100_000), $"{random.Next(1 << 30):X}")).ToList();
        var sorter = new RowSorter(columns, () => new OrderKeys(SortPart.Of(NameThenId, schema, columns)), 1 << 20);
        var names = new List<string>();
        long ids = 0;
        await foreach (var batch in sorter.SortAsync(BatchesAsync(), default))
        {
            for (int i = 0; i < batch.RowCount; i++)
            {
                names.Add(System.Text.Encoding.UTF8.GetString(LeafConversion.BytesOf(batch.Columns[2], i)));
                ids += batch.Columns[0].Longs[i];
            }
        }

        Assert.InRange(sorter.Runs, 3, 20);
        Assert.Equal(30_000L * 29_999 / 2, ids);
        Assert.Equal(rows.Select(row => (string)row[2]!).OrderDescending(StringComparer.Ordinal), names);

        async IAsyncEnumerable<ColumnBatch> BatchesAsync()
        {
            var batch = new ColumnBatch(columns);
            var shredder = new RowShredder(Fields, batch);
            foreach (var chunk in rows.Chunk(1000))
            {
                batch.Clear();
                foreach (object?[] row in chunk)
                {
                    shredder.Append(row);
                }

                yield return batch;
            }

            await Task.CompletedTask;
        }
    }

    [Fact]
    public async Task A_curve_makes_conditions_on_either_column_touch_few_files()
    {
        await using var stand = await UpkeepStand.CreateAsync(fields: [new(1, "id", true, new LongType()), new(2, "x", false, new IntegerType()), new(3, "y", false, new StringType())]);
        var random = new Random(4);
        for (int file = 0; file < 4; file++)
        {
            int start = file * 20_000;
            await stand.AppendAsync(Enumerable.Range(0, 20_000).Select(i => new object?[] { (long)(start + i), random.Next(1000), $"key {random.Next(100_000):D6}" }));
        }

        var before = await stand.RowsAsync();
        stand.Options = stand.Options with { Strategy = CompactionStrategy.Zorder, ZorderColumns = ["x", "y"], TargetFileSizeBytes = 10_000, Probe = "x BETWEEN 100 AND 200", RewriteAll = true, SortMemoryBytes = 1 << 20 };
        stand.Time.Now += TimeSpan.FromHours(2);
        var result = await stand.CompactAsync();
        Assert.Equal(before, await stand.RowsAsync());
        int files = (await stand.EntriesAsync()).Count;
        Assert.InRange(files, 8, 12);
        Assert.Equal(4, result.CostBefore!.Files);
        Assert.InRange(result.CostAfter!.Files, 1, files / 2);
        Assert.True(result.CostAfter.Bytes < result.CostBefore.Bytes * 6 / 10, result.Notes[^1]);
        var other = await QueryCost.OfAsync(stand.Table, "y >= 'key 010000' AND y < 'key 020000'", default);
        Assert.InRange(other.Files, 1, files / 2);
        Assert.Contains("a scan where x BETWEEN 100 AND 200 touches", result.Notes[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_order_that_the_table_does_not_have_is_an_error_with_the_property()
    {
        await using var stand = await UpkeepStand.CreateAsync();
        stand.Options = stand.Options with { Strategy = CompactionStrategy.Sort };
        Assert.Contains("orleanslake.compaction.strategy", (await Assert.ThrowsAsync<FormatException>(stand.PlanAsync)).Message, StringComparison.Ordinal);
        stand.Options = stand.Options with { Strategy = CompactionStrategy.Zorder, ZorderColumns = ["nothing"] };
        Assert.Contains("no column nothing", (await Assert.ThrowsAsync<FormatException>(stand.PlanAsync)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Keys_have_the_order_of_the_values_of_every_type()
    {
        object?[] doubles = [double.NegativeInfinity, -1.5, -0.0, 0.0, double.Epsilon, 7.25, double.PositiveInfinity, double.NaN];
        Ascends(new DoubleType(), doubles);
        Ascends(new FloatType(), [float.MinValue, -1f, 0f, 1f, float.NaN]);
        Ascends(new IntegerType(), [int.MinValue, -1, 0, 1, int.MaxValue]);
        Ascends(new LongType(), [long.MinValue, -1L, 0L, 1L, long.MaxValue]);
        Ascends(new BooleanType(), [false, true]);
        Ascends(new StringType(), ["", "\0", "\0\0", "\0a", "a", "a\0", "aa", "b", "é", "\uFFFD", "😀"]);
        Ascends(new BinaryType(), [Array.Empty<byte>(), new byte[] { 0 }, new byte[] { 0, 0 }, new byte[] { 0, 1 }, new byte[] { 255 }]);
        Ascends(new DecimalType(5, 2), [new Decimal128(-500, 2), new Decimal128(-1, 2), new Decimal128(0, 2), new Decimal128(77, 2)]);
        Ascends(new DecimalType(38, 2), [new Decimal128(-500, 2), new Decimal128(-1, 2), new Decimal128(0, 2), new Decimal128(77, 2)]);
        Ascends(new TimestampType(true), [-86_400_000_001L, -1L, 0L, 86_400_000_000L], new Transform.Day());
        Ascends(new StringType(), ["a", "bb", "cc"], new Transform.Truncate(1));
    }

    private static void Ascends(PrimitiveType type, object?[] values, Transform? transform = null)
    {
        var fields = new[] { new NestedField(1, "v", false, type) };
        var schema = new Schema { SchemaId = 0, Fields = fields };
        var columns = IcebergParquet.ToParquet(schema);
        foreach (bool descending in new[] { false, true })
        {
            foreach (bool nullsLast in new[] { false, true })
            {
                var batch = new ColumnBatch(columns);
                var shredder = new RowShredder(fields, batch);
                foreach (object? value in values.Reverse().Append(null))
                {
                    shredder.Append([value]);
                }

                var keys = new RowKeys(new OrderKeys(SortPart.Of([new SortField([1], transform ?? new Transform.Identity(), descending, nullsLast)], schema, columns)));
                keys.Read(batch);
                var upwards = Enumerable.Range(0, values.Length).Reverse();
                int[] expected = [.. nullsLast ? [] : new[] { values.Length }, .. descending ? upwards.Reverse() : upwards, .. nullsLast ? new[] { values.Length } : []];
                Assert.Equal(expected, keys.Order());
            }
        }
    }

    /// <summary>Rows file by file, as they stand.</summary>
    private static async Task<List<(long Id, string? Name)>> InOrderAsync(UpkeepStand stand)
    {
        var rows = new List<(long, string?)>();
        await foreach (var row in new TableScan(await stand.LoadAsync()).ReadJsonAsync())
        {
            var json = JsonSerializer.Deserialize<JsonElement>(row.Span);
            rows.Add((json.GetProperty("id").GetInt64(), json.GetProperty("name").GetString()));
        }

        return rows;
    }
}
