using OrleansLake.Testing.Rest;
using static OrleansLake.Iceberg.Tests.TestTables;

namespace OrleansLake.Iceberg.Tests.Rest;

public sealed class RestCommitTests
{
    private const string Path = "/tables/events";

    public static TheoryData<FaultMoment, FaultAnswer, int> SayNothing => new()
    {
        { FaultMoment.Before, FaultAnswer.Status, 500 }, { FaultMoment.After, FaultAnswer.Status, 500 },
        { FaultMoment.Before, FaultAnswer.Status, 502 }, { FaultMoment.After, FaultAnswer.Status, 502 },
        { FaultMoment.Before, FaultAnswer.Status, 503 }, { FaultMoment.After, FaultAnswer.Status, 503 },
        { FaultMoment.Before, FaultAnswer.Status, 504 }, { FaultMoment.After, FaultAnswer.Status, 504 },
        { FaultMoment.Before, FaultAnswer.Status, 429 }, { FaultMoment.Late, FaultAnswer.Status, 504 },
        { FaultMoment.Before, FaultAnswer.Abort, 0 }, { FaultMoment.After, FaultAnswer.Abort, 0 },
        { FaultMoment.Before, FaultAnswer.Hang, 0 }, { FaultMoment.After, FaultAnswer.Hang, 0 }, { FaultMoment.After, FaultAnswer.Half, 0 },
    };

    private static TableCommit Set(LoadedTable table, string value) =>
        new(table, [], [new TableUpdate.SetProperties(new Dictionary<string, string> { ["a"] = value })]);

    [Theory]
    [MemberData(nameof(SayNothing))]
    public async Task A_swap_whose_end_says_nothing_is_unknown_and_not_sent_again(FaultMoment moment, FaultAnswer answer, int status)
    {
        await using var stand = await RestStand.StartAsync();
        var (_, table) = await stand.WithTableAsync();
        using var catalog = stand.Impatient();
        await catalog.LoadTableAsync(Events, default);
        stand.Server.Fail(new RestFault("POST", Path, moment, answer, status));
        Assert.IsType<CommitResult.Unknown>(await catalog.CommitTableAsync(Set(table, "1"), default));
        Assert.Equal(1, stand.Count("POST", Path));
        var now = (await catalog.LoadTableAsync(Events, default))!;
        Assert.Equal(moment == FaultMoment.After, now.Metadata.Properties.ContainsKey("a"));
        if (moment == FaultMoment.Late)
        {
            Assert.Equal([200], await stand.Server.ApplyLateAsync());
            Assert.Equal("1", (await catalog.LoadTableAsync(Events, default))!.Metadata.Properties["a"]);
        }
    }

