using OrleansLake.Iceberg;
using OrleansLake.Iceberg.Deletes;
using OrleansLake.Ingest.Read;
using static OrleansLake.Ingest.Tests.Read.ScanTable;

namespace OrleansLake.Ingest.Tests.Read;

/// <summary>Which rows a scan leaves out. https://iceberg.apache.org/spec/#scan-planning</summary>
public sealed class ScanDeletesTests
{
    private static readonly Schema Rows = new()
    {
        SchemaId = 0,
        Fields = [Required(1, "id", new LongType()), Optional(2, "name", new StringType()), Optional(3, "place", new StructType([Optional(4, "zip", new IntegerType())]))],
    };

    [Fact]
    public async Task Position_deletes_hit_files_of_their_sequence_number_and_before()
    {
        var table = new ScanTable(2, Rows);
        var first = await table.WriteAsync(Numbered(0, 5));
        var deletes = await table.WritePositionsAsync(0, PartitionKey.None, new Dictionary<string, PositionSet> { [first.FilePath] = Positions(0, 3), ["memory://elsewhere"] = Positions(1) });
        await table.CommitAsync([first, deletes]);
        Assert.Equal([1, 2, 4], await IdsAsync(table));

        // A file that came under the same path later (a test's fiction) is newer than the deletes.
        await table.CommitAsync([], removed: [first]);
        Assert.Empty(await IdsAsync(table));
        await table.CommitAsync([first]);
        Assert.Equal([0, 1, 2, 3, 4], await IdsAsync(table));
    }

    [Fact]
    public async Task Equality_deletes_hit_files_before_them_alone()
    {
        var table = new ScanTable(2, Rows);
        await table.CommitAsync([await table.WriteAsync(Numbered(0, 5)), await table.WriteKeysAsync(0, PartitionKey.None, [1], [[1L]])]);
        Assert.Equal([0, 1, 2, 3, 4], await IdsAsync(table));
        await table.CommitAsync([await table.WriteAsync([[3L, "again", null]]), await table.WriteKeysAsync(0, PartitionKey.None, [1], [[3L], [77L]])]);
        Assert.Equal([0, 1, 2, 3, 4], await IdsAsync(table));
        Assert.Equal("""{"id":3,"name":"again","place":null}""", (await table.RowsAsync("id = 3")).Single());
        Assert.Equal([4, 2, 1, 0], (await IdsAsync(table, "name <> 'again'")).OrderDescending());
    }

    [Fact]
    public async Task Null_equals_null_and_all_columns_have_to_be_equal()
    {
        var table = new ScanTable(2, Rows);
        object?[] place(int? zip) => [zip];
        await table.CommitAsync([await table.WriteAsync([[1L, null, place(1)], [2L, "x", place(null)], [3L, null, null], [4L, "x", place(1)]])]);
        await table.CommitAsync([await table.WriteKeysAsync(0, PartitionKey.None, [2, 4], [[null, null], ["x", 1]])]);
        Assert.Equal([1, 2], await IdsAsync(table));
        Assert.Equal(["""{"name":null}""", """{"name":"x"}"""], await table.RowsAsync(null, "name"));
    }

    [Fact]
    public async Task Deletes_of_a_partition_stay_in_it_and_those_without_partition_are_everywhere()
    {
        var spec = new PartitionSpec { SpecId = 0, Fields = [new PartitionField(1000, "name", [2], new Transform.Identity())] };
        var table = new ScanTable(2, Rows, spec);
        table.Metadata = table.Metadata with { PartitionSpecs = [spec, new PartitionSpec { SpecId = 1, Fields = [] }, new PartitionSpec { SpecId = 2, Fields = [new PartitionField(1001, "gone", [1], new Transform.Void())] }] };
        var (a, b) = (new PartitionKey(["a"]), new PartitionKey(["b"]));
        await table.CommitAsync([await table.WriteAsync(Numbered(0, 4, "a"), a), await table.WriteAsync(Numbered(0, 4, "b"), b)]);
        await table.CommitAsync([await table.WriteKeysAsync(0, a, [1], [[0L]])]);
        Assert.Equal(["a1", "a2", "a3", "b0", "b1", "b2", "b3"], await NamesAsync(table));
        await table.CommitAsync([await table.WriteKeysAsync(1, PartitionKey.None, [1], [[1L]])]);
        Assert.Equal(["a2", "a3", "b0", "b2", "b3"], await NamesAsync(table));
        await table.CommitAsync([await table.WriteKeysAsync(2, new PartitionKey([null]), [1], [[2L]])]);
        Assert.Equal(["a3", "b0", "b3"], await NamesAsync(table));
        Assert.Equal(["b0", "b3"], await NamesAsync(table, "name = 'b'"));
    }

    [Fact]
    public async Task Equality_deletes_of_a_column_that_was_dropped_since_still_hit()
    {
        var table = new ScanTable(2, Rows);
        await table.CommitAsync([await table.WriteAsync(Numbered(0, 4))]);
        await table.CommitAsync([await table.WriteKeysAsync(0, PartitionKey.None, [2], [["n1"], ["n2"]])]);
        table.Evolve(Required(1, "id", new LongType()));
        Assert.Equal([0, 3], await IdsAsync(table));
    }

