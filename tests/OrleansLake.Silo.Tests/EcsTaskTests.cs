using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using OrleansLake.Silo.Configuration;
using OrleansLake.Silo.Hosting;

namespace OrleansLake.Silo.Tests;

public sealed class EcsTaskTests
{
    private const string Awsvpc = """
        {
          "DockerId": "ea32192c8553fbff06c9340478a2ff089b2bb5646fb718b4ee206641c9086d66", "Name": "silo", "DesiredStatus": "RUNNING", "KnownStatus": "RUNNING",
          "Networks": [ { "NetworkMode": "awsvpc", "IPv4Addresses": [ "10.0.2.61" ], "AttachmentIndex": 0, "MACAddress": "0a:de:f6:10:51:e5",
            "IPv4SubnetCIDRBlock": "10.0.2.0/24", "PrivateDNSName": "ip-10-0-2-61.eu-west-1.compute.internal", "SubnetGatewayIpv4Address": "10.0.2.1/24" } ]
        }
        """;

    [Fact]
    public async Task A_task_is_reached_where_its_metadata_says()
    {
        await using var agent = await MetadataAgent.StartAsync(_ => (200, Awsvpc));
        SiloConfig config = await EcsTask.ResolveAsync(Ecs(), agent.Url, TimeProvider.System, CancellationToken.None);
        Assert.Equal(IPAddress.Parse("10.0.2.61"), config.Orleans.Address);
        Assert.Equal((11111, 30000), (config.Orleans.SiloPort, config.Orleans.GatewayPort));
    }

    [Fact]
    public async Task An_agent_that_is_not_ready_yet_is_asked_again()
    {
        await using var agent = await MetadataAgent.StartAsync(asked => asked < 3 ? (503, "") : (200, Awsvpc));
        SiloConfig config = await EcsTask.ResolveAsync(Ecs(), agent.Url, TimeProvider.System, CancellationToken.None);
        Assert.Equal(IPAddress.Parse("10.0.2.61"), config.Orleans.Address);
    }

    [Theory]
    [InlineData("""{ "Networks": [ { "NetworkMode": "bridge", "IPv4Addresses": [ "172.17.0.2" ] } ] }""", "network mode bridge")]
    [InlineData("""{ "Name": "silo" }""", "no network")]
    [InlineData("<html>", "the metadata of this container")]
    public async Task A_task_without_an_address_of_its_own_is_told_so(string metadata, string expected)
    {
        await using var agent = await MetadataAgent.StartAsync(_ => (200, metadata));
        var error = await Assert.ThrowsAsync<ConfigException>(() => EcsTask.ResolveAsync(Ecs(), agent.Url, TimeProvider.System, CancellationToken.None));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Elsewhere_than_on_ecs_it_is_told_what_is_missing()
    {
        var error = await Assert.ThrowsAsync<ConfigException>(() => EcsTask.ResolveAsync(Ecs(), null, TimeProvider.System, CancellationToken.None));
        Assert.Contains("ECS_CONTAINER_METADATA_URI_V4", error.Message, StringComparison.Ordinal);
    }

    private static SiloConfig Ecs()
    {
        Environment.SetEnvironmentVariable("EcsTaskTests", """
            { "warehouse": "w", "orleans": { "clustering": "warehouse", "address": "ecs" },
              "pipelines": [ { "name": "e", "topics": ["e"], "table": "db.e", "kafka": { "bootstrap.servers": "x:1" } } ] }
            """);
        return SiloConfigReader.ReadFile("env:EcsTaskTests");
    }

    private sealed class MetadataAgent : IAsyncDisposable
    {
        private readonly WebApplication _app;

        private MetadataAgent(WebApplication app) => _app = app;

        public string Url => $"{_app.Urls.First()}/v4/ea32192c8553fbff06c9340478a2ff089b2bb5646fb718b4ee206641c9086d66";

        public static async Task<MetadataAgent> StartAsync(Func<int, (int Status, string Body)> answer)
        {
            int asked = 0;
            WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            WebApplication app = builder.Build();
            app.Urls.Add("http://127.0.0.1:0");
            app.MapGet("/v4/{id}", () =>
            {
                (int status, string body) = answer(Interlocked.Increment(ref asked));
                return Results.Text(body, "application/json", statusCode: status);
            });
            await app.StartAsync();
            return new MetadataAgent(app);
        }

        public ValueTask DisposeAsync() => _app.DisposeAsync();
    }
}
