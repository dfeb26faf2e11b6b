using OrleansLake.Iceberg.Expressions;

namespace OrleansLake.Iceberg;

/// <summary>
/// A condition on rows, by the names of columns: what a scan filters by. SQL's logic: a comparison with null is neither
/// true nor false, and a row is taken only where the whole is true. Numbers compare as IEEE 754 has it: −0.0 equals +0.0,
/// NaN differs from everything and is neither less nor greater.
/// https://iceberg.apache.org/spec/#scan-planning
/// </summary>
/// <remarks>
/// Columns are named as in a schema, nested ones by their path (<c>order.price</c>). Values may be bool, any integer, float,
/// double, decimal, <see cref="Decimal128"/>, string, Guid, byte[], <see cref="DateOnly"/>, <see cref="TimeOnly"/>,
/// <see cref="DateTime"/>, <see cref="DateTimeOffset"/>, or of the form that <see cref="PartitionKey"/> has. Text stands for a
/// date, time, timestamp or UUID where the column is one.
/// </remarks>
public abstract record Expression
{
    private Expression() { }

    /// <summary>Every row.</summary>
    public static Expression AlwaysTrue { get; } = new Constant(true);

    /// <summary>No row.</summary>
    public static Expression AlwaysFalse { get; } = new Constant(false);

    /// <summary>Reads a condition as it stands behind WHERE: <c>ts &gt;= TIMESTAMP '2025-01-01' AND actor LIKE 'a%'</c>.</summary>
    /// <exception cref="FormatException">The text is no condition; the message says where and what was expected.</exception>
    public static Expression Parse(string where) => new WhereParser(where).Parse();

    /// <summary>The column is null.</summary>
    public static Expression IsNull(string column) => new Predicate(column, PredicateOperation.IsNull, []);

    /// <summary>The column is not null.</summary>
    public static Expression NotNull(string column) => new Predicate(column, PredicateOperation.NotNull, []);

    /// <summary>The column is not a number; null is none either, and does not match.</summary>
    public static Expression IsNan(string column) => new Predicate(column, PredicateOperation.IsNan, []);

    /// <summary>The column is a number or null.</summary>
    public static Expression NotNan(string column) => new Predicate(column, PredicateOperation.NotNan, []);

    /// <summary>column &lt; value</summary>
    public static Expression LessThan(string column, object value) => new Predicate(column, PredicateOperation.LessThan, [value]);

    /// <summary>column &lt;= value</summary>
    public static Expression LessThanOrEqual(string column, object value) => new Predicate(column, PredicateOperation.LessThanOrEqual, [value]);

    /// <summary>column &gt; value</summary>
    public static Expression GreaterThan(string column, object value) => new Predicate(column, PredicateOperation.GreaterThan, [value]);

    /// <summary>column &gt;= value</summary>
    public static Expression GreaterThanOrEqual(string column, object value) => new Predicate(column, PredicateOperation.GreaterThanOrEqual, [value]);

    /// <summary>column = value</summary>
    public static Expression Equal(string column, object value) => new Predicate(column, PredicateOperation.Equal, [value]);

    /// <summary>column &lt;&gt; value</summary>
    public static Expression NotEqual(string column, object value) => new Predicate(column, PredicateOperation.NotEqual, [value]);

    /// <summary>The column is one of the values.</summary>
    public static Expression In(string column, params IReadOnlyList<object> values) => new Predicate(column, PredicateOperation.In, values);

    /// <summary>The column is none of the values, and not null.</summary>
    public static Expression NotIn(string column, params IReadOnlyList<object> values) => new Predicate(column, PredicateOperation.NotIn, values);

    /// <summary>The text begins so.</summary>
    public static Expression StartsWith(string column, string prefix) => new Predicate(column, PredicateOperation.StartsWith, [prefix]);

    /// <summary>The text begins otherwise.</summary>
    public static Expression NotStartsWith(string column, string prefix) => new Predicate(column, PredicateOperation.NotStartsWith, [prefix]);

    /// <summary>The text fits a pattern of SQL: % for any text, _ for one character.</summary>
    public static Expression Like(string column, string pattern, char? escape = null) => new Predicate(column, PredicateOperation.Like, [LikePattern.Parse(pattern, escape)]);

    /// <summary>Both.</summary>
    public static Expression operator &(Expression left, Expression right) => new And([left, right]);

    /// <summary>Either or both.</summary>
    public static Expression operator |(Expression left, Expression right) => new Or([left, right]);

    /// <summary>The condition is false: not where it is neither true nor false.</summary>
    public static Expression operator !(Expression operand) => new Not(operand);

