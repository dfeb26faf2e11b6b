using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Commit;

/// <summary>The ids of every field of a schema, at any depth.</summary>
internal static class FieldIds
{
    public static HashSet<int> Of(Schema schema)
    {
        var ids = new HashSet<int>();
        foreach (NestedField field in schema.Fields)
        {
            Add(field, ids);
        }

        return ids;
    }

    private static void Add(NestedField field, HashSet<int> ids)
    {
        ids.Add(field.Id);
        AddNested(field.Type, ids);
    }

    private static void AddNested(IcebergType type, HashSet<int> ids)
    {
        switch (type)
        {
            case StructType nested:
                foreach (NestedField field in nested.Fields)
                {
                    Add(field, ids);
                }

                break;
            case ListType list:
                ids.Add(list.ElementId);
                AddNested(list.Element, ids);
                break;
            case MapType map:
                ids.Add(map.KeyId);
                ids.Add(map.ValueId);
                AddNested(map.Key, ids);
                AddNested(map.Value, ids);
                break;
            default:
                break;
        }
    }
}
