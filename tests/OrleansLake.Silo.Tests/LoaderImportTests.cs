using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansLake.Silo.Configuration;
using OrleansLake.Silo.Configuration.Import;
using OrleansLake.Terminal;
using OrleansLake.Testing.Processes;

namespace OrleansLake.Silo.Tests;

public sealed class LoaderImportTests : IDisposable
{
    private const string Required = """
        # the loader of the demo
        S3Properties.region = eu-west-1
        S3Properties.bucket: galaxy-data-lake
        GlueProperties.region eu-west-2
        GlueProperties.database=galaxy_data_lake
        GlueProperties.table=test_table
        SecretsManagerProperties.region=eu-west-3
        KafkaProperties.aws.secret.name=confluent/test_env/loader
        KafkaProperties.bootstrap.servers=a.example.com:9092,\
            b.example.com:9092
        KafkaProperties.topics=events,more-events
        KafkaProperties.client.group.id=galaxy_example_loader
        """;

    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Every_setting_finds_its_place()
    {
        (JsonObject config, IReadOnlyList<string> remarks) = Import(Required + """

            KafkaProperties.aws.secret.api-key.field=user
            KafkaProperties.aws.secret.api-secret.field=pass
            KafkaProperties.dlq-topic=events-dlq
            KafkaProperties.partition.discovery.interval=10s
            JobProperties.flush-interval=1.50m
            JobProperties.unnest-json-pointer=/data
            JobProperties.input.field-name.case-format=LOWER_CAMEL
            JobProperties.output.field-name.case-format=LOWER_UNDERSCORE
            InputFieldProjections.event_time=/time
            InputFieldProjections2.source.system=/source/a~1b
            """);
        Assert.Equal(
            Json("""
                {
                  "catalog": { "name": "glue", "type": "glue", "region": "eu-west-2" }, "s3": { "region": "eu-west-1" }, "warehouse": "s3://galaxy-data-lake",
                  "pipelines": [ {
                    "name": "test_table", "table": "galaxy_data_lake.test_table",
                    "kafkaSecret": { "region": "eu-west-3", "name": "confluent/test_env/loader", "usernameField": "user", "passwordField": "pass" },
                    "topics": [ "events", "more-events" ], "flushInterval": "90s",
                    "records": { "unnest": "/data", "project": { "event_time": "/time", "source.system": "/source/a~1b" }, "case": { "from": "lower_camel", "to": "lower_underscore" } },
                    "deadLetters": { "mode": "topic", "topic": "events-dlq" },
                    "kafka": { "security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN", "bootstrap.servers": "a.example.com:9092,b.example.com:9092", "group.id": "galaxy_example_loader" }
                  } ]
                }
                """),
            Json(config.ToJsonString()));
        Assert.Contains(remarks, remark => remark.StartsWith("KafkaProperties.partition.discovery.interval:", StringComparison.Ordinal));
    }

    [Fact]
    public void What_comes_out_is_a_configuration_that_a_silo_takes()
    {
        JsonObject imported = Import(Required + """

            KafkaProperties.aws.secret.api-key.field=user
            KafkaProperties.dlq-topic=events-dlq
            JobProperties.flush-interval=1m
            JobProperties.unnest-json-pointer=/data
            JobProperties.input.field-name.case-format=LOWER_CAMEL
            JobProperties.output.field-name.case-format=LOWER_UNDERSCORE
            InputFieldProjections.event_time=/time
            """).Config;
        string file = Path.Combine(_directory.Path, "lake.json");
        File.WriteAllText(file, imported.ToJsonString());
        SiloConfig config = SiloConfigReader.ReadFile(file);
        PipelineConfig pipeline = Assert.Single(config.Pipelines);
        Assert.Equal(("s3://galaxy-data-lake", "galaxy_data_lake.test_table", TimeSpan.FromMinutes(1)), (config.Warehouse, pipeline.Definition.Table, pipeline.Definition.FlushInterval));
        Assert.Equal(("/data", "/time"), (pipeline.Definition.Records!.Unnest, pipeline.Definition.Records.Project["event_time"]));
        Assert.Equal("events-dlq", pipeline.Definition.DeadLetters.Topic);
    }

