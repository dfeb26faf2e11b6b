using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansLake.Cli.Commands;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Terminal;
using OrleansLake.Testing.Kafka;

namespace OrleansLake.Cli.Tests;

/// <summary>Commands that take their brokers and tables from a silo's configuration.</summary>
public sealed class ConfiguredCommandTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("orleanslake-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Publish_sends_to_the_brokers_and_the_topic_of_a_pipeline()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 2);
        broker.CreateTopic("others", 1);
        string config = Config(Pipeline("events", broker.BootstrapServers, ["events"], ("fetch.min.bytes", "1"), ("client.id", "mine")), Pipeline("others", broker.BootstrapServers, ["others"]));
        JsonElement sent = JsonDocument.Parse(await PublishAsync("--config", config, "--pipeline", "events", "--rows", "40")).RootElement;
        Assert.Equal(("events", 40, 2), (sent.GetProperty("topic").GetString(), sent.GetProperty("records").GetInt32(), sent.GetProperty("partitions").GetArrayLength()));
        sent = JsonDocument.Parse(await PublishAsync("--config", config, "--pipeline", "events", "--topic", "others", "--rows", "5", "--set", "compression.type=zstd")).RootElement;
        Assert.Equal(("others", 5), (sent.GetProperty("topic").GetString(), sent.GetProperty("records").GetInt32()));

        Assert.Contains("pipelines: expected one, or --pipeline, found events, others", await FailureAsync(PublishCommand.Create(), "publish", "--config", config), StringComparison.Ordinal);
        Assert.Contains("pipelines: expected one named nobody, found events, others", await FailureAsync(PublishCommand.Create(), "publish", "--config", config, "--pipeline", "nobody"), StringComparison.Ordinal);
        Assert.Contains("--bootstrap and --config: give one of them", await FailureAsync(PublishCommand.Create(), "publish", "--topic", "x"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Publish_signs_in_to_MSK_with_the_keys_of_the_default_chain_and_with_a_secret_elsewhere()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 1);
        using var certificates = new TestCertificates();
        await using var msk = new SecureKafka(broker.BootstrapServers, new SecureKafkaOptions { Certificate = certificates.Server, Mechanism = "OAUTHBEARER", AcceptsToken = token => token.Length > 100 });
        Environment.SetEnvironmentVariable("AWS_ACCESS_KEY_ID", "AKIAMSK");
        Environment.SetEnvironmentVariable("AWS_SECRET_ACCESS_KEY", "secret");
        string[] way = ["--set", "security.protocol=sasl_ssl", "--set", "sasl.mechanism=AWS_MSK_IAM", "--set", "aws.region=eu-west-1", "--set", $"ssl.ca.location={certificates.AuthorityFile}"];
        await PublishAsync(["--bootstrap", msk.BootstrapServers, "--topic", "events", "--rows", "10", .. way]);
        Assert.NotEmpty(msk.Admitted);

        int before = msk.Admitted.Count;
        (string, string)[] iam = [("security.protocol", "sasl_ssl"), ("sasl.mechanism", "AWS_MSK_IAM"), ("aws.region", "eu-west-1"), ("ssl.ca.location", certificates.AuthorityFile)];
        await PublishAsync("--config", Config(Pipeline("events", msk.BootstrapServers, ["events"], iam)), "--rows", "10");
        Assert.True(msk.Admitted.Count > before);

        string secret = Path.Combine(_directory, "kafka.json");
        await File.WriteAllTextAsync(secret, """{"apiKey":"loader","apiSecret":"geheim"}""", TestContext.Current.CancellationToken);
        await using var plain = new SecureKafka(broker.BootstrapServers, new SecureKafkaOptions { Mechanism = "PLAIN", User = "loader", Password = "geheim" });
        JsonObject pipeline = Pipeline("events", plain.BootstrapServers, ["events"], ("security.protocol", "sasl_plaintext"), ("sasl.mechanism", "PLAIN"));
        pipeline["kafkaSecret"] = new JsonObject { ["name"] = "file:" + secret };
        await PublishAsync("--config", Config(pipeline), "--rows", "10");
        Assert.NotEmpty(plain.Admitted);
    }

    [Fact]
    public async Task Dead_letters_are_replayed_in_the_catalog_that_is_configured_and_not_by_other_rules_than_the_pipelines()
    {
        JsonObject own = Pipeline("events", "b:1", ["events"]);
        own["records"] = new JsonObject { ["root"] = "/payload" };
        string refused = await FailureAsync(DeadLettersCommand.Create(), "deadletters", "replay", "db.events", "--config", Config(own));
        Assert.Contains("pipeline events has records.root, which only a silo knows to decode by", refused, StringComparison.Ordinal);
        string absent = await FailureAsync(DeadLettersCommand.Create(), "deadletters", "replay", "db.events", "--config", Config(Pipeline("events", "b:1", ["events"])));
        Assert.Contains("no table db.events in the configured catalog", absent, StringComparison.Ordinal);
        Assert.Contains("give one of them", await FailureAsync(DeadLettersCommand.Create(), "deadletters", "replay", "db.events", "--config", "x", "--warehouse", "y"), StringComparison.Ordinal);
    }

    private static JsonObject Pipeline(string name, string bootstrap, string[] topics, params (string Name, string Value)[] kafka) => new()
    {
        ["name"] = name,
        ["table"] = $"db.{name}",
        ["topics"] = new JsonArray([.. topics.Select(topic => JsonValue.Create(topic))]),
        ["kafka"] = new JsonObject([new("bootstrap.servers", bootstrap), .. kafka.Select(one => KeyValuePair.Create(one.Name, (JsonNode?)one.Value))]),
    };

    private static async Task<string> PublishAsync(params string[] args)
    {
        using StringWriter output = new(), error = new();
        TextWriter console = Console.Out;
        Console.SetOut(output);
        try
        {
            int code = await CommandRunner.RunAsync(["publish", .. args, "--no-wait", "--json"], [PublishCommand.Create()], stopLimit: null, output, error);
            Assert.True(code == 0, error.ToString());
        }
        finally
        {
            Console.SetOut(console);
        }

        return output.ToString();
    }

    private static async Task<string> FailureAsync(System.CommandLine.Command command, params string[] args)
    {
        using StringWriter output = new(), error = new();
        Assert.NotEqual(0, await CommandRunner.RunAsync(args, [command], stopLimit: null, output, error));
        Assert.DoesNotContain("   at ", error.ToString(), StringComparison.Ordinal);
        return error.ToString();
    }

    private string Config(params JsonObject[] pipelines)
    {
        string path = Path.Combine(_directory, $"{Guid.NewGuid():N}.json");
        File.WriteAllText(path, new JsonObject { ["warehouse"] = Path.Combine(_directory, "warehouse"), ["pipelines"] = new JsonArray([.. pipelines]) }.ToJsonString());
        return path;
    }
}
