using System.Text.Json.Nodes;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Read;
using OrleansLake.Testing;

namespace OrleansLake.Ingest.Tests.Read;

/// <summary>Tables that Spark, Iceberg's Java library and Athena wrote give the rows that their makers wrote.</summary>
public sealed class TablesOfOthersRowsTests
{
    [Fact]
    public async Task Athena_wrote_its_example() => Assert.Equal(["""{"id":1,"name":"Alice"}""", """{"id":2,"name":"Bob"}"""], await RowsAsync("athena/example"));

    [Fact]
    public async Task Spark_deleted_a_row_by_position_and_then_rewrote_the_table_with_a_new_column()
    {
        Assert.Equal(Enumerable.Range(1, 21), Ranks(await RowsAsync("spark/bunnies", "7505300640432048841")));
        var deleted = await RowsAsync("spark/bunnies", "469881615898633426");
        Assert.Equal(Enumerable.Range(2, 20), Ranks(deleted));
        Assert.DoesNotContain("breed_name_length", deleted[0]);
        var rows = await RowsAsync("spark/bunnies");
        Assert.Equal(Enumerable.Range(2, 20), Ranks(rows));
        Assert.Equal(
            """{"Breed Name":"Netherland Dwarf","Average Weight":0.9,"Fur Length":2.5,"Lifespan":10,"Origin Country":"Netherlands","Ear Type":"Erect","Temperament":"Shy","Popularity Rank":2,"breed_name_length":16}""",
            rows[0]);
        Assert.All(rows, row => Assert.Equal(JsonNode.Parse(row)!["Breed Name"]!.GetValue<string>().Length, JsonNode.Parse(row)!["breed_name_length"]!.GetValue<int>()));
    }

    [Fact]
    public async Task Java_deleted_six_rows_by_position_then_one_by_equality_and_added_it_anew()
    {
        Assert.Equal(Enumerable.Range(1, 21), Ranks(await RowsAsync("java/bunnies", "4951213507629824583")));
        int[] left = [1, 2, 8, 9, 10, 11, 13, 14, 15, 16, 17, 18, 19, 20];
        Assert.Equal([.. left, 21], Ranks(await RowsAsync("java/bunnies", "6458828015811002920")));
        var rows = await RowsAsync("java/bunnies");
        Assert.Equal([0, .. left], Ranks(rows));
        Assert.Equal("""{"Breed Name":"New Zealand","Average Weight":4,"Fur Length":2.7,"Lifespan":8,"Origin Country":"New Zealand","Ear Type":"Erect","Temperament":"Affectionate","Popularity Rank":0,"__happy__":true}""", Assert.Single(rows, row => row.Contains("New Zealand", StringComparison.Ordinal)));
        Assert.Equal([0], Ranks(await RowsAsync("java/bunnies", null, "__happy__")));
        Assert.Equal([13, 20], Ranks(await RowsAsync("java/bunnies", null, "`Origin Country` = 'France'")));
    }

    [Fact]
    public async Task Spark_renamed_a_column_of_a_table_by_bucket_and_date()
    {
        var rows = await RowsAsync("spark/rename_column");
        Assert.Equal(
            [
                """{"id":1,"name":"Flopsy \uD83D\uDC07","event_date":"2022-01-01","price":9.99,"active":true}""",
                """{"id":2,"name":"Mopsy–Naïve","event_date":"2022-01-01","price":-5.00,"active":false}""",
                """{"id":3,"name":"Cottontail","event_date":null,"price":0.00,"active":true}""",
                """{"id":4,"name":"Thumper","event_date":"2022-01-02","price":99999999.99,"active":false}""",
            ],
            rows.Order(StringComparer.Ordinal));
        Assert.Equal(["""{"id":1}""", """{"id":2}"""], await IdsAsync("event_date = DATE '2022-01-01' and price < 10"));
        Assert.Equal(["""{"id":3}"""], await IdsAsync("event_date is null"));
        Assert.Equal(["""{"id":4}"""], await IdsAsync("id in (4, 5)"));
        var table = await OpenAsync("spark/rename_column");
        Assert.Single(await new TableScan(table, new ScanOptions { Where = Expression.Parse("event_date = DATE '2022-01-02'") }).PlanAsync().ToListAsync());

        async Task<IEnumerable<string>> IdsAsync(string where) =>
            (await ScanTable.RowsAsync(await OpenAsync("spark/rename_column"), new ScanOptions { Where = Expression.Parse(where), Columns = ["id"] })).Order(StringComparer.Ordinal);
    }

    private static IEnumerable<int> Ranks(List<string> rows) => rows.Select(row => JsonNode.Parse(row)!["Popularity Rank"]!.GetValue<int>()).Order();

    private static async Task<List<string>> RowsAsync(string name, string? at = null, string? where = null) =>
        await ScanTable.RowsAsync(await OpenAsync(name), new ScanOptions { At = at, Where = where is null ? null : Expression.Parse(where) });

    private static async Task<LoadedTable> OpenAsync(string name)
    {
        string? path = SharedData.Find("iceberg-tables/" + name);
        Assert.SkipWhen(path is null, "shared/data is not here");
        return (await LocalTable.OpenAsync(path!, default))!;
    }
}