    [Fact]
    public void What_the_loader_leaves_out_is_left_out_and_a_record_that_it_cannot_read_halts_as_there()
    {
        JsonObject pipeline = Import(Required).Config["pipelines"]![0]!.AsObject();
        Assert.Equal("halt", pipeline["deadLetters"]!["mode"]!.GetValue<string>());
        Assert.DoesNotContain("records", pipeline.Select(property => property.Key));
        Assert.DoesNotContain("flushInterval", pipeline.Select(property => property.Key));
    }

    [Fact]
    public void The_answer_of_the_flink_service_is_read_as_it_comes()
    {
        string described = $$"""
            { "ApplicationDetail": { "ApplicationARN": "arn:aws:kinesisanalytics:eu-west-1:123456789012:application/loader", "ApplicationConfigurationDescription": {
              "EnvironmentPropertyDescriptions": { "PropertyGroupDescriptions": [ {{string.Join(',', Required.ReplaceLineEndings("\n").Replace("\\\n", "", StringComparison.Ordinal)
                  .Split('\n').Skip(1).Select(line => line.Split([' ', '=', ':'], 2)).Select(parts => (Key: parts[0].Split('.', 2), Value: parts[1].TrimStart('=', ' ').Replace(" ", "", StringComparison.Ordinal)))
                  .GroupBy(entry => entry.Key[0]).Select(group => JsonSerializer.Serialize(new { PropertyGroupId = group.Key, PropertyMap = group.ToDictionary(entry => entry.Key[1], entry => entry.Value) })))}} ] } } } }
            """;
        Assert.Equal(Json(Import(Required).Config.ToJsonString()), Json(Import(described).Config.ToJsonString()));
    }

    [Fact]
    public void The_local_launchers_names_are_read_too()
    {
        JsonObject config = Import("""
            aws.s3.region=us-east-1
            aws.s3.bucket=galaxy-data-lake
            aws.glue.region=us-east-1
            aws.glue.database=galaxy_data_lake
            aws.glue.table=test_table
            aws.secret.region=us-east-1
            aws.secret.kafkaCredentials.name=confluent/loader_demo
            kafka.bootstrap.servers=your.kafka.server.address.com:9092
            kafka.topic=your-test-kafka-topic
            kafka.dlq.topic=your-test-kafka-topic-dlq
            """).Config;
        Assert.Equal("galaxy_example_loader", config["pipelines"]![0]!["kafka"]!["group.id"]!.GetValue<string>());
        Assert.Equal("your-test-kafka-topic-dlq", config["pipelines"]![0]!["deadLetters"]!["topic"]!.GetValue<string>());
    }

    [Fact]
    public void The_command_that_starts_the_loader_locally_is_read_too()
    {
        (JsonObject config, IReadOnlyList<string> remarks) = Import("""
            # Example for OSX: -Daws.s3.region=nowhere
            JAVA_HOME=/opt/java11; ./mvnw test-compile exec:java -Dexec.classpathScope=test -Dexec.mainClass=io.starburst.galaxy.example.loader.flink.LocalKafkaToGlueIcebergLoader \
              -Daws.s3.region=us-east-1 \
              -Daws.s3.bucket=galaxy-data-lake \
              -Daws.glue.region=us-east-1 -Daws.glue.database=galaxy_data_lake \
              -Daws.glue.table="test_table" \
              -Daws.secret.region=us-east-1 \
              -Daws.secret.kafkaCredentials.name='confluent/test_env/loader demo' \
              -Dkafka.bootstrap.servers=your.kafka.server.address.com:9092 \
              -Dkafka.topic=your-test-kafka-topic
            """);
        Assert.Equal(("s3://galaxy-data-lake", "us-east-1"), (config["warehouse"]!.GetValue<string>(), config["s3"]!["region"]!.GetValue<string>()));
        JsonNode pipeline = config["pipelines"]![0]!;
        Assert.Equal(("galaxy_data_lake.test_table", "confluent/test_env/loader demo"), (pipeline["table"]!.GetValue<string>(), pipeline["kafkaSecret"]!["name"]!.GetValue<string>()));
        Assert.DoesNotContain(remarks, remark => remark.Contains("no such setting", StringComparison.Ordinal));
        string file = Path.Combine(_directory.Path, "local.json");
        File.WriteAllText(file, config.ToJsonString());
        Assert.Equal("galaxy_data_lake.test_table", Assert.Single(SiloConfigReader.ReadFile(file).Pipelines).Definition.Table);
    }

