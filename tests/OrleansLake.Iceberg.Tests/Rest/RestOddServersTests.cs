using System.Text;
using OrleansLake.Testing.Rest;
using static OrleansLake.Iceberg.Tests.TestTables;

namespace OrleansLake.Iceberg.Tests.Rest;

/// <summary>Servers, and what stands before them, that answer as the specification does not have it.</summary>
public sealed class RestOddServersTests
{
    private const string Path = "/tables/events";

    private static TableCommit Set(LoadedTable table) => new(table, [], [new TableUpdate.SetProperties(new Dictionary<string, string> { ["a"] = "1" })]);

    /// <summary>Something was answered, perhaps by something in between, perhaps after the swap: it is looked up, not believed and not sent again.</summary>
    [Theory]
    [InlineData(201)]
    [InlineData(202)]
    [InlineData(204)]
    [InlineData(302)]
    [InlineData(307)]
    [InlineData(408)]
    public async Task A_swap_with_an_answer_that_there_is_not_is_unknown(int status)
    {
        await using var stand = await RestStand.StartAsync();
        var (catalog, table) = await stand.WithTableAsync();
        stand.Server.Fail(new RestFault("POST", Path, FaultMoment.After, FaultAnswer.Status, status) { Body = "" });
        Assert.IsType<CommitResult.Unknown>(await catalog.CommitTableAsync(Set(table), default));
        Assert.Equal(1, stand.Count("POST", Path));
        Assert.Equal("1", (await catalog.LoadTableAsync(Events, default))!.Metadata.Properties["a"]);
    }

    /// <summary>A server that reads from a copy that lags behind; one that mixed up two tables.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_swap_that_is_answered_with_a_state_without_it_is_unknown(bool isThatTable)
    {
        await using var stand = await RestStand.StartAsync();
        var (catalog, table) = await stand.WithTableAsync();
        var append = new AppendFiles(SnapshotRef.Main, Ids(5), TimeProvider.System);
        append.Add(File("memory://a.parquet"));
        var staged = await append.StageAsync(table, new SnapshotExtras(), default);
        var told = isThatTable ? table.Metadata : table.Metadata with { TableUuid = Guid.NewGuid(), Snapshots = [staged.Snapshot] };
        stand.Server.Fail(new RestFault("POST", Path, FaultMoment.After, FaultAnswer.Status, 200)
        {
            Body = $$"""{"metadata-location": "memory://x.metadata.json", "metadata": {{Encoding.UTF8.GetString(TableMetadataJson.Write(told))}}}""",
        });
        Assert.IsType<CommitResult.Unknown>(await catalog.CommitTableAsync(new TableCommit(table, staged.Requirements, staged.Updates), default));
        Assert.Equal(staged.Snapshot.SnapshotId, (await catalog.LoadTableAsync(Events, default))!.Metadata.CurrentSnapshotId);
    }

    [Theory]
    [InlineData("""{}""")]
    [InlineData("""{"defaults": null, "overrides": null}""")]
    [InlineData("""{"defaults": {}, "overrides": {}, "endpoints": null, "something": [{"else": 1}]}""")]
    public async Task A_configuration_that_leaves_things_out_is_one(string body)
    {
        await using var stand = await RestStand.StartAsync();
        await stand.WithTableAsync();
        using var catalog = stand.Catalog();
        stand.Server.Fail(new RestFault("GET", "/config", FaultMoment.Before, FaultAnswer.Status, 200) { Body = body });
        Assert.NotNull(await catalog.LoadTableAsync(Events, default));
    }

    [Theory]
    [InlineData("""[]""")]
    [InlineData("""{"defaults": 7}""")]
    [InlineData("""{"overrides": ["uri"]}""")]
    [InlineData("""<html><body>Welcome to nginx!</body></html>""")]
    public async Task A_configuration_that_is_none_is_refused_with_its_place(string body)
    {
        await using var stand = await RestStand.StartAsync();
        using var catalog = stand.Catalog();
        stand.Server.Fail(new RestFault("GET", "/config", FaultMoment.Before, FaultAnswer.Status, 200) { Body = body });
        Assert.Contains("/v1/config", (await Assert.ThrowsAsync<IcebergFormatException>(() => catalog.LoadTableAsync(Events, default))).Message, StringComparison.Ordinal);
        Assert.Null(await catalog.LoadTableAsync(Events, default));
    }

    /// <summary>What nobody needs is not asked for: members that are null, and such that are unknown.</summary>
    [Fact]
    public async Task A_table_with_nulls_and_unknown_members_is_read()
    {
        await using var stand = await RestStand.StartAsync();
        var (catalog, table) = await stand.WithTableAsync();
        stand.Server.Fail(new RestFault("GET", Path, FaultMoment.Before, FaultAnswer.Status, 200)
        {
            Body = $$"""{"metadata-location": "memory://x.metadata.json", "metadata": {{Encoding.UTF8.GetString(TableMetadataJson.Write(table.Metadata))}}, "config": null, "storage-credentials": null, "more": [] }""",
        });
        Assert.Equal(table.Metadata.TableUuid, (await catalog.LoadTableAsync(Events, default))!.Metadata.TableUuid);
    }

    /// <summary>Pages of proxies are told in short, with the status and what was asked for.</summary>
    [Theory]
    [InlineData(403, "<html><head><title>Forbidden</title></head></html>")]
    [InlineData(418, "")]
    [InlineData(400, "null")]
    [InlineData(451, """{"error": "of another protocol"}""")]
    [InlineData(406, """{"error": {"message": null, "type": 7}}""")]
    public async Task An_error_of_another_make_is_told_in_short(int status, string body)
    {
        await using var stand = await RestStand.StartAsync();
        var (catalog, _) = await stand.WithTableAsync();
        stand.Server.Fail(new RestFault("GET", Path, FaultMoment.Before, FaultAnswer.Status, status) { Body = body + new string(' ', 100_000) });
        var error = await Assert.ThrowsAsync<RestCatalogException>(() => catalog.LoadTableAsync(Events, default));
        Assert.Equal(status, error.Status);
        Assert.Contains(Path, error.Message, StringComparison.Ordinal);
        Assert.InRange(error.Message.Length, 1, 1000);
    }
}
