using OrleansLake.Cli.Commands;
using OrleansLake.Iceberg;

namespace OrleansLake.Cli.Tests;

public sealed class TextTests
{
    [Fact]
    public void Wide_characters_keep_columns_aligned_and_escapes_reach_no_terminal()
    {
        var table = new TextTable("name", "n").Right(1);
        table.Add("日本", "1");
        table.Add("a\u001b[31mb\n", "22");
        using var output = new StringWriter();
        table.WriteTo(output);
        Assert.Equal($"name       n{output.NewLine}日本       1{output.NewLine}a [31mb   22{output.NewLine}", output.ToString());
    }

    [Theory]
    [InlineData("a,b", "a|b")]
    [InlineData("\"a,b\", order.price", "a,b|order.price")]
    public void Columns_are_parted_by_commas_outside_quotes(string text, string expected) => Assert.Equal(expected.Split('|'), ColumnList.Split(text));

    [Fact]
    public void Of_fields_that_changed_places_the_fewest_are_told()
    {
        static Schema Of(params string[] names) => new() { SchemaId = 0, Fields = [.. names.Select(name => new NestedField(name[0], name, false, new LongType()))] };
        Assert.Equal("~ a moved: after d", Assert.Single(SchemaDifference.Between(Of("a", "b", "c", "d"), Of("b", "c", "d", "a"))).ToString());
        Assert.Equal(["- b long", "~ a moved: after c", "+ x long"], SchemaDifference.Between(Of("a", "b", "c"), Of("c", "a", "x")).Select(one => one.ToString()));
    }
}
