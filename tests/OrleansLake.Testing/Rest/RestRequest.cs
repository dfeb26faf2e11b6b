using System.Text.Json;
using System.Text.Json.Nodes;

namespace OrleansLake.Testing.Rest;

/// <summary>One request as the server got it.</summary>
public sealed record RestRequest(string Method, string RawTarget, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public string RawPath => RawTarget.Split('?')[0];

    public IReadOnlyDictionary<string, string> Query => RawTarget.Contains('?', StringComparison.Ordinal)
        ? RawTarget.Split('?', 2)[1].Split('&').Select(part => part.Split('=', 2)).ToDictionary(part => part[0], part => part.Length > 1 ? Uri.UnescapeDataString(part[1]) : "")
        : new Dictionary<string, string>();

    public JsonNode Json => JsonNode.Parse(Body)!;

    public JsonElement Element => JsonDocument.Parse(Body).RootElement;
}

/// <summary>An answer.</summary>
public sealed record RestAnswer(int Status, JsonNode? Body)
{
    public string? ETag { get; init; }

    /// <summary>The protocol's ErrorModel.</summary>
    public static RestAnswer Error(int status, string type, string message) => new(status, new JsonObject
    {
        ["error"] = new JsonObject { ["message"] = message, ["type"] = type, ["code"] = status },
    });
}
