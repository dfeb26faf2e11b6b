using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Write;

/// <summary>
/// The table <c>&lt;table&gt;__dead_letters</c>: the records that could not be rows, byte for byte as Kafka had them, and why.
/// </summary>
public static class DeadLetterSchema
{
    private const int MostAttempts = 8;

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

    /// <summary>The pipeline's generation: one that is made anew reads the same offsets again.</summary>
    public const string Generation = "generation";

    /// <summary>Kafka's id of the topic, which one that is made anew does not share; null where the broker tells none.</summary>
    public const string TopicId = "topic_id";

    /// <summary>The replay that took it up; null: none has. Until <see cref="ResolvedAt"/> is set too it is on its way.</summary>
    public const string ReplayId = "replay_id";

    /// <summary>When a replay had made it a row of the main table; null: it is a dead letter still.</summary>
    public const string ResolvedAt = "resolved_at";

    /// <summary>The columns, in order. The last four came later: a table of an earlier build is given them when it is opened.</summary>
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
        new(14, Generation, Required: false, new StringType()),
        new(15, TopicId, Required: false, new StringType()),
        new(16, ReplayId, Required: false, new StringType()),
        new(17, ResolvedAt, Required: false, new TimestampType(WithZone: true)),
    ];

    /// <summary>The dead-letter table as it is now; null when there is none. Columns that an earlier build did not make are added.</summary>
    /// <exception cref="IOException">They could not be added: others change the table all the time, or the catalog does not answer.</exception>
    public static async Task<LoadedTable?> OpenAsync(ICatalog catalog, TableIdentifier deadLetters, CancellationToken cancellationToken)
    {
        Exception? trouble = null;
        for (int attempt = 0; attempt < MostAttempts; attempt++)
        {
            if (await catalog.LoadTableAsync(deadLetters, cancellationToken).ConfigureAwait(false) is not { } table)
            {
                return null;
            }

            var missing = Fields.Where(field => !field.Required && table.Metadata.CurrentSchema.FindField(field.Name) is null).ToList();
            if (missing.Count == 0)
            {
                return table;
            }

            var change = new UpdateSchema(table.Metadata);
            missing.ForEach(field => change.AddColumn(null, field.Name, field.Type));
            switch (await catalog.CommitTableAsync(new TableCommit(table, change.Requirements, change.Updates), cancellationToken).ConfigureAwait(false))
            {
                case CommitResult.Committed(var changed):
                    return changed;
                case CommitResult.Unknown(var failure):
                    trouble = failure; // whether it is in shows by loading
                    break;
                default:
                    break; // someone else was first, perhaps with the same
            }
        }

        throw new IOException($"dead-letter table {deadLetters}: columns could not be added: {trouble?.Message ?? "others changed the table each time"}", trouble);
    }

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
