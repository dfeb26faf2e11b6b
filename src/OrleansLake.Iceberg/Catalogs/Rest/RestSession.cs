using OrleansLake.Iceberg.Json;

namespace OrleansLake.Iceberg.Rest;

/// <summary>
/// What the server said of itself (<c>GET /v1/config</c>): properties merged, endpoints served, and the connection that they
/// make. https://github.com/apache/iceberg/blob/main/open-api/rest-catalog-open-api.yaml (CatalogConfig)
/// </summary>
internal sealed class RestSession
{
    /// <summary>What a server serves that does not say what it serves.</summary>
    private static readonly string[] DefaultEndpoints =
    [
        "GET /v1/{prefix}/namespaces", "POST /v1/{prefix}/namespaces", "GET /v1/{prefix}/namespaces/{namespace}", "DELETE /v1/{prefix}/namespaces/{namespace}",
        "POST /v1/{prefix}/namespaces/{namespace}/properties", "GET /v1/{prefix}/namespaces/{namespace}/tables", "POST /v1/{prefix}/namespaces/{namespace}/tables",
        "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}", "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}",
        "DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}", "POST /v1/{prefix}/namespaces/{namespace}/register",
        "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics", "POST /v1/{prefix}/tables/rename", "POST /v1/{prefix}/transactions/commit",
    ];

    private readonly RestConnection _connection;
    private readonly HashSet<string> _endpoints;
    private readonly string _prefix;
    private readonly string _separator;

    private RestSession(RestConnection connection, IReadOnlyDictionary<string, string> properties, IEnumerable<string> endpoints, bool takesIdempotencyKeys)
    {
        _connection = connection;
        Properties = properties;
        TakesIdempotencyKeys = takesIdempotencyKeys;
        _endpoints = new HashSet<string>(endpoints, StringComparer.Ordinal);
        // Prefix and separator come percent-encoded, as they stand in paths.
        _prefix = properties.TryGetValue("prefix", out string? prefix) && prefix.Trim('/') is { Length: > 0 } inPath ? "v1/" + inPath + "/" : "v1/";
        _separator = properties.GetValueOrDefault("namespace-separator", "%1F");
        PageSize = RestCatalogOptions.Number(properties, "rest-page-size");
        Snapshots = properties.GetValueOrDefault("snapshot-loading-mode", "all").ToLowerInvariant();
        if (Snapshots is not ("all" or "refs"))
        {
            throw new ArgumentException($"REST catalog property snapshot-loading-mode: expected all or refs, got \"{Snapshots}\"");
        }
    }

    /// <summary>Defaults of the server, what the options say, overrides of the server.</summary>
    public IReadOnlyDictionary<string, string> Properties { get; }

    /// <summary>How many names a listing asks for at once; null: the server decides.</summary>
    public long? PageSize { get; }

    /// <summary>Which snapshots a load asks for: all, or those of refs.</summary>
    public string Snapshots { get; }

    /// <summary>Whether the server knows a request that comes twice by its <c>Idempotency-Key</c>.</summary>
    public bool TakesIdempotencyKeys { get; }

    public static async Task<RestSession> OpenAsync(HttpClient http, RestCatalogOptions options, TimeProvider time, IdSource ids, CancellationToken cancellationToken)
    {
        var secrets = new RestSecrets();
        var given = options.AllProperties();
        var first = Connect(http, options, given, time, ids, secrets);
        string query = options.Warehouse is { } warehouse ? "?warehouse=" + Uri.EscapeDataString(warehouse) : "";
        var reply = await first.SendAsync(RestCall.Get("v1/config" + query), cancellationToken).ConfigureAwait(false);
        if (!reply.IsSuccess)
        {
            throw reply.Error();
        }

        return reply.Read(at =>
        {
            var properties = new Dictionary<string, string>(StringComparer.Ordinal);
            var layers = (IEnumerable<Dictionary<string, string>>)[Map(at, "defaults"), given, Map(at, "overrides")];
            foreach (var (name, value) in layers.SelectMany(layer => layer))
            {
                properties[name] = value;
            }

            var endpoints = at.TryGet("endpoints", out var list) ? list.List("endpoints", one => one.Text()) : [.. DefaultEndpoints];
            // Where nothing changed that the connection is made of, its token serves on.
            var connection = Same(given, properties) ? first : Connect(http, options, properties, time, ids, secrets);
            return new RestSession(connection, properties, endpoints, at.TryGet("idempotency-key-lifetime", out _));
        });

        static Dictionary<string, string> Map(JsonCursor at, string name) => at.TryGet(name, out var map) ? map.TextMap() : [];
    }

