using OrleansLake.Contracts;
using OrleansLake.Silo.Configuration;

namespace OrleansLake.Silo.Tests;

public sealed class SiloConfigTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Upkeep_is_set_for_all_pipelines_and_for_each()
    {
        SiloConfig config = Read("""
            { "warehouse": "tables",
              "maintenance": { "window": "22:00-06:00", "time-zone": "Europe/Berlin", "parallel": 2, "compaction": { "schedule": "10m", "target-file-size": "128MiB" }, "orphans": { "schedule": "30 3 * * 0" } },
              "pipelines": [
                { "name": "a", "topics": ["a"], "table": "db.a", "kafka": { "bootstrap.servers": "localhost:9092" } },
                { "name": "b", "topics": ["b"], "table": "db.b", "kafka": { "bootstrap.servers": "localhost:9092" }, "maintenance": { "compaction": { "schedule": "off" }, "retention": { "column": "ts", "period": "30d" } } } ] }
            """);
        Assert.Equal(2, config.Maintenance.Limits.Parallel);
        Assert.Equal(("10m", "128MiB", "22:00-06:00"), (config.Pipelines[0].Maintenance!["compaction.schedule"], config.Pipelines[0].Maintenance!["compaction.target-file-size"], config.Pipelines[0].Maintenance!["maintenance.window"]));
        Assert.Equal(("off", "128MiB", "30d"), (config.Pipelines[1].Maintenance!["compaction.schedule"], config.Pipelines[1].Maintenance!["compaction.target-file-size"], config.Pipelines[1].Maintenance!["retention.period"]));

        ConfigException wrong = Assert.Throws<ConfigException>(() => Read("""
            { "warehouse": "tables", "maintenance": { "tidy": {}, "compaction": { "schedule": "now and then" } },
              "pipelines": [ { "name": "a", "topics": ["a"], "table": "db.a", "kafka": { "bootstrap.servers": "localhost:9092" } } ] }
            """));
        Assert.Contains("maintenance.compaction.schedule: expected an interval like 15m, five fields of cron or off, found \"now and then\"", wrong.Message + string.Join('\n', wrong.Errors), StringComparison.Ordinal);
        Assert.Contains("maintenance.tidy", wrong.Message + string.Join('\n', wrong.Errors), StringComparison.Ordinal);
    }

    [Fact]
    public void A_whole_configuration_is_read()
    {
        File.WriteAllText(Path.Combine(_directory.Path, "events.sql"), "CREATE TABLE db.events (id BIGINT)");
        SiloConfig config = Read("""
            {
              // comments may stand here
              "warehouse": "tables", "http": { "url": "http://127.0.0.1:9090" }, "memoryBudget": "128MiB",
              "orleans": { "clustering": "warehouse", "address": "10.1.2.3", "siloPort": 12000, "gatewayPort": 12001, "clusterId": "blue", "probeInterval": "2s" },
              "dashboard": { "enabled": true, "url": "http://127.0.0.1:9091" }, "logs": { "format": "json", "level": "debug" },
              "pipelines": [ { "name": "events", "topics": ["a", "b"], "table": "db.events", "createTable": true, "ddlFile": "events.sql",
                "flushInterval": "5s", "start": "latest", "onDataLoss": "continue", "generation": "2",
                "kafka": { "bootstrap.servers": "localhost:9092", "fetch.min.bytes": "1" } } ]
            }
            """);
        Assert.Equal(Path.Combine(_directory.Path, "tables"), config.Warehouse);
        Assert.Equal(new Uri("http://127.0.0.1:9090"), config.HttpUrl);
        Assert.Equal(128L << 20, config.MemoryBudgetBytes);
        Assert.Equal((12000, 12001), (config.Orleans.SiloPort, config.Orleans.GatewayPort));
        Assert.Equal((Clustering.Warehouse, "10.1.2.3", "blue", "orleanslake"), (config.Orleans.Clustering, config.Orleans.Address.ToString(), config.Orleans.ClusterId, config.Orleans.ServiceId));
        Assert.Equal((TimeSpan.FromSeconds(2), StateKeeping.Warehouse), (config.Orleans.ProbeInterval, config.Orleans.State));
        Assert.Equal(9091, config.Dashboard.Url?.Port);
        Assert.True(config.Logs.Json);
        PipelineConfig pipeline = Assert.Single(config.Pipelines);
        Assert.Equal(["a", "b"], pipeline.Definition.Topics);
        Assert.Equal("CREATE TABLE db.events (id BIGINT)", pipeline.Definition.Ddl);
        Assert.Equal(TimeSpan.FromSeconds(5), pipeline.Definition.FlushInterval);
        Assert.Equal((PipelineStart.Latest, DataLossAction.Continue, "2"), (pipeline.Definition.Start, pipeline.Definition.OnDataLoss, pipeline.Definition.Generation));
        Assert.Equal("1", pipeline.Kafka["fetch.min.bytes"]);
    }

    [Fact]
    public void The_example_is_right()
    {
        SiloConfig config = SiloConfigReader.ReadFile(Path.Combine(AppContext.BaseDirectory, "lake.example.json"));
        Assert.Equal(TimeSpan.FromSeconds(10), Assert.Single(config.Pipelines).Definition.FlushInterval);
    }

    [Fact]
    public void The_api_listens_on_loopback_when_nothing_is_said() =>
        Assert.True(Read(Minimal).HttpUrl.IsLoopback);

    [Fact]
    public void Every_error_is_told_at_once_with_place_expectation_and_finding()
    {
        ConfigException error = Assert.Throws<ConfigException>(() => Read("""
            {
              "warehouse": "w", "memoryBudget": "lots", "http": { "url": "ftp://x" }, "orleans": { "siloPort": 99999 }, "wherehouse": "x",
              "pipelines": [
                { "name": "a b", "topics": [], "table": "events", "createTable": true, "flushInterval": "0s", "start": "middle", "kafka": {} },
                { "name": "twice", "topics": ["t"], "table": "db.t", "ddl": "CREATE TABLE (", "kafka": { "bootstrap.servers": "x:1", "enable.auto.commit": "true" } },
                { "name": "twice", "topics": ["t"], "table": "db.t", "ddlFile": "absent.sql", "kafka": { "bootstrap.servers": "x:1" } }
              ]
            }
            """));
        foreach (string expected in new[]
        {
            "memoryBudget: expected a size", "http.url: expected an address", "orleans.siloPort: expected a whole number from 1 to 65535", "wherehouse: expected one of",
            "pipelines[0].name: expected letters", "pipelines[0].topics: expected a list", "pipelines[0].table: expected namespace.table", "pipelines[0].ddl: expected a CREATE TABLE",
            "pipelines[0].flushInterval: expected a duration", "pipelines[0].start: expected earliest, latest, or a time", "pipelines[0].kafka.bootstrap.servers: expected host:port",
            "pipelines[1].ddl: expected a CREATE TABLE statement", "pipelines[1].kafka.enable.auto.commit:", "pipelines[2].ddlFile: expected a file", "\"twice\" 2 times",
        })
        {
            Assert.Contains(error.Errors, one => one.Contains(expected, StringComparison.Ordinal));
        }

        Assert.Contains("found \"lots\"", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{ \"clustering\": \"development\" }", "orleans.primary: expected the address and port of one silo")]
    [InlineData("{ \"primary\": \"10.0.0.1:11111\" }", "orleans.primary: expected nothing unless clustering is development")]
    [InlineData("{ \"clustering\": \"development\", \"primary\": \"10.0.0.1\" }", "orleans.primary: expected an address and port")]
    [InlineData("{ \"clustering\": \"gossip\" }", "orleans.clustering: expected one of localhost, warehouse, dynamodb, development")]
    [InlineData("{ \"address\": \"10.0.0.1\" }", "orleans.address: expected nothing unless clustering is warehouse, dynamodb or development")]
    [InlineData("{ \"clustering\": \"warehouse\", \"address\": \"here\" }", "orleans.address: expected an IP address")]
    [InlineData("{ \"clustering\": \"warehouse\", \"state\": \"memory\" }", "orleans.state: expected warehouse or dynamodb, because the silos of a cluster share it")]
    [InlineData("{ \"clustering\": \"dynamodb\" }", "orleans.dynamodb: expected region or endpoint, because clustering or state is dynamodb, found nothing")]
    [InlineData("{ \"dynamodb\": { \"region\": \"eu-west-1\" } }", "orleans.dynamodb: expected nothing unless clustering or state is dynamodb")]
    [InlineData("{ \"state\": \"dynamodb\", \"dynamodb\": { \"region\": \"eu-west-1\", \"endpoint\": \"http://127.0.0.1:8000\" } }", "orleans.dynamodb.region: expected a region")]
    [InlineData("{ \"state\": \"dynamodb\", \"dynamodb\": { \"region\": \"r\", \"stateTable\": \"a b\" } }", "orleans.dynamodb.stateTable: expected 3 to 255 letters")]
    [InlineData("{ \"state\": \"dynamodb\", \"dynamodb\": { \"region\": \"r\", \"accessKeyId\": \"a\" } }", "orleans.dynamodb.secretAccessKey: expected it")]
    [InlineData("{ \"state\": \"dynamodb\", \"dynamodb\": { \"region\": \"r\", \"sessionToken\": \"a\" } }", "orleans.dynamodb.sessionToken: expected nothing without accessKeyId")]
    [InlineData("{ \"state\": \"dynamodb\", \"dynamodb\": { \"region\": \"r\", \"accessKeyId\": \"a\", \"secretAccessKey\": \"b\", \"profile\": \"p\" } }", "orleans.dynamodb.profile: expected nothing, because there are keys")]
    [InlineData("{ \"state\": \"dynamodb\", \"dynamodb\": { \"region\": \"r\", \"capacity\": { \"read\": 0 } } }", "orleans.dynamodb.capacity.read: expected a whole number")]
    [InlineData("{ \"state\": \"dynamodb\", \"dynamodb\": { \"region\": \"r\", \"table\": \"x\" } }", "orleans.dynamodb.table: expected one of")]
    [InlineData("{ \"clusterId\": \"../up\" }", "orleans.clusterId: expected letters")]
    [InlineData("{ \"serviceId\": \"..\" }", "orleans.serviceId: expected letters")]
    public void A_cluster_that_cannot_be_is_told_so(string orleans, string expected) => Assert.Contains(
        expected,
        Assert.Throws<ConfigException>(() => Read(Minimal.Replace("\"warehouse\": \"w\"", $"\"warehouse\": \"w\", \"orleans\": {orleans}", StringComparison.Ordinal))).Message,
        StringComparison.Ordinal);

    [Fact]
    public void A_cluster_on_dynamodb_keeps_its_state_there_too_unless_told_otherwise()
    {
        OrleansConfig all = Orleans("{ \"clustering\": \"dynamodb\", \"deadSilos\": \"1h\", \"dynamodb\": { \"region\": \"eu-west-1\", \"membersTable\": \"lake.members\", \"createTables\": false, \"accessKeyId\": \"a\", \"secretAccessKey\": \"geheim\", \"sessionToken\": \"c\", \"capacity\": { \"read\": 3 } } }");
        Assert.Equal((Clustering.DynamoDb, StateKeeping.DynamoDb, TimeSpan.FromHours(1)), (all.Clustering, all.State, all.DeadSilos));
        DynamoDbConfig tables = all.DynamoDb!;
        Assert.Equal(("eu-west-1", "lake.members", "OrleansGrainState", "OrleansReminders", false), (tables.Service, tables.MembersTable, tables.StateTable, tables.RemindersTable, tables.CreateTables));
        Assert.Equal((3, 5), tables.Capacity);
        Assert.DoesNotContain("geheim", all.ToString(), StringComparison.Ordinal);
        OrleansConfig half = Orleans("{ \"clustering\": \"dynamodb\", \"state\": \"warehouse\", \"dynamodb\": { \"endpoint\": \"http://127.0.0.1:8000\" } }");
        Assert.Equal((StateKeeping.Warehouse, "http://127.0.0.1:8000/"), (half.State, half.DynamoDb!.Service));

        OrleansConfig Orleans(string section) => Read(Minimal.Replace("\"warehouse\": \"w\"", $"\"warehouse\": \"w\", \"orleans\": {section}", StringComparison.Ordinal)).Orleans;
    }

    [Fact]
    public void The_dashboard_is_off_when_nothing_is_said_and_on_loopback_when_it_is_on()
    {
        Assert.Null(Read(Minimal).Dashboard.Url);
        Uri url = Read(Minimal.Replace("\"warehouse\": \"w\"", "\"warehouse\": \"w\", \"dashboard\": { \"enabled\": true }", StringComparison.Ordinal)).Dashboard.Url!;
        Assert.True(url.IsLoopback);
    }

    [Fact]
    public void Secrets_are_no_part_of_what_grains_keep()
    {
        SiloConfig config = Read(Minimal.Replace("\"bootstrap.servers\"", "\"sasl.password\": \"geheim\", \"bootstrap.servers\"", StringComparison.Ordinal));
        Assert.Equal("geheim", config.Pipelines[0].Kafka["sasl.password"]);
        Assert.DoesNotContain("geheim", config.Pipelines[0].Definition.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{ \"warehouse\": ", "expected JSON")]
    [InlineData("{}", "warehouse: expected the directory of the tables, or s3://bucket/prefix, found nothing")]
    [InlineData("{ \"warehouse\": \"w\", \"pipelines\": \"none\" }", "pipelines: expected a list of objects, found \"none\"")]
    public void A_file_that_is_no_configuration_is_told_so(string json, string expected) =>
        Assert.Contains(expected, Assert.Throws<ConfigException>(() => Read(json)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_missing_file_is_told_so() =>
        Assert.Contains("absent.json: 1 error", Assert.Throws<ConfigException>(() => SiloConfigReader.ReadFile("absent.json")).Message, StringComparison.Ordinal);

    [Fact]
    public void Environment_variables_go_over_the_file()
    {
        Environment.SetEnvironmentVariable("ORLEANSLAKE__HTTP__URL", "http://127.0.0.1:7777");
        Environment.SetEnvironmentVariable("ORLEANSLAKE__PIPELINES__0__TABLE", "other.table");
        try
        {
            SiloConfig config = Read(Minimal);
            Assert.Equal(7777, config.HttpUrl.Port);
            Assert.Equal("other.table", config.Pipelines[0].Definition.Table);
        }
        finally
        {
            Environment.SetEnvironmentVariable("ORLEANSLAKE__HTTP__URL", null);
            Environment.SetEnvironmentVariable("ORLEANSLAKE__PIPELINES__0__TABLE", null);
        }
    }

    private const string Minimal = """
        { "warehouse": "w", "pipelines": [ { "name": "p", "topics": ["t"], "table": "db.t", "kafka": { "bootstrap.servers": "localhost:9092" } } ] }
        """;

    private SiloConfig Read(string json)
    {
        string path = Path.Combine(_directory.Path, "config.json");
        File.WriteAllText(path, json);
        return SiloConfigReader.ReadFile(path);
    }
}
