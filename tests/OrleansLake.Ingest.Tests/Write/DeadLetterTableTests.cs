using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Read;
using OrleansLake.Ingest.Write;
using OrleansLake.Testing.Commit;
using OrleansLake.Testing.Iceberg;

namespace OrleansLake.Ingest.Tests.Write;

/// <summary>A dead-letter table that an earlier build made: it lacks the columns that say whose a dead letter is.</summary>
public sealed class DeadLetterTableTests
{
    private static readonly TableIdentifier Letters = TableIdentifier.Parse("db.events__dead_letters");

    [Fact]
    public async Task Table_of_an_earlier_build_is_given_the_columns_that_say_whose_a_dead_letter_is()
    {
        ICatalog catalog = await EarlierAsync();
        LoadedTable table = (await DeadLetterSchema.OpenAsync(catalog, Letters, default))!;

        Assert.Equal([DeadLetterSchema.Generation, DeadLetterSchema.TopicId, DeadLetterSchema.ReplayId, DeadLetterSchema.ResolvedAt], table.Metadata.CurrentSchema.Fields.Skip(13).Select(field => field.Name));
        Assert.Equal([16, 17, 18, 19], table.Metadata.CurrentSchema.Fields.Skip(13).Select(field => field.Id));
        LoadedTable again = (await DeadLetterSchema.OpenAsync(catalog, Letters, default))!;
        Assert.Equal(3, again.Metadata.Schemas.Count);
        Assert.Null(await DeadLetterSchema.OpenAsync(catalog, TableIdentifier.Parse("db.other"), default));
    }

    [Theory]
    [InlineData(SwapFault.FailBefore)]
    [InlineData(SwapFault.FailAfter)]
    [InlineData(SwapFault.Conflict)]
    public async Task Columns_are_added_once_whatever_becomes_of_the_swap(SwapFault fault)
    {
        var catalog = new FaultyCatalog(await EarlierAsync());
        catalog.Swaps.Enqueue(fault);
        LoadedTable table = (await DeadLetterSchema.OpenAsync(catalog, Letters, default))!;
        Assert.Equal(17, table.Metadata.CurrentSchema.Fields.Count);
        Assert.Equal(3, table.Metadata.Schemas.Count);
    }

    [Fact]
    public async Task Columns_that_can_never_be_added_are_an_error_that_names_the_table()
    {
        var catalog = new FaultyCatalog(await EarlierAsync()) { Next = static _ => SwapFault.FailBefore };
        IOException error = await Assert.ThrowsAsync<IOException>(() => DeadLetterSchema.OpenAsync(catalog, Letters, default));
        Assert.Contains("db.events__dead_letters: columns could not be added", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dead_letters_of_an_earlier_build_are_nobodys_known_ones()
    {
        await using var table = await TableFixture.CreateAsync([new NestedField(1, "id", true, new LongType())], inMemory: true);
        using var batch = TableFixture.Batch("{\"id\":\"x\"}", "{\"id\":1}");
        await using var writer = table.Open();
        writer.Append(batch);
        await table.CommitAsync(await writer.CloseAsync(default));
        var query = new DeadLetterQuery("events", "g1", null, batch.TopicPartition, 0);
        Assert.Single(await new DeadLetterOffsets().ReadAsync(table.DeadLetters, query, default));

        // As a build before this one would have left them: no column, then a column that old files lack.
        LoadedTable letters = table.DeadLetters;
        var drop = new UpdateSchema(letters.Metadata);
        drop.DropColumn(DeadLetterSchema.Generation);
        drop.DropColumn(DeadLetterSchema.TopicId);
        Assert.IsType<CommitResult.Committed>(await table.Catalog.CommitTableAsync(new TableCommit(letters, drop.Requirements, drop.Updates), default));
        letters = (await table.Catalog.LoadTableAsync(letters.Identifier, default))!;
        Assert.Empty(await new DeadLetterOffsets().ReadAsync(letters, query, default));
        letters = (await DeadLetterSchema.OpenAsync(table.Catalog, letters.Identifier, default))!;
        Assert.Empty(await new DeadLetterOffsets().ReadAsync(letters, query, default));
        Assert.Equal(System.Text.Json.JsonValueKind.Null, (await table.RowsAsync(letters))[0].GetProperty("generation").ValueKind);
    }

    /// <summary>The thirteen columns, and ids that others have used up since.</summary>
    private static async Task<ICatalog> EarlierAsync()
    {
        var ids = new IdSource(TimeProvider.System, new Random(1));
        var catalog = new InMemoryCatalog(new InMemoryObjectStore(), TimeProvider.System, ids);
        TableCreation today = DeadLetterSchema.Creation();
        LoadedTable table = await catalog.CreateTableAsync(Letters, today with { Schema = today.Schema with { Fields = [.. today.Schema.Fields.Take(13), new NestedField(14, "seen_by", false, new StringType()), new NestedField(15, "gone", false, new StringType())] } }, default);
        var drop = new UpdateSchema(table.Metadata);
        drop.DropColumn("gone");
        drop.DropColumn("seen_by");
        Assert.IsType<CommitResult.Committed>(await catalog.CommitTableAsync(new TableCommit(table, drop.Requirements, drop.Updates), default));
        return catalog;
    }
}
