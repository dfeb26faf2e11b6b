namespace OrleansLake.Iceberg;

/// <summary>Gives fields new ids: all of a struct first, then what lies below each, as Java does.</summary>
internal static class FreshIds
{
    public static IReadOnlyList<NestedField> Assign(IReadOnlyList<NestedField> fields, ref int last, Dictionary<int, int> newIds)
    {
        var ids = new int[fields.Count];
        for (int i = 0; i < ids.Length; i++)
        {
            ids[i] = ++last;
            newIds[fields[i].Id] = ids[i];
        }

        var assigned = new NestedField[fields.Count];
        for (int i = 0; i < assigned.Length; i++)
        {
            assigned[i] = fields[i] with { Id = ids[i], Type = Assign(fields[i].Type, ref last, newIds) };
        }

        return assigned;
    }

    public static IcebergType Assign(IcebergType type, ref int last, Dictionary<int, int> newIds)
    {
        switch (type)
        {
            case StructType structure:
                return structure with { Fields = Assign(structure.Fields, ref last, newIds) };
            case ListType list:
                int elementId = newIds[list.ElementId] = ++last;
                return list with { ElementId = elementId, Element = Assign(list.Element, ref last, newIds) };
            case MapType map:
                int keyId = newIds[map.KeyId] = ++last;
                int valueId = newIds[map.ValueId] = ++last;
                var key = Assign(map.Key, ref last, newIds);
                return map with { KeyId = keyId, Key = key, ValueId = valueId, Value = Assign(map.Value, ref last, newIds) };
            default:
                return type;
        }
    }
}
