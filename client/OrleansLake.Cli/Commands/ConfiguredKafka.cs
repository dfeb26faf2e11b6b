using OrleansLake.Aws;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Kafka.Security;

namespace OrleansLake.Cli.Commands;

/// <summary>Brokers, and the way in: as the command line says, or as a pipeline of a silo's configuration has them.</summary>
/// <param name="BootstrapServers">The brokers.</param>
/// <param name="Settings">Settings for librdkafka, secrets among them.</param>
/// <param name="Tokens">Where tokens come from; null: none is asked for.</param>
/// <param name="Topics">The topics that the pipeline reads; none from the command line.</param>
internal sealed record ConfiguredKafka(string BootstrapServers, IReadOnlyDictionary<string, string> Settings, IBearerTokens? Tokens, IReadOnlyList<string> Topics)
{
    private const string Bootstrap = "bootstrap.servers";

    /// <summary>As the command line says; keys for MSK with IAM come from the SDK's default chain.</summary>
    /// <exception cref="KafkaSettingException">MSK is asked for, and its region is not known.</exception>
    public static ConfiguredKafka Of(string bootstrap, IReadOnlyDictionary<string, string> settings) =>
        new(bootstrap, settings, KafkaSecurity.TokensOf(bootstrap, settings, KeysAsync, TimeProvider.System), []);

    /// <summary>As a pipeline has them; without its name there must be one alone.</summary>
    /// <exception cref="ConfiguredSettingsException">There is none of that name, or more than one.</exception>
    public static async Task<ConfiguredKafka> ReadAsync(string path, string? name, IReadOnlyDictionary<string, string> more, CancellationToken cancellationToken)
    {
        Dictionary<string, string>[] all = [.. ConfiguredSettings.Read(path).Pipelines()];
        Dictionary<string, string>[] meant = [.. all.Where(one => name is null || one.GetValueOrDefault("name") == name)];
        if (meant.Length != 1)
        {
            string found = all.Length == 0 ? "none" : string.Join(", ", all.Select(one => one.GetValueOrDefault("name", "one without a name")));
            throw new ConfiguredSettingsException(path, [$"pipelines: expected {(name is null ? "one, or --pipeline" : $"one named {name}")}, found {found}"]);
        }

        Dictionary<string, string> pipeline = meant[0];
        var kafka = new Dictionary<string, string>(pipeline.Below("kafka."), StringComparer.Ordinal);
        if (!kafka.TryGetValue(Bootstrap, out string? bootstrap))
        {
            throw new ConfiguredSettingsException(path, [$"pipeline {pipeline.GetValueOrDefault("name")}: expected kafka.{Bootstrap}, found nothing"]);
        }

        if (pipeline.TryGetValue("kafkaSecret.name", out string? secretName))
        {
            Uri? endpoint = pipeline.TryGetValue("kafkaSecret.endpoint", out string? address) ? new Uri(address) : null;
            var place = new SecretPlace(secretName, pipeline.GetValueOrDefault("kafkaSecret.region"), endpoint);
            using var secrets = new SecretReader();
            (kafka["sasl.username"], kafka["sasl.password"]) = SecretReader.Fields(
                await secrets.ReadAsync(place, cancellationToken), place, pipeline.GetValueOrDefault("kafkaSecret.usernameField", "apiKey"), pipeline.GetValueOrDefault("kafkaSecret.passwordField", "apiSecret"));
        }

        foreach ((string setting, string value) in more)
        {
            kafka[setting] = value;
        }

        // Of a consumer's settings only those that let it in, in librdkafka's words; tokens are asked of what stood there before.
        var way = new Dictionary<string, string>(KafkaSettings.OfLookup(bootstrap, kafka));
        way.Remove("client.id");
        foreach ((string setting, string value) in more.Where(one => one.Key != KafkaSecurity.RegionSetting && !one.Key.StartsWith("sasl.mechanism", StringComparison.Ordinal)))
        {
            way[setting] = value;
        }

        return new ConfiguredKafka(bootstrap, way, KafkaSecurity.TokensOf(bootstrap, kafka, KeysAsync, TimeProvider.System), [.. pipeline.Below("topics.").Values]);
    }

    private static async Task<AwsKeys> KeysAsync(CancellationToken cancellationToken)
    {
        (string id, string secret, string? token) = await AwsCredentialChain.GetAsync(cancellationToken);
        return new AwsKeys(id, secret, token);
    }
}
