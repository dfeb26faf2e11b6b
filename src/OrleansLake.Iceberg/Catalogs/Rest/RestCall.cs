using System.Text.Json;
using OrleansLake.Iceberg.Json;

namespace OrleansLake.Iceberg.Rest;

/// <summary>When a request may be sent again.</summary>
internal enum Repeat
{
    /// <summary>Whatever happened: doing it twice is doing it once.</summary>
    Always,

    /// <summary>Where it was surely not done: it was never sent, or refused with 401, 419 or 429.</summary>
    WhenNotDone,

    /// <summary>Only for want of a valid token. Swaps: who asked looks up what became of it.</summary>
    Never,
}

/// <summary>One request, for as many attempts as it takes.</summary>
internal sealed record RestCall(HttpMethod Method, string PathAndQuery, Repeat Repeat)
{
    public ReadOnlyMemory<byte>? Body { get; init; }

    public string ContentType { get; init; } = "application/json";

    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>What to send as bearer token instead of the catalog's own; empty: none.</summary>
    public string? Authorization { get; init; }

    /// <summary>A full address instead of one below the catalog's.</summary>
    public Uri? Address { get; init; }

    public static RestCall Get(string pathAndQuery) => new(HttpMethod.Get, pathAndQuery, Repeat.Always);

    public static RestCall Post(string pathAndQuery, Repeat repeat, Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, TableMetadataJson.WriterOptions))
        {
            write(json);
        }

        return new RestCall(HttpMethod.Post, pathAndQuery, repeat) { Body = buffer.ToArray() };
    }

    public RestCall With(string header, string value) => this with { Headers = [.. Headers, new(header, value)] };
}

/// <summary>An answer that says what was done: any status but 401, 419, 429 and 5xx.</summary>
internal sealed record RestReply(string Request, int Status, ReadOnlyMemory<byte> Body, string? ETag, RestSecrets Secrets)
{
    public bool IsSuccess => Status is >= 200 and < 300;

    public T Read<T>(Func<JsonCursor, T> read) => JsonCursor.Read(Body, Request, "", read);

    /// <summary>The answer as an exception, in the server's words. https://iceberg.apache.org/rest-catalog-spec (ErrorModel)</summary>
    public RestCatalogException Error(bool mayHaveHappened = false, TimeSpan? retryAfter = null)
    {
        var (message, type) = Words();
        string text = type is null ? $"{Request}: {Status}: {message}" : $"{Request}: {Status} {type}: {message}";
        return new RestCatalogException(Secrets.Hide(text), Status, type, mayHaveHappened, retryAfter);
    }

    /// <summary>What the server said.</summary>
    public string Reason => Secrets.Hide(Words().Message);

    public string? ErrorType => Words().Type;

    private (string Message, string? Type) Words()
    {
        try
        {
            using var document = JsonDocument.Parse(Body);
            if (document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("error", out var error))
            {
                // RFC 6749, section 5.2 has the code itself there; the catalog's own errors have an object.
                return error.ValueKind == JsonValueKind.Object
                    ? (Text(error, "message") ?? "no message", Text(error, "type"))
                    : (Text(document.RootElement, "error_description") ?? "no description", error.ToString());
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // A proxy's page, or nothing: shown as it is.
        }

        string shown = System.Text.Encoding.UTF8.GetString(Body.Span[..Math.Min(Body.Length, 200)]).ReplaceLineEndings(" ").Trim();
        return (shown.Length == 0 ? "no message" : shown, null);
    }

    private static string? Text(JsonElement error, string name) =>
        error.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}

/// <summary>What must appear in no message, whoever wrote it: a server may well repeat what it was sent.</summary>
internal sealed class RestSecrets
{
    private const int ShortestHidden = 4;
    private readonly Lock _lock = new();
    private readonly Queue<string> _secrets = new();

    public void Add(string? secret)
    {
        lock (_lock)
        {
            if (secret is { Length: >= ShortestHidden } && !_secrets.Contains(secret))
            {
                _secrets.Enqueue(secret);
                if (_secrets.Count > 32)
                {
                    _secrets.Dequeue();
                }
            }
        }
    }

    public string Hide(string text)
    {
        lock (_lock)
        {
            foreach (string secret in _secrets)
            {
                text = text.Replace(secret, "***", StringComparison.Ordinal).Replace(Uri.EscapeDataString(secret), "***", StringComparison.Ordinal);
            }
        }

        return text;
    }
}
