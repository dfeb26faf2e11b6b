using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode;
using OrleansLake.Ingest.Pump;
using OrleansLake.Ingest.Tests.Write;
using OrleansLake.Ingest.Write;

namespace OrleansLake.Ingest.Tests.Quality;

/// <summary>One topic, several tables: what is not for a table is no business of its other columns.</summary>
public sealed class RecordChoiceTests
{
    private static readonly NestedField[] Fields =
    [
        new(1, "id", true, new LongType()),
        new(2, "price", true, new DecimalType(10, 2)),
        new(3, "head", false, new StructType([new NestedField(4, "kind", false, new StringType()), new NestedField(5, "at", false, new TimestampType(true))])),
    ];

    private static readonly string?[] Documents =
    [
        """{"id":1,"price":5,"head":{"kind":"buy"},"more":1}""",
        """{"id":"of another table","head":{"kind":"sell"},"others":1}""",
        """{"id":2,"price":"no number","head":{"kind":"buy"}}""",
        """{"head":{"kind":"sell","at":1700000000}}""",
        """{"id":3,"price":1,"head":{"kind":7}}""",
        """no document""",
        """{"id":4,"price":2}""",
        null,
        """{"id":5,"price":3,"head":{"kind":"sell"},"head":{"kind":"buy"}}""",
        """{"id":6,"price":4,"head":{"kind":"sell"},"others":2}""",
    ];

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task Records_of_other_tables_are_passed_over_whatever_they_hold(bool shaped, bool evolves)
    {
        await using var table = await TableFixture.CreateAsync(Fields, inMemory: true);
        var records = new RecordOptions
        {
            Epoch = new Dictionary<string, EpochUnit> { ["head.at"] = EpochUnit.Seconds },
            OnUnfit = new Dictionary<string, UnfitAction> { ["*"] = UnfitAction.Reject },
            UnknownFields = evolves ? UnknownFieldAction.Evolve : UnknownFieldAction.Ignore,
            Project = shaped ? new Dictionary<string, string> { ["price"] = "/price", ["head"] = "/head" } : new Dictionary<string, string>(),
        };
        var factory = new RowWriterFactory(
            new RowWriterOptions { Pipeline = "buys", Generation = "g1", Filter = Expression.Parse("head.kind = 'buy'"), Records = records }, TimeProvider.System, table.Ids);
        using var batch = TableFixture.Batch(Documents);
        IRowWriter writer = factory.Open(table.Table, table.DeadLetters);
        AppendedRecords appended = writer.Append(batch);
        await table.CommitAsync(await writer.CloseAsync(default));

        Assert.Equal(new AppendedRecords(2, 4) { Skipped = 4 }, appended);
        Assert.Equal([1L, 5L], (await table.RowsAsync(table.Table)).Select(row => row.GetProperty("id").GetInt64()));
        // Those that are for the table and do not fit, and those of which nobody can tell.
        long first = batch.Records[0].Offset;
        Assert.Equal([(2L, "wrong-type"), (4L, "wrong-type"), (5L, "malformed-json"), (7L, "null-value")],
            (await table.RowsAsync(table.DeadLetters)).Select(letter => (letter.GetProperty("offset").GetInt64() - first, letter.GetProperty("error_class").GetString()!)));
        // Where new fields become columns, those of other tables' records are not even seen.
        Assert.Equal(evolves ? ["more"] : ["more", "others"], factory.Counts.Unknown.Select(one => one.Key).Order());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_passed_over_behind_a_record_that_halts_is_not_counted(bool evolves)
    {
        await using var table = await TableFixture.CreateAsync(Fields, inMemory: true);
        var factory = new RowWriterFactory(
            new RowWriterOptions { Pipeline = "buys", Generation = "g1", Filter = Expression.Parse("head.kind = 'buy'"), HaltOnReject = true, Records = new RecordOptions { UnknownFields = evolves ? UnknownFieldAction.Evolve : UnknownFieldAction.Ignore } }, TimeProvider.System, table.Ids);
        using var batch = TableFixture.Batch(Documents);
        await using IRowWriter writer = factory.Open(table.Table, table.DeadLetters);
        AppendedRecords appended = writer.Append(batch);
        Assert.Equal((1, 0, 1, batch.Records[2].Offset), (appended.Rows, appended.Rejected, appended.Skipped, appended.Halted!.Offset));
    }

    [Fact]
    public async Task A_condition_on_headers_or_on_all_columns_or_on_what_is_rescued_is_asked_too()
    {
        await using var table = await TableFixture.CreateAsync([new(1, "id", false, new LongType()), new(2, "part", false, new IntegerType()), new(3, "_rescued", false, new StringType())], inMemory: true);
        foreach (var (condition, rows) in new[] { ("part = 3", 2), ("part = 4", 0), ("_rescued LIKE '%x%'", 1), ("id = 1 AND part = 3 AND _rescued IS NOT NULL", 1), ("id IS NULL OR id IS NOT NULL", 2) })
        {
            var records = new RecordOptions { UnknownFields = UnknownFieldAction.Rescue, Columns = new Dictionary<string, string> { ["part"] = "kafka.partition" } };
            var factory = new RowWriterFactory(new RowWriterOptions { Pipeline = "p", Generation = "g1", Filter = Expression.Parse(condition), Records = records }, TimeProvider.System, table.Ids);
            using var batch = TableFixture.Batch("""{"id":1,"x":1}""", """{"id":2}""");
            await using IRowWriter writer = factory.Open(table.Table, table.DeadLetters);
            Assert.Equal(new AppendedRecords(rows, 0) { Skipped = 2 - rows }, writer.Append(batch));
        }
    }
}
