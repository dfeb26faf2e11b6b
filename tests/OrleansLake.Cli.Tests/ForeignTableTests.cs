using System.Globalization;
using System.Text.Json;

namespace OrleansLake.Cli.Tests;

/// <summary>Tables of other engines, named by their directory: shown whole, never changed.</summary>
public sealed class ForeignTableTests : CommandLine
{
    [Theory]
    [InlineData("iceberg-tables/spark/bunnies")]
    [InlineData("iceberg-tables/spark/rename_column")]
    [InlineData("iceberg-tables/java/bunnies")]
    [InlineData("iceberg-tables/athena/example")]
    public async Task Every_verb_shows_it_to_people_and_to_programs(string path)
    {
        string table = Shared(path);
        foreach (string verb in (string[])["show", "describe", "schema", "snapshots", "files", "partitions", "refs", "rows"])
        {
            Assert.NotEmpty(await TextAsync(verb, table));
            Assert.NotEqual(JsonValueKind.Undefined, (await JsonAsync(verb, table)).ValueKind);
        }

        // The rows of each snapshot and what changed between it and the last one.
        foreach (JsonElement snapshot in (await JsonAsync("snapshots", table)).EnumerateArray())
        {
            string id = snapshot.GetProperty("snapshot-id").ToString();
            var rows = await JsonAsync("rows", table, "--at", id, "--limit", "1000000");
            long expected = (await JsonAsync("partitions", table, "--at", id)).EnumerateArray().Sum(one => one.GetProperty("record_count").GetInt64());
            Assert.InRange(rows.GetArrayLength(), 0, expected);
            var difference = await JsonAsync("diff", table, id);
            Assert.Equal(id, difference.GetProperty("from").GetProperty("snapshot-id").ToString());
            Assert.NotEmpty(await TextAsync("diff", table, id));
        }
    }

    /// <summary>Only what the specification has as text (summaries, properties) or what is a name, a place or a time is text.</summary>
    [Theory]
    [InlineData("iceberg-tables/spark/rename_column")]
    [InlineData("iceberg-tables/java/bunnies")]
    public async Task Numbers_are_numbers_for_programs(string path)
    {
        string table = Shared(path);
        string first = (await JsonAsync("snapshots", table))[0].GetProperty("snapshot-id").GetInt64().ToString(CultureInfo.InvariantCulture);
        foreach (string[] verb in (string[][])[["show", table], ["describe", table], ["schema", table], ["snapshots", table], ["files", table], ["partitions", table], ["refs", table], ["diff", table, first]])
        {
            AssertNumbers(await JsonAsync(verb), verb[0]);
        }

        var described = await JsonAsync("describe", table);
        Assert.Equal(2, described.GetProperty("format-version").GetInt32());
        Assert.Equal((await JsonAsync("snapshots", table)).GetArrayLength(), described.GetProperty("snapshots").GetInt32());
        Assert.Contains((await JsonAsync("snapshots", table)).EnumerateArray(), one => one.GetProperty("snapshot-id").GetInt64() == described.GetProperty("current-snapshot-id").GetInt64());

        static void AssertNumbers(JsonElement value, string place)
        {
            switch (value.ValueKind)
            {
                case JsonValueKind.Object:
                    foreach (var member in value.EnumerateObject().Where(member => member.Name is not ("summary" or "properties")))
                    {
                        AssertNumbers(member.Value, $"{place}.{member.Name}");
                    }

                    break;
                case JsonValueKind.Array:
                    foreach (var (element, index) in value.EnumerateArray().Select((element, index) => (element, index)))
                    {
                        AssertNumbers(element, $"{place}[{index}]");
                    }

                    break;
                case JsonValueKind.String:
                    Assert.False(double.TryParse(value.GetString(), CultureInfo.InvariantCulture, out _), $"{place} is the text \"{value.GetString()}\"");
                    break;
                default:
                    break;
            }
        }
    }

    [Fact]
    public async Task Deletes_are_applied_to_rows_and_seen_among_files()
    {
        string table = Shared("iceberg-tables/java/bunnies");
        var files = (await JsonAsync("files", table)).EnumerateArray().ToList();
        Assert.All(files, file => Assert.True(file.GetProperty("sequence_number").GetInt64() >= 0));
        long data = files.Where(file => file.GetProperty("content").GetInt32() == 0).Sum(file => file.GetProperty("record_count").GetInt64());
        int rows = (await JsonAsync("rows", table, "--limit", "1000000")).GetArrayLength();
        Assert.Equal(files.Any(file => file.GetProperty("content").GetInt32() > 0), rows < data);
    }

    [Fact]
    public async Task Nobody_changes_what_another_catalog_watches_over()
    {
        string table = Shared("iceberg-tables/spark/bunnies");
        string[] before = Directory.GetFiles(table, "*", SearchOption.AllDirectories);
        Assert.Contains("only for reading", await FailureAsync(1, "alter", table, "--ddl", "ALTER TABLE bunnies ADD COLUMN x INT"), StringComparison.Ordinal);
        string first = (await JsonAsync("snapshots", table))[0].GetProperty("snapshot-id").ToString();
        Assert.Contains("only for reading", await FailureAsync(1, "rollback", table, "--to", first), StringComparison.Ordinal);
        Assert.Equal(before, Directory.GetFiles(table, "*", SearchOption.AllDirectories));
    }
}
