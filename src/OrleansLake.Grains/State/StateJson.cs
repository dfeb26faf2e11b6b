using System.Text.Json;
using System.Text.Json.Serialization;

namespace OrleansLake.Grains;

/// <summary>The JSON of what is kept: for people too, and read by silos that are a version older or newer.</summary>
internal static class StateJson
{
    /// <summary>Members that a version does not know are left out; those that it needs must be there.</summary>
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    /// <summary>Writes it.</summary>
    public static byte[] Write<T>(T value) => JsonSerializer.SerializeToUtf8Bytes(value, Options);

    /// <summary>Reads it.</summary>
    /// <exception cref="JsonException">It is not what was written there.</exception>
    public static T Read<T>(ReadOnlySpan<byte> content)
        where T : class => JsonSerializer.Deserialize<T>(content, Options) ?? throw new JsonException("null");

    /// <summary>Reads it. What cannot be read is never taken for nothing: the message says where it lies and what to do.</summary>
    /// <exception cref="OrleansException">It is not what was written there.</exception>
    public static T Read<T>(VersionedObjects.Version version, string what)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize<T>(version.Content.Span, Options) ?? throw Unreadable(version, what, "null");
        }
        catch (JsonException error)
        {
            throw Unreadable(version, what, error.Message.TrimEnd('.'));
        }
    }

    /// <summary>The exception for what is not as it was written.</summary>
    public static OrleansException Unreadable(VersionedObjects.Version version, string what, string found) => new(
        $"{version.Location}: expected {what}, found {found}; put a copy of it back, or move its directory away to begin anew");
}
