using System.Text.Json;
using OrleansLake.Iceberg.Json;

namespace OrleansLake.Iceberg.Avro;

internal enum AvroKind
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
}

/// <summary>A field of a record, with the id that Iceberg gave it.</summary>
internal sealed record AvroField(string Name, AvroSchema Schema)
{
    public int? FieldId { get; init; }

    public string? Doc { get; init; }

    /// <summary>The column's own name where Avro does not allow it.</summary>
    public string? IcebergName { get; init; }
}

/// <summary>An Avro schema with Iceberg's attributes. https://iceberg.apache.org/spec/#avro</summary>
internal sealed class AvroSchema(AvroKind kind)
{
    public static readonly AvroSchema Null = new(AvroKind.Null);
    public static readonly AvroSchema Boolean = new(AvroKind.Boolean);
    public static readonly AvroSchema Int = new(AvroKind.Int);
    public static readonly AvroSchema Long = new(AvroKind.Long);
    public static readonly AvroSchema Float = new(AvroKind.Float);
    public static readonly AvroSchema Double = new(AvroKind.Double);
    public static readonly AvroSchema Bytes = new(AvroKind.Bytes);
    public static readonly AvroSchema String = new(AvroKind.String);

    private int? _minimumBytes;

    public AvroKind Kind { get; } = kind;

    /// <summary>Of records, enums and fixed.</summary>
    public string Name { get; init; } = "";

    public string? LogicalType { get; init; }

    public int Precision { get; init; }

    public int Scale { get; init; }

    public bool? AdjustToUtc { get; init; }

    /// <summary>Bytes of a fixed.</summary>
    public int Size { get; init; }

    /// <summary>Of a record. Set after construction where the record contains itself.</summary>
    public IReadOnlyList<AvroField> Fields { get; set; } = [];

    /// <summary>Of an array its elements, of a map its values.</summary>
    public AvroSchema? Items { get; init; }

    /// <summary>Of a union.</summary>
    public IReadOnlyList<AvroSchema> Branches { get; init; } = [];

    /// <summary>Symbols of an enum.</summary>
    public int SymbolCount { get; init; }

    public int? ElementId { get; init; }

    /// <summary>The fewest bytes that a value takes: what bounds a count before it is believed. A record within itself counts for none.</summary>
    public int MinimumBytes => Kind switch
    {
        AvroKind.Null => 0,
        AvroKind.Fixed => Size,
        AvroKind.Float => 4,
        AvroKind.Double => 8,
        AvroKind.Record => _minimumBytes ??= FieldsMinimumBytes(),
        _ => 1,
    };

    /// <summary>An array of key-value records that stands for a map whose keys are not strings.</summary>
    public bool IsKeyValueArray => Kind == AvroKind.Array && LogicalType == "map" && Items is { Kind: AvroKind.Record, Fields.Count: 2 };

    public static AvroSchema Optional(AvroSchema schema) => new(AvroKind.Union) { Branches = [Null, schema] };

    public static AvroSchema Record(string name, params IReadOnlyList<AvroField> fields) => new(AvroKind.Record) { Name = name, Fields = fields };

    /// <summary>Where a record has a field: by its id, else (files without ids) by its name; −1 when it has not.</summary>
    public int SlotOf(int fieldId, string name)
    {
        int byName = -1;
        for (int i = 0; i < Fields.Count; i++)
        {
            if (Fields[i].FieldId == fieldId)
            {
                return i;
            }

            if (Fields[i].FieldId is null && Fields[i].Name == name)
            {
                byName = i;
            }
        }

        return byName;
    }

    /// <summary>The record below an optional.</summary>
    public AvroSchema Unwrapped => Kind == AvroKind.Union && Branches.Count == 2
        ? Branches[0].Kind == AvroKind.Null ? Branches[1] : Branches[1].Kind == AvroKind.Null ? Branches[0] : this
        : this;

    public static AvroSchema Parse(ReadOnlyMemory<byte> utf8, string file) => JsonCursor.Read(utf8, file, "avro.schema", at => Parse(at, []));

