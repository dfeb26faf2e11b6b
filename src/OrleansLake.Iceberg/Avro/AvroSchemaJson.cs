using System.Buffers;
using System.Text;
using System.Text.Json;

namespace OrleansLake.Iceberg.Avro;

/// <summary>Writes Avro schemas the way Iceberg's Java library does: ids on every field, null first with a null default.</summary>
internal static class AvroSchemaJson
{
    public static string Write(AvroSchema schema)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, TableMetadataJson.WriterOptions))
        {
            Write(json, schema, []);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void Write(Utf8JsonWriter json, AvroSchema schema, HashSet<string> written)
    {
        switch (schema.Kind)
        {
            case AvroKind.Union:
                json.WriteStartArray();
                foreach (var branch in schema.Branches)
                {
                    Write(json, branch, written);
                }

                json.WriteEndArray();
                return;
            case AvroKind.Record or AvroKind.Fixed when !written.Add(schema.Name):
                json.WriteStringValue(schema.Name);
                return;
            case AvroKind.Record:
                json.WriteStartObject();
                json.WriteString("type", "record");
                json.WriteString("name", schema.Name);
                json.WriteStartArray("fields");
                foreach (var field in schema.Fields)
                {
                    WriteField(json, field, written);
                }

                json.WriteEndArray();
                break;
            case AvroKind.Array:
                json.WriteStartObject();
                json.WriteString("type", "array");
                json.WritePropertyName("items");
                Write(json, schema.Items!, written);
                if (schema.ElementId is int elementId)
                {
                    json.WriteNumber("element-id", elementId);
                }

                WriteLogicalType(json, schema);
                break;
            case AvroKind.Fixed:
                json.WriteStartObject();
                json.WriteString("type", "fixed");
                json.WriteString("name", schema.Name);
                json.WriteNumber("size", schema.Size);
                WriteLogicalType(json, schema);
                break;
            case AvroKind.Enum or AvroKind.Map:
                throw new ArgumentException($"no Iceberg file has an Avro {schema.Kind}");
            default:
                string name = schema.Kind.ToString().ToLowerInvariant();
                if (schema.LogicalType is null)
                {
                    json.WriteStringValue(name);
                    return;
                }

                json.WriteStartObject();
                json.WriteString("type", name);
                WriteLogicalType(json, schema);
                break;
        }

        json.WriteEndObject();
    }

    private static void WriteField(Utf8JsonWriter json, AvroField field, HashSet<string> written)
    {
        json.WriteStartObject();
        json.WriteString("name", field.Name);
        json.WritePropertyName("type");
        Write(json, field.Schema, written);
        if (field.Doc is not null)
        {
            json.WriteString("doc", field.Doc);
        }

        if (field.Schema.Kind == AvroKind.Union)
        {
            json.WriteNull("default");
        }

        if (field.FieldId is int fieldId)
        {
            json.WriteNumber("field-id", fieldId);
        }

        if (field.IcebergName is not null)
        {
            json.WriteString("iceberg-field-name", field.IcebergName);
        }

        json.WriteEndObject();
    }

    private static void WriteLogicalType(Utf8JsonWriter json, AvroSchema schema)
    {
        if (schema.LogicalType is null)
        {
            return;
        }

        json.WriteString("logicalType", schema.LogicalType);
        if (schema.LogicalType == "decimal")
        {
            json.WriteNumber("precision", schema.Precision);
            json.WriteNumber("scale", schema.Scale);
        }

        if (schema.AdjustToUtc is bool adjust)
        {
            json.WriteBoolean("adjust-to-utc", adjust);
        }
    }
}
