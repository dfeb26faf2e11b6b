using OrleansLake.Iceberg;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Decode;

/// <summary>
/// What a column that does not come from the record's value is filled with:
/// <list type="table">
/// <item><term>kafka.topic</term><description>string</description></item>
/// <item><term>kafka.partition</term><description>int or long</description></item>
/// <item><term>kafka.offset</term><description>long</description></item>
/// <item><term>kafka.timestamp</term><description>timestamptz, timestamp (UTC), or long (milliseconds since 1970)</description></item>
/// <item><term>kafka.key</term><description>binary, or string where every key is UTF-8</description></item>
/// <item><term>kafka.headers</term><description>list of structs of a name and a value, in their order; or a map, where the last of a name stays</description></item>
/// <item><term>kafka.header.NAME</term><description>the last header of that name: binary, or string</description></item>
/// <item><term>ingest.time</term><description>when the record was decoded: types as of kafka.timestamp</description></item>
/// <item><term>'text', or JSON</term><description>the same for every row; any type that takes it from a document</description></item>
/// </list>
/// </summary>
internal static class ColumnSource
{
    private const string Header = "kafka.header.";

    /// <summary>What fills a column.</summary>
    /// <exception cref="NotSupportedException">The source is none, or its type is not the column's.</exception>
    public static FilledColumn Parse(string source, NestedField field, JsonNode node, ParquetSchema columns, TimeProvider? time)
    {
        string place = $"records.columns.{field.Name}";
        switch (source)
        {
            case "kafka.topic":
                return Typed(field.Type is StringType, new TopicColumn(node, field.Name), "string");
            case "kafka.partition":
                return Typed(field.Type is IntegerType or LongType, new PartitionColumn(node, field.Name), "int or long");
            case "kafka.offset":
                return Typed(field.Type is LongType, new OffsetColumn(node, field.Name), "long");
            case "kafka.timestamp":
                return Typed(IsTime(field.Type), new TimestampColumn(node, field.Name, time: null), "a timestamp or long");
            case "ingest.time":
                return Typed(IsTime(field.Type), new TimestampColumn(node, field.Name, time ?? throw new ArgumentNullException(nameof(time))), "a timestamp or long");
            case "kafka.key":
                return Typed(field.Type is StringType or BinaryType, new KeyColumn(node, field.Name), "string or binary");
            case "kafka.headers":
                return Typed(HeadersColumn.Takes(field.Type), new HeadersColumn(node, field.Name), "a list of structs of a string and a string or binary, or a map of the two");
        }

        if (source.StartsWith(Header, StringComparison.Ordinal) && source.Length > Header.Length)
        {
            return Typed(field.Type is StringType or BinaryType, new HeaderColumn(node, field.Name, source[Header.Length..]), "string or binary");
        }

        if (source.StartsWith("kafka.", StringComparison.Ordinal) || source.StartsWith("ingest.", StringComparison.Ordinal))
        {
            throw new NotSupportedException(
                $"{place}: expected kafka.topic, kafka.partition, kafka.offset, kafka.timestamp, kafka.key, kafka.headers, kafka.header.NAME, ingest.time, a 'text' or JSON, found {source}");
        }

        return new ConstantColumn(node, field.Name, source, place, columns);

        FilledColumn Typed(bool fits, FilledColumn column, string expected) => fits ? column
            : throw new NotSupportedException($"{place}: expected a column of type {expected} for {source}, it is {node.TypeName}");
    }

    /// <summary>Whether a text is one of these, whatever the column's type.</summary>
    public static bool IsSource(string source)
    {
        if (source.StartsWith("kafka.", StringComparison.Ordinal) || source.StartsWith("ingest.", StringComparison.Ordinal))
        {
            return source is "kafka.topic" or "kafka.partition" or "kafka.offset" or "kafka.timestamp" or "ingest.time" or "kafka.key" or "kafka.headers"
                || (source.StartsWith(Header, StringComparison.Ordinal) && source.Length > Header.Length);
        }

        try
        {
            System.Text.Json.JsonDocument.Parse(JsonOf(source)).Dispose();
            return true;
        }
        catch (System.Text.Json.JsonException)
        {
            return false;
        }
    }

    private static bool IsTime(IcebergType type) => type is TimestampType or TimestampNanoType or LongType;

    /// <summary>JSON for the text of a constant: <c>'it''s'</c> in SQL's quotes is a string.</summary>
    public static string JsonOf(string constant) =>
        constant.Length >= 2 && constant[0] == '\'' && constant[^1] == '\''
            ? $"\"{System.Text.Json.JsonEncodedText.Encode(constant[1..^1].Replace("''", "'", StringComparison.Ordinal)).ToString()}\""
            : constant;
}