    private int FieldsMinimumBytes()
    {
        _minimumBytes = 0; // what a record within itself meets
        return (int)Math.Min(Fields.Sum(one => (long)one.Schema.MinimumBytes), 1 << 20);
    }

    private static AvroSchema Parse(JsonCursor at, Dictionary<string, AvroSchema> named)
    {
        switch (at.Element.ValueKind)
        {
            case JsonValueKind.String:
                return Primitive(at.Text()) is { } primitive ? new AvroSchema(primitive)
                    : named.TryGetValue(at.Text(), out var known) ? known
                    : throw at.Expected("an Avro type");
            case JsonValueKind.Array:
                var branches = at.List("the branches of a union", branch => Parse(branch, named));
                return branches.Count > 0 ? new AvroSchema(AvroKind.Union) { Branches = branches } : throw at.Expected("a union of at least one branch");
            case JsonValueKind.Object:
                break;
            default:
                throw at.Expected("an Avro schema");
        }

        var type = at.Get("type");
        if (type.Element.ValueKind != JsonValueKind.String)
        {
            return Parse(type, named);
        }

        string? logical = at.TextOrNull("logicalType");
        switch (type.Text())
        {
            case "record" or "error":
                var record = new AvroSchema(AvroKind.Record) { Name = at.Get("name").Text() };
                Remember(at, named, record);
                record.Fields = at.Get("fields").List("the fields of a record", field => new AvroField(field.Get("name").Text(), Parse(field.Get("type"), named))
                {
                    FieldId = field.IntOrNull("field-id"),
                    Doc = field.TextOrNull("doc"),
                    IcebergName = field.TextOrNull("iceberg-field-name"),
                });
                _ = record.MinimumBytes; // now, by one thread: a parsed schema is shared by many
                return record;
            case "array":
                return new AvroSchema(AvroKind.Array)
                {
                    Items = Parse(at.Get("items"), named),
                    LogicalType = logical,
                    ElementId = at.IntOrNull("element-id"),
                };
            case "map":
                return new AvroSchema(AvroKind.Map) { Items = Parse(at.Get("values"), named), LogicalType = logical };
            case "fixed":
                int size = at.Get("size").Int();
                var fixedType = new AvroSchema(AvroKind.Fixed)
                {
                    Name = at.Get("name").Text(),
                    Size = size >= 0 ? size : throw at.Get("size").Expected("a length"),
                    LogicalType = logical,
                    Precision = at.IntOrNull("precision") ?? 0,
                    Scale = at.IntOrNull("scale") ?? 0,
                };
                Remember(at, named, fixedType);
                return fixedType;
            case "enum":
                var symbols = new AvroSchema(AvroKind.Enum)
                {
                    Name = at.Get("name").Text(),
                    SymbolCount = at.Get("symbols").Items("symbols").Count(),
                };
                Remember(at, named, symbols);
                return symbols;
            case var name when Primitive(name) is { } kind:
                return new AvroSchema(kind)
                {
                    LogicalType = logical,
                    Precision = at.IntOrNull("precision") ?? 0,
                    Scale = at.IntOrNull("scale") ?? 0,
                    AdjustToUtc = at.TryGet("adjust-to-utc", out var adjust) ? adjust.Bool() : null,
                };
            case var name when named.TryGetValue(name, out var known):
                return known;
            default:
                throw type.Expected("an Avro type");
        }
    }

    private static void Remember(JsonCursor at, Dictionary<string, AvroSchema> named, AvroSchema schema)
    {
        named[schema.Name] = schema;
        if (at.TextOrNull("namespace") is { } space)
        {
            named[space + "." + schema.Name] = schema;
        }
    }

    private static AvroKind? Primitive(string name) => name switch
    {
        "null" => AvroKind.Null,
        "boolean" => AvroKind.Boolean,
        "int" => AvroKind.Int,
        "long" => AvroKind.Long,
        "float" => AvroKind.Float,
        "double" => AvroKind.Double,
        "bytes" => AvroKind.Bytes,
        "string" => AvroKind.String,
        _ => null,
    };
}
