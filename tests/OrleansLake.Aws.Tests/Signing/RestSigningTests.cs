using System.Collections.Concurrent;
using Amazon.Runtime;
using OrleansLake.Iceberg;
using OrleansLake.Testing;
using OrleansLake.Testing.Aws;
using OrleansLake.Testing.Iceberg;
using OrleansLake.Testing.Rest;

namespace OrleansLake.Aws.Tests.Signing;

/// <summary>REST catalogs that want signed requests, as Glue's and S3 Tables' endpoints do, and that lend credentials for S3.</summary>
public sealed class RestSigningTests(AwsStand stand)
{
    // Glue's path: catalogs by account; S3 Tables': a bucket's ARN, percent-encoded.
    private const string Prefix = "catalogs/123456789012%3As3tablescatalog%2Flake";

    public static TheoryData<string> Cases => [.. ConformanceSuite.CasesOf<CatalogConformance>()];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_catalog_behind_signatures_is_a_catalog(string name)
    {
        var store = new InMemoryObjectStore();
        await using var rest = await RestCatalogServer.StartAsync(new RestCatalogServerOptions { Prefix = Prefix, PageSize = 2 }, store);
        await using var signed = await AwsServer.StartBeforeAsync(rest.Address, AwsStand.Signatures("glue"));
        using var one = Catalog(signed.Address, store, 1);
        using var another = Catalog(signed.Address, store, 2);
        await new CatalogConformance(one, another).RunAsync(name);
        Assert.NotEmpty(signed.Requests);
    }

    [Fact]
    public async Task A_wrong_key_is_refused_and_said_to_be()
    {
        var store = new InMemoryObjectStore();
        await using var rest = await RestCatalogServer.StartAsync(new RestCatalogServerOptions(), store);
        await using var signed = await AwsServer.StartBeforeAsync(rest.Address, AwsStand.Signatures("s3tables"));
        using var catalog = Catalog(signed.Address, store, 1, "another-secret", "s3tables");
        var error = await Assert.ThrowsAsync<RestCatalogException>(() => catalog.ListNamespacesAsync(default));
        Assert.Contains("403", error.Message);
        Assert.DoesNotContain("another-secret", error.ToString());
    }

    [Fact]
    public async Task A_bearer_token_moves_aside_for_the_signature()
    {
        var signer = new SigV4Signer("glue", AwsStand.Region, TimeProvider.System, () => new SessionAWSCredentials(AwsStand.AccessKey, AwsStand.Secret, "session"));
        using var request = new HttpRequestMessage(HttpMethod.Get, "https://glue.us-east-1.amazonaws.com/iceberg/v1/config?warehouse=a%3Ab");
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer t");
        await signer.SignAsync(request, default, default);
        Assert.Equal("Bearer t", Assert.Single(request.Headers.GetValues("Original-Authorization")));
        Assert.Equal("session", Assert.Single(request.Headers.GetValues("x-amz-security-token")));
        string authorization = request.Headers.NonValidated["Authorization"].ToString();
        Assert.Contains("SignedHeaders=host;original-authorization;x-amz-content-sha256;x-amz-date;x-amz-security-token", authorization);
    }

    [Fact]
    public async Task Tables_are_read_and_written_with_what_the_catalog_lends_and_renews()
    {
        string bucket = await stand.NewBucketAsync();
        var good = new ConcurrentDictionary<string, bool> { ["token-1"] = true };
        // One reference: who renews meanwhile must not see the key of one with the end of the other.
        var newest = new Lent("token-1", DateTimeOffset.UtcNow.AddMinutes(4)); // within the five minutes in which it is renewed
        await using var s3 = await AwsServer.StartBeforeAsync(
            stand.Moto.Address, new SigV4Check(id => good.ContainsKey(id) ? ("secret of " + id, id) : null, "s3", AwsStand.Region, TimeProvider.System));
        using var own = stand.Store();
        await using var rest = await RestCatalogServer.StartAsync(
            new RestCatalogServerOptions
            {
                Warehouse = $"s3://{bucket}/warehouse",
                Lends = Lend,
            },
            own);
        var options = LakeCatalogOptions.Read(
            "/nowhere", new Dictionary<string, string> { ["type"] = "rest", ["uri"] = rest.Address.ToString() }, new Dictionary<string, string>(), (_, key, expected, _) => Assert.Fail($"{key}: {expected}"));
        using var lake = LakeCatalog.Open(options, TimeProvider.System, AwsStand.Ids());
        var catalog = lake.Catalog;
        await catalog.CreateNamespaceAsync(["db"], new Dictionary<string, string>(), default);
        var table = await catalog.CreateTableAsync(new TableIdentifier(["db"], "events"), Glue.GlueStand.Creation, default);
        string file = table.Metadata.Location + "/data/a.parquet";
        Assert.True(await table.Store.TryCreateAsync(file, new byte[] { 1, 2, 3 }, default));

        // The catalog lends something else from now on, and soon the old is good no more.
        good["token-2"] = true;
        newest = new Lent("token-2", DateTimeOffset.UtcNow.AddHours(1));
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (!s3.Requests.Any(request => request.Headers.GetValueOrDefault("X-Amz-Security-Token") == "token-2"))
        {
            Assert.Equal(3, await table.Store.GetSizeAsync(file, limit.Token));
        }

        Assert.True(good.TryRemove("token-1", out _));
        Assert.Equal(3, (await table.Store.ReadAsync(file, default)).Length);
        await using (var writer = table.Store.OpenWrite(file + "2"))
        {
            await writer.WriteAsync(new byte[10]);
            await writer.CompleteAsync(default);
        }

        await table.Store.DeleteAsync([file, file + "2"], default);

        IReadOnlyList<(string Prefix, IReadOnlyDictionary<string, string> Config)> Lend()
        {
            (string token, DateTimeOffset end) = newest;
            return
            [
                ($"s3://{bucket}/", new Dictionary<string, string>
                {
                    ["s3.access-key-id"] = token, ["s3.secret-access-key"] = "secret of " + token, ["s3.session-token"] = token,
                    ["s3.endpoint"] = s3.Address.ToString(), ["s3.path-style-access"] = "true", ["client.region"] = AwsStand.Region,
                    ["s3.session-token-expires-at-ms"] = end.ToUnixTimeMilliseconds().ToString(),
                }),
            ];
        }
    }

    private sealed record Lent(string Token, DateTimeOffset Ends);

    private static RestCatalog Catalog(Uri address, IObjectStore store, int seed, string secret = AwsStand.Secret, string service = "glue") => new(
        new RestCatalogOptions
        {
            Uri = address,
            Signer = new SigV4Signer(service, AwsStand.Region, TimeProvider.System, () => new BasicAWSCredentials(AwsStand.AccessKey, secret)),
            Stores = new Dictionary<string, Func<LentStorage, IObjectStore>> { ["memory://"] = _ => store },
            FirstPause = TimeSpan.FromMilliseconds(1),
            LongestPause = TimeSpan.FromMilliseconds(20),
        },
        TimeProvider.System,
        AwsStand.Ids(seed));
}
