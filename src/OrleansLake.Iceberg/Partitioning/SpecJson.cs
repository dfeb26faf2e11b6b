using System.Buffers;
using System.Text;
using System.Text.Json;
using OrleansLake.Iceberg.Json;

namespace OrleansLake.Iceberg;

/// <summary>Partition specs and sort orders in JSON. https://iceberg.apache.org/spec/#partition-specs</summary>
internal static class SpecJson
{
    /// <summary>The first id of a partition field.</summary>
    public const int FirstFieldId = 1000;

    public static PartitionSpec ReadSpec(JsonCursor at)
    {
        at.ExpectObject("a partition spec");
        return new PartitionSpec { SpecId = at.Get("spec-id").Int(), Fields = ReadFields(at.Get("fields")) };
    }

    public static List<PartitionField> ReadFields(JsonCursor at)
    {
        int next = FirstFieldId;
        return at.List("partition fields", field =>
        {
            field.ExpectObject("a partition field");
            // v1 writers left the field id out; it is then the field's place in the spec.
            int id = field.IntOrNull("field-id") ?? next;
            next = Math.Max(next, id + 1);
            return new PartitionField(id, field.Get("name").Text(), ReadSources(field), Transform.Parse(field.Get("transform").Text()));
        });
    }

    public static void Write(Utf8JsonWriter json, PartitionSpec spec)
    {
        json.WriteStartObject();
        json.WriteNumber("spec-id", spec.SpecId);
        json.WritePropertyName("fields");
        WriteFields(json, spec.Fields);
        json.WriteEndObject();
    }

    public static void WriteFields(Utf8JsonWriter json, IReadOnlyList<PartitionField> fields)
    {
        json.WriteStartArray();
        foreach (var field in fields)
        {
            json.WriteStartObject();
            WriteSources(json, field.SourceIds);
            json.WriteNumber("field-id", field.FieldId);
            json.WriteString("name", field.Name);
            json.WriteString("transform", field.Transform.ToString());
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>The bare array of fields, as the header of a manifest has it.</summary>
    public static string WriteFields(PartitionSpec spec)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, TableMetadataJson.WriterOptions))
        {
            WriteFields(json, spec.Fields);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    public static SortOrder ReadOrder(JsonCursor at)
    {
        at.ExpectObject("a sort order");
        return new SortOrder
        {
            OrderId = at.Get("order-id").Int(),
            Fields = at.Get("fields").List("sort fields", field => new SortField(
                ReadSources(field.ExpectObject("a sort field")),
                Transform.Parse(field.Get("transform").Text()),
                field.Get("direction").Text() switch
                {
                    "asc" => false,
                    "desc" => true,
                    _ => throw field.Get("direction").Expected("asc or desc"),
                },
                field.Get("null-order").Text() switch
                {
                    "nulls-first" => false,
                    "nulls-last" => true,
                    _ => throw field.Get("null-order").Expected("nulls-first or nulls-last"),
                })),
        };
    }

    public static void Write(Utf8JsonWriter json, SortOrder order)
    {
        json.WriteStartObject();
        json.WriteNumber("order-id", order.OrderId);
        json.WriteStartArray("fields");
        foreach (var field in order.Fields)
        {
            json.WriteStartObject();
            json.WriteString("transform", field.Transform.ToString());
            WriteSources(json, field.SourceIds);
            json.WriteString("direction", field.Descending ? "desc" : "asc");
            json.WriteString("null-order", field.NullsLast ? "nulls-last" : "nulls-first");
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static IReadOnlyList<int> ReadSources(JsonCursor field)
    {
        if (!field.TryGet("source-ids", out var several))
        {
            return [field.Get("source-id").Int()];
        }

        var ids = several.List("source ids", id => id.Int());
        return ids.Count > 0 ? ids : throw several.Expected("at least one source id");
    }

    private static void WriteSources(Utf8JsonWriter json, IReadOnlyList<int> sourceIds)
    {
        if (sourceIds.Count == 1)
        {
            json.WriteNumber("source-id", sourceIds[0]);
            return;
        }

        json.WriteStartArray("source-ids");
        foreach (int id in sourceIds)
        {
            json.WriteNumberValue(id);
        }

        json.WriteEndArray();
    }
}
