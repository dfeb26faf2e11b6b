using System.Globalization;
using System.Text.Json.Nodes;
using OrleansLake.Iceberg;

namespace OrleansLake.Cli.Commands;

/// <summary>How the <c>table</c> commands show things to people.</summary>
internal static class TableText
{
    public static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    public static string Number(long? number) => number is long some ? Number(some) : "";

    public static string Time(long milliseconds) =>
        milliseconds < DateTimeOffset.MinValue.ToUnixTimeMilliseconds() || milliseconds > DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
            ? Number(milliseconds) + " ms"
            : DateTimeOffset.FromUnixTimeMilliseconds(milliseconds).ToString("yyyy-MM-dd HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    public static string Counter(Snapshot snapshot, string name) => snapshot.Summary.GetValueOrDefault(name, name.StartsWith("added-", StringComparison.Ordinal) ? "0" : "?");

    /// <summary>A time span by its largest whole unit: 7d, 90min.</summary>
    public static string Age(long? milliseconds) => milliseconds switch
    {
        null => "",
        long ms when ms % 86_400_000 == 0 => Number(ms / 86_400_000) + "d",
        long ms when ms % 3_600_000 == 0 => Number(ms / 3_600_000) + "h",
        long ms when ms % 60_000 == 0 => Number(ms / 60_000) + "min",
        long ms when ms % 1000 == 0 => Number(ms / 1000) + "s",
        long ms => Number(ms) + "ms",
    };

    public static string Type(IcebergType type) => type switch
    {
        StructType structure => "struct<" + string.Join(", ", structure.Fields.Select(field => $"{field.Name}: {Type(field.Type)}{(field.Required ? " not null" : "")}")) + ">",
        ListType list => $"list<{Type(list.Element)}>",
        MapType map => $"map<{Type(map.Key)}, {Type(map.Value)}>",
        PrimitiveType primitive => primitive.Spelling,
        _ => type.ToString(),
    };

    /// <summary>A type without what is below it, for where that has lines of its own.</summary>
    public static string Head(IcebergType type) => type switch
    {
        StructType => "struct",
        ListType => "list",
        MapType => "map",
        _ => Type(type),
    };

    public static string Spec(TableMetadata metadata, PartitionSpec spec) =>
        Joined(spec.Fields.Select(field => $"{field.Transform}({SourceName(metadata, field.SourceIds)}) as {field.Name}"), "nothing");

    public static string Order(TableMetadata metadata, SortOrder? order) =>
        Joined((order?.Fields ?? []).Select(field => $"{field.Transform}({SourceName(metadata, field.SourceIds)}) {(field.Descending ? "desc" : "asc")} nulls {(field.NullsLast ? "last" : "first")}"), "nothing");

    /// <summary>The folders of a partition as they would be named; empty where there are none.</summary>
    public static string Partition(TableMetadata metadata, int specId, PartitionKey key)
    {
        if (metadata.PartitionSpecs.FirstOrDefault(one => one.SpecId == specId) is not { } spec)
        {
            return $"spec {Number(specId)}, which the table has not";
        }

        return PartitionPath.Of(spec, SchemaOf(metadata, spec), key);
    }

    /// <summary>By what files are sorted now.</summary>
    public static SortOrder? DefaultOrder(TableMetadata metadata) => metadata.SortOrders.FirstOrDefault(order => order.OrderId == metadata.DefaultSortOrderId);

    /// <summary>The values of a partition by the names of their fields; null where the table is not partitioned, or has no such spec.</summary>
    public static JsonObject? PartitionJson(TableMetadata metadata, int specId, PartitionKey key)
    {
        if (metadata.PartitionSpecs.FirstOrDefault(one => one.SpecId == specId) is not { Fields.Count: > 0 } spec)
        {
            return null;
        }

        var schema = SchemaOf(metadata, spec);
        return new JsonObject(spec.Fields.Zip(key.Values, (field, value) => KeyValuePair.Create(field.Name, ValueJson(field, schema.FindField(field.SourceId)?.Type ?? new UnknownType(), value))));
    }

    /// <summary>Numbers and truths as they are, all else as in paths: JSON has neither days nor NaN.</summary>
    private static JsonNode? ValueJson(PartitionField field, IcebergType source, object? value) => (field.Transform.ResultType(source), value) switch
    {
        (_, null) => null,
        (IntegerType, int number) => number,
        (LongType, long number) => number,
        (BooleanType, bool flag) => flag,
        (FloatType, float number) when float.IsFinite(number) => number,
        (DoubleType, double number) when double.IsFinite(number) => number,
        _ => PartitionPath.Text(field.Transform, source, value),
    };

    /// <summary>The newest schema that has every column that a spec is of.</summary>
    private static Schema SchemaOf(TableMetadata metadata, PartitionSpec spec) =>
        metadata.Schemas.Reverse().FirstOrDefault(one => spec.Fields.All(field => one.FindField(field.SourceId) is not null)) ?? metadata.CurrentSchema;

    private static string SourceName(TableMetadata metadata, IReadOnlyList<int> ids) =>
        string.Join(", ", ids.Select(id => metadata.CurrentSchema.FindPath(id) ?? $"dropped column {Number(id)}"));

    private static string Joined(IEnumerable<string> parts, string none) => string.Join(", ", parts) is { Length: > 0 } text ? text : none;
}
