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

    private static readonly HashSet<string> SpecFields = ["spec-id", "fields"];

    private static readonly HashSet<string> FieldFields = ["source-id", "source-ids", "field-id", "name", "transform"];

    private static readonly HashSet<string> OrderFields = ["order-id", "fields"];

    private static readonly HashSet<string> SortFields = ["source-id", "source-ids", "transform", "direction", "null-order"];

    public static PartitionSpec ReadSpec(JsonCursor at)
    {
        at.ExpectObject("a partition spec");
        return new PartitionSpec { SpecId = at.Get("spec-id").Int(), Fields = ReadFields(at.Get("fields")), OtherFields = at.Others(SpecFields) };
    }

    /// <summary>A spec that is asked for: it has no id yet, and its fields need none.</summary>
    public static PartitionSpec ReadUnboundSpec(JsonCursor at)
    {
        at.ExpectObject("a partition spec");
        return new PartitionSpec { SpecId = at.IntOrNull("spec-id") ?? 0, Fields = ReadFields(at.Get("fields"), idsAreGiven: false), OtherFields = at.Others(SpecFields) };
    }

    public static List<PartitionField> ReadFields(JsonCursor at, bool idsAreGiven = true)
    {
        int next = FirstFieldId;
        return at.List("partition fields", field =>
        {
            field.ExpectObject("a partition field");
            // v1 writers left the field id out; it is then the field's place in the spec.
            int id = field.IntOrNull("field-id") ?? (idsAreGiven ? next : 0);
            next = Math.Max(next, id + 1);
            var sources = ReadSources(field);
            return new PartitionField(id, field.Get("name").Text(), sources, ReadTransform(field, sources)) { OtherFields = field.Others(FieldFields) };
        });
    }

    public static void Write(Utf8JsonWriter json, PartitionSpec spec)
    {
        json.WriteStartObject();
        json.WriteNumber("spec-id", spec.SpecId);
        json.WritePropertyName("fields");
        WriteFields(json, spec.Fields);
        SnapshotJson.WriteOthers(json, spec.OtherFields);
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
            SnapshotJson.WriteOthers(json, field.OtherFields);
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
            OtherFields = at.Others(OrderFields),
            Fields = at.Get("fields").List("sort fields", ReadSortField),
        };
    }

    private static SortField ReadSortField(JsonCursor field)
    {
        var sources = ReadSources(field.ExpectObject("a sort field"));
        return new SortField(
                sources,
                ReadTransform(field, sources),
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
                })
        {
            OtherFields = field.Others(SortFields),
        };
    }

    /// <summary>
    /// A transform that is known for one source is another thing over several: it is kept, and not computed.
    /// https://iceberg.apache.org/spec/#partition-transforms
    /// </summary>
    private static Transform ReadTransform(JsonCursor field, IReadOnlyList<int> sources)
    {
        string text = field.Get("transform").Text();
        return sources.Count == 1 ? Transform.Parse(text) : new Transform.Unknown(text);
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
            SnapshotJson.WriteOthers(json, field.OtherFields);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        SnapshotJson.WriteOthers(json, order.OtherFields);
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
