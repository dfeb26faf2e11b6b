using System.Globalization;
using Amazon.Glue.Model;
using OrleansLake.Iceberg;

namespace OrleansLake.Aws;

/// <summary>
/// The columns of a table as Athena, Trino and Spark want to see them in Glue: Hive's type names, lower case, and with each
/// its field id. Engines read the schema from the metadata; these are for people, search and permissions.
/// </summary>
internal static class GlueColumns
{
    private const int LongestComment = 255;
    private const int LongestType = 131072;

    /// <summary>Columns of the current schema, then those that earlier ones had and it has not.</summary>
    /// <param name="metadata">The table.</param>
    /// <param name="known">Columns that Glue has now: a comment that someone wrote there stays where the schema says nothing.</param>
    public static List<Column> Of(TableMetadata metadata, IReadOnlyList<Column> known)
    {
        var comments = known.Where(column => !string.IsNullOrEmpty(column.Comment)).DistinctBy(column => column.Name).ToDictionary(column => column.Name, column => column.Comment);
        var columns = new Dictionary<string, Column>(StringComparer.Ordinal);
        foreach (var schema in metadata.Schemas.Where(schema => schema.SchemaId != metadata.CurrentSchemaId).Reverse().Prepend(metadata.CurrentSchema))
        {
            bool isCurrent = schema.SchemaId == metadata.CurrentSchemaId;
            foreach (var field in schema.Fields)
            {
                string name = field.Name.ToLowerInvariant();
                columns.TryAdd(name, new Column
                {
                    Name = name,
                    Type = Cut(TypeOf(field.Type), LongestType),
                    Comment = field.Doc is { Length: > 0 } doc ? Cut(doc, LongestComment) : comments.GetValueOrDefault(name),
                    Parameters = new Dictionary<string, string>
                    {
                        ["iceberg.field.id"] = field.Id.ToString(CultureInfo.InvariantCulture),
                        ["iceberg.field.optional"] = field.Required ? "false" : "true",
                        ["iceberg.field.current"] = isCurrent ? "true" : "false",
                    },
                });
            }
        }

        return [.. columns.Values];
    }

    /// <summary>The name of a type in Hive.</summary>
    public static string TypeOf(IcebergType type) => type switch
    {
        BooleanType => "boolean",
        IntegerType => "int",
        LongType => "bigint",
        FloatType => "float",
        DoubleType => "double",
        DateType => "date",
        TimeType or StringType or UuidType => "string",
        TimestampType or TimestampNanoType => "timestamp",
        FixedType or BinaryType => "binary",
        DecimalType(var precision, var scale) => string.Create(CultureInfo.InvariantCulture, $"decimal({precision},{scale})"),
        StructType structure => $"struct<{string.Join(',', structure.Fields.Select(field => $"{field.Name.ToLowerInvariant()}:{TypeOf(field.Type)}"))}>",
        ListType list => $"array<{TypeOf(list.Element)}>",
        MapType map => $"map<{TypeOf(map.Key)},{TypeOf(map.Value)}>",
        PrimitiveType other => other.Spelling,
        _ => throw new ArgumentException($"expected a type of Iceberg, got {type}"),
    };

    private static string Cut(string text, int longest) => text.Length <= longest ? text : text[..longest];
}
