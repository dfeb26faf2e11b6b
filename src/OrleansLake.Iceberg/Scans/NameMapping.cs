using System.Text;
using OrleansLake.Iceberg.Json;

namespace OrleansLake.Iceberg;

/// <summary>
/// Field ids by name, for files that carry none: files that were written before they were of an Iceberg table.
/// https://iceberg.apache.org/spec/#name-mapping-serialization
/// </summary>
public sealed class NameMapping
{
    /// <summary>The table property that holds it.</summary>
    public const string Property = "schema.name-mapping.default";

    private readonly Dictionary<string, Field> _fields;

    private NameMapping(Dictionary<string, Field> fields) => _fields = fields;

    /// <summary>The mapping of a table; null where it has none.</summary>
    /// <exception cref="IcebergFormatException">The property is no mapping.</exception>
    public static NameMapping? Of(TableMetadata metadata) => metadata.Properties.TryGetValue(Property, out string? json) ? Parse(json) : null;

    /// <summary>Reads a mapping.</summary>
    /// <exception cref="IcebergFormatException">The text is no mapping.</exception>
    public static NameMapping Parse(string json) =>
        JsonCursor.Read(Encoding.UTF8.GetBytes(json), $"table property {Property}", "", at => new NameMapping(Fields(at)));

    /// <summary>The id of a column by the names from the root to it; list elements are called element, map keys and values key and value.</summary>
    public int? FindId(params ReadOnlySpan<string> path)
    {
        var fields = _fields;
        int? id = null;
        foreach (string name in path)
        {
            if (!fields.TryGetValue(name, out var field))
            {
                return null;
            }

            id = field.Id;
            fields = field.Fields;
        }

        return id;
    }

    private static Dictionary<string, Field> Fields(JsonCursor at)
    {
        var fields = new Dictionary<string, Field>(StringComparer.Ordinal);
        foreach (var item in at.Items("a list of mapped fields"))
        {
            var field = new Field(item.IntOrNull("field-id"), item.TryGet("fields", out var children) ? Fields(children) : []);
            foreach (var name in item.Get("names").Items("names"))
            {
                if (!fields.TryAdd(name.Text(), field))
                {
                    throw name.Error($"expected each name once, got \"{name.Text()}\" again");
                }
            }
        }

        return fields;
    }

    private sealed record Field(int? Id, Dictionary<string, Field> Fields);
}
