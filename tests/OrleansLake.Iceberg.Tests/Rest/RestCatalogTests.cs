using OrleansLake.Testing.Rest;
using static OrleansLake.Iceberg.Tests.TestTables;

namespace OrleansLake.Iceberg.Tests.Rest;

public sealed class RestCatalogTests
{
    [Fact]
    public async Task Names_with_every_character_go_there_and_back()
    {
        await using var stand = await RestStand.StartAsync();
        using var catalog = stand.Catalog();
        string[] levels = ["a/b", "c d%2F", "ü.ñ", ".."];
        var identifier = new TableIdentifier(levels, "t?a#b&c=%1F/..");
        for (int i = 1; i <= levels.Length; i++)
        {
            Assert.True(await catalog.CreateNamespaceAsync(levels[..i], new Dictionary<string, string>(), default));
        }

        await catalog.CreateTableAsync(identifier, Creation() with { Location = "memory://odd" }, default);
        Assert.NotNull(await catalog.LoadTableAsync(identifier, default));
        Assert.Equal([identifier], await catalog.ListTablesAsync(levels, default));
        Assert.Equal(levels.Length, (await catalog.ListNamespacesAsync(default)).Count);
        Assert.Contains(stand.Server.Requests, request => request.RawTarget.Contains("/a%2Fb%1Fc%20d%252F%1F%C3%BC.%C3%B1%1F../tables/t%3Fa%23b%26c%3D%251F%2F.."));
        await Assert.ThrowsAsync<ArgumentException>(() => catalog.CreateNamespaceAsync([], new Dictionary<string, string>(), default));
    }

    [Fact]
    public async Task A_server_says_where_to_go_and_what_goes_above_and_below_our_settings()
    {
        await using var stand = await RestStand.StartAsync(new RestCatalogServerOptions
        {
            Prefix = "p/1",
            Defaults = new Dictionary<string, string> { ["header.X-Default"] = "theirs", ["header.X-Both"] = "theirs" },
            Overrides = new Dictionary<string, string> { ["header.X-Over"] = "theirs" },
        });
        using var catalog = stand.Catalog(
            options => new RestCatalogOptions { Uri = options.Uri, Properties = options.Properties, Warehouse = "my warehouse" }, ("header.X-Both", "ours"), ("header.X-Over", "ours"));
        await catalog.ListNamespacesAsync(default);
        Assert.Equal("/v1/config?warehouse=my%20warehouse", stand.Server.Requests[0].RawTarget);
        var request = stand.Server.Requests[1];
        Assert.Equal("/v1/p/1/namespaces", request.RawTarget);
        Assert.Equal(("theirs", "ours", "theirs"), (request.Headers["X-Default"], request.Headers["X-Both"], request.Headers["X-Over"]));
    }

    [Fact]
    public async Task What_a_server_does_not_serve_is_not_asked_of_it()
    {
        await using var stand = await RestStand.StartAsync(new RestCatalogServerOptions { Endpoints = ["GET /v1/{prefix}/namespaces"] });
        using var catalog = stand.Catalog();
        Assert.Empty(await catalog.ListNamespacesAsync(default));
        var unsupported = await Assert.ThrowsAsync<NotSupportedException>(() => catalog.RenameTableAsync(Events, new TableIdentifier(["db"], "x"), default));
        Assert.Contains("POST /v1/{prefix}/tables/rename", unsupported.Message);
        await Assert.ThrowsAsync<NotSupportedException>(() => catalog.CommitTransactionAsync([], default));
        Assert.Equal(2, stand.Server.Requests.Count);
    }

    [Fact]
    public async Task A_table_that_did_not_change_is_not_sent_again()
    {
        await using var stand = await RestStand.StartAsync(new RestCatalogServerOptions { ServesETags = true });
        var (catalog, table) = await stand.WithTableAsync();
        using var another = stand.Catalog();
        var first = await another.LoadTableAsync(Events, default);
        Assert.Same(first, await another.LoadTableAsync(Events, default));
        await catalog.CommitTableAsync(new TableCommit(table, [], [new TableUpdate.SetProperties(new Dictionary<string, string> { ["a"] = "1" })]), default);
        Assert.Equal("1", (await another.LoadTableAsync(Events, default))!.Metadata.Properties["a"]);
        await catalog.DropTableAsync(Events, purge: false, default);
        Assert.Null(await another.LoadTableAsync(Events, default));
    }

