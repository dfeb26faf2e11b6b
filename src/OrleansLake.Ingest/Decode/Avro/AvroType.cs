using System.Text;
using System.Text.Json;

namespace OrleansLake.Ingest.Decode.Avro;

/// <summary>What an Avro value is (https://avro.apache.org/docs/1.12.0/specification/#schema-declaration).</summary>
internal enum AvroTypeKind
{
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Fixed,
    Enum,
    Record,
    Array,
    Map,
    Union,

    /// <summary>Values of Protocol Buffers that no field takes: for each its number and what it is as JSON, then a zero.</summary>
    Unread,
}

/// <summary>The schema that a record was written with.</summary>
internal sealed class AvroType(AvroTypeKind kind)
{
    private const int MaxDepth = 64;

    /// <summary>What it is.</summary>
    public AvroTypeKind Kind { get; } = kind;

    /// <summary>Full name of a record, enum or fixed.</summary>
    public string Name { get; set; } = "";

    /// <summary>What the bytes mean beyond that; null: nothing.</summary>
    public string? LogicalType { get; set; }

    /// <summary>Digits of a decimal.</summary>
    public int Precision { get; set; }

    /// <summary>Digits of a decimal behind the point.</summary>
    public int Scale { get; set; }

    /// <summary>Bytes of a fixed.</summary>
    public int Size { get; set; }

    /// <summary>Symbols of an enum, in UTF-8.</summary>
    public byte[][] Symbols { get; set; } = [];

    /// <summary>Fields of a record. A record may be within itself.</summary>
    public IReadOnlyList<(string Name, AvroType Type)> Fields { get; set; } = [];

    /// <summary>Elements of an array, values of a map.</summary>
    public AvroType? Items { get; set; }

    /// <summary>Keys of a map, where they are no strings: Avro's own always are.</summary>
    public AvroType? Keys { get; init; }

    /// <summary>Names of an enum's numbers, where it is told by its number.</summary>
    public IReadOnlyDictionary<int, string>? Numbers { get; init; }

    /// <summary>What a union is one of.</summary>
    public IReadOnlyList<AvroType> Branches { get; set; } = [];

    /// <summary>Whether zero, and no elements, are what was never written: of a format that does not tell them apart.</summary>
    public bool IsNothingWhenEmpty { get; init; }

    /// <summary>Whose type it is, for messages.</summary>
    public string Format { get; init; } = "Avro's";

    /// <summary>Values that no field takes.</summary>
    public static AvroType Unread { get; } = new(AvroTypeKind.Unread) { Format = "Protobuf's" };

    /// <summary>JSON in a string.</summary>
    public static AvroType Json { get; } = new(AvroTypeKind.String) { LogicalType = "json", Format = "Protobuf's" };

    /// <summary>Null or a value.</summary>
    public static AvroType Optional(AvroType type) => new(AvroTypeKind.Union) { Branches = [new AvroType(AvroTypeKind.Null), type] };

    /// <summary>As messages have it.</summary>
    public override string ToString() => (Kind is AvroTypeKind.Record or AvroTypeKind.Enum or AvroTypeKind.Fixed ? $"{Kind.ToString().ToLowerInvariant()} {Name}" : Kind.ToString().ToLowerInvariant())
        + (LogicalType is null ? "" : $" ({LogicalType})");

    /// <summary>Reads a schema and those that it refers to.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static AvroType Parse(string schema, IEnumerable<string> references)
    {
        try
        {
            var names = new Dictionary<string, AvroType>(StringComparer.Ordinal);
            foreach (string reference in references)
            {
                Read(reference, names);
            }

            return Read(schema, names);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new FormatException($"expected an Avro schema: {error.Message}", error);
        }
    }

    private static AvroType Read(string text, Dictionary<string, AvroType> names)
    {
        // A registry gives primitive schemas with and without quotes.
        if (Primitive(text) is { } primitive)
        {
            return primitive;
        }

        using var json = JsonDocument.Parse(text);
        return Read(json.RootElement, "", names, 0);
    }

