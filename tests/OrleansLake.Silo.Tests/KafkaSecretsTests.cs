using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansLake.Aws;
using OrleansLake.Grains;
using OrleansLake.Silo.Configuration;
using OrleansLake.Silo.Hosting;

namespace OrleansLake.Silo.Tests;

public sealed class KafkaSecretsTests : IDisposable
{
    private const string Pipelines = """
        "pipelines": [ { "name": "events", "topics": ["a"], "table": "db.events", "kafka": { "bootstrap.servers": "127.0.0.1:1", "security.protocol": "sasl_plaintext", "sasl.mechanism": "PLAIN" }, "kafkaSecret": SECRET } ]
        """;

    private readonly TempDirectory _directory = new();

    private string SecretFile => Path.Combine(_directory.Path, "secret.json");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_login_that_changes_reaches_clients_that_stand_without_a_restart()
    {
        await File.WriteAllTextAsync(SecretFile, """{ "apiKey": "one", "apiSecret": "first" }""", TestContext.Current.CancellationToken);
        SiloConfig config = Read($$"""{ "warehouse": "w", {{Pipelines.Replace("SECRET", $$"""{ "name": "file:{{SecretFile}}", "refresh": "1s" }""")}} }""");
        using var reader = new SecretReader();
        var log = new TroubleLog();
        var secrets = new KafkaSecrets(config, reader, TimeProvider.System, log);
        using var connections = new KafkaConnections(
            config.Pipelines.ToDictionary(pipeline => pipeline.Definition.Name, pipeline => pipeline.Kafka), NullLoggerFactory.Instance, logins: secrets);
        Assert.Contains("is being read", Assert.Throws<PipelineTroubleException>(() => connections.OpenSource("events")).Message);
        await secrets.StartAsync(default);
        Assert.Equal(new KafkaLogin("one", "first"), secrets.Of("events"));

        using var source = connections.OpenSource("events");
        var lookup = connections.LookupOf("events");
        var changed = new TaskCompletionSource<KafkaLogin>();
        secrets.Changed += (_, login) => changed.TrySetResult(login);
        await File.WriteAllTextAsync(SecretFile, """{ "apiKey": "two", "apiSecret": "second" }""", TestContext.Current.CancellationToken);
        Assert.Equal(new KafkaLogin("two", "second"), await changed.Task.WaitAsync(TimeSpan.FromSeconds(30)));

        // A secret that is broken meanwhile takes nothing away.
        File.Delete(SecretFile);
        Assert.Contains(SecretFile, await log.Trouble.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Equal(new KafkaLogin("two", "second"), secrets.Of("events"));
        Assert.DoesNotContain("second", secrets.Of("events")!.ToString());
        await secrets.StopAsync(default);
        Assert.NotNull(lookup);
    }

    [Fact]
    public async Task A_secret_that_cannot_be_read_is_the_trouble_of_its_pipeline_by_name()
    {
        SiloConfig config = Read($$"""{ "warehouse": "w", {{Pipelines.Replace("SECRET", """{ "name": "file:/no/such/secret", "refresh": "1s" }""")}} }""");
        using var reader = new SecretReader();
        var secrets = new KafkaSecrets(config, reader, TimeProvider.System, NullLogger<KafkaSecrets>.Instance);
        await secrets.StartAsync(default);
        Assert.Contains("/no/such/secret", Assert.Throws<PipelineTroubleException>(() => secrets.Of("events")).Message);
        Assert.Null(secrets.Of("another"));
        await secrets.StopAsync(default);
    }

    [Theory]
    [InlineData("""{ "region": "eu-west-1" }""", "kafkaSecret.name: expected the name or ARN")]
    [InlineData("""{ "name": "n", "fields": "x" }""", "kafkaSecret.fields: expected one of")]
    public void A_wrong_section_is_told_with_its_place(string section, string expected) =>
        Assert.Contains(expected, Assert.Throws<ConfigException>(() => Read($$"""{ "warehouse": "w", {{Pipelines.Replace("SECRET", section)}} }""")).Message);

    [Fact]
    public void A_secret_without_a_protocol_that_sends_it_is_refused() => Assert.Contains(
        "sasl_ssl",
        Assert.Throws<ConfigException>(() => Read("""{ "warehouse": "w", "pipelines": [ { "name": "e", "topics": ["a"], "table": "d.t", "kafka": { "bootstrap.servers": "h:1" }, "kafkaSecret": { "name": "n" } } ] }""")).Message);

    /// <summary>Holds the first thing that was logged as trouble.</summary>
    private sealed class TroubleLog : ILogger<KafkaSecrets>
    {
        private readonly TaskCompletionSource<string> _trouble = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<string> Trouble => _trouble.Task;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (logLevel >= LogLevel.Warning)
            {
                _trouble.TrySetResult(formatter(state, exception));
            }
        }
    }

