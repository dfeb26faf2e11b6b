using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using OrleansLake.Contracts;

namespace OrleansLake.Silo.Configuration;

/// <summary>
/// Expectations by a JSON Schema: each of its assertions that columns can be asked becomes an expectation of its own, so that an alert
/// or dead letter says which was not met. What columns cannot be asked is refused.
/// https://json-schema.org/draft/2020-12/json-schema-validation
/// </summary>
internal static class JsonSchemaExpectations
{
    // They say nothing of a document that could be wrong.
    private static readonly HashSet<string> Annotations = ["$schema", "$id", "$comment", "title", "description", "default", "examples", "deprecated", "format"];
    private static readonly HashSet<string> Types = ["string", "number", "integer", "boolean", "object", "array", "null"];

    /// <summary>The expectations; <paramref name="like"/> says name, action and sample.</summary>
    /// <exception cref="FormatException">It is no JSON Schema, or asks what columns cannot be asked; the message says where.</exception>
    public static List<ExpectationSettings> Of(string text, ExpectationSettings like)
    {
        var expectations = new List<ExpectationSettings>();
        try
        {
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            Add(document.RootElement, [], like, expectations);
        }
        catch (JsonException error)
        {
            throw new FormatException(error.Message, error);
        }

        return expectations;
    }

    private static void Add(JsonElement schema, string[] path, ExpectationSettings like, List<ExpectationSettings> to)
    {
        string place = path.Length == 0 ? "#" : "#/properties/" + string.Join("/properties/", path);
        if (schema.ValueKind == JsonValueKind.True)
        {
            return;
        }

        if (schema.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException($"{place}: expected a schema, got {schema.ValueKind}");
        }

        string column = string.Join('.', path);
        foreach (JsonProperty keyword in schema.EnumerateObject())
        {
            string at = $"{place}/{keyword.Name}";
            JsonElement value = keyword.Value;
            ExpectationSettings one = like with { Name = $"{like.Name}: {(path.Length == 0 ? "" : $"{column} ")}{keyword.Name}", Column = column };
            switch (keyword.Name)
            {
                case "type":
                    string[] types = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Select(type => Word(type, at))] : [Word(value, at)];
                    if (types.FirstOrDefault(type => !Types.Contains(type)) is { } unknown)
                    {
                        throw new FormatException($"{at}: expected one of {string.Join(", ", Types)}, got {unknown}");
                    }

                    if (path.Length > 0)
                    {
                        to.Add(one with { JsonTypes = types });
                    }
                    else if (!types.Contains("object"))
                    {
                        throw new FormatException($"{at}: expected object, since a record becomes a row, got {string.Join(", ", types)}");
                    }

                    break;
                case "properties" when value.ValueKind == JsonValueKind.Object:
                    foreach (JsonProperty property in value.EnumerateObject())
                    {
                        Add(property.Value, [.. path, property.Name], like, to);
                    }

                    break;
                case "required" when value.ValueKind == JsonValueKind.Array:
                    foreach (string name in value.EnumerateArray().Select(name => Word(name, at)))
                    {
                        string[] child = [.. path, name];
                        ExpectationSettings required = like with { Name = $"{like.Name}: {string.Join('.', child)} required" };
                        // Of an object that is not there nothing is required.
                        to.Add(path.Length == 0 ? required with { Column = name, NotNull = true } : required with { Where = $"{Quoted(path)} IS NULL OR {Quoted(child)} IS NOT NULL" });
                    }

                    break;
                case "enum" when path.Length > 0 && value.ValueKind == JsonValueKind.Array:
                    to.Add(one with { In = [.. value.EnumerateArray().Where(static item => item.ValueKind != JsonValueKind.Null).Select(item => Scalar(item, at))] });
                    break;
                case "const" when path.Length > 0:
                    to.Add(one with { In = [Scalar(value, at)] });
                    break;
                case "minimum" when path.Length > 0:
                    to.Add(one with { Least = Number(value, at) });
                    break;
                case "maximum" when path.Length > 0:
                    to.Add(one with { Most = Number(value, at) });
                    break;
                case "exclusiveMinimum" when path.Length > 0:
                    to.Add(one with { Column = null, Where = $"{Quoted(path)} IS NULL OR {Quoted(path)} > {Number(value, at)}" });
                    break;
                case "exclusiveMaximum" when path.Length > 0:
                    to.Add(one with { Column = null, Where = $"{Quoted(path)} IS NULL OR {Quoted(path)} < {Number(value, at)}" });
                    break;
                case "pattern" when path.Length > 0:
                    to.Add(one with { Matches = Pattern(Word(value, at), at) });
                    break;
                case "items" when path.Length > 0:
                    AddItems(value, path, like, at, to);
                    break;
                case "additionalProperties" when value.ValueKind == JsonValueKind.True:
                    break;
                case var annotation when Annotations.Contains(annotation):
                    break;
                default:
                    throw new FormatException(
                        $"{at}: columns cannot be asked this; expected type, properties, required, enum, const, minimum, maximum, exclusiveMinimum, exclusiveMaximum, pattern, items of a type{(keyword.Name == "additionalProperties" ? "; what becomes of fields that the table lacks is said by unknownFields" : "")}");
            }
        }
    }

    /// <summary>Values in lists cannot be asked one by one, but the column says their type.</summary>
    private static void AddItems(JsonElement items, string[] path, ExpectationSettings like, string at, List<ExpectationSettings> to)
    {
        var ofItems = new List<ExpectationSettings>();
        Add(items, [.. path, "element"], like, ofItems);
        if (ofItems.FirstOrDefault(static one => one.JsonTypes is null) is { } other)
        {
            throw new FormatException($"{at}: expected only types, since columns in lists cannot be asked more, got {other.Name[(like.Name.Length + 2)..]}");
        }

        to.AddRange(ofItems);
    }

    private static string Word(JsonElement value, string at) => value.ValueKind == JsonValueKind.String ? value.GetString()! : throw new FormatException($"{at}: expected text, got {value.GetRawText()}");

    private static string Number(JsonElement value, string at) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out decimal number) ? number.ToString(CultureInfo.InvariantCulture) : throw new FormatException($"{at}: expected a number, got {value.GetRawText()}");

    private static string Scalar(JsonElement value, string at) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.Number => Number(value, at),
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        _ => throw new FormatException($"{at}: expected text, numbers, true and false, got {value.GetRawText()}"),
    };

    private static string Pattern(string pattern, string at)
    {
        try
        {
            _ = new Regex(pattern, RegexOptions.NonBacktracking);
            return pattern;
        }
        catch (Exception error) when (error is ArgumentException or NotSupportedException)
        {
            throw new FormatException($"{at}: expected a regular expression without look-arounds and back-references, got {pattern}: {error.Message}", error);
        }
    }

    private static string Quoted(string[] path) => string.Join('.', path.Select(static name => $"`{name.Replace("`", "``", StringComparison.Ordinal)}`"));
}
