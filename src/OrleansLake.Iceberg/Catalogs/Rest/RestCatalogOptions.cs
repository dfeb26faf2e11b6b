using System.Globalization;

namespace OrleansLake.Iceberg;

/// <summary>
/// How to reach a REST catalog. <see cref="FromProperties"/> takes the property names that Iceberg's clients share; a server's
/// own defaults stand below them and its overrides above. https://iceberg.apache.org/docs/latest/configuration/#catalog-properties
/// </summary>
public sealed class RestCatalogOptions
{
    /// <summary>Where the server is, without <c>/v1</c>.</summary>
    public required Uri Uri { get; init; }

    /// <summary>Which of the server's warehouses; null where it has one.</summary>
    public string? Warehouse { get; init; }

    /// <summary>Client id and secret for OAuth2's client credentials, as <c>id:secret</c> or the secret alone.</summary>
    public string? Credential { get; init; }

    /// <summary>A bearer token; with <see cref="Credential"/> it is the first one.</summary>
    public string? Token { get; init; }

    /// <summary>Further properties, by the names that Iceberg's clients share: what is said above wins.</summary>
    public IReadOnlyDictionary<string, string> Properties { get; init; } = new Dictionary<string, string>();

    /// <summary>Signs each request last of all (SigV4 and the like); null: bearer tokens or nothing.</summary>
    public IRequestSigner? Signer { get; init; }

    /// <summary>Opens the stores of tables by the beginning of their locations; paths of this machine by default.</summary>
    public IReadOnlyDictionary<string, Func<LentStorage, IObjectStore>> Stores { get; init; } = LocalStores;

    /// <summary>Stores of <c>file:</c> locations and plain paths.</summary>
    public static IReadOnlyDictionary<string, Func<LentStorage, IObjectStore>> LocalStores { get; } = new Dictionary<string, Func<LentStorage, IObjectStore>>
    {
        ["file:"] = static _ => new LocalObjectStore(),
        ["/"] = static _ => new LocalObjectStore(),
    };

    /// <summary>How long one attempt may take.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often a request that may be repeated is repeated.</summary>
    public int MostRetries { get; init; } = 5;

    /// <summary>The pause before the first repetition; each further one is twice as long.</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The longest pause, also where the server asks for more.</summary>
    public TimeSpan LongestPause { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The largest answer that is read.</summary>
    public int MostAnswerBytes { get; init; } = 512 << 20;

    /// <summary>Options by the property names that Iceberg's clients share: <c>uri</c>, <c>warehouse</c>, <c>credential</c>, <c>token</c>, and the rest.</summary>
    /// <exception cref="ArgumentException">There is no <c>uri</c>, or it is none.</exception>
    public static RestCatalogOptions FromProperties(IReadOnlyDictionary<string, string> properties) => new()
    {
        Uri = properties.TryGetValue("uri", out string? uri) && Uri.TryCreate(uri, UriKind.Absolute, out var parsed) && parsed.Scheme is "http" or "https"
            ? new Uri(uri)
            : throw new ArgumentException("REST catalog: expected a property \"uri\" with an http or https address"),
        Warehouse = properties.GetValueOrDefault("warehouse"),
        Credential = properties.GetValueOrDefault("credential"),
        Token = properties.GetValueOrDefault("token"),
        Properties = properties,
    };

    /// <summary>Where, and nothing that is secret.</summary>
    public override string ToString() => Uri.GetLeftPart(UriPartial.Path);

    internal Dictionary<string, string> AllProperties()
    {
        var all = new Dictionary<string, string>(Properties, StringComparer.Ordinal) { ["uri"] = Uri.OriginalString };
        Set("warehouse", Warehouse);
        Set("credential", Credential);
        Set("token", Token);
        return all;

        void Set(string name, string? value)
        {
            if (value is not null)
            {
                all[name] = value;
            }
        }
    }

    internal static bool Flag(IReadOnlyDictionary<string, string> properties, string name, bool otherwise) =>
        !properties.TryGetValue(name, out string? text) ? otherwise
        : bool.TryParse(text, out bool flag) ? flag
        : throw new ArgumentException($"REST catalog property {name}: expected true or false, got \"{text}\"");

    internal static long? Number(IReadOnlyDictionary<string, string> properties, string name) =>
        !properties.TryGetValue(name, out string? text) ? null
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number
        : throw new ArgumentException($"REST catalog property {name}: expected a number, got \"{text}\"");
}

/// <summary>Signs requests to a REST catalog, each attempt anew and after everything else was set.</summary>
public interface IRequestSigner
{
    /// <summary>Adds to the request's headers what the server asks for. <paramref name="body"/> is what will be sent, byte for byte.</summary>
    ValueTask SignAsync(HttpRequestMessage request, ReadOnlyMemory<byte> body, CancellationToken cancellationToken);
}