    [Fact]
    public async Task Vectors_take_the_place_of_position_deletes()
    {
        var table = new ScanTable(2, Rows);
        var file = await table.WriteAsync(Numbered(0, 6));
        await table.CommitAsync([file]);
        await table.CommitAsync([await table.WritePositionsAsync(0, PartitionKey.None, new Dictionary<string, PositionSet> { [file.FilePath] = Positions(0, 1) })]);
        Assert.Equal([2, 3, 4, 5], await IdsAsync(table));
        table.Metadata = table.Metadata with { FormatVersion = 3, NextRowId = 100 };
        var vector = await table.WriteVectorAsync(file, Positions(0, 5));
        Assert.Equal("puffin", vector.FileFormat);
        await table.CommitAsync([vector]);
        Assert.Equal([1, 2, 3, 4], await IdsAsync(table));
        var plan = await new TableScan(table.Table).PlanAsync().ToListAsync();
        Assert.Equal(vector.FilePath, Assert.Single(Assert.Single(plan).Deletes).FilePath);
        await Assert.ThrowsAsync<NotSupportedException>(() => table.WritePositionsAsync(0, PartitionKey.None, new Dictionary<string, PositionSet>()));
    }

    [Fact]
    public async Task A_vector_that_does_not_hold_what_the_manifest_says_is_refused()
    {
        var table = new ScanTable(3, Rows);
        var file = await table.WriteAsync(Numbered(0, 6));
        var vector = await table.WriteVectorAsync(file, Positions(0, 5));
        await table.CommitAsync([file, vector with { RecordCount = 3 }]);
        var error = await Assert.ThrowsAsync<IcebergFormatException>(() => IdsAsync(table));
        Assert.Contains("expected 3 positions, as the manifest says, got 2", error.Message);
    }

    [Fact]
    public async Task Deletes_that_cannot_matter_are_not_read()
    {
        var table = new ScanTable(2, Rows);
        var (low, high) = (await table.WriteAsync(Numbered(0, 5)), await table.WriteAsync(Numbered(100, 5)));
        await table.CommitAsync([low, high]);
        await table.CommitAsync(
        [
            await table.WriteKeysAsync(0, PartitionKey.None, [1], [[101L]]),
            await table.WritePositionsAsync(0, PartitionKey.None, new Dictionary<string, PositionSet> { [low.FilePath] = Positions(1) }),
        ]);
        var plan = await new TableScan(table.Table).PlanAsync().ToListAsync();
        Assert.Equal(
            [(low.FilePath, DataFileContent.PositionDeletes), (high.FilePath, DataFileContent.EqualityDeletes)],
            plan.OrderBy(task => task.File.FilePath).Select(task => (task.File.FilePath, Assert.Single(task.Deletes).Content)));
        Assert.Equal([0, 2, 3, 4, 100, 102, 103, 104], await IdsAsync(table));
    }

    [Fact]
    public async Task Deletes_and_conditions_span_batches_and_row_groups()
    {
        var table = new ScanTable(2, Rows);
        var file = await table.WriteAsync(Numbered(0, 20_000));
        Assert.True(file.SplitOffsets!.Count > 1);
        var gone = new PositionSet();
        for (int i = 0; i < 20_000; i += 3)
        {
            gone.Add(i);
        }

        await table.CommitAsync([file, await table.WritePositionsAsync(0, PartitionKey.None, new Dictionary<string, PositionSet> { [file.FilePath] = gone })]);
        var options = new ScanOptions { Where = Expression.Parse("id >= 100 and id <> 7000"), Columns = ["id", "_pos"], BatchRows = 777 };
        var rows = await table.RowsAsync(options);
        Assert.Equal(Enumerable.Range(100, 19_900).Where(i => i % 3 != 0 && i != 7000).Select(i => $$"""{"id":{{i}},"_pos":{{i}}}"""), rows);
    }

    private static PositionSet Positions(params long[] positions)
    {
        var set = new PositionSet();
        foreach (long position in positions)
        {
            set.Add(position);
        }

        return set;
    }

    private static IEnumerable<object?[]> Numbered(int first, int count, string name = "n") => Enumerable.Range(first, count).Select(i => new object?[] { (long)i, $"{name}{(name == "n" ? i : "")}", null });

    private static async Task<List<int>> IdsAsync(ScanTable table, string? where = null) =>
        [.. (await table.RowsAsync(where, "id")).Select(row => int.Parse(row[6..^1], System.Globalization.CultureInfo.InvariantCulture)).Order()];

    private static async Task<List<string>> NamesAsync(ScanTable table, string? where = null) =>
        [.. (await table.RowsAsync(where, "name", "id")).Select(row => System.Text.Json.Nodes.JsonNode.Parse(row)!).Select(row => $"{row["name"]}{row["id"]}").Order(StringComparer.Ordinal)];
}
