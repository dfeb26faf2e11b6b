using OrleansLake.Aws;

namespace OrleansLake.Silo.Configuration;

/// <summary>A secret that holds a pipeline's Kafka login.</summary>
/// <param name="Place">Where it is kept.</param>
/// <param name="UsernameField">The field of its JSON with the user.</param>
/// <param name="PasswordField">The field with the password.</param>
/// <param name="Refresh">How often it is read again.</param>
internal sealed record KafkaSecretConfig(SecretPlace Place, string UsernameField, string PasswordField, TimeSpan Refresh)
{
    /// <summary>Reads the section <c>kafkaSecret</c> of a pipeline; null: there is none.</summary>
    public static KafkaSecretConfig? Read(ConfigSection section, IReadOnlyDictionary<string, string> kafka)
    {
        string? name = section.Text("name");
        var config = new KafkaSecretConfig(
            new SecretPlace(
                name ?? "",
                section.Text("region"),
                section.Parsed("endpoint", "an http or https address", text => Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https" ? uri : null)),
            section.Text("usernameField") ?? "apiKey",
            section.Text("passwordField") ?? "apiSecret",
            section.Duration("refresh", TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(1), TimeSpan.FromDays(1)));
        bool isThere = section.RefuseOthers();
        if (name is null)
        {
            if (isThere)
            {
                section.Fail("name", "the name or ARN of a secret, ssm:NAME, file:PATH or env:NAME", null);
            }

            return null;
        }

        if (!kafka.GetValueOrDefault("security.protocol", "").StartsWith("sasl_", StringComparison.OrdinalIgnoreCase))
        {
            section.Fail("name", "nothing unless security.protocol in kafka is sasl_ssl (or sasl_plaintext)", name);
        }

        foreach (string setting in (string[])["sasl.username", "sasl.password"])
        {
            if (kafka.ContainsKey(setting))
            {
                section.Fail("name", $"either this or {setting} in kafka", name);
            }
        }

        return config;
    }
}
