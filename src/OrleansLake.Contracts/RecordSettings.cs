namespace OrleansLake.Contracts;

/// <summary>
/// How the records of a pipeline's topics differ from the rows of its table, in the words of the configuration. Rules by
/// field name a path (<c>order.lines[].price</c>), or <c>*</c> for every field that has none of its own.
/// </summary>
[GenerateSerializer, Immutable, Alias("orleanslake.RecordSettings")]
public sealed record RecordSettings
{
    /// <summary>JSON Pointer (RFC 6901) to the object that becomes the row; empty: the document itself.</summary>
    [Id(0)]
    public string Unnest { get; init; } = "";

    /// <summary>Columns and the JSON Pointers, from the document as it came, that they are taken from.</summary>
    [Id(1)]
    public Dictionary<string, string> Project { get; init; } = [];

    /// <summary>Columns that do not come from the value, and what they are: <c>kafka.offset</c>, <c>ingest.time</c>, a constant.</summary>
    [Id(2)]
    public Dictionary<string, string> Columns { get; init; } = [];

    /// <summary>The case of the documents' names: <c>lower_camel</c> and so on; null: that of the table's.</summary>
    [Id(3)]
    public string? CaseFrom { get; init; }

    /// <summary>The case of the table's names.</summary>
    [Id(4)]
    public string? CaseTo { get; init; }

    /// <summary>Whether names match whatever their upper and lower case.</summary>
    [Id(5)]
    public bool IgnoreCase { get; init; }

    /// <summary>What becomes of values that do not fit, by field: <c>reject</c>, <c>null</c>, <c>string</c>.</summary>
    [Id(6)]
    public Dictionary<string, string> OnUnfit { get; init; } = [];

    /// <summary>What numbers in the place of times count, by field: <c>s</c>, <c>ms</c>, <c>us</c>, <c>ns</c>, <c>d</c>.</summary>
    [Id(7)]
    public Dictionary<string, string> Epoch { get; init; } = [];

    /// <summary>Whether strings are read as numbers where the column is one, by field: <c>true</c>, <c>false</c>.</summary>
    [Id(8)]
    public Dictionary<string, string> NumbersInStrings { get; init; } = [];

    /// <summary>Whether digits behind those that a time keeps are cut off.</summary>
    [Id(9)]
    public bool CutFraction { get; init; }

    /// <summary>What becomes of fields that the table does not have: <c>ignore</c>, <c>rescue</c>, <c>evolve</c>.</summary>
    [Id(10)]
    public string UnknownFields { get; init; } = "ignore";

    /// <summary>The column that keeps them.</summary>
    [Id(11)]
    public string RescueColumn { get; init; } = "_rescued";

    /// <summary>Fields, nested ones counted, that the table may have before evolving ends.</summary>
    [Id(12)]
    public int MostFields { get; init; } = DefaultMostFields;

    /// <summary>How values are written: <c>json</c>, <c>confluent-json</c>, <c>confluent-avro</c>, <c>confluent-protobuf</c>.</summary>
    [Id(13)]
    public string Format { get; init; } = "json";

    /// <summary>What is around the row: <c>none</c>, <c>debezium</c>.</summary>
    [Id(14)]
    public string Envelope { get; init; } = "none";

    /// <summary>What becomes of null values: <c>reject</c>, <c>skip</c>; null: skip with an envelope, else reject.</summary>
    [Id(15)]
    public string? Tombstones { get; init; }

    /// <summary><see cref="MostFields"/> where nothing is said.</summary>
    public const int DefaultMostFields = 1000;

    /// <summary>Whether both say the same.</summary>
    public bool Equals(RecordSettings? other) =>
        other is not null && Unnest == other.Unnest && CaseFrom == other.CaseFrom && CaseTo == other.CaseTo && IgnoreCase == other.IgnoreCase
        && CutFraction == other.CutFraction && UnknownFields == other.UnknownFields && RescueColumn == other.RescueColumn && MostFields == other.MostFields && Format == other.Format
        && Envelope == other.Envelope && Tombstones == other.Tombstones
        && Rules.Zip(other.Rules, Same).All(same => same);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Unnest, CaseFrom, CaseTo, IgnoreCase, UnknownFields, Project.Count, Columns.Count);

    private IEnumerable<Dictionary<string, string>> Rules => [Project, Columns, OnUnfit, Epoch, NumbersInStrings];

    private static bool Same(Dictionary<string, string> left, Dictionary<string, string> right) =>
        left.Count == right.Count && left.All(entry => right.TryGetValue(entry.Key, out string? value) && value == entry.Value);
}
