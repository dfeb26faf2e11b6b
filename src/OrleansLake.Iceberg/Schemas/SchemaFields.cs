namespace OrleansLake.Iceberg;

/// <summary>Finding one's way in a schema.</summary>
public static class SchemaFields
{
    /// <summary>
    /// Every field at every depth, parents before children. List elements, map keys and values appear as fields named
    /// <c>element</c>, <c>key</c> and <c>value</c>.
    /// </summary>
    public static IEnumerable<NestedField> AllFields(this Schema schema) => schema.Fields.SelectMany(SelfAndBelow);

    /// <summary>A field of any depth by its id.</summary>
    public static NestedField? FindField(this Schema schema, int id) => schema.AllFields().FirstOrDefault(field => field.Id == id);

    /// <summary>
    /// A field by its name; nested ones by their path, with <c>element</c>, <c>key</c> and <c>value</c> for what lies in lists
    /// and maps: <c>order.lines.element.price</c>. Names that hold dots themselves are found too.
    /// </summary>
    public static NestedField? FindField(this Schema schema, string path) => Find(schema.Fields, path);

    /// <summary>The path of a field, as <see cref="FindField(Schema, string)"/> takes it; null when the id is not in the schema.</summary>
    public static string? FindPath(this Schema schema, int id)
    {
        return Search(schema.Fields, "");

        string? Search(IReadOnlyList<NestedField> fields, string prefix)
        {
            foreach (var field in fields)
            {
                string path = prefix + field.Name;
                if (field.Id == id)
                {
                    return path;
                }

                if (Search(Children(field.Type), path + ".") is { } found)
                {
                    return found;
                }
            }

            return null;
        }
    }

    /// <summary>The fields directly below a type: a struct's own, a list's element, a map's key and value.</summary>
    public static IReadOnlyList<NestedField> Children(this IcebergType type) => type switch
    {
        StructType structure => structure.Fields,
        ListType list => [new NestedField(list.ElementId, "element", list.ElementRequired, list.Element)],
        MapType map => [new NestedField(map.KeyId, "key", true, map.Key), new NestedField(map.ValueId, "value", map.ValueRequired, map.Value)],
        _ => [],
    };

    private static IEnumerable<NestedField> SelfAndBelow(NestedField field)
    {
        yield return field;
        foreach (var child in field.Type.Children())
        {
            foreach (var below in SelfAndBelow(child))
            {
                yield return below;
            }
        }
    }

    private static NestedField? Find(IReadOnlyList<NestedField> fields, string path)
    {
        foreach (var field in fields)
        {
            if (field.Name == path)
            {
                return field;
            }

            if (path.Length > field.Name.Length + 1 && path.StartsWith(field.Name, StringComparison.Ordinal) && path[field.Name.Length] == '.'
                && Find(field.Type.Children(), path[(field.Name.Length + 1)..]) is { } found)
            {
                return found;
            }
        }

        return null;
    }
}
