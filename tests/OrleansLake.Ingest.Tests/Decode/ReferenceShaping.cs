using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode;

namespace OrleansLake.Ingest.Tests.Decode;

/// <summary>Reshaping the slow way: a document is written anew as the table has it, for <see cref="ReferenceDecoder"/> to read.</summary>
internal static class ReferenceShaping
{
    /// <summary>The row as JSON, or null where the document is to be refused.</summary>
    public static string? Row(byte[] document, Schema schema, RecordOptions options)
    {
        if (!Utf8.IsValid(document))
        {
            return null;
        }

        try
        {
            using var json = JsonDocument.Parse(document, new JsonDocumentOptions { MaxDepth = 128, AllowDuplicateProperties = true });
            if (Resolve(json.RootElement, options.Unnest) is not { ValueKind: JsonValueKind.Object } row)
            {
                return null;
            }

            var text = new StringBuilder("{");
            NestedField[] own = [.. schema.Fields.Where(field => !options.Project.ContainsKey(field.Name))];
            Fields(text, row, own, options);
            foreach (var (column, pointer) in options.Project)
            {
                if (Resolve(json.RootElement, pointer) is { } value)
                {
                    Name(text, column);
                    Value(text, value, schema.Fields.Single(field => field.Name == column).Type, options);
                }
            }

            return ReferenceDecoder.Row(Encoding.UTF8.GetBytes(text.Append('}').ToString()), schema);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static JsonElement? Resolve(JsonElement root, string pointer)
    {
        JsonElement? at = root;
        foreach (string token in JsonPointer.Parse(pointer)!)
        {
            at = at?.ValueKind switch
            {
                JsonValueKind.Object => at.Value.EnumerateObject().Where(property => NameOf(property) == token).Select(property => (JsonElement?)property.Value).LastOrDefault(),
                JsonValueKind.Array when JsonPointer.ElementOf(token) is { } index && index < at.Value.GetArrayLength() => at.Value[index],
                _ => null,
            };
        }

        return at;
    }

    private static void Fields(StringBuilder text, JsonElement from, IReadOnlyList<NestedField> fields, RecordOptions options)
    {
        foreach (var property in from.EnumerateObject())
        {
            string? name = NameOf(property);
            name = name is not null && options is { CaseFrom: { } a, CaseTo: { } b } ? NameCases.Convert(name, a, b) : name;
            var compare = options.IgnoreCase ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;
            if (fields.FirstOrDefault(field => field.Name.Equals(name, compare)) is { } field)
            {
                Name(text, field.Name);
                Value(text, property.Value, field.Type, options);
            }
        }
    }

    private static void Value(StringBuilder text, JsonElement value, IcebergType type, RecordOptions options)
    {
        switch (type, value.ValueKind)
        {
            case (StructType x, JsonValueKind.Object):
                text.Append('{');
                Fields(text, value, x.Fields, options);
                text.Append('}');
                break;
            case (ListType x, JsonValueKind.Array):
                text.Append('[');
                foreach (var element in value.EnumerateArray())
                {
                    Separate(text);
                    Value(text, element, x.Element, options);
                }

                text.Append(']');
                break;
            case (MapType x, JsonValueKind.Object):
                text.Append('{');
                foreach (var property in value.EnumerateObject())
                {
                    Separate(text);
                    text.Append('"').Append(Encoding.UTF8.GetString(JsonMarshal.GetRawUtf8PropertyName(property))).Append("\":");
                    Value(text, property.Value, x.Value, options);
                }

                text.Append('}');
                break;
            default:
                text.Append(value.GetRawText());
                break;
        }
    }

    private static void Name(StringBuilder text, string name)
    {
        Separate(text);
        text.Append(JsonSerializer.Serialize(name)).Append(':');
    }

    private static void Separate(StringBuilder text)
    {
        if (text[^1] is not ('{' or '['))
        {
            text.Append(',');
        }
    }

    private static string? NameOf(JsonProperty property)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