    [Fact]
    public void Everything_that_is_wrong_is_told_at_once()
    {
        ConfigException error = Assert.Throws<ConfigException>(() => Import("""
            S3Properties.region=eu-west-1
            KafkaProperties.topics=a
            KafkaProperties.topics=b
            JobProperties.flush-interval=soon
            JobProperties.unnest-json-pointer=data
            JobProperties.input.field-name.case-format=Camel
            JobProperties.output.field-name.case-format=LOWER_CAMEL
            """));
        foreach (string expected in new[]
        {
            "S3Properties.bucket: expected a value", "GlueProperties.table: expected a value", "KafkaProperties.client.group.id: expected a value", "KafkaProperties.topics: expected once",
            "JobProperties.flush-interval: expected a duration", "JobProperties.unnest-json-pointer: expected a JSON pointer", "JobProperties.input.field-name.case-format: expected one of LOWER_HYPHEN",
        })
        {
            Assert.Contains(error.Errors, one => one.StartsWith(expected, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void What_the_loader_does_not_know_is_told_and_left_out() =>
        Assert.Contains(Import(Required + "\nKafkaProperties.max.poll.records=5").Remarks, remark => remark.StartsWith("KafkaProperties.max.poll.records: the loader has no such setting", StringComparison.Ordinal));

    [Fact]
    public async Task The_command_prints_the_configuration_and_tells_the_rest_aside()
    {
        string file = Path.Combine(_directory.Path, "loader.properties"), target = Path.Combine(_directory.Path, "lake.json");
        await File.WriteAllTextAsync(file, Required);
        using StringWriter output = new(), error = new();
        Assert.Equal(0, await CommandRunner.RunAsync(["config", "import", file], [ConfigCommand.Create()], null, output, error));
        Assert.Equal(Json(Import(Required).Config.ToJsonString()), Json(output.ToString()));
        Assert.Contains("lake: ", error.ToString(), StringComparison.Ordinal);

        Assert.Equal(0, await CommandRunner.RunAsync(["config", "import", file, "--output", target], [ConfigCommand.Create()], null, output, error));
        Assert.Equal(1, await CommandRunner.RunAsync(["config", "import", file, "--output", target], [ConfigCommand.Create()], null, output, error));
    }

    [Fact]
    public void The_page_for_people_says_the_same()
    {
        string page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "starburst.md"));
        string[] rows = [.. page.Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal))];
        Assert.Equal(LoaderSettings.All.Count, rows.Length);
        foreach (LoaderSetting setting in LoaderSettings.All)
        {
            string row = setting.Group == LoaderSettings.Projections ? $"| `{setting.Group}…` | any column | `{setting.Ours}` |"
                : setting.Ours.StartsWith("none", StringComparison.Ordinal) ? $"| `{setting.Group}` | `{setting.Name}` | {setting.Ours} |"
                : $"| `{setting.Group}` | `{setting.Name}` | `{setting.Ours}` |";
            string found = Assert.Single(rows, one => one.StartsWith(row, StringComparison.Ordinal));
            Assert.Equal(setting.Required, found.Contains("required", StringComparison.Ordinal));
            Assert.Contains(setting.Otherwise is null ? "" : $"`{setting.Otherwise}` by default", found, StringComparison.Ordinal);
        }
    }

    private static (JsonObject Config, IReadOnlyList<string> Remarks) Import(string text) => LoaderConfig.Import(PropertyGroups.Parse(text), "test");

    // Sorted, since the order of members says nothing.
    private static string Json(string text) => Sorted(JsonNode.Parse(text)!).ToJsonString();

    private static JsonNode Sorted(JsonNode node) => node switch
    {
        JsonObject obj => new JsonObject(obj.OrderBy(member => member.Key, StringComparer.Ordinal).Select(member => KeyValuePair.Create(member.Key, (JsonNode?)Sorted(member.Value!)))),
        JsonArray list => new JsonArray([.. list.Select(item => Sorted(item!))]),
        _ => node.DeepClone(),
    };
}