    [Fact]
    public async Task Only_the_snapshots_of_refs_come_where_that_is_asked()
    {
        await using var stand = await RestStand.StartAsync();
        var (catalog, table) = await stand.WithTableAsync();
        table = await AppendAsync(catalog, table, 3, File("memory://f1"));
        table = await AppendAsync(catalog, table, 4, File("memory://f2"));
        Assert.Equal(2, (await catalog.LoadTableAsync(Events, default))!.Metadata.Snapshots.Count);
        using var refs = stand.Catalog(null, ("snapshot-loading-mode", "REFS"));
        Assert.Equal(table.Metadata.CurrentSnapshotId, Assert.Single((await refs.LoadTableAsync(Events, default))!.Metadata.Snapshots).SnapshotId);
        Assert.Equal(2, (await LiveAsync((await refs.LoadTableAsync(Events, default))!)).Count);
    }

    [Fact]
    public async Task Credentials_are_those_of_the_longest_prefix_and_renewed_before_they_end()
    {
        RestStand? stand = null;
        int lent = 0;
        IReadOnlyList<(string, IReadOnlyDictionary<string, string>)> Lend()
        {
            lent++;
            string end = stand!.Time.GetUtcNow().AddHours(1).ToUnixTimeMilliseconds().ToString(System.Globalization.CultureInfo.InvariantCulture);
            return
            [
                ("memory://", new Dictionary<string, string> { ["s3.access-key-id"] = $"wide-{lent}", ["s3.session-token-expires-at-ms"] = end }),
                ("memory://warehouse/db/events/data", new Dictionary<string, string> { ["s3.access-key-id"] = $"data-{lent}", ["client.region"] = "eu-west-1" }),
            ];
        }

        stand = await RestStand.StartAsync(new RestCatalogServerOptions { Lends = Lend, ServesETags = true });
        await using var _ = stand;
        await stand.WithTableAsync();
        var opened = new Dictionary<string, LentStorage>();
        using var catalog = stand.Catalog(options => new RestCatalogOptions
        {
            Uri = options.Uri,
            Stores = new Dictionary<string, Func<LentStorage, IObjectStore>>
            {
                ["memory:"] = storage =>
                {
                    opened.Add(storage.Prefix, storage);
                    return stand.Store;
                },
            },
        });
        var table = (await catalog.LoadTableAsync(Events, default))!;
        await table.Store.TryCreateAsync("memory://warehouse/db/events/data/x", new byte[1], default);
        await table.Store.TryCreateAsync("memory://warehouse/db/events/metadata/x", new byte[1], default);
        await table.Store.DeleteAsync(["memory://warehouse/db/events/data/x", "memory://warehouse/db/events/metadata/x"], default);
        Assert.Equal(["memory://", "memory://warehouse/db/events/data"], opened.Keys.Order());
        var (wide, data) = (opened["memory://"], opened["memory://warehouse/db/events/data"]);
        int before = lent;
        Assert.Equal($"wide-{before}", (await wide.GetConfigAsync(default))["s3.access-key-id"]);
        Assert.Equal("us-east-1", (await wide.GetConfigAsync(default))["client.region"]);
        Assert.Equal($"data-{before}", (await data.GetConfigAsync(default))["s3.access-key-id"]);
        Assert.Equal("eu-west-1", (await data.GetConfigAsync(default))["client.region"]);
        stand.Time.Advance(TimeSpan.FromMinutes(61));
        var configs = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => data.GetConfigAsync(default).AsTask()));
        Assert.All(configs, config => Assert.Equal($"data-{before + 1}", config["s3.access-key-id"]));
        // A state whose credentials end is not asked for by its tag, or its store would go on with them.
        stand.Time.Advance(TimeSpan.FromMinutes(61));
        Assert.NotNull(await catalog.LoadTableAsync(Events, default));
        Assert.DoesNotContain("If-None-Match", stand.Server.Requests[^1].Headers.Keys);
        Assert.Equal($"wide-{before + 2}", (await wide.GetConfigAsync(default))["s3.access-key-id"]);
        Assert.Equal(2, opened.Count);
    }

    [Fact]
    public async Task A_location_that_no_store_is_for_is_named()
    {
        await using var stand = await RestStand.StartAsync();
        await stand.WithTableAsync();
        using var catalog = stand.Catalog(options => new RestCatalogOptions { Uri = options.Uri });
        var table = (await catalog.LoadTableAsync(Events, default))!;
        var unsupported = Assert.Throws<NotSupportedException>(() => table.Store.OpenWrite("s3://bucket/x"));
        Assert.Contains("s3://bucket/x", unsupported.Message);
    }

    [Theory]
    [InlineData("{\"metadata-location\": \"x\"}")]
    [InlineData("{\"metadata-location\": \"x\", \"metadata\": {\"format-version\": 9}}")]
    [InlineData("not json")]
    [InlineData("[[[[")]
    [InlineData("")]
    public async Task An_answer_that_is_no_table_is_refused_with_its_place(string body)
    {
        await using var stand = await RestStand.StartAsync();
        var (catalog, table) = await stand.WithTableAsync();
        stand.Server.Fail(new RestFault("GET", "/tables/events", FaultMoment.Before, FaultAnswer.Status, 200) { Body = body });
        var refused = await Assert.ThrowsAsync<IcebergFormatException>(() => catalog.LoadTableAsync(Events, default));
        Assert.Contains("/tables/events", refused.Message);
        stand.Server.Fail(new RestFault("POST", "/tables/events", FaultMoment.Before, FaultAnswer.Status, 200) { Body = body });
        Assert.IsType<CommitResult.Unknown>(await catalog.CommitTableAsync(new TableCommit(table, [], []), default));
    }

    [Fact]
    public async Task An_answer_without_end_is_cut_off()
    {
        await using var stand = await RestStand.StartAsync();
        await stand.WithTableAsync();
        using var catalog = stand.Catalog(options => new RestCatalogOptions { Uri = options.Uri, MostAnswerBytes = 4000, MostRetries = 0 });
        stand.Server.Fail(new RestFault("GET", "/tables/events", FaultMoment.Before, FaultAnswer.Status, 200) { Body = new string(' ', 4001) });
        var refused = await Assert.ThrowsAsync<RestCatalogException>(() => catalog.LoadTableAsync(Events, default));
        Assert.Contains("at most 4000 bytes", refused.Message);
    }

    [Fact]
    public async Task A_server_whose_pages_never_end_is_found_out()
    {
        await using var stand = await RestStand.StartAsync();
        using var catalog = stand.Catalog();
        stand.Server.Fail([.. Enumerable.Repeat(new RestFault("GET", "/namespaces", FaultMoment.Before, FaultAnswer.Status, 200) { Body = "{\"namespaces\": [], \"next-page-token\": \"again\"}" }, 3)]);
        await Assert.ThrowsAsync<RestCatalogException>(() => catalog.ListNamespacesAsync(default));
    }

    [Fact]
    public void Options_come_from_the_properties_that_all_clients_know()
    {
        var options = RestCatalogOptions.FromProperties(new Dictionary<string, string> { ["uri"] = "https://host/api", ["warehouse"] = "w", ["credential"] = "a:b", ["scope"] = "s" });
        Assert.Equal(("https://host/api", "w", "a:b", "s"), (options.Uri.OriginalString, options.Warehouse, options.Credential, options.Properties["scope"]));
        Assert.Throws<ArgumentException>(() => RestCatalogOptions.FromProperties(new Dictionary<string, string>()));
        Assert.Throws<ArgumentException>(() => RestCatalogOptions.FromProperties(new Dictionary<string, string> { ["uri"] = "s3://x" }));
    }
}
