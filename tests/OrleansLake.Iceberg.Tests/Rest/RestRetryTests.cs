using OrleansLake.Testing.Rest;
using static OrleansLake.Iceberg.Tests.TestTables;

namespace OrleansLake.Iceberg.Tests.Rest;

public sealed class RestRetryTests
{
    private static readonly TableIdentifier Clicks = new(["db"], "clicks");

    public static TheoryData<FaultMoment, FaultAnswer, int> LostAnswers => new()
    {
        { FaultMoment.Before, FaultAnswer.Status, 503 }, { FaultMoment.After, FaultAnswer.Status, 503 }, { FaultMoment.After, FaultAnswer.Status, 500 },
        { FaultMoment.After, FaultAnswer.Abort, 0 }, { FaultMoment.Before, FaultAnswer.Abort, 0 }, { FaultMoment.Before, FaultAnswer.Status, 429 },
        { FaultMoment.After, FaultAnswer.Half, 0 },
    };

    [Theory]
    [MemberData(nameof(LostAnswers))]
    public async Task A_creation_whose_answer_was_lost_is_looked_up(FaultMoment moment, FaultAnswer answer, int status)
    {
        await using var stand = await RestStand.StartAsync();
        var (catalog, _) = await stand.WithTableAsync();
        stand.Server.Fail(new RestFault("POST", "/tables", moment, answer, status));
        var made = await catalog.CreateTableAsync(Clicks, Creation(), default);
        Assert.Equal(made.Metadata.TableUuid, (await catalog.LoadTableAsync(Clicks, default))!.Metadata.TableUuid);
    }

    [Fact]
    public async Task A_table_that_someone_else_made_meanwhile_is_not_taken_for_ours()
    {
        await using var stand = await RestStand.StartAsync();
        var (catalog, _) = await stand.WithTableAsync();
        stand.Server.Fail(new RestFault("POST", "/tables", FaultMoment.Late, FaultAnswer.Status, 504));
        await stand.Server.Catalog.CreateTableAsync(Clicks, Creation(properties: new Dictionary<string, string> { ["whose"] = "theirs" }), default);
        await Assert.ThrowsAsync<TableExistsException>(() => catalog.CreateTableAsync(Clicks, Creation(properties: new Dictionary<string, string> { ["whose"] = "ours" }), default));
        Assert.Equal([409], await stand.Server.ApplyLateAsync());
    }

    [Theory]
    [MemberData(nameof(LostAnswers))]
    public async Task A_drop_whose_answer_was_lost_is_looked_up(FaultMoment moment, FaultAnswer answer, int status)
    {
        await using var stand = await RestStand.StartAsync();
        var (catalog, _) = await stand.WithTableAsync();
        stand.Server.Fail(new RestFault("DELETE", "/tables/events", moment, answer, status));
        Assert.True(await catalog.DropTableAsync(Events, purge: true, default));
        Assert.False(await catalog.DropTableAsync(Events, purge: true, default));
        Assert.Empty(stand.Store.Locations);
    }

    [Theory]
    [MemberData(nameof(LostAnswers))]
    public async Task A_renaming_and_a_registration_whose_answers_were_lost_are_looked_up(FaultMoment moment, FaultAnswer answer, int status)
    {
        await using var stand = await RestStand.StartAsync();
        var (catalog, table) = await stand.WithTableAsync();
        stand.Server.Fail(new RestFault("POST", "/rename", moment, answer, status), new RestFault("POST", "/register", moment, answer, status));
        Assert.True(await catalog.RenameTableAsync(Events, Clicks, default));
        Assert.Equal(table.Metadata.TableUuid, (await catalog.LoadTableAsync(Clicks, default))!.Metadata.TableUuid);
        await catalog.DropTableAsync(Clicks, purge: false, default);
        Assert.Equal(table.MetadataLocation, (await catalog.RegisterTableAsync(Events, table.MetadataLocation, default)).MetadataLocation);
    }

