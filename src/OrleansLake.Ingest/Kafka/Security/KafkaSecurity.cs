using System.Text.RegularExpressions;

namespace OrleansLake.Ingest.Kafka.Security;

/// <summary>
/// How a client is let in, read from a pipeline's Kafka settings: what contradicts itself is refused before a broker does it
/// with fewer words, and what librdkafka does not know (<c>sasl.mechanism: AWS_MSK_IAM</c>) becomes what it knows.
/// </summary>
public static partial class KafkaSecurity
{
    /// <summary>The mechanism of Amazon MSK with IAM, by the name that it has for Java clients.</summary>
    public const string MskIam = "AWS_MSK_IAM";

    /// <summary>The region of an MSK cluster, where the brokers' names do not tell it.</summary>
    public const string RegionSetting = "aws.region";

    private const string Protocol = "security.protocol";
    private const string BearerMechanism = "OAUTHBEARER";

    // Each is read when the client is made; an absent one is better told by its name.
    private static readonly string[] Files =
        ["ssl.ca.location", "ssl.certificate.location", "ssl.key.location", "ssl.keystore.location", "ssl.crl.location", "https.ca.location"];

    /// <summary>The region whose IAM lets a client in; null: the settings do not ask for it.</summary>
    /// <exception cref="KafkaSettingException">They do, and do not tell the region.</exception>
    public static string? MskRegionOf(string bootstrap, IReadOnlyDictionary<string, string> settings)
    {
        if (!MskIam.Equals(MechanismOf(settings), StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        if (settings.TryGetValue(RegionSetting, out string? region) && region.Length > 0)
        {
            return region;
        }

        return MskHost().Match(bootstrap) is { Success: true } match
            ? match.Groups[1].Value
            : throw new KafkaSettingException(RegionSetting, $"Kafka setting {RegionSetting}: expected a region such as eu-west-1, because {bootstrap} does not name one, found nothing");
    }

    /// <summary>Where the tokens of a pipeline's clients come from; null: they need none, or nobody has keys to sign them with.</summary>
    public static IBearerTokens? TokensOf(string bootstrap, IReadOnlyDictionary<string, string> settings, AwsKeySource? keys, TimeProvider time) =>
        keys is not null && MskRegionOf(bootstrap, settings) is { } region ? new MskIamTokens(keys, region, time) : null;

    /// <summary>Whether a client needs <see cref="IBearerTokens"/>: librdkafka gets tokens by itself only over OIDC.</summary>
    internal static bool NeedsTokens(IReadOnlyDictionary<string, string> settings) =>
        BearerMechanism.Equals(MechanismOf(settings), StringComparison.OrdinalIgnoreCase)
        && !"oidc".Equals(settings.GetValueOrDefault("sasl.oauthbearer.method"), StringComparison.OrdinalIgnoreCase)
        && !"true".Equals(settings.GetValueOrDefault("enable.sasl.oauthbearer.unsecure.jwt"), StringComparison.OrdinalIgnoreCase);

    /// <summary>Nobody gave them.</summary>
    internal static KafkaSettingException NoTokens() =>
        new("sasl.mechanism", $"Kafka setting sasl.mechanism: {MskIam} wants AWS credentials, which are not given here, and {BearerMechanism} wants sasl.oauthbearer.method: oidc");

    /// <summary>Checks, and says it in librdkafka's words.</summary>
    /// <exception cref="KafkaSettingException">The settings contradict one another, or name a file that is not there.</exception>
    internal static void Translate(Dictionary<string, string> settings, string bootstrap)
    {
        string protocol = settings.GetValueOrDefault(Protocol, "plaintext");
        string? mechanism = MechanismOf(settings);
        bool sasl = protocol.StartsWith("sasl_", StringComparison.OrdinalIgnoreCase);
        if (!sasl && (mechanism ?? settings.GetValueOrDefault("sasl.username")) is not null)
        {
            throw new KafkaSettingException(Protocol, $"Kafka setting {Protocol}: expected sasl_ssl (or sasl_plaintext), because sasl settings are given, found {protocol}, which would not use them");
        }

        if (sasl && mechanism is null)
        {
            throw new KafkaSettingException("sasl.mechanism", $"Kafka setting sasl.mechanism: expected PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER or {MskIam}, because {Protocol} is {protocol}, found nothing");
        }

        foreach (string name in Files)
        {
            // probe: librdkafka looks for the system's certificates itself.
            if (settings.TryGetValue(name, out string? path) && path != "probe" && !Path.Exists(path))
            {
                throw new KafkaSettingException(name, $"Kafka setting {name}: expected a file, found none at {path}");
            }
        }

        if (MskRegionOf(bootstrap, settings) is not null)
        {
            if (!protocol.Equals("sasl_ssl", StringComparison.OrdinalIgnoreCase))
            {
                throw new KafkaSettingException(Protocol, $"Kafka setting {Protocol}: expected sasl_ssl, because {MskIam} takes no other, found {protocol}");
            }

            settings.Remove("sasl.mechanisms");
            settings["sasl.mechanism"] = BearerMechanism;
        }

        settings.Remove(RegionSetting);
    }

    // librdkafka has two names for it.
    private static string? MechanismOf(IReadOnlyDictionary<string, string> settings) =>
        settings.GetValueOrDefault("sasl.mechanism") ?? settings.GetValueOrDefault("sasl.mechanisms");

    [GeneratedRegex(@"\.kafka(?:-serverless)?\.([a-z]{2}(?:-[a-z]+)+-[0-9]+)\.amazonaws\.com", RegexOptions.IgnoreCase)]
    private static partial Regex MskHost();
}
