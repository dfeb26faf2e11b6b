using System.Text;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Pump;
using OrleansLake.Ingest.Write;

namespace OrleansLake.Ingest.Tests.Write;

/// <summary>What a pipeline says about its records, in the files that are written.</summary>
public sealed class RecordOptionsTests
{
    [Fact]
    public async Task Tombstones_that_nobody_wants_are_neither_rows_nor_dead_letters()
    {
        await using TableFixture fixture = await TableFixture.CreateAsync([new NestedField(1, "id", Required: false, new LongType())], inMemory: true);
        RowWriterFactory factory = Factory(fixture, new RecordOptions { SkipTombstones = true });
        IRowWriter writer = factory.Open(fixture.Table, fixture.DeadLetters);
        using KafkaBatch batch = TableFixture.Batch("""{"id":1}""", null, "bad", null, """{"id":2}""");
        Assert.Equal(new AppendedRecords(2, 1) { Skipped = 2 }, writer.Append(batch));
        await fixture.CommitAsync(await writer.CloseAsync(TestContext.Current.CancellationToken));
        Assert.Equal(["""{"id":1}""", """{"id":2}"""], await fixture.TextsAsync(fixture.Table));
        Assert.Equal(2, factory.Counts.Tombstones);
        Assert.Equal("bad", Encoding.UTF8.GetString(Assert.Single(await fixture.RowsAsync(fixture.DeadLetters)).GetProperty(DeadLetterSchema.Value).GetBytesFromBase64()));
    }

    [Fact]
    public async Task Fields_without_a_column_and_values_that_became_null_are_counted_when_a_writer_is_closed()
    {
        await using TableFixture fixture = await TableFixture.CreateAsync([new NestedField(1, "id", Required: false, new LongType())], inMemory: true);
        RowWriterFactory factory = Factory(fixture, new RecordOptions { OnUnfit = new Dictionary<string, UnfitAction> { ["id"] = UnfitAction.Null } });
        IRowWriter writer = factory.Open(fixture.Table, fixture.DeadLetters);
        using KafkaBatch batch = TableFixture.Batch("""{"id":"x","more":1}""", """{"id":"y"}""");
        writer.Append(batch);
        await writer.DisposeAsync();
        Assert.Equal([KeyValuePair.Create("more", 1L)], factory.Counts.Unknown);
        Assert.Equal([KeyValuePair.Create("id", 2L)], factory.Counts.Nulled);
    }

    [Fact]
    public void Paths_beyond_the_first_hundred_are_counted_together()
    {
        FieldCounts counts = FieldCounts.None.And([.. Enumerable.Range(0, 150).Select(i => KeyValuePair.Create($"p{i}", 2L))], [], [], 0).And([KeyValuePair.Create("p1", 1L), KeyValuePair.Create("p149", 1L)], [], [], 0);
        Assert.Equal((101, 3L, 101L), (counts.Unknown.Count, counts.Unknown["p1"], counts.Unknown[FieldCounts.OtherPaths]));
    }

    private static RowWriterFactory Factory(TableFixture fixture, RecordOptions records) =>
        new(new RowWriterOptions { Pipeline = "events", Generation = "g1", Records = records }, TimeProvider.System, fixture.Ids);
}
