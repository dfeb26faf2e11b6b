using OrleansLake.Testing.Rest;

namespace OrleansLake.Iceberg.Tests.Rest;

public sealed class RestAuthTests
{
    private static readonly RestCatalogServerOptions Guarded = new() { Credential = ("client", "top:secret/1") };

    [Fact]
    public async Task One_token_serves_many_and_is_made_anew_before_it_ends()
    {
        await using var stand = await RestStand.StartAsync(Guarded);
        using var catalog = stand.Catalog();
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => catalog.ListNamespacesAsync(default)));
        Assert.Equal(1, stand.Server.Tokens.Given);
        stand.Time.Advance(TimeSpan.FromMinutes(56));
        // The old one lives and serves on while the new one is fetched: once, whoever asks.
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => catalog.ListNamespacesAsync(default)));
        await UntilAsync(() => stand.Server.Tokens.Given == 2);
        stand.Time.Advance(TimeSpan.FromMinutes(10));
        await catalog.ListNamespacesAsync(default);
        Assert.Equal(2, stand.Server.Tokens.Given);
    }

    [Fact]
    public async Task A_failed_refresh_harms_nobody_while_the_old_token_lives()
    {
        await using var stand = await RestStand.StartAsync(Guarded);
        using var catalog = stand.Catalog();
        await catalog.ListNamespacesAsync(default);
        stand.Time.Advance(TimeSpan.FromMinutes(56));
        stand.Server.Fail([.. Enumerable.Repeat(new RestFault("POST", "/oauth/tokens", FaultMoment.Before, FaultAnswer.Status, 500), 14)]);
        await catalog.ListNamespacesAsync(default);
        await UntilAsync(() => stand.Count("POST", "/oauth/tokens") >= 13);
        await catalog.ListNamespacesAsync(default);
        Assert.Equal(1, stand.Server.Tokens.Given);
        // Later, with the old one still alive, it is tried again.
        stand.Time.Advance(TimeSpan.FromSeconds(11));
        await catalog.ListNamespacesAsync(default);
        await UntilAsync(() => stand.Server.Tokens.Given == 2);
    }

    [Fact]
    public async Task A_session_outlives_a_token_server_that_was_down_when_the_token_ended()
    {
        await using var stand = await RestStand.StartAsync(Guarded);
        using var catalog = stand.Catalog();
        await catalog.ListNamespacesAsync(default);
        stand.Time.Advance(TimeSpan.FromHours(2));
        stand.Server.Fail([.. Enumerable.Repeat(new RestFault("POST", "/oauth/tokens", FaultMoment.Before, FaultAnswer.Status, 500), 6)]);
        await Assert.ThrowsAsync<RestCatalogException>(() => catalog.ListNamespacesAsync(default));
        Assert.Empty(await catalog.ListNamespacesAsync(default));
    }

    [Fact]
    public async Task A_token_that_the_server_refuses_is_replaced_even_for_a_swap()
    {
        await using var stand = await RestStand.StartAsync(Guarded);
        var (catalog, table) = await stand.WithTableAsync();
        stand.Server.Tokens.RevokeAll();
        var commit = new TableCommit(table, [], [new TableUpdate.SetProperties(new Dictionary<string, string> { ["a"] = "1" })]);
        Assert.IsType<CommitResult.Committed>(await catalog.CommitTableAsync(commit, default));
        Assert.Equal(2, stand.Count("POST", "/tables/events"));
    }

    [Fact]
    public async Task A_token_is_exchanged_where_the_server_can()
    {
        await using var stand = await RestStand.StartAsync(Guarded);
        stand.Server.Tokens.Exchanges = true;
        using var catalog = stand.Catalog();
        await catalog.ListNamespacesAsync(default);
        stand.Time.Advance(TimeSpan.FromMinutes(56));
        await catalog.ListNamespacesAsync(default);
        await UntilAsync(() => stand.Server.Tokens.Given == 2);
        await UntilAsync(() => catalog.ListNamespacesAsync(default).IsCompletedSuccessfully || stand.Server.Requests[^1].Headers["Authorization"] == "Bearer urn:ie-token-2");
        await catalog.ListNamespacesAsync(default);
        Assert.Equal("Bearer urn:ie-token-2", stand.Server.Requests[^1].Headers["Authorization"]);
    }

    [Fact]
    public async Task A_bearer_token_is_sent_as_it_is()
    {
        await using var stand = await RestStand.StartAsync();
        using var catalog = stand.Catalog(options => new RestCatalogOptions { Uri = options.Uri, Token = "plain-token" });
        await catalog.ListNamespacesAsync(default);
        Assert.All(stand.Server.Requests, request => Assert.Equal("Bearer plain-token", request.Headers["Authorization"]));
    }

    [Fact]
    public async Task Secrets_are_in_no_message_even_when_the_server_repeats_them()
    {
        await using var stand = await RestStand.StartAsync(Guarded);
        string[] secrets = ["top:secret/1", "top%3Asecret%2F1", "client-token-1"];
        using var wrong = stand.Catalog(options => new RestCatalogOptions { Uri = options.Uri, Credential = "other:top:secret/1", FirstPause = options.FirstPause });
        var refused = await Assert.ThrowsAsync<RestCatalogException>(() => wrong.ListNamespacesAsync(default));
        Assert.Contains("invalid_client", refused.Message);
        Assert.Contains("***", refused.ToString());
        using var known = stand.Catalog();
        await known.ListNamespacesAsync(default);
        stand.Server.Tokens.RevokeAll();
        stand.Server.Fail([.. Enumerable.Repeat(new RestFault("POST", "/oauth/tokens", FaultMoment.Before, FaultAnswer.Status, 400) { Body = "sent was client_secret=top%3Asecret%2F1 for client-token-1" }, 1)]);
        var later = await Assert.ThrowsAsync<RestCatalogException>(() => known.ListNamespacesAsync(default));
        var options = new RestCatalogOptions { Uri = new Uri("http://u:pw@host/x"), Credential = "a:top:secret/1", Token = "client-token-1" };
        foreach (string text in (string[])[refused.ToString(), later.ToString(), options.ToString()])
        {
            Assert.All(secrets, secret => Assert.DoesNotContain(secret, text));
        }
    }

    [Fact]
    public async Task A_signer_signs_what_is_sent_each_time_it_is_sent()
    {
        await using var stand = await RestStand.StartAsync();
        await stand.WithTableAsync();
        var signer = new CountingSigner();
        using var catalog = stand.Catalog(options => new RestCatalogOptions { Uri = options.Uri, Stores = options.Stores, Signer = signer, FirstPause = options.FirstPause });
        stand.Server.Fail(new RestFault("POST", "/properties", FaultMoment.Before, FaultAnswer.Status, 503));
        await catalog.UpdateNamespaceAsync(["db"], new Dictionary<string, string> { ["a"] = "b" }, [], default);
        var sent = stand.Server.Requests.Where(request => request.Headers.ContainsKey("X-Signed")).ToList();
        Assert.Equal(["GET 0 /v1/config", "POST 35 /v1/namespaces/db/properties", "POST 35 /v1/namespaces/db/properties"], signer.Signed.Select(one => one[(one.IndexOf(':') + 1)..]));
        Assert.Equal(["1", "2", "3"], sent.Select(request => request.Headers["X-Signed"]));
    }

    private static async Task UntilAsync(Func<bool> holds)
    {
        var patience = System.Diagnostics.Stopwatch.StartNew();
        while (!holds())
        {
            Assert.True(patience.Elapsed < TimeSpan.FromSeconds(20), "waited for 20 s");
            await Task.Delay(2);
        }
    }

    private sealed class CountingSigner : IRequestSigner
    {
        public List<string> Signed { get; } = [];

        public ValueTask SignAsync(HttpRequestMessage request, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
        {
            Signed.Add($"{Signed.Count}:{request.Method} {body.Length} {request.RequestUri!.AbsolutePath}");
            request.Headers.TryAddWithoutValidation("X-Signed", Signed.Count.ToString(System.Globalization.CultureInfo.InvariantCulture));
            return ValueTask.CompletedTask;
        }
    }
}