    private SiloConfig Read(string json)
    {
        using var stream = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(json));
        return SiloConfigReader.Read(new ConfigurationBuilder().AddJsonStream(stream).Build(), "test", _directory.Path);
    }
}

public sealed class CatalogSectionTests
{
    private const string Pipelines = "\"pipelines\": [ { \"name\": \"e\", \"topics\": [\"a\"], \"table\": \"d.t\", \"kafka\": { \"bootstrap.servers\": \"h:1\" } } ]";

    [Fact]
    public void Glue_on_S3_is_read()
    {
        var tables = Read("""
            "warehouse": "s3://lake/warehouse/", "catalog": { "name": "glue", "type": "glue", "catalogId": "123", "skipArchive": false },
            "s3": { "region": "eu-west-1", "encryption": "kms", "kmsKeyId": "k", "bucketKey": true, "tags": { "team": "lake" }, "partSizeBytes": 16777216 }
            """).Tables!;
        Assert.Equal((CatalogType.Glue, "s3://lake/warehouse", "123", "eu-west-1", false), (tables.Type, tables.Warehouse, tables.Glue.CatalogId, tables.Glue.Region, tables.Glue.SkipArchive));
        Assert.Equal((S3Encryption.Kms, "k", true, 16777216, "lake"), (tables.S3.Encryption, tables.S3.KmsKeyId, tables.S3.BucketKey, tables.S3.PartSizeBytes, tables.S3.WriteTags["team"]));
    }

    [Fact]
    public void A_signed_REST_catalog_is_read()
    {
        Environment.SetEnvironmentVariable("LAKE_TEST_TOKEN", "geheim");
        var config = Read("""
            "warehouse": "w", "s3": { "region": "eu-west-1" },
            "catalog": { "type": "rest", "uri": "https://glue.eu-west-1.amazonaws.com/iceberg", "warehouse": "123", "signing": "glue", "token": "env:LAKE_TEST_TOKEN", "properties": { "header.x": "y" } }
            """);
        Assert.Equal("rest", config.Catalog);
        Assert.Equal(("glue", "eu-west-1"), (config.Tables!.SigningName, config.Tables.SigningRegion));
        Assert.Equal(("123", "geheim", "y"), (config.Tables.Rest["warehouse"], config.Tables.Rest["token"], config.Tables.Rest["header.x"]));
    }

    [Theory]
    [InlineData("\"warehouse\": \"s3://b/w\"", "catalog.type: expected glue or rest, because the warehouse is in S3")]
    [InlineData("\"warehouse\": \"w\", \"catalog\": { \"type\": \"glue\" }", "warehouse: expected s3://bucket/prefix")]
    [InlineData("\"warehouse\": \"w\", \"catalog\": { \"type\": \"hive\" }", "catalog.type: expected one of local, glue, rest, found \"hive\"")]
    [InlineData("\"warehouse\": \"w\", \"catalog\": { \"type\": \"rest\" }", "catalog.uri: expected the address")]
    [InlineData("\"warehouse\": \"w\", \"catalog\": { \"region\": \"x\" }", "catalog.region: expected one of name, type, found \"this key\"")]
    [InlineData("\"warehouse\": \"s3://b/w\", \"catalog\": { \"type\": \"glue\" }, \"s3\": { \"sse\": \"kms\" }", "s3.sse: expected one of")]
    [InlineData("\"warehouse\": \"s3://b/w\", \"catalog\": { \"type\": \"glue\" }, \"s3\": { \"partSizeBytes\": \"5\" }", "s3.partSizeBytes: expected a whole number from 5242880")]
    public void What_is_wrong_is_told_with_its_place(string sections, string expected) =>
        Assert.Contains(expected, Assert.Throws<ConfigException>(() => Read(sections)).Message);

    private static SiloConfig Read(string sections)
    {
        using var stream = new MemoryStream(System.Text.Encoding.UTF8.GetBytes($"{{ {sections}, {Pipelines} }}"));
        return SiloConfigReader.Read(new ConfigurationBuilder().AddJsonStream(stream).Build(), "test", "/tmp");
    }
}
