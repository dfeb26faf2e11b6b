using System.Text.Json;
using Amazon;
using Amazon.Runtime;
using Amazon.SecretsManager;
using Amazon.SecretsManager.Model;
using Amazon.SimpleSystemsManagement;
using Amazon.SimpleSystemsManagement.Model;

namespace OrleansLake.Aws;

/// <summary>Where a secret is kept, and in which region.</summary>
/// <param name="Name">
/// The name or ARN of a secret of Secrets Manager, or one of <c>ssm:NAME</c> (Parameter Store), <c>file:PATH</c> and
/// <c>env:NAME</c>.
/// </param>
/// <param name="Region">The region; null: as the SDK finds it.</param>
/// <param name="Endpoint">Another server than AWS's.</param>
public sealed record SecretPlace(string Name, string? Region = null, Uri? Endpoint = null);

/// <summary>Reads secrets from where they are kept; nothing of them is in a message.</summary>
public sealed class SecretReader : IDisposable
{
    private const string Parameter = "ssm:";

    private readonly Lock _lock = new();
    private readonly Dictionary<(string Service, string? Region, Uri? Endpoint), IDisposable> _clients = [];

    /// <summary>The secret as it is now.</summary>
    /// <exception cref="AwsException">It is not there, or may not be read.</exception>
    public async Task<string> ReadAsync(SecretPlace place, CancellationToken cancellationToken)
    {
        if (SecretReference.IsOne(place.Name))
        {
            return SecretReference.ReadHere(place.Name) ?? throw new AwsException($"secret {place.Name}", "there is none");
        }

        try
        {
            if (place.Name.StartsWith(Parameter, StringComparison.Ordinal))
            {
                var parameters = Client("ssm", place, static config => new AmazonSimpleSystemsManagementClient(config), new AmazonSimpleSystemsManagementConfig());
                var found = await parameters.GetParameterAsync(new GetParameterRequest { Name = place.Name[Parameter.Length..], WithDecryption = true }, cancellationToken).ConfigureAwait(false);
                return found.Parameter.Value;
            }

            var secrets = Client("secretsmanager", place, static config => new AmazonSecretsManagerClient(config), new AmazonSecretsManagerConfig());
            var secret = await secrets.GetSecretValueAsync(new GetSecretValueRequest { SecretId = place.Name }, cancellationToken).ConfigureAwait(false);
            return secret.SecretString ?? throw new AwsException($"secret {place.Name}", "expected a text, found bytes");
        }
        catch (Exception e) when (AwsFailures.IsFailure(e, cancellationToken))
        {
            throw AwsFailures.Named($"secret {place.Name}", e);
        }
    }

    /// <summary>Two fields of a secret that is a JSON object.</summary>
    /// <exception cref="AwsException">It is none, or lacks one of them; the message names the fields that it has.</exception>
    public static (string Username, string Password) Fields(string secret, SecretPlace place, string usernameField, string passwordField)
    {
        try
        {
            using var document = JsonDocument.Parse(secret);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
            {
                var fields = document.RootElement.EnumerateObject().Where(field => field.Value.ValueKind == JsonValueKind.String).ToDictionary(field => field.Name, field => field.Value.GetString()!);
                foreach (string wanted in (string[])[usernameField, passwordField])
                {
                    if (!fields.TryGetValue(wanted, out string? value) || value.Length == 0)
                    {
                        throw new AwsException($"secret {place.Name}", $"expected a field {wanted}, found {(fields.Count == 0 ? "none" : string.Join(", ", fields.Keys))}");
                    }
                }

                return (fields[usernameField], fields[passwordField]);
            }
        }
        catch (JsonException)
        {
            // Its message would quote the secret.
        }

        throw new AwsException($"secret {place.Name}", $"expected a JSON object with {usernameField} and {passwordField}, found something else");
    }

    /// <inheritdoc />
    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var client in _clients.Values)
            {
                client.Dispose();
            }

            _clients.Clear();
        }
    }

    private TClient Client<TClient, TConfig>(string service, SecretPlace place, Func<TConfig, TClient> create, TConfig config)
        where TClient : class, IDisposable
        where TConfig : ClientConfig
    {
        lock (_lock)
        {
            if (_clients.TryGetValue((service, place.Region, place.Endpoint), out var known))
            {
                return (TClient)known;
            }

            config.RetryMode = RequestRetryMode.Standard;
            config.Timeout = TimeSpan.FromSeconds(20);
            if (place.Endpoint is { } endpoint)
            {
                config.ServiceURL = endpoint.OriginalString;
                config.AuthenticationRegion = place.Region ?? "us-east-1";
            }
            else if (place.Region is { } region)
            {
                config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
            }

            var client = create(config);
            _clients.Add((service, place.Region, place.Endpoint), client);
            return client;
        }
    }
}
