using System.Text.Json.Nodes;

namespace OrleansLake.Iceberg;

/// <summary>What a schema, spec or order must be before a table may have it.</summary>
internal static class SchemaRules
{
    public static void Check(Schema schema, int formatVersion)
    {
        var ids = new HashSet<int>();
        CheckFields(schema.Fields, "");
        foreach (int id in schema.IdentifierFieldIds)
        {
            var field = schema.FindField(id) ?? throw new ArgumentException($"identifier field id {id}: expected a field of the schema");
            if (!IsBelowRequiredStructs(schema.Fields, id))
            {
                throw new ArgumentException($"identifier field {schema.FindPath(id)}: expected it to lie in required structs only, not in a list or map");
            }

            if (!field.Required || field.Type is not PrimitiveType or FloatType or DoubleType)
            {
                throw new ArgumentException($"identifier field {field.Name}: expected a required primitive that is no float or double");
            }
        }

        void CheckFields(IReadOnlyList<NestedField> fields, string path)
        {
            var names = new HashSet<string>(StringComparer.Ordinal);
            foreach (var field in fields)
            {
                string at = path + field.Name;
                if (field.Name.Length == 0)
                {
                    throw new ArgumentException($"{path}: expected a field name, got an empty one");
                }

                if (!names.Add(field.Name))
                {
                    throw new ArgumentException($"{at}: expected field names to be unique, got this one twice");
                }

                if (!ids.Add(field.Id))
                {
                    throw new ArgumentException($"{at}: expected field ids to be unique, got {field.Id} twice");
                }

                if (formatVersion < 3 && field.Type is (TimestampNanoType or UnknownType or VariantType or GeometryType or GeographyType))
                {
                    throw new ArgumentException($"{at}: {((PrimitiveType)field.Type).Spelling} needs format version 3, the table has {formatVersion}");
                }

                if (formatVersion < 3 && (field.InitialDefault ?? field.WriteDefault) is not null)
                {
                    throw new ArgumentException($"{at}: a default needs format version 3, the table has {formatVersion}");
                }

                CheckDefault(at, field, field.InitialDefault);
                CheckDefault(at, field, field.WriteDefault);
                if (field.Type is UnknownType && field.Required)
                {
                    throw new ArgumentException($"{at}: a column of type unknown cannot be required");
                }

                CheckFields(field.Type.Children(), at + ".");
            }
        }
    }

    private static bool IsBelowRequiredStructs(IReadOnlyList<NestedField> fields, int id) =>
        fields.Any(field => field.Id == id || (field is { Required: true, Type: StructType structure } && IsBelowRequiredStructs(structure.Fields, id)));

    /// <summary>https://iceberg.apache.org/spec/#default-values</summary>
    private static void CheckDefault(string at, NestedField field, JsonNode? value)
    {
        if (value is null)
        {
            return;
        }

        if (field.Type is StructType && value is not JsonObject { Count: 0 })
        {
            throw new ArgumentException($"{at}: a struct has the defaults of its fields, or {{}}, got {value.ToJsonString()}");
        }

        try
        {
            SingleValueJson.Read(field.Type, value);
        }
        catch (FormatException e)
        {
            throw new ArgumentException($"{at}: default: {e.Message}", e);
        }
    }

    public static void Check(PartitionSpec spec, Schema schema)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var field in spec.Fields)
        {
            if (!names.Add(field.Name))
            {
                throw new ArgumentException($"partition field {field.Name}: expected names to be unique, got this one twice");
            }

            CheckSource($"partition field {field.Name}", field.SourceIds, field.Transform, schema);
            if (schema.Fields.FirstOrDefault(column => column.Name == field.Name) is { } column && !(field.Transform is Transform.Identity && column.Id == field.SourceId))
            {
                throw new ArgumentException($"partition field {field.Name}: expected a name that no column has, unless it is the column's identity");
            }
        }
    }

    public static void Check(SortOrder order, Schema schema)
    {
        foreach (var field in order.Fields)
        {
            CheckSource("sort field", field.SourceIds, field.Transform, schema);
        }
    }

    private static void CheckSource(string what, IReadOnlyList<int> sourceIds, Transform transform, Schema schema)
    {
        if (transform is Transform.Void or Transform.Unknown)
        {
            return;
        }

        if (sourceIds.Count != 1)
        {
            throw new ArgumentException($"{what}: expected one source of {transform}, got {sourceIds.Count}");
        }

        var source = schema.FindField(sourceIds[0]) ?? throw new ArgumentException($"{what}: expected a source field of the schema, got id {sourceIds[0]}");
        if (!transform.AppliesTo(source.Type))
        {
            throw new ArgumentException($"{what}: {transform} does not apply to {source.Name} of type {(source.Type is PrimitiveType type ? TypeText.Write(type) : source.Type.GetType().Name)}");
        }
    }
}
