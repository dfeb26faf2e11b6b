using System.Buffers;
using System.Text;
using System.Text.Json;
using OrleansLake.Iceberg.Json;

namespace OrleansLake.Iceberg;

/// <summary>Schemas in JSON. https://iceberg.apache.org/spec/#schemas-1</summary>
public static class SchemaJson
{
    private static readonly HashSet<string> SchemaFields = ["type", "schema-id", "identifier-field-ids", "fields"];

    private static readonly HashSet<string> StructFields = ["type", "fields"];

    private static readonly HashSet<string> ListFields = ["type", "element-id", "element", "element-required"];

    private static readonly HashSet<string> MapFields = ["type", "key-id", "key", "value-id", "value", "value-required"];

    private static readonly HashSet<string> FieldFields = ["id", "name", "required", "type", "doc", "initial-default", "write-default"];

    /// <summary>Reads a schema.</summary>
    /// <param name="utf8">The JSON object.</param>
    /// <param name="place">What to call its source in errors.</param>
    /// <exception cref="IcebergFormatException">It is not a schema.</exception>
    public static Schema Read(ReadOnlyMemory<byte> utf8, string place) => JsonCursor.Read(utf8, place, "", at => Read(at, defaultId: 0));

    /// <summary>Writes a schema with its id, as it stands in metadata and in the header of a manifest.</summary>
    public static string Write(Schema schema)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, TableMetadataJson.WriterOptions))
        {
            Write(json, schema);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    internal static Schema Read(JsonCursor at, int defaultId)
    {
        at.ExpectObject("a schema");
        if (at.Get("type").Text() != "struct")
        {
            throw at.Expected("a struct");
        }

        var schema = new Schema
        {
            SchemaId = at.IntOrNull("schema-id") ?? defaultId,
            Fields = at.Get("fields").List("the fields of a struct", ReadField),
            IdentifierFieldIds = at.TryGet("identifier-field-ids", out var ids) ? ids.List("field ids", id => id.Int()) : [],
            OtherFields = at.Others(SchemaFields),
        };
        var seen = new HashSet<int>();
        foreach (var field in schema.AllFields())
        {
            if (!seen.Add(field.Id))
            {
                throw at.Error($"expected field ids to be unique, got id {field.Id} twice (\"{field.Name}\")");
            }
        }

        return schema;
    }

    internal static void Write(Utf8JsonWriter json, Schema schema)
    {
        json.WriteStartObject();
        json.WriteString("type", "struct");
        json.WriteNumber("schema-id", schema.SchemaId);
        if (schema.IdentifierFieldIds.Count > 0)
        {
            json.WriteStartArray("identifier-field-ids");
            foreach (int id in schema.IdentifierFieldIds)
            {
                json.WriteNumberValue(id);
            }

            json.WriteEndArray();
        }

        WriteFields(json, schema.Fields);
        SnapshotJson.WriteOthers(json, schema.OtherFields);
        json.WriteEndObject();
    }

    internal static IcebergType ReadType(JsonCursor at)
    {
        if (at.Element.ValueKind == JsonValueKind.String)
        {
            return TypeText.Parse(at.Text()) ?? throw at.Expected("a type");
        }

        at.ExpectObject("a type");
        switch (at.Get("type").Text())
        {
            case "struct":
                return new StructType(at.Get("fields").List("the fields of a struct", ReadField)) { OtherFields = at.Others(StructFields) };
            case "list":
                return new ListType(at.Get("element-id").Int(), ReadType(at.Get("element")), at.Get("element-required").Bool()) { OtherFields = at.Others(ListFields) };
            case "map":
                return new MapType(
                    at.Get("key-id").Int(),
                    ReadType(at.Get("key")),
                    at.Get("value-id").Int(),
                    ReadType(at.Get("value")),
                    at.Get("value-required").Bool())
                { OtherFields = at.Others(MapFields) };
            default:
                throw at.Get("type").Expected("struct, list or map");
        }
    }

    private static NestedField ReadField(JsonCursor at)
    {
        at.ExpectObject("a field");
        return new NestedField(at.Get("id").Int(), at.Get("name").Text(), at.Get("required").Bool(), ReadType(at.Get("type")))
        {
            Doc = at.TextOrNull("doc"),
            InitialDefault = at.TryGet("initial-default", out var initial) ? initial.Node() : null,
            WriteDefault = at.TryGet("write-default", out var write) ? write.Node() : null,
            OtherFields = at.Others(FieldFields),
        };
    }

    private static void WriteFields(Utf8JsonWriter json, IReadOnlyList<NestedField> fields)
    {
        json.WriteStartArray("fields");
        foreach (var field in fields)
        {
            json.WriteStartObject();
            json.WriteNumber("id", field.Id);
            json.WriteString("name", field.Name);
            json.WriteBoolean("required", field.Required);
            json.WritePropertyName("type");
            WriteType(json, field.Type);
            if (field.Doc is not null)
            {
                json.WriteString("doc", field.Doc);
            }

            if (field.InitialDefault is not null)
            {
                json.WritePropertyName("initial-default");
                field.InitialDefault.WriteTo(json);
            }

            if (field.WriteDefault is not null)
            {
                json.WritePropertyName("write-default");
                field.WriteDefault.WriteTo(json);
            }

            SnapshotJson.WriteOthers(json, field.OtherFields);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    internal static void WriteType(Utf8JsonWriter json, IcebergType type)
    {
        if (type is PrimitiveType primitive)
        {
            json.WriteStringValue(TypeText.Write(primitive));
            return;
        }

        json.WriteStartObject();
        switch (type)
        {
            case StructType structure:
                json.WriteString("type", "struct");
                WriteFields(json, structure.Fields);
                break;
            case ListType list:
                json.WriteString("type", "list");
                json.WriteNumber("element-id", list.ElementId);
                json.WritePropertyName("element");
                WriteType(json, list.Element);
                json.WriteBoolean("element-required", list.ElementRequired);
                break;
            case MapType map:
                json.WriteString("type", "map");
                json.WriteNumber("key-id", map.KeyId);
                json.WritePropertyName("key");
                WriteType(json, map.Key);
                json.WriteNumber("value-id", map.ValueId);
                json.WritePropertyName("value");
                WriteType(json, map.Value);
                json.WriteBoolean("value-required", map.ValueRequired);
                break;
            default:
                throw new ArgumentException($"no JSON for {type}");
        }

        SnapshotJson.WriteOthers(json, ((NestedType)type).OtherFields);
        json.WriteEndObject();
    }
}