    /// <summary>The condition on a schema's fields, its values converted to their types.</summary>
    /// <exception cref="ArgumentException">A column is not in the schema, or cannot be compared so.</exception>
    public BoundExpression Bind(Schema schema) => new ExpressionBinder(schema).Bind(this);

    internal sealed record Constant(bool Value) : Expression;

    internal sealed record And(IReadOnlyList<Expression> Operands) : Expression;

    internal sealed record Or(IReadOnlyList<Expression> Operands) : Expression;

    internal sealed record Not(Expression Operand) : Expression;

    internal sealed record Predicate(string Column, PredicateOperation Operation, IReadOnlyList<object> Values) : Expression;
}

/// <summary>What is asked of one column.</summary>
public enum PredicateOperation
{
    /// <summary>IS NULL</summary>
    IsNull,

    /// <summary>IS NOT NULL</summary>
    NotNull,

    /// <summary>Is not a number.</summary>
    IsNan,

    /// <summary>Is a number, or null.</summary>
    NotNan,

    /// <summary>&lt;</summary>
    LessThan,

    /// <summary>&lt;=</summary>
    LessThanOrEqual,

    /// <summary>&gt;</summary>
    GreaterThan,

    /// <summary>&gt;=</summary>
    GreaterThanOrEqual,

    /// <summary>=</summary>
    Equal,

    /// <summary>&lt;&gt;</summary>
    NotEqual,

    /// <summary>IN</summary>
    In,

    /// <summary>NOT IN</summary>
    NotIn,

    /// <summary>Begins with a text (or bytes).</summary>
    StartsWith,

    /// <summary>Begins otherwise.</summary>
    NotStartsWith,

    /// <summary>LIKE</summary>
    Like,

    /// <summary>NOT LIKE</summary>
    NotLike,
}

internal static class PredicateOperations
{
    /// <summary>What holds where the operation is false; null satisfies neither, but for the tests of null and NaN.</summary>
    public static PredicateOperation Negated(this PredicateOperation operation) => operation switch
    {
        PredicateOperation.IsNull => PredicateOperation.NotNull,
        PredicateOperation.NotNull => PredicateOperation.IsNull,
        PredicateOperation.IsNan => PredicateOperation.NotNan,
        PredicateOperation.NotNan => PredicateOperation.IsNan,
        PredicateOperation.LessThan => PredicateOperation.GreaterThanOrEqual,
        PredicateOperation.LessThanOrEqual => PredicateOperation.GreaterThan,
        PredicateOperation.GreaterThan => PredicateOperation.LessThanOrEqual,
        PredicateOperation.GreaterThanOrEqual => PredicateOperation.LessThan,
        PredicateOperation.Equal => PredicateOperation.NotEqual,
        PredicateOperation.NotEqual => PredicateOperation.Equal,
        PredicateOperation.In => PredicateOperation.NotIn,
        PredicateOperation.NotIn => PredicateOperation.In,
        PredicateOperation.StartsWith => PredicateOperation.NotStartsWith,
        PredicateOperation.NotStartsWith => PredicateOperation.StartsWith,
        PredicateOperation.Like => PredicateOperation.NotLike,
        PredicateOperation.NotLike => PredicateOperation.Like,
        _ => throw new ArgumentOutOfRangeException(nameof(operation), operation, null),
    };

    /// <summary>Less, greater, and the like: NaN satisfies neither these nor their negation.</summary>
    public static bool IsOrder(this PredicateOperation operation) => operation
        is PredicateOperation.LessThan or PredicateOperation.LessThanOrEqual or PredicateOperation.GreaterThan or PredicateOperation.GreaterThanOrEqual;

    /// <summary>As SQL spells it.</summary>
    public static string Spelling(this PredicateOperation operation) => operation switch
    {
        PredicateOperation.IsNull => "IS NULL",
        PredicateOperation.NotNull => "IS NOT NULL",
        PredicateOperation.IsNan => "IS NAN",
        PredicateOperation.NotNan => "IS NOT NAN",
        PredicateOperation.LessThan => "<",
        PredicateOperation.LessThanOrEqual => "<=",
        PredicateOperation.GreaterThan => ">",
        PredicateOperation.GreaterThanOrEqual => ">=",
        PredicateOperation.Equal => "=",
        PredicateOperation.NotEqual => "<>",
        PredicateOperation.In => "IN",
        PredicateOperation.NotIn => "NOT IN",
        PredicateOperation.StartsWith => "STARTS WITH",
        PredicateOperation.NotStartsWith => "NOT STARTS WITH",
        PredicateOperation.Like => "LIKE",
        PredicateOperation.NotLike => "NOT LIKE",
        _ => throw new ArgumentOutOfRangeException(nameof(operation), operation, null),
    };
}
