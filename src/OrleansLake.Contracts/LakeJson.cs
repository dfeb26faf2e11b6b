using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace OrleansLake.Contracts;

/// <summary>The contracts as JSON, over HTTP and at a terminal: camel case, names for states.</summary>
public static class LakeJson
{
    /// <summary>The options.</summary>
    public static JsonSerializerOptions Options { get; } = Configure(new JsonSerializerOptions(JsonSerializerDefaults.Web));

    /// <summary>Sets the same on options that somebody else made by the defaults for the web.</summary>
    public static JsonSerializerOptions Configure(JsonSerializerOptions options)
    {
        // JSON is sent as JSON, never put into a page.
        options.Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
        options.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.CamelCase));
        return options;
    }
}
