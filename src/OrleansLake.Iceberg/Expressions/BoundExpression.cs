using OrleansLake.Iceberg.Expressions;

namespace OrleansLake.Iceberg;

/// <summary>A field that a condition asks for: of the table, or (ids from 1000) of a partition spec.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Path">Its name, for people.</param>
/// <param name="Type">Its type.</param>
/// <param name="Nullable">Whether it, or a struct around it, may be null.</param>
public sealed record BoundField(int Id, string Path, IcebergType Type, bool Nullable);

/// <summary>
/// A condition on fields by their ids. It has no negation: binding has pushed it down to the single predicates, so that
/// "not true" and "unknown" need not be told apart.
/// </summary>
public abstract record BoundExpression
{
    private BoundExpression() { }

    /// <summary>Every row.</summary>
    public static BoundExpression AlwaysTrue { get; } = new Constant(true);

    /// <summary>No row.</summary>
    public static BoundExpression AlwaysFalse { get; } = new Constant(false);

    /// <summary>The fields that are asked for, each once.</summary>
    public IReadOnlyList<BoundField> Fields => [.. Predicates().Select(predicate => predicate.Field).DistinctBy(one => one.Id)];

    /// <summary>Every one of some conditions, simplified.</summary>
    public static BoundExpression AllOf(IEnumerable<BoundExpression> operands)
    {
        var kept = new List<BoundExpression>();
        foreach (var operand in operands)
        {
            switch (operand)
            {
                case Constant { Value: false }:
                    return AlwaysFalse;
                case Constant:
                    break;
                case And and:
                    kept.AddRange(and.Operands);
                    break;
                default:
                    kept.Add(operand);
                    break;
            }
        }

        return kept.Count switch { 0 => AlwaysTrue, 1 => kept[0], _ => new And(kept) };
    }

    /// <summary>At least one of some conditions, simplified.</summary>
    public static BoundExpression AnyOf(IEnumerable<BoundExpression> operands)
    {
        var kept = new List<BoundExpression>();
        foreach (var operand in operands)
        {
            switch (operand)
            {
                case Constant { Value: true }:
                    return AlwaysTrue;
                case Constant:
                    break;
                case Or or:
                    kept.AddRange(or.Operands);
                    break;
                default:
                    kept.Add(operand);
                    break;
            }
        }

        return kept.Count switch { 0 => AlwaysFalse, 1 => kept[0], _ => new Or(kept) };
    }

    /// <summary>The same condition with each predicate replaced, simplified.</summary>
    public BoundExpression Rewrite(Func<Predicate, BoundExpression> replace) => this switch
    {
        And and => AllOf(and.Operands.Select(operand => operand.Rewrite(replace))),
        Or or => AnyOf(or.Operands.Select(operand => operand.Rewrite(replace))),
        Predicate predicate => replace(predicate),
        _ => this,
    };

    /// <summary>Whether the condition holds where each predicate holds or does not.</summary>
    public bool Test(Func<Predicate, bool> holds)
    {
        switch (this)
        {
            case Constant(var value):
                return value;
            case And and:
                foreach (var operand in and.Operands)
                {
                    if (!operand.Test(holds))
                    {
                        return false;
                    }
                }

                return true;
            case Or or:
                foreach (var operand in or.Operands)
                {
                    if (operand.Test(holds))
                    {
                        return true;
                    }
                }

                return false;
            default:
                return holds((Predicate)this);
        }
    }

    /// <summary>Whether a row satisfies it; values by field id, in the form of <see cref="PartitionKey"/>.</summary>
    public bool Matches(Func<int, object?> valueOf) => Test(predicate => predicate.Matches(valueOf(predicate.Field.Id)));

    private IEnumerable<Predicate> Predicates() => this switch
    {
        And and => and.Operands.SelectMany(operand => operand.Predicates()),
        Or or => or.Operands.SelectMany(operand => operand.Predicates()),
        Predicate predicate => [predicate],
        _ => [],
    };

    /// <summary>Every row, or none.</summary>
    public sealed record Constant(bool Value) : BoundExpression
    {
        /// <inheritdoc />
        public override string ToString() => Value ? "TRUE" : "FALSE";
    }

    /// <summary>All of the operands.</summary>
    public sealed record And(IReadOnlyList<BoundExpression> Operands) : BoundExpression
    {
        /// <inheritdoc />
        public override string ToString() => string.Join(" AND ", Operands.Select(operand => operand is Or ? $"({operand})" : operand.ToString()));
    }

    /// <summary>At least one of the operands.</summary>
    public sealed record Or(IReadOnlyList<BoundExpression> Operands) : BoundExpression
    {
        /// <inheritdoc />
        public override string ToString() => string.Join(" OR ", Operands);
    }

    /// <summary>One question to one field.</summary>
    /// <param name="Field">The field.</param>
    /// <param name="Operation">The question.</param>
    /// <param name="Values">
    /// What it is compared with, in the field's type and the form of <see cref="PartitionKey"/>: none, one, or for IN and
    /// NOT IN several in ascending order; the pattern for LIKE.
    /// </param>
    public sealed record Predicate(BoundField Field, PredicateOperation Operation, IReadOnlyList<object> Values) : BoundExpression
    {
        /// <summary>What the field is compared with.</summary>
        public object Value => Values[0];

        /// <summary>Whether one value satisfies it.</summary>
        public bool Matches(object? value) => PredicateTest.Matches(this, value);

        /// <inheritdoc />
        public override string ToString() => Values.Count == 0 ? $"{Field.Path} {Operation.Spelling()}"
            : Operation is PredicateOperation.In or PredicateOperation.NotIn ? $"{Field.Path} {Operation.Spelling()} ({string.Join(", ", Values.Select(Shown))})"
            : $"{Field.Path} {Operation.Spelling()} {Shown(Value)}";

        private string Shown(object value) => value switch
        {
            LikePattern pattern => $"'{pattern.Text}'",
            string text => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'",
            byte[] bytes => $"X'{Convert.ToHexString(bytes)}'",
            _ when Field.Type is DateType or TimeType or TimestampType or TimestampNanoType or UuidType => $"'{SingleValueText.Of(Field.Type, value)}'",
            _ => SingleValueText.Of(Field.Type, value),
        };
    }
}
