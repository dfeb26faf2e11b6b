using OrleansLake.Testing;
using OrleansLake.Testing.Iceberg;
using OrleansLake.Testing.Rest;

namespace OrleansLake.Iceberg.Tests.Rest;

public sealed class RestConformanceTests
{
    private static readonly string[] Endpoints =
    [
        "GET /v1/{prefix}/namespaces", "POST /v1/{prefix}/namespaces", "GET /v1/{prefix}/namespaces/{namespace}", "HEAD /v1/{prefix}/namespaces/{namespace}",
        "DELETE /v1/{prefix}/namespaces/{namespace}", "POST /v1/{prefix}/namespaces/{namespace}/properties", "GET /v1/{prefix}/namespaces/{namespace}/tables",
        "POST /v1/{prefix}/namespaces/{namespace}/tables", "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}", "HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}",
        "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}", "DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}",
        "POST /v1/{prefix}/namespaces/{namespace}/register", "POST /v1/{prefix}/tables/rename", "POST /v1/{prefix}/transactions/commit",
        "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials",
    ];

    public static TheoryData<string> Cases => [.. ConformanceSuite.CasesOf<CatalogConformance>()];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Plain_server(string name)
    {
        await using var stand = await RestStand.StartAsync();
        await new CatalogConformance(stand.Catalog(), stand.Catalog()).RunAsync(name);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Server_with_everything(string name)
    {
        await using var stand = await RestStand.StartAsync(new RestCatalogServerOptions
        {
            Prefix = "catalogs/arn%3Aaws%3A1",
            PageSize = 1,
            ServesETags = true,
            Credential = ("me", "s:e/c+r et"),
            Endpoints = Endpoints,
            TakesIdempotencyKeys = true,
            Lends = () => [("memory://", new Dictionary<string, string> { ["s3.access-key-id"] = "k" })],
        });
        await new CatalogConformance(stand.Catalog(), stand.Catalog(null, ("rest-page-size", "1"))).RunAsync(name);
    }

    [Theory]
    [InlineData(nameof(CatalogConformance.Nothing_is_lost_or_doubled_when_many_commit_at_once), "/tables/events")]
    [InlineData(nameof(CatalogConformance.Tables_and_namespaces_are_listed), "")]
    [InlineData(nameof(CatalogConformance.Only_an_empty_namespace_is_dropped), "")]
    [InlineData(nameof(CatalogConformance.A_renamed_table_is_the_same_table), "")]
    [InlineData(nameof(CatalogConformance.A_table_that_was_dropped_is_registered_again), "/register")]
    [InlineData(nameof(CatalogConformance.A_namespace_has_properties_that_change), "/properties")]
    public async Task Server_that_fails_in_every_way(string name, string pathEnd)
    {
        for (int seed = 0; seed < 3; seed++)
        {
            await using var stand = await RestStand.StartAsync();
            var random = new Random(seed);
            string[] methods = pathEnd.Length > 0 ? ["POST", "GET"] : ["GET"];
            for (int i = 0; i < 40; i++)
            {
                var moment = (FaultMoment)random.Next(pathEnd == "/tables/events" ? 3 : 2);
                stand.Server.Fail(random.Next(4) switch
                {
                    0 => new RestFault(methods[random.Next(methods.Length)], pathEnd, moment, FaultAnswer.Abort),
                    1 => new RestFault(methods[random.Next(methods.Length)], pathEnd, FaultMoment.After, FaultAnswer.Half),
                    2 => new RestFault(methods[random.Next(methods.Length)], pathEnd, FaultMoment.Before, FaultAnswer.Status, 429) { RetryAfterSeconds = 1 },
                    _ => new RestFault(methods[random.Next(methods.Length)], pathEnd, moment, FaultAnswer.Status, random.Next(4) switch { 0 => 500, 1 => 502, 2 => 503, _ => 504 }),
                });
            }

            // Nothing is said of how often a server may fail in a row: enough to get through forty.
            RestCatalog Patient() => stand.Catalog(options => new RestCatalogOptions
            {
                Uri = options.Uri, Stores = options.Stores, FirstPause = options.FirstPause, LongestPause = options.LongestPause, MostRetries = 50,
            });
            var running = new CatalogConformance(Patient(), Patient()).RunAsync(name);
            while (await Task.WhenAny(running, Task.Delay(5)) != running)
            {
                await stand.Server.ApplyLateAsync();
            }

            await running;
        }
    }
}
