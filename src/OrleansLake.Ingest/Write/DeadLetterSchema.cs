using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Write;

/// <summary>
/// The table <c>&lt;table&gt;__dead_letters</c>: the records that could not be rows, byte for byte as Kafka had them, and why.
/// </summary>
public static class DeadLetterSchema
{
    /// <summary>What its name ends with.</summary>
    public const string Suffix = "__dead_letters";

    /// <summary>Kafka's topic.</summary>
    public const string Topic = "topic";

    /// <summary>The topic's partition.</summary>
    public const string Partition = "partition";

    /// <summary>The record's offset.</summary>
    public const string Offset = "offset";

    /// <summary>The record's timestamp; null where it has none.</summary>
    public const string Timestamp = "timestamp";

    /// <summary>The key; null where Kafka's is.</summary>
    public const string Key = "key";

    /// <summary>The value; null where Kafka's is.</summary>
    public const string Value = "value";

    /// <summary>The headers in the form of <see cref="Kafka.KafkaHeaders"/>; null where there are none.</summary>
    public const string Headers = "headers";

    /// <summary>Why, in kebab case: <c>malformed-json</c>, <c>wrong-type</c>, …</summary>
    public const string ErrorClass = "error_class";

    /// <summary>Where in the document: <c>order.lines[3].price</c>; null for the document itself.</summary>
    public const string JsonPath = "json_path";

    /// <summary>What was expected and what stood there.</summary>
    public const string Message = "message";

    /// <summary>The schema of the main table that it did not fit.</summary>
    public const string SchemaId = "schema_id";

    /// <summary>The pipeline that read it.</summary>
    public const string Pipeline = "pipeline";

    /// <summary>When.</summary>
    public const string RejectedAt = "rejected_at";

    /// <summary>The columns, in order.</summary>
    internal static readonly IReadOnlyList<NestedField> Fields =
    [
        new(1, Topic, Required: true, new StringType()),
        new(2, Partition, Required: true, new IntegerType()),
        new(3, Offset, Required: true, new LongType()),
        new(4, Timestamp, Required: false, new TimestampType(WithZone: true)),
        new(5, Key, Required: false, new BinaryType()),
        new(6, Value, Required: false, new BinaryType()),
        new(7, Headers, Required: false, new BinaryType()),
        new(8, ErrorClass, Required: true, new StringType()),
        new(9, JsonPath, Required: false, new StringType()),
        new(10, Message, Required: true, new StringType()),
        new(11, SchemaId, Required: true, new IntegerType()),
        new(12, Pipeline, Required: true, new StringType()),
        new(13, RejectedAt, Required: true, new TimestampType(WithZone: true)),
    ];

    /// <summary>The dead-letter table's name.</summary>
    public static TableIdentifier Of(TableIdentifier table) => table with { Name = table.Name + Suffix };

    /// <summary>What the table shall be: one partition a day.</summary>
    public static TableCreation Creation() => new()
    {
        Schema = new Schema { SchemaId = 0, Fields = Fields },
        PartitionSpec = new PartitionSpec
        {
            SpecId = 0,
            Fields = [new PartitionField(1000, RejectedAt + "_day", [13], new Transform.Day())],
        },
    };
}
