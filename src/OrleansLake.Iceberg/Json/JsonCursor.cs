using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OrleansLake.Iceberg.Json;

/// <summary>A JSON value with the place where it stands, so that every error names file, path, expectation and finding.</summary>
internal readonly struct JsonCursor(JsonElement element, string file, string path)
{
    /// <summary>Deep enough for schemas that people write, shallow enough for the stack.</summary>
    public const int MaxDepth = 512;

    public JsonElement Element => element;

    public string Path => path;

    /// <summary>Reads a document; whatever is wrong with it, down to text that is no Unicode, is an <see cref="IcebergFormatException"/>.</summary>
    public static T Read<T>(ReadOnlyMemory<byte> utf8, string file, string path, Func<JsonCursor, T> read)
    {
        try
        {
            using var document = JsonDocument.Parse(utf8, new JsonDocumentOptions { MaxDepth = MaxDepth, AllowDuplicateProperties = false });
            return read(new JsonCursor(document.RootElement, file, path));
        }
        catch (JsonException e)
        {
            throw new IcebergFormatException(file, path, $"expected a JSON document, got {utf8.Length} bytes: {Short(e.Message)}", e);
        }
        catch (InvalidOperationException e)
        {
            throw new IcebergFormatException(file, path, $"expected Unicode text: {Short(e.Message)}", e);
        }
    }

    /// <summary>Reads a document that someone else has parsed.</summary>
    public static T Read<T>(JsonElement element, string file, Func<JsonCursor, T> read)
    {
        try
        {
            return read(new JsonCursor(element, file, ""));
        }
        catch (InvalidOperationException e)
        {
            throw new IcebergFormatException(file, "", $"expected Unicode text: {Short(e.Message)}", e);
        }
    }

    public IcebergFormatException Error(string problem, Exception? inner = null) => new(file, ShortPath(path), problem, inner);

    public IcebergFormatException Expected(string what) => Error($"expected {what}, got {Shown()}");

    public JsonCursor ExpectObject(string what) =>
        element.ValueKind == JsonValueKind.Object ? this : throw Expected(what);

    /// <summary>A member that is there and not null.</summary>
    public bool TryGet(string name, out JsonCursor member)
    {
        if (element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null)
        {
            member = new JsonCursor(value, file, path.Length == 0 ? name : path + "." + name);
            return true;
        }

        member = default;
        return false;
    }

    public JsonCursor Get(string name) =>
        TryGet(name, out var member) ? member : throw Error($"expected a field \"{name}\", got {(element.TryGetProperty(name, out _) ? "null" : "none")}");

    public IEnumerable<JsonCursor> Items(string what)
    {
        if (element.ValueKind != JsonValueKind.Array)
        {
            throw Expected(what);
        }

        int i = 0;
        foreach (var item in element.EnumerateArray())
        {
            yield return new JsonCursor(item, file, path + "[" + i++.ToString(CultureInfo.InvariantCulture) + "]");
        }
    }

    public List<T> List<T>(string what, Func<JsonCursor, T> read) => [.. Items(what).Select(read)];

    public int Int() => element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out int value) ? value : throw Expected("a 32-bit integer");

    public long Long() => element.ValueKind == JsonValueKind.Number && element.TryGetInt64(out long value) ? value : throw Expected("a 64-bit integer");

    public bool Bool() => element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Expected("true or false"),
    };

    public string Text() => element.ValueKind == JsonValueKind.String ? element.GetString()! : throw Expected("a string");

    public Guid Uuid() => Guid.TryParse(element.ValueKind == JsonValueKind.String ? element.GetString() : null, out var uuid) ? uuid : throw Expected("a UUID");

    public int? IntOrNull(string name) => TryGet(name, out var member) ? member.Int() : null;

    public long? LongOrNull(string name) => TryGet(name, out var member) ? member.Long() : null;

    public string? TextOrNull(string name) => TryGet(name, out var member) ? member.Text() : null;

    /// <summary>An object whose values are strings; numbers and booleans that another writer put there are taken as their text.</summary>
    public Dictionary<string, string> TextMap()
    {
        ExpectObject("an object of strings");
        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var member in element.EnumerateObject())
        {
            map[member.Name] = member.Value.ValueKind switch
            {
                JsonValueKind.String => member.Value.GetString()!,
                JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => member.Value.GetRawText(),
                _ => throw new JsonCursor(member.Value, file, path + "." + member.Name).Expected("a string"),
            };
        }

        return map;
    }

    /// <summary>The members whose names are not known here; null when there are none.</summary>
    public JsonObject? Others(IReadOnlySet<string> known)
    {
        JsonObject? others = null;
        foreach (var member in element.EnumerateObject())
        {
            if (!known.Contains(member.Name))
            {
                others ??= [];
                CheckText(member.Value);
                others[member.Name] = Node(member.Value);
            }
        }

        return others;
    }

    public JsonNode? Node()
    {
        CheckText(element);
        return Node(element);
    }

    // What is carried through unread must be fit to be written again, or the table could be read and never changed.
    private static void CheckText(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                _ = value.GetString();
                break;
            case JsonValueKind.Array:
                foreach (var item in value.EnumerateArray())
                {
                    CheckText(item);
                }

                break;
            case JsonValueKind.Object:
                foreach (var member in value.EnumerateObject())
                {
                    _ = member.Name;
                    CheckText(member.Value);
                }

                break;
        }
    }

    private static JsonNode? Node(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => JsonObject.Create(value.Clone()),
        JsonValueKind.Array => JsonArray.Create(value.Clone()),
        JsonValueKind.Null => null,
        _ => JsonValue.Create(value.Clone()),
    };

    private string Shown()
    {
        string text = element.ValueKind == JsonValueKind.Undefined ? "nothing" : element.GetRawText();
        return text.Length <= 80 ? text : text[..77] + "...";
    }

    private static string ShortPath(string path) => path.Length <= 300 ? path : path[..147] + "..." + path[^150..];

    // The parser repeats what it could not read, however long.
    private static string Short(string message) => message.Length <= 300 ? message : message[..297] + "...";
}