    private static AvroType Read(JsonElement json, string space, Dictionary<string, AvroType> names, int depth)
    {
        if (depth > MaxDepth)
        {
            throw new FormatException($"expected an Avro schema, got one more than {MaxDepth} deep");
        }

        switch (json.ValueKind)
        {
            case JsonValueKind.String:
                string name = json.GetString()!;
                return Primitive(name) ?? names.GetValueOrDefault(FullName(name, space)) ?? names.GetValueOrDefault(name)
                    ?? throw new FormatException($"expected an Avro schema: no type is called {name}");
            case JsonValueKind.Array:
                return new AvroType(AvroTypeKind.Union) { Branches = [.. json.EnumerateArray().Select(branch => Read(branch, space, names, depth + 1))] };
            case JsonValueKind.Object:
                break;
            default:
                throw new FormatException($"expected an Avro schema, got {json.ValueKind}");
        }

        var type = json.GetProperty("type");
        if (type.ValueKind != JsonValueKind.String)
        {
            return Read(type, space, names, depth + 1);
        }

        AvroType made;
        switch (type.GetString())
        {
            case "array":
                made = new AvroType(AvroTypeKind.Array) { Items = Read(json.GetProperty("items"), space, names, depth + 1) };
                break;
            case "map":
                made = new AvroType(AvroTypeKind.Map) { Items = Read(json.GetProperty("values"), space, names, depth + 1) };
                break;
            case "record" or "error":
                made = Named(AvroTypeKind.Record, json, space, names, out string within);
                var fields = new List<(string, AvroType)>();
                foreach (var field in json.GetProperty("fields").EnumerateArray())
                {
                    fields.Add((field.GetProperty("name").GetString()!, Read(field.GetProperty("type"), within, names, depth + 1)));
                }

                made.Fields = fields;
                break;
            case "enum":
                made = Named(AvroTypeKind.Enum, json, space, names, out _);
                made.Symbols = [.. json.GetProperty("symbols").EnumerateArray().Select(symbol => Encoding.UTF8.GetBytes(symbol.GetString()!))];
                break;
            case "fixed":
                made = Named(AvroTypeKind.Fixed, json, space, names, out _);
                made.Size = json.GetProperty("size").GetInt32();
                break;
            case { } other:
                made = Primitive(other) ?? names.GetValueOrDefault(FullName(other, space)) ?? throw new FormatException($"expected an Avro schema: no type is called {other}");
                break;
            default:
                throw new FormatException("expected an Avro schema, got one without a type");
        }

        if (json.TryGetProperty("logicalType", out var logical) && logical.ValueKind == JsonValueKind.String && made.Kind is not (AvroTypeKind.Record or AvroTypeKind.Enum))
        {
            made.LogicalType = logical.GetString();
            made.Precision = json.TryGetProperty("precision", out var precision) ? precision.GetInt32() : 0;
            made.Scale = json.TryGetProperty("scale", out var scale) ? scale.GetInt32() : 0;
        }

        return made;
    }

    private static AvroType Named(AvroTypeKind kind, JsonElement json, string space, Dictionary<string, AvroType> names, out string within)
    {
        string name = json.GetProperty("name").GetString()!;
        string own = json.TryGetProperty("namespace", out var given) ? given.GetString() ?? "" : space;
        string full = FullName(name, own);
        within = full.Contains('.', StringComparison.Ordinal) ? full[..full.LastIndexOf('.')] : "";
        var made = new AvroType(kind) { Name = full };
        names[full] = made;
        return made;
    }

    private static string FullName(string name, string space) => name.Contains('.', StringComparison.Ordinal) || space.Length == 0 ? name : $"{space}.{name}";

    private static AvroType? Primitive(string name) => name switch
    {
        "null" => new AvroType(AvroTypeKind.Null),
        "boolean" => new AvroType(AvroTypeKind.Boolean),
        "int" => new AvroType(AvroTypeKind.Int),
        "long" => new AvroType(AvroTypeKind.Long),
        "float" => new AvroType(AvroTypeKind.Float),
        "double" => new AvroType(AvroTypeKind.Double),
        "bytes" => new AvroType(AvroTypeKind.Bytes),
        "string" => new AvroType(AvroTypeKind.String),
        _ => null,
    };
}