    /// <summary>Whether the server serves an endpoint, by its method and template.</summary>
    public bool Serves(string endpoint) => _endpoints.Contains(endpoint);

    /// <exception cref="NotSupportedException">The server does not serve this.</exception>
    public void Require(string endpoint)
    {
        if (!Serves(endpoint))
        {
            throw new NotSupportedException($"{Properties["uri"]}: this catalog does not serve {endpoint}");
        }
    }

    public string Path(string below) => _prefix + below;

    public string PathOf(IReadOnlyList<string> @namespace) => _prefix + "namespaces/" + Encoded(@namespace);

    public string PathOf(TableIdentifier identifier) => PathOf(identifier.Namespace) + "/tables/" + Uri.EscapeDataString(identifier.Name);

    /// <summary>The levels of a namespace as one part of a path or query.</summary>
    public string Encoded(IReadOnlyList<string> @namespace) =>
        @namespace.Count > 0 && @namespace.All(level => level.Length > 0)
            ? string.Join(_separator, @namespace.Select(Uri.EscapeDataString))
            : throw new ArgumentException($"expected a namespace of one level or more, none of them empty, got \"{string.Join('.', @namespace)}\"");

    public Task<RestReply> SendAsync(RestCall call, CancellationToken cancellationToken) => _connection.SendAsync(call, cancellationToken);

    private static RestConnection Connect(
        HttpClient http, RestCatalogOptions options, IReadOnlyDictionary<string, string> properties, TimeProvider time, IdSource ids, RestSecrets secrets)
    {
        string uri = properties["uri"];
        if (!Uri.TryCreate(uri, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
        {
            throw new ArgumentException($"REST catalog property uri: expected an http or https address, got \"{uri}\"");
        }

        OAuthTokens? tokens = null;
        if (properties.ContainsKey("credential") || properties.ContainsKey("token"))
        {
            var tokenAddress = new Uri(address.GetLeftPart(UriPartial.Path).TrimEnd('/') + "/v1/oauth/tokens");
            if (properties.TryGetValue("oauth2-server-uri", out string? server))
            {
                // A path alone is one of the catalog's own.
                tokenAddress = Uri.TryCreate(server, UriKind.Absolute, out var elsewhere) && elsewhere.Scheme is "http" or "https"
                    ? new Uri(server)
                    : new Uri(address.GetLeftPart(UriPartial.Path).TrimEnd('/') + "/" + server.TrimStart('/'));
            }

            var plain = new RestConnection(http, options, time, ids, secrets) { Base = address };
            tokens = new OAuthTokens(tokenAddress, properties, plain.SendAsync, time, secrets);
        }

        return new RestConnection(http, options, time, ids, secrets)
        {
            Base = address,
            Tokens = tokens,
            Headers = [.. properties.Where(pair => pair.Key.StartsWith("header.", StringComparison.Ordinal)).Select(pair => KeyValuePair.Create(pair.Key["header.".Length..], pair.Value))],
        };
    }

    private static bool Same(Dictionary<string, string> before, Dictionary<string, string> after)
    {
        string[] own = ["uri", "credential", "token", "oauth2-server-uri", "scope", "audience", "resource", "token-exchange-enabled", "token-refresh-enabled"];
        return own.All(name => before.GetValueOrDefault(name) == after.GetValueOrDefault(name))
            && !after.Keys.Any(name => name.StartsWith("header.", StringComparison.Ordinal) && before.GetValueOrDefault(name) != after[name]);
    }
}