    [Fact]
    public async Task A_swap_that_is_given_up_while_it_is_under_way_is_unknown()
    {
        await using var stand = await RestStand.StartAsync();
        var (catalog, table) = await stand.WithTableAsync();
        stand.Server.Fail(new RestFault("POST", Path, FaultMoment.After, FaultAnswer.Hang));
        using var enough = new CancellationTokenSource();
        var commit = catalog.CommitTableAsync(Set(table, "1"), enough.Token);
        while (stand.Count("POST", Path) == 0)
        {
            await Task.Yield();
        }

        await enough.CancelAsync();
        Assert.IsType<CommitResult.Unknown>(await commit);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => catalog.CommitTableAsync(Set(table, "1"), enough.Token));
        Assert.Equal(1, stand.Count("POST", Path));
    }

    [Fact]
    public async Task A_swap_of_a_server_that_is_gone_is_unknown()
    {
        var stand = await RestStand.StartAsync();
        var (_, table) = await stand.WithTableAsync();
        using var catalog = stand.Catalog();
        await catalog.LoadTableAsync(Events, default);
        await stand.Server.DisposeAsync();
        var unknown = Assert.IsType<CommitResult.Unknown>(await catalog.CommitTableAsync(Set(table, "1"), default));
        Assert.Contains(Path, unknown.Cause.Message);
    }

    [Fact]
    public async Task A_swap_is_refused_with_words_that_say_why()
    {
        await using var stand = await RestStand.StartAsync();
        var (catalog, table) = await stand.WithTableAsync();
        var commit = Set(table, "1") with { Requirements = [new TableRequirement.AssertRefSnapshotId("main", 5)] };
        var conflict = Assert.IsType<CommitResult.Conflict>(await catalog.CommitTableAsync(commit, default));
        Assert.Contains("db.events", conflict.Reason);
        Assert.Contains("Requirement failed", conflict.Reason);
    }

    [Fact]
    public async Task Whoever_may_not_is_told_and_nothing_is_unknown()
    {
        await using var stand = await RestStand.StartAsync();
        var (catalog, table) = await stand.WithTableAsync();
        stand.Server.Fail(new RestFault("POST", Path, FaultMoment.Before, FaultAnswer.Status, 403) { Body = "<html>\n  Forbidden by a proxy" });
        var refused = await Assert.ThrowsAsync<RestCatalogException>(() => catalog.CommitTableAsync(Set(table, "1"), default));
        Assert.Equal(403, refused.Status);
        Assert.False(refused.MayHaveHappened);
        Assert.Equal($"POST {stand.Server.Address}v1/namespaces/db/tables/events: 403: <html>   Forbidden by a proxy", refused.Message);
    }

    [Fact]
    public async Task Several_tables_change_together_or_not_at_all()
    {
        await using var stand = await RestStand.StartAsync();
        var (catalog, events) = await stand.WithTableAsync();
        var clicks = await catalog.CreateTableAsync(new TableIdentifier(["db"], "clicks"), Creation(), default);
        Assert.IsType<TransactionResult.Committed>(await catalog.CommitTransactionAsync([Set(events, "1"), Set(clicks, "1")], default));
        Assert.Equal("1", (await catalog.LoadTableAsync(Events, default))!.Metadata.Properties["a"]);
        Assert.Equal("1", (await catalog.LoadTableAsync(clicks.Identifier, default))!.Metadata.Properties["a"]);
        var bad = Set(clicks, "2") with { Requirements = [new TableRequirement.AssertCurrentSchemaId(9)] };
        Assert.IsType<TransactionResult.Conflict>(await catalog.CommitTransactionAsync([Set(events, "2"), bad], default));
        Assert.Equal("1", (await catalog.LoadTableAsync(Events, default))!.Metadata.Properties["a"]);
        stand.Server.Fail(new RestFault("POST", "/transactions/commit", FaultMoment.After, FaultAnswer.Abort));
        Assert.IsType<TransactionResult.Unknown>(await catalog.CommitTransactionAsync([Set(events, "3"), Set(clicks, "3")], default));
        Assert.Equal("3", (await catalog.LoadTableAsync(clicks.Identifier, default))!.Metadata.Properties["a"]);
    }

    [Fact]
    public async Task A_staged_table_is_made_by_its_first_commit()
    {
        await using var stand = await RestStand.StartAsync();
        using var catalog = stand.Catalog();
        await catalog.CreateNamespaceAsync(["db"], new Dictionary<string, string>(), default);
        var order = new SortOrder { OrderId = 1, Fields = [new SortField([1], new Transform.Identity(), Descending: true, NullsLast: true)] };
        var staged = await catalog.StageCreateAsync(Events, Creation(formatVersion: 3, new Dictionary<string, string> { ["p"] = "v" }) with { SortOrder = order }, default);
        Assert.False(await catalog.TableExistsAsync(Events, default));
        var commit = new TableCommit(staged, [new TableRequirement.AssertCreate()], [.. RestCatalog.CreationOf(staged), new TableUpdate.SetProperties(new Dictionary<string, string> { ["q"] = "w" })]);
        var made = Assert.IsType<CommitResult.Committed>(await catalog.CommitTableAsync(commit, default)).Table;
        Assert.Equal(staged.Metadata.TableUuid, made.Metadata.TableUuid);
        var loaded = (await stand.Catalog().LoadTableAsync(Events, default))!.Metadata;
        Assert.Equal((3, "v", "w"), (loaded.FormatVersion, loaded.Properties["p"], loaded.Properties["q"]));
        Assert.Equal(staged.Metadata.CurrentSchema.Fields, loaded.CurrentSchema.Fields);
        Assert.Equal(staged.Metadata.DefaultSpec.Fields.Single().Name, loaded.DefaultSpec.Fields.Single().Name);
        Assert.True(loaded.SortOrders.Single(one => one.OrderId == loaded.DefaultSortOrderId).Fields.Single().Descending);
        Assert.IsType<CommitResult.Conflict>(await catalog.CommitTableAsync(commit, default));
        await Assert.ThrowsAsync<TableExistsException>(() => catalog.StageCreateAsync(Events, Creation(), default));
    }
}
