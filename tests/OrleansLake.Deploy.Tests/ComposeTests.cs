using Microsoft.Extensions.Configuration;
using OrleansLake.Cli.Commands;
using OrleansLake.Ingest.Kafka.Publishing;
using OrleansLake.Silo.Configuration;
using OrleansLake.Testing.Processes;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace OrleansLake.Deploy.Tests;

public sealed class ComposeTests
{
    private static readonly string Folder = Path.Combine(Repository.Root, "deploy");
    private static readonly YamlMappingNode Compose = Load();

    [Theory]
    [InlineData("silo-1")]
    [InlineData("silo-2")]
    public void Each_silo_reads_the_configuration_that_it_is_given(string name)
    {
        YamlMappingNode silo = Service(name);
        Assert.Equal(["run", "--config", "/config/lake.json"], Texts(silo, "command"));
        Assert.Equal(["./compose/lake.json:/config/lake.json:ro"], Texts(silo, "volumes"));
        Dictionary<string, string> variables = Map(silo, "environment");
        IConfiguration configuration = new ConfigurationBuilder()
            .AddJsonFile(Path.Combine(Folder, "compose", "lake.json"))
            .AddInMemoryCollection(variables.Where(pair => pair.Key.StartsWith(SiloConfigReader.EnvironmentPrefix, StringComparison.Ordinal))
                .Select(pair => KeyValuePair.Create(pair.Key[SiloConfigReader.EnvironmentPrefix.Length..].Replace("__", ":", StringComparison.Ordinal), (string?)pair.Value)))
            .Build();
        SiloConfig config = SiloConfigReader.Read(configuration, name, Folder);
        Assert.Equal(Text(silo, "networks", "default", "ipv4_address"), config.Orleans.Address.ToString());
        Assert.Equal((Clustering.DynamoDb, StateKeeping.DynamoDb), (config.Orleans.Clustering, config.Orleans.State));
        Uri tables = config.Orleans.DynamoDb!.Endpoint!;
        Assert.Contains(tables.Host, Map(silo, "depends_on").Keys);
        Assert.Equal([$"127.0.0.1:{tables.Port}:{tables.Port}"], Texts(Service(tables.Host), "ports"));
        Assert.EndsWith($":{config.HttpUrl.Port}", Assert.Single(Texts(silo, "ports")), StringComparison.Ordinal);
        PipelineConfig pipeline = Assert.Single(config.Pipelines);
        Assert.Equal("kafka:9092", pipeline.Kafka["bootstrap.servers"]);
        Assert.Contains(SampleRecords.Columns, pipeline.Definition.Ddl, StringComparison.Ordinal);
        Assert.True(int.Parse(Text(silo, "stop_grace_period").TrimEnd('s'), System.Globalization.CultureInfo.InvariantCulture) > OrleansLake.Silo.Hosting.SiloHost.StopLimit.TotalSeconds);
    }

    [Fact]
    public void Silos_have_addresses_and_ports_of_their_own()
    {
        string[] silos = ["silo-1", "silo-2"];
        Assert.Equal(2, silos.Select(name => Text(Service(name), "networks", "default", "ipv4_address")).Distinct().Count());
        string[] ports = [.. Services().SelectMany(service => Texts(service.Value, "ports")).Select(port => port.Split(':')[^2])];
        Assert.Equal(ports.Length, ports.Distinct().Count());
        Assert.All(Services().SelectMany(service => Texts(service.Value, "ports")), port => Assert.StartsWith("127.0.0.1:", port, StringComparison.Ordinal));
    }

    [Fact]
    public void Whom_a_service_waits_for_is_there()
    {
        string[] names = [.. Services().Select(service => service.Key)];
        foreach ((string name, YamlMappingNode service) in Services())
        {
            Assert.All(Map(service, "depends_on").Keys, other => Assert.Contains(other, names));
            Assert.True(service.Children.ContainsKey("image"), name);
            Assert.All(Texts(service, "image"), image => Assert.DoesNotContain(":latest", image, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void The_publisher_is_asked_in_words_that_it_knows_and_for_a_topic_that_is_made()
    {
        string[] words = Texts(Service("publisher"), "command");
        Assert.Equal("publish", words[0]);
        Assert.Empty(PublishCommand.Create().Parse(words[1..]).Errors);
        Assert.Contains("events", Texts(Service("topic"), "command"));
        Assert.Equal("cli", Text(Service("publisher"), "build", "target"));
    }

    [Fact]
    public void Trino_reads_the_catalog_and_the_bucket_that_the_silos_write()
    {
        Dictionary<string, string> trino = File.ReadAllLines(Path.Combine(Folder, "compose", "trino", "catalog", "lake.properties"))
            .Where(line => line.Length > 0 && line[0] != '#').ToDictionary(line => line[..line.IndexOf('=', StringComparison.Ordinal)], line => line[(line.IndexOf('=', StringComparison.Ordinal) + 1)..]);
        IConfiguration silo = new ConfigurationBuilder().AddJsonFile(Path.Combine(Folder, "compose", "lake.json")).Build();
        Assert.Equal(silo["catalog:uri"], trino["iceberg.rest-catalog.uri"]);
        Assert.Equal(silo["s3:endpoint"], trino["s3.endpoint"]);
        Assert.Equal(silo["s3:region"], trino["s3.region"]);
        Assert.Equal((Map(Service("silo-1"), "environment")["AWS_ACCESS_KEY_ID"], "true"), (trino["s3.aws-access-key"], trino["s3.path-style-access"]));
        Assert.Equal(["./compose/trino/catalog:/etc/trino/catalog:ro"], Texts(Service("trino"), "volumes"));
    }

    private static YamlMappingNode Load()
    {
        using var reader = new StreamReader(Path.Combine(Folder, "compose.yaml"));
        var stream = new YamlStream();
        stream.Load(new MergingParser(new Parser(reader)));
        return (YamlMappingNode)stream.Documents[0].RootNode;
    }

    private static IEnumerable<KeyValuePair<string, YamlMappingNode>> Services() =>
        ((YamlMappingNode)Compose["services"]).Children.Select(service => KeyValuePair.Create(((YamlScalarNode)service.Key).Value!, (YamlMappingNode)service.Value));

    private static YamlMappingNode Service(string name) => (YamlMappingNode)Compose["services"][name];

    private static string Text(YamlNode node, params string[] path) => ((YamlScalarNode)path.Aggregate(node, (at, key) => at[key])).Value!;

    private static string[] Texts(YamlMappingNode node, string key) => !node.Children.TryGetValue(key, out YamlNode? found) ? []
        : found is YamlSequenceNode list ? [.. list.Select(item => ((YamlScalarNode)item).Value!)] : [((YamlScalarNode)found).Value!];

    private static Dictionary<string, string> Map(YamlMappingNode node, string key) => !node.Children.TryGetValue(key, out YamlNode? found) ? []
        : ((YamlMappingNode)found).Children.ToDictionary(pair => ((YamlScalarNode)pair.Key).Value!, pair => (pair.Value as YamlScalarNode)?.Value ?? "");
}
