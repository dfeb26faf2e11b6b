namespace OrleansLake.Silo.Configuration.Import;

/// <summary>One setting of the Starburst loader, and what becomes of it.</summary>
/// <param name="Group">Its property group; <see cref="LoaderSettings.Projections"/> is what the names of several begin with.</param>
/// <param name="Name">Its name; <c>*</c>: any.</param>
/// <param name="Ours">Where it goes: a path in our configuration, or why it needs none.</param>
/// <param name="Apply">Puts a value there.</param>
internal sealed record LoaderSetting(string Group, string Name, string Ours, Action<LoaderConfig, string> Apply)
{
    /// <summary>Whether the loader does not start without it.</summary>
    public bool Required { get; init; }

    /// <summary>What the loader takes where it is absent; null: nothing.</summary>
    public string? Otherwise { get; init; }

    /// <summary>What its local launcher calls it (<c>-Daws.s3.region=…</c>); null: it has none there.</summary>
    public string? LocalName { get; init; }
}

/// <summary>Every setting of the Starburst loader. docs/starburst.md has the same list for people, and a test holds one against the other.</summary>
/// <remarks>https://github.com/starburstdata/galaxy-kafka-loader-example</remarks>
internal static class LoaderSettings
{
    /// <summary>What the names of the groups with projections begin with.</summary>
    public const string Projections = "InputFieldProjections";

    /// <summary>The list.</summary>
    public static IReadOnlyList<LoaderSetting> All { get; } =
    [
        new("S3Properties", "region", "s3.region", (config, value) => config.Put("s3.region", value)) { Required = true, LocalName = "aws.s3.region" },
        new("S3Properties", "bucket", "warehouse", (config, value) => config.Put("warehouse", $"s3://{value}")) { Required = true, LocalName = "aws.s3.bucket" },
        new("GlueProperties", "region", "catalog.region", (config, value) => config.Put("catalog.region", value)) { Required = true, LocalName = "aws.glue.region" },
        new("GlueProperties", "database", "pipelines[].table", (config, value) => config.Database = value) { Required = true, LocalName = "aws.glue.database" },
        new("GlueProperties", "table", "pipelines[].table", (config, value) => config.Table = value) { Required = true, LocalName = "aws.glue.table" },
        new("SecretsManagerProperties", "region", "pipelines[].kafkaSecret.region", (config, value) => config.PutInPipeline("kafkaSecret.region", value)) { Required = true, LocalName = "aws.secret.region" },
        new("KafkaProperties", "aws.secret.name", "pipelines[].kafkaSecret.name", (config, value) => config.PutInPipeline("kafkaSecret.name", value)) { Required = true, LocalName = "aws.secret.kafkaCredentials.name" },
        new("KafkaProperties", "aws.secret.api-key.field", "pipelines[].kafkaSecret.usernameField", (config, value) => config.PutInPipeline("kafkaSecret.usernameField", value)) { Otherwise = "apiKey" },
        new("KafkaProperties", "aws.secret.api-secret.field", "pipelines[].kafkaSecret.passwordField", (config, value) => config.PutInPipeline("kafkaSecret.passwordField", value)) { Otherwise = "apiSecret" },
        new("KafkaProperties", "bootstrap.servers", "pipelines[].kafka.\"bootstrap.servers\"", (config, value) => config.PutKafka("bootstrap.servers", value)) { Required = true, LocalName = "kafka.bootstrap.servers" },
        new("KafkaProperties", "topics", "pipelines[].topics", (config, value) => config.PutTopics(value)) { Required = true, LocalName = "kafka.topic" },
        new("KafkaProperties", "client.group.id", "pipelines[].kafka.\"group.id\"", (config, value) => config.PutKafka("group.id", value)) { Required = true },
        new("KafkaProperties", "dlq-topic", "pipelines[].deadLetters", (config, value) => config.PutDeadLetterTopic(value)) { LocalName = "kafka.dlq.topic" },
        new("KafkaProperties", "partition.discovery.interval", "none: new partitions are found within 30 s", (config, value) => config.CheckDiscovery(value)) { Otherwise = "30s" },
        new("JobProperties", "flush-interval", "pipelines[].flushInterval", (config, value) => config.PutFlushInterval(value)) { Otherwise = "10s" },
        new("JobProperties", "unnest-json-pointer", "pipelines[].records.unnest", (config, value) => config.PutUnnest(value)) { Otherwise = "\"\"" },
        new("JobProperties", "input.field-name.case-format", "pipelines[].records.case.from", (config, value) => config.InputCase = value),
        new("JobProperties", "output.field-name.case-format", "pipelines[].records.case.to", (config, value) => config.OutputCase = value),
        new(Projections, "*", "pipelines[].records.project", (_, _) => { }),
    ];

    /// <summary>The setting of a group and name; null: the loader has none such.</summary>
    public static LoaderSetting? Find(string group, string name) => group.StartsWith(Projections, StringComparison.Ordinal)
        ? All[^1]
        : All.FirstOrDefault(setting => group.Length == 0 ? setting.LocalName == name : setting.Group == group && setting.Name == name);
}