    [Theory]
    [MemberData(nameof(LostAnswers))]
    public async Task Namespaces_are_made_and_dropped_over_answers_that_were_lost(FaultMoment moment, FaultAnswer answer, int status)
    {
        await using var stand = await RestStand.StartAsync();
        using var catalog = stand.Catalog();
        stand.Server.Fail(new RestFault("POST", "/namespaces", moment, answer, status), new RestFault("DELETE", "/n", moment, answer, status));
        Assert.True(await catalog.CreateNamespaceAsync(["n"], new Dictionary<string, string>(), default));
        Assert.True(await catalog.DropNamespaceAsync(["n"], default));
        Assert.False(await catalog.DropNamespaceAsync(["n"], default));
    }

    [Fact]
    public async Task Reading_is_repeated_until_it_succeeds()
    {
        await using var stand = await RestStand.StartAsync();
        var (_, _) = await stand.WithTableAsync();
        using var catalog = stand.Impatient();
        const string path = "/tables/events";
        stand.Server.Fail(
            new RestFault("GET", "/config", FaultMoment.Before, FaultAnswer.Status, 503),
            new RestFault("GET", path, FaultMoment.Before, FaultAnswer.Status, 503) { RetryAfterSeconds = 120 },
            new RestFault("GET", path, FaultMoment.After, FaultAnswer.Half),
            new RestFault("GET", path, FaultMoment.After, FaultAnswer.Hang),
            new RestFault("GET", path, FaultMoment.Before, FaultAnswer.Abort),
            new RestFault("GET", path, FaultMoment.Before, FaultAnswer.Status, 429));
        Assert.NotNull(await catalog.LoadTableAsync(Events, default));
        Assert.Equal(6, stand.Count("GET", path));
    }

    [Fact]
    public async Task Reading_is_not_repeated_for_ever_and_the_last_failure_is_told()
    {
        await using var stand = await RestStand.StartAsync();
        var (catalog, _) = await stand.WithTableAsync();
        stand.Server.Fail([.. Enumerable.Repeat(new RestFault("GET", "/tables/events", FaultMoment.Before, FaultAnswer.Status, 503), 6)]);
        var failure = await Assert.ThrowsAsync<RestCatalogException>(() => catalog.LoadTableAsync(Events, default));
        Assert.Equal(503, failure.Status);
        Assert.False(failure.MayHaveHappened);
        Assert.NotNull(await catalog.LoadTableAsync(Events, default));
    }

    [Fact]
    public async Task A_configuration_that_failed_is_asked_for_again()
    {
        await using var stand = await RestStand.StartAsync();
        using var catalog = stand.Catalog();
        stand.Server.Fail(new RestFault("GET", "/config", FaultMoment.Before, FaultAnswer.Status, 404) { Body = "not here" });
        await Assert.ThrowsAsync<RestCatalogException>(() => catalog.ListNamespacesAsync(default));
        Assert.Empty(await catalog.ListNamespacesAsync(default));
    }

    [Fact]
    public async Task A_key_goes_with_every_attempt_so_that_the_server_does_it_once()
    {
        await using var stand = await RestStand.StartAsync(new RestCatalogServerOptions { TakesIdempotencyKeys = true });
        var (catalog, table) = await stand.WithTableAsync();
        stand.Server.Fail(new RestFault("POST", "/tables/events", FaultMoment.After, FaultAnswer.Abort));
        Assert.IsType<CommitResult.Unknown>(await catalog.CommitTableAsync(new TableCommit(table, [], [new TableUpdate.SetProperties(new Dictionary<string, string> { ["a"] = "1" })]), default));
        stand.Server.Fail(new RestFault("POST", "/tables", FaultMoment.Before, FaultAnswer.Status, 429));
        await catalog.CreateTableAsync(Clicks, Creation(), default);
        var keys = stand.Server.Requests.Where(request => request.Method is "POST" or "DELETE").Select(request => request.Headers["Idempotency-Key"]).ToList();
        Assert.Equal(keys.Count - 1, keys.Distinct().Count());
        Assert.All(keys, key => Assert.Equal(7, Guid.Parse(key).Version));
    }
}
