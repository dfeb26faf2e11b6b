using System.Globalization;
using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Quality;

/// <summary>What becomes of a row that does not meet an expectation.</summary>
public enum UnmetAction
{
    /// <summary>It stays; an alert says so.</summary>
    Warn,

    /// <summary>Its record becomes a dead letter.</summary>
    DeadLetter,

    /// <summary>The topic-partition stops before it.</summary>
    Halt,
}

/// <summary>What rows should be like. One of the kinds is set: <see cref="Where"/>, <see cref="NotNull"/>, <see cref="In"/>, a bound, <see cref="Matches"/>, <see cref="Unique"/> or <see cref="MaxNullShare"/>.</summary>
public sealed record Expectation
{
    /// <summary>Names it in alerts and dead letters.</summary>
    public required string Name { get; init; }

    /// <summary>What becomes of rows that do not meet it.</summary>
    public UnmetAction Action { get; init; }

    /// <summary>Share of the batches that are looked at, above 0 up to 1.</summary>
    public double Sample { get; init; } = 1;

    /// <summary>A condition in SQL that every row satisfies; where it is neither true nor false, it is not satisfied.</summary>
    public string? Where { get; init; }

    /// <summary>The column, by name or path; of <see cref="NotNull"/>, <see cref="In"/>, the bounds, <see cref="Matches"/> and <see cref="MaxNullShare"/>.</summary>
    public string? Column { get; init; }

    /// <summary>The column is never null.</summary>
    public bool NotNull { get; init; }

    /// <summary>The column is null or one of these.</summary>
    public IReadOnlyList<string>? In { get; init; }

    /// <summary>The column is null or no less.</summary>
    public string? Least { get; init; }

    /// <summary>The column is null or no more.</summary>
    public string? Most { get; init; }

    /// <summary>The text is null or matches this regular expression, which takes time in proportion to the text.</summary>
    public string? Matches { get; init; }

    /// <summary>No two rows of the last <see cref="Window"/> have the same values in these columns; where all are null nothing is compared.</summary>
    public IReadOnlyList<string>? Unique { get; init; }

    /// <summary>The column is null in no greater share of <see cref="Window"/> rows.</summary>
    public double? MaxNullShare { get; init; }

    /// <summary>Rows that are compared with one another.</summary>
    public int Window { get; init; } = 100_000;

    /// <summary>The column's type is one for values of these types of JSON (string, number, integer, boolean, object, array, null): asked of the schema.</summary>
    public IReadOnlyList<string>? JsonTypes { get; init; }

    /// <summary>What is expected, in words.</summary>
    public string Text => JsonTypes is { } types ? $"{Column} of JSON type {string.Join(" or ", types)}" : Where is { } where ? where
        : NotNull ? $"{Column} IS NOT NULL"
        : In is { } set ? $"{Column} IN ({string.Join(", ", set)})"
        : Least is not null || Most is not null ? $"{Column} between {Least ?? "-∞"} and {Most ?? "∞"}"
        : Matches is { } pattern ? $"{Column} matches {pattern}"
        : Unique is { } columns ? string.Create(CultureInfo.InvariantCulture, $"{string.Join(", ", columns)} unique within {Window} rows")
        : string.Create(CultureInfo.InvariantCulture, $"{Column} null in at most {MaxNullShare:P1} of {Window} rows");

    /// <summary>The expectation as a condition; null where it is none.</summary>
    /// <exception cref="FormatException">The condition cannot be read.</exception>
    /// <exception cref="ArgumentException">A value is none of the column's type.</exception>
    internal Expression? Condition(Schema schema)
    {
        if (Where is { } where)
        {
            return Expression.Parse(where);
        }

        string column = Column ?? "";
        if (JsonTypes is { } types)
        {
            IcebergType type = schema.FindField(column)?.Type ?? throw new ArgumentException($"column {column}: the table has none of that name");
            return JsonTypesOf(type).Any(types.Contains)
                ? Expression.AlwaysTrue
                : throw new ArgumentException($"column {column}: expected a column for JSON's {string.Join(" or ", types)}, got {(type as PrimitiveType)?.Spelling ?? JsonTypesOf(type)[0]}");
        }

        if (NotNull)
        {
            return Expression.NotNull(column);
        }

        if (In is { } set)
        {
            return Expression.IsNull(column) | Expression.In(column, [.. set.Select(text => ValueOf(schema, column, text))]);
        }

        if (Least is null && Most is null)
        {
            return null;
        }

        Expression least = Least is { } low ? Expression.GreaterThanOrEqual(column, ValueOf(schema, column, low)) : Expression.AlwaysTrue;
        Expression most = Most is { } high ? Expression.LessThanOrEqual(column, ValueOf(schema, column, high)) : Expression.AlwaysTrue;
        return Expression.IsNull(column) | (least & most);
    }

    /// <summary>Types of JSON whose values a column of a type holds.</summary>
    private static string[] JsonTypesOf(IcebergType type) => type switch
    {
        BooleanType => ["boolean"],
        IntegerType or LongType => ["integer"],
        FloatType or DoubleType => ["number"],
        DecimalType { Scale: 0 } => ["integer", "number"],
        DecimalType => ["number"],
        StructType or MapType => ["object"],
        ListType => ["array"],
        StringType or BinaryType or FixedType or UuidType or DateType or TimeType => ["string"],
        TimestampType or TimestampNanoType => ["string", "integer"],
        _ => ["object", "array", "string", "number", "integer", "boolean"],
    };

    private static object ValueOf(Schema schema, string column, string text) => schema.FindField(column)?.Type switch
    {
        IntegerType or LongType or FloatType or DoubleType or DecimalType => long.TryParse(text, CultureInfo.InvariantCulture, out long whole) ? whole
            : decimal.TryParse(text, CultureInfo.InvariantCulture, out decimal number) ? number
            : throw new ArgumentException($"column {column}: expected a number, got \"{text}\""),
        BooleanType => bool.TryParse(text, out bool flag) ? flag : throw new ArgumentException($"column {column}: expected true or false, got \"{text}\""),
        _ => text,
    };
}
