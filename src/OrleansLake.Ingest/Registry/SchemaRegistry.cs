using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;

namespace OrleansLake.Ingest.Registry;

/// <summary>How a schema registry is reached. Secrets in it, so it is never grain state and never logged.</summary>
public sealed record SchemaRegistrySettings
{
    /// <summary>Its address; https where it has TLS.</summary>
    public required Uri Url { get; init; }

    /// <summary>Name for basic authentication; null: none.</summary>
    public string? User { get; init; }

    /// <summary>Password to it.</summary>
    public string? Password { get; init; }

    /// <summary>A file in PEM with the authorities that the server's certificate may come from; null: the system's.</summary>
    public string? CaFile { get; init; }

    /// <summary>How long an id that the registry does not know is asked for again before records with it are refused: registries follow each other late.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Most that one request may take.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>A schema as the registry has it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Type">AVRO, JSON or PROTOBUF.</param>
/// <param name="Text">The schema.</param>
/// <param name="References">The schemas that it refers to, those that they refer to first.</param>
public sealed record RegisteredSchema(int Id, string Type, string Text, IReadOnlyList<SchemaReference> References);

/// <summary>A schema that another refers to.</summary>
/// <param name="Name">What the other calls it: of Protocol Buffers the file that it imports.</param>
/// <param name="Text">The schema.</param>
public sealed record SchemaReference(string Name, string Text);

/// <summary>The registry did not answer, or does not know a schema yet: nothing is known of the record.</summary>
public sealed class SchemaRegistryException : Exception
{
    /// <summary>What happened.</summary>
    public SchemaRegistryException(string message, Exception? cause = null)
        : base(message, cause)
    {
    }
}

/// <summary>
/// Schemas by their ids, asked for once and kept: an id means one schema for ever. Speaks the REST interface of Confluent's
/// Schema Registry (https://docs.confluent.io/platform/current/schema-registry/develop/api.html). Thread-safe; waits for the
/// answer on the caller's thread, which is a pump's own.
/// </summary>
public sealed class SchemaRegistry : IDisposable
{
    private const int MostAwaited = 16;
    private const int MostRemembered = 10_000;
    private static readonly TimeSpan AskedAgainAfter = TimeSpan.FromSeconds(30);

    private readonly SchemaRegistrySettings _settings;
    private readonly TimeProvider _time;
    private readonly HttpClient _http;
    private readonly Lock _lock = new();
    private readonly Dictionary<int, RegisteredSchema> _known = [];
    private readonly Dictionary<int, (DateTimeOffset Since, DateTimeOffset Asked)> _unknown = [];

    /// <summary>A client.</summary>
    public SchemaRegistry(SchemaRegistrySettings settings, TimeProvider time)
    {
        _settings = settings;
        _time = time;
        var handler = new SocketsHttpHandler { AutomaticDecompression = DecompressionMethods.All, PooledConnectionLifetime = TimeSpan.FromMinutes(5) };
        if (settings.CaFile is { } file)
        {
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPemFile(file);
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.AddRange(authorities);
            handler.SslOptions.CertificateChainPolicy = policy;
        }

        _http = new HttpClient(handler) { BaseAddress = new Uri(settings.Url.ToString().TrimEnd('/') + "/"), Timeout = settings.Timeout };
        _http.DefaultRequestHeaders.Accept.ParseAdd("application/vnd.schemaregistry.v1+json, application/json");
        if (settings.User is { } user)
        {
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{settings.Password}")));
        }
    }

    /// <summary>The schema of an id; null: the registry does not know it, and has not for as long as the settings have patience.</summary>
    /// <exception cref="SchemaRegistryException">It cannot be known now: ask again later.</exception>
    public RegisteredSchema? Find(int id)
    {
        lock (_lock)
        {
            if (_known.TryGetValue(id, out var known))
            {
                return known;
            }

            if (_unknown.TryGetValue(id, out var unknown) && IsOver(unknown.Since) && _time.GetUtcNow() - unknown.Asked < AskedAgainAfter)
            {
                return null;
            }
        }

        using var answer = Get($"schemas/ids/{id}");
        lock (_lock)
        {
            if (answer is null)
            {
                // Bytes that are no frame at all look like ever new ids: they are not waited for one by one.
                bool isStorm = _unknown.Count(one => !IsOver(one.Value.Since)) > MostAwaited;
                if (_unknown.Count > MostRemembered)
                {
                    _unknown.Clear();
                }

                DateTimeOffset now = _time.GetUtcNow();
                _unknown[id] = (_unknown.TryGetValue(id, out var before) ? before.Since : now, now);
                return isStorm || IsOver(_unknown[id].Since) ? null
                    : throw new SchemaRegistryException($"schema registry {_http.BaseAddress}: expected a schema of id {id}, it knows none; asking again");
            }

            _unknown.Remove(id);
        }

        var root = answer.RootElement;
        var references = new List<SchemaReference>();
        AddReferences(root, references, [], depth: 0);
        var schema = new RegisteredSchema(id, root.TryGetProperty("schemaType", out var type) ? type.GetString() ?? "AVRO" : "AVRO", TextOf(root), references);
        lock (_lock)
        {
            return _known[id] = schema;
        }
    }

    /// <inheritdoc />
    public void Dispose() => _http.Dispose();

    private bool IsOver(DateTimeOffset since) => _time.GetUtcNow() - since >= _settings.Patience;

    private void AddReferences(JsonElement schema, List<SchemaReference> into, HashSet<string> met, int depth)
    {
        if (!schema.TryGetProperty("references", out var references) || references.ValueKind != JsonValueKind.Array)
        {
            return;
        }

        if (depth > 32)
        {
            throw new SchemaRegistryException($"schema registry {_http.BaseAddress}: references lead more than 32 deep");
        }

        foreach (var reference in references.EnumerateArray())
        {
            string path = $"subjects/{Uri.EscapeDataString(reference.GetProperty("subject").GetString()!)}/versions/{reference.GetProperty("version").GetInt32()}";
            string name = reference.TryGetProperty("name", out var given) ? given.GetString() ?? "" : "";
            if (met.Add($"{path} {name}"))
            {
                using var answer = Get(path) ?? throw new SchemaRegistryException($"schema registry {_http.BaseAddress}: expected a schema at {path}, it knows none");
                AddReferences(answer.RootElement, into, met, depth + 1);
                into.Add(new SchemaReference(name, TextOf(answer.RootElement)));
            }
        }
    }

    private string TextOf(JsonElement answer) => answer.ValueKind == JsonValueKind.Object && answer.TryGetProperty("schema", out var schema) && schema.GetString() is { } text
        ? text
        : throw new SchemaRegistryException($"schema registry {_http.BaseAddress}: expected an object with a schema, got something else");

    /// <summary>An answer in JSON; null: 404.</summary>
    private JsonDocument? Get(string path)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            using var response = _http.Send(request);
            if (response.StatusCode == HttpStatusCode.NotFound)
            {
                return null;
            }

            if (!response.IsSuccessStatusCode)
            {
                throw new SchemaRegistryException($"schema registry {_http.BaseAddress}: expected {path}, got {(int)response.StatusCode} {response.ReasonPhrase}");
            }

            using var body = response.Content.ReadAsStream();
            return JsonDocument.Parse(body);
        }
        catch (Exception error) when (error is HttpRequestException or TaskCanceledException or JsonException or IOException)
        {
            throw new SchemaRegistryException($"schema registry {_http.BaseAddress}: {error.Message}", error);
        }
    }
}
