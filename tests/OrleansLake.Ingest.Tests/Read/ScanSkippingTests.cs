using OrleansLake.Iceberg;
using OrleansLake.Ingest.Read;
using OrleansLake.Parquet;
using static OrleansLake.Ingest.Tests.Read.ScanTable;

namespace OrleansLake.Ingest.Tests.Read;

/// <summary>Pages that a condition lets a scan skip.</summary>
public sealed class ScanSkippingTests
{
    [Theory]
    [InlineData("k >= 40 and k < 44", 40, 48)]
    [InlineData("k = 41 or k in (42, 43)", 40, 44)]
    [InlineData("s > '0000000090'", 88, 100)]
    [InlineData("k >= 40 and length_of_nothing is null", 40, 100)]
    [InlineData("k <> 3", 0, 100)]
    [InlineData("late is null or k = 7", 0, 100)]
    [InlineData("length_of_nothing is not null", 0, 0)]
    public async Task Only_the_pages_that_may_match_are_read(string where, long first, long next)
    {
        var table = new ScanTable(2, new Schema { SchemaId = 0, Fields = [Required(1, "k", new LongType()), Required(2, "s", new StringType()), Optional(3, "length_of_nothing", new IntegerType())] });
        var file = await table.WriteAsync(Enumerable.Range(0, 100).Select(i => new object?[] { (long)i, $"{i:D10}", null }));
        table.Evolve(
            Required(1, "k", new LongType()), Required(2, "s", new StringType()), Optional(3, "length_of_nothing", new IntegerType()), Optional(4, "late", new IntegerType()));
        await table.CommitAsync([file]);
        var reader = ParquetReader.Open((await table.Store.ReadAsync(file.FilePath, CancellationToken.None)).ToArray());
        var condition = Expression.Parse(where).Bind(table.Schema);
        var filter = ResidualFilter.Of(condition, FileColumns.Of(reader.Schema, null, file.FilePath), reader.Schema);
        var rows = reader.Select(new RowSelection { Filter = filter });
        Assert.Equal(first == next ? [] : [new RowRange(first, next)], rows);
        int expected = Enumerable.Range(0, 100).Count(i => condition.Matches(id => id switch { 1 => (long)i, 2 => $"{i:D10}", _ => null }));
        Assert.Equal(expected, (await table.RowsAsync(where)).Count);
    }
}
