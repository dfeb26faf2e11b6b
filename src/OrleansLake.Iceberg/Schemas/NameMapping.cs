using System.Buffers;
using System.Text;
using System.Text.Json;
using OrleansLake.Iceberg.Json;

namespace OrleansLake.Iceberg;

/// <summary>
/// Which names mean which field in files that have no field ids: the table property <c>schema.name-mapping.default</c>.
/// https://iceberg.apache.org/spec/#name-mapping-serialization
/// </summary>
/// <param name="Fields">The top-level fields.</param>
public sealed record NameMapping(IReadOnlyList<MappedField> Fields)
{
    /// <summary>The table property that holds it.</summary>
    public const string Property = "schema.name-mapping.default";

    /// <summary>The mapping of a table; null where it has none.</summary>
    /// <exception cref="IcebergFormatException">The property is no mapping.</exception>
    public static NameMapping? Of(TableMetadata metadata) =>
        metadata.Properties.TryGetValue(Property, out string? json) ? Parse(json) : null;

    /// <summary>The mapping of a schema's own names.</summary>
    public static NameMapping Of(Schema schema) => new(OfFields(schema.Fields));

    /// <summary>Reads the JSON of the property.</summary>
    /// <exception cref="IcebergFormatException">It is no mapping.</exception>
    public static NameMapping Parse(string json) =>
        JsonCursor.Read(Encoding.UTF8.GetBytes(json), Property, "", at => new NameMapping(ReadFields(at)));

    /// <summary>
    /// The field that a path of names means (<c>element</c>, <c>key</c> and <c>value</c> for what lies in lists and maps); null
    /// where the mapping does not have it.
    /// </summary>
    public MappedField? Find(params ReadOnlySpan<string> path)
    {
        MappedField? at = null;
        var fields = Fields;
        foreach (string name in path)
        {
            string sought = name;
            at = fields.FirstOrDefault(field => field.Names.Contains(sought, StringComparer.Ordinal));
            if (at is null)
            {
                return null;
            }

            fields = at.Fields;
        }

        return at;
    }

    /// <summary>The id of a column by the names from the root to it; null where the mapping has none for it.</summary>
    public int? FindId(params ReadOnlySpan<string> path) => Find(path)?.FieldId;

    /// <summary>The JSON of the property.</summary>
    public string ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, TableMetadataJson.WriterOptions))
        {
            Write(json, Fields);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>
    /// The mapping after the schema changed: a field has the names that it had and the one that it has now; a name that another
    /// field has now is taken from the one that had it; fields that are gone keep theirs.
    /// </summary>
    public NameMapping After(Schema changed) => new(After(Fields, changed.Fields));

    private static IReadOnlyList<MappedField> After(IReadOnlyList<MappedField> before, IReadOnlyList<NestedField> fields)
    {
        var taken = fields.Select(field => field.Name).ToHashSet(StringComparer.Ordinal);
        var result = new List<MappedField>();
        foreach (var mapped in before)
        {
            var now = fields.FirstOrDefault(field => field.Id == mapped.FieldId);
            var names = mapped.Names.Where(name => name == now?.Name || !taken.Contains(name)).ToList();
            if (now is not null && !names.Contains(now.Name))
            {
                names.Add(now.Name);
            }

            result.Add(mapped with { Names = names, Fields = now is null ? mapped.Fields : After(mapped.Fields, now.Type.Children()) });
        }

        var known = before.Select(mapped => mapped.FieldId).ToHashSet();
        result.AddRange(OfFields([.. fields.Where(field => !known.Contains(field.Id))]));
        return result;
    }

    private static IReadOnlyList<MappedField> OfFields(IReadOnlyList<NestedField> fields) =>
        [.. fields.Select(field => new MappedField(field.Id, [field.Name], OfFields(field.Type.Children())))];

    private static List<MappedField> ReadFields(JsonCursor at)
    {
        var taken = new HashSet<string>(StringComparer.Ordinal);
        return at.List("a list of mapped fields", field => new MappedField(
            field.ExpectObject("a mapped field").IntOrNull("field-id"),
            field.Get("names").List("names", name => taken.Add(name.Text()) ? name.Text() : throw name.Error($"expected each name once, got \"{name.Text()}\" again")),
            field.TryGet("fields", out var below) ? ReadFields(below) : []));
    }

    private static void Write(Utf8JsonWriter json, IReadOnlyList<MappedField> fields)
    {
        json.WriteStartArray();
        foreach (var field in fields)
        {
            json.WriteStartObject();
            SnapshotJson.WriteNumber(json, "field-id", field.FieldId);
            json.WriteStartArray("names");
            foreach (string name in field.Names)
            {
                json.WriteStringValue(name);
            }

            json.WriteEndArray();
            if (field.Fields.Count > 0)
            {
                json.WritePropertyName("fields");
                Write(json, field.Fields);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}

/// <summary>One field of a name mapping.</summary>
/// <param name="FieldId">The field; null where the names shall mean none.</param>
/// <param name="Names">Names by which files may call it.</param>
/// <param name="Fields">What lies below it.</param>
public sealed record MappedField(int? FieldId, IReadOnlyList<string> Names, IReadOnlyList<MappedField> Fields);
