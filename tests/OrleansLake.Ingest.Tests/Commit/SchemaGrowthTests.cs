using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Decode;
using static OrleansLake.Ingest.Tests.Commit.World;

namespace OrleansLake.Ingest.Tests.Commit;

public sealed class SchemaGrowthTests
{
    private static readonly NewField[] Two = [new([], "extra", new LongType()), new([], "nested", new StructType([new NestedField(0, "x", Required: false, new StringType())]))];

    [Fact]
    public void Many_that_ask_for_the_same_columns_change_the_table_once() => Run(async world =>
    {
        int before = (await world.TableAsync()).Metadata.Schemas.Count;
        TableCommitter one = world.NewCommitter();
        TableCommitter twin = world.NewCommitter();
        SchemaGrown[] answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => (i % 2 == 0 ? one : twin).GrowSchemaAsync(Two, 1000, CancellationToken.None)));
        TableMetadata metadata = (await world.TableAsync()).Metadata;
        Assert.Equal(before + 1, metadata.Schemas.Count);
        Assert.All(answers, answer => Assert.Empty(answer.Declined));
        Assert.All(answers, answer => Assert.Equal(metadata.CurrentSchemaId, answer.Table.Metadata.CurrentSchemaId));

        // And below one that is there.
        SchemaGrown grown = await one.GrowSchemaAsync([new(["nested"], "y", new BooleanType())], 1000, CancellationToken.None);
        Assert.Equal(["x", "y"], Assert.IsType<StructType>(grown.Table.Metadata.CurrentSchema.Fields.Single(field => field.Name == "nested").Type).Fields.Select(field => field.Name));
    });

    [Fact]
    public void A_table_that_is_full_and_names_that_are_taken_decline() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        int columns = (await world.TableAsync()).Metadata.CurrentSchema.AllFields().Count();
        SchemaGrown grown = await committer.GrowSchemaAsync([.. Two, new([], "EXTRA", new LongType()), new(["nowhere"], "z", new LongType())], columns + 1, CancellationToken.None);
        Assert.Equal(["nested", "EXTRA", "nowhere.z"], grown.Declined);
        Assert.Equal(columns + 1, grown.Table.Metadata.CurrentSchema.AllFields().Count());
    });
}
