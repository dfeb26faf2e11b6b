namespace OrleansLake.Iceberg.Tests;

public sealed class UpdateSchemaTests
{
    private static readonly TableMetadata Table = TableMetadataCreation.Create(TestTables.Creation(), "/w/t", Guid.NewGuid(), DateTimeOffset.UnixEpoch);

    [Fact]
    public void The_id_of_a_dropped_column_is_not_given_again()
    {
        var dropped = Table.Apply(new UpdateSchema(Table).DropColumn("name").Updates, TimeProvider.System);
        var added = dropped.Apply(new UpdateSchema(dropped).AddColumn(null, "name", new StringType()).Updates, TimeProvider.System);
        Assert.Equal(4, added.CurrentSchema.FindField("name")!.Id);
        Assert.Equal(4, added.LastColumnId);
    }

    [Fact]
    public void Nested_columns_get_ids_of_their_own()
    {
        var type = new StructType([new NestedField(1, "x", false, new ListType(1, new IntegerType(), false)), new NestedField(1, "y", true, new LongType())]);
        var update = new UpdateSchema(Table).AddColumn(null, "s", type);
        Assert.Equal([1, 2, 3, 4, 5, 7, 6], update.Schema.AllFields().Select(field => field.Id));
    }

    [Fact]
    public void A_partition_source_cannot_be_dropped() => Assert.Throws<ArgumentException>(() => new UpdateSchema(Table).DropColumn("ts"));

    [Fact]
    public void A_name_that_is_taken_is_refused()
    {
        Assert.Throws<ArgumentException>(() => new UpdateSchema(Table).AddColumn(null, "name", new IntegerType()));
        Assert.Throws<ArgumentException>(() => new UpdateSchema(Table).RenameColumn("name", "id"));
    }

    [Fact]
    public void Only_widening_promotions_are_allowed()
    {
        Assert.Throws<ArgumentException>(() => new UpdateSchema(Table).PromoteColumn("id", new IntegerType()));
        Assert.Throws<ArgumentException>(() => new UpdateSchema(Table).PromoteColumn("name", new BinaryType()));
    }

    [Fact]
    public void A_change_back_to_an_older_schema_takes_that_one_up_again()
    {
        var renamed = Table.Apply(new UpdateSchema(Table).RenameColumn("name", "title").Updates, TimeProvider.System);
        var back = renamed.Apply(new UpdateSchema(renamed).RenameColumn("title", "name").Updates, TimeProvider.System);
        Assert.Equal((1, 0, 2), (renamed.CurrentSchemaId, back.CurrentSchemaId, back.Schemas.Count));
    }

    [Fact]
    public void A_required_column_can_become_optional_and_move()
    {
        var update = new UpdateSchema(Table).MakeColumnOptional("id").MoveColumn("id", new ColumnPosition.After("name"));
        Assert.Equal(["ts", "name", "id"], update.Schema.Fields.Select(field => field.Name));
        Assert.False(update.Schema.FindField("id")!.Required);
    }

    [Fact]
    public void A_schema_that_moved_meanwhile_violates_the_requirements()
    {
        var mine = new UpdateSchema(Table).AddColumn(null, "x", new LongType());
        var other = Table.Apply(new UpdateSchema(Table).AddColumn(null, "y", new LongType()).Updates, TimeProvider.System);
        Assert.Equal("current schema id: expected 0, got 1", other.Violated(mine.Requirements));
    }
}
