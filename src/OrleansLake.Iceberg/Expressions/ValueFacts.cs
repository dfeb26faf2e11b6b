namespace OrleansLake.Iceberg.Expressions;

/// <summary>
/// What is known of many values at once: of a column in a file or row group, or of a partition field in a manifest. Values
/// are null, NaN, or between the bounds; what may be does not have to be.
/// </summary>
/// <param name="MayBeNull">Whether one may be null.</param>
/// <param name="MayBeNan">Whether one may be NaN.</param>
/// <param name="MayHaveValue">Whether one may be neither.</param>
/// <param name="Lower">No value is below it; null where that is not known.</param>
/// <param name="Upper">No value is above it; null where that is not known.</param>
internal readonly record struct ValueFacts(bool MayBeNull, bool MayBeNan, bool MayHaveValue, object? Lower, object? Upper)
{
    /// <summary>Nothing is known.</summary>
    public static ValueFacts Unknown(IcebergType type) => new(true, type is FloatType or DoubleType, true, null, null);

    /// <summary>Facts with bounds that cannot mislead.</summary>
    public static ValueFacts Of(IcebergType type, bool mayBeNull, bool mayBeNan, bool mayHaveValue, object? lower, object? upper)
    {
        // NaN is no bound. Writers that took the signed order of UUIDs wrote bounds that others cannot use.
        bool unusable = PredicateTest.IsNan(lower) || PredicateTest.IsNan(upper) || type is UuidType
            || (lower is not null && upper is not null && PredicateTest.Compare(lower, upper) > 0);
        return new ValueFacts(mayBeNull, mayBeNan && type is FloatType or DoubleType, mayHaveValue, unusable ? null : lower, unusable ? null : upper);
    }

    /// <summary>Whether some value may satisfy the predicate: false only where none does.</summary>
    public bool MightMatch(BoundExpression.Predicate predicate)
    {
        switch (predicate.Operation)
        {
            case PredicateOperation.IsNull:
                return MayBeNull;
            case PredicateOperation.NotNull:
                return MayHaveValue || MayBeNan;
            case PredicateOperation.IsNan:
                return MayBeNan;
            case PredicateOperation.NotNan:
                return MayBeNull || MayHaveValue;
            case PredicateOperation.NotEqual or PredicateOperation.NotIn:
                return MayBeNan || (MayHaveValue && !(IsOneValue && PredicateTest.Contains(predicate.Values, Lower!)));
            case PredicateOperation.NotStartsWith or PredicateOperation.NotLike:
                return MayHaveValue && !AllSatisfy(predicate.Operation.Negated(), predicate.Values);
        }

        if (!MayHaveValue)
        {
            return false;
        }

        object value = predicate.Value;
        return predicate.Operation switch
        {
            PredicateOperation.LessThan => Lower is null || PredicateTest.Compare(Lower, value) < 0,
            PredicateOperation.LessThanOrEqual => Lower is null || PredicateTest.Compare(Lower, value) <= 0,
            PredicateOperation.GreaterThan => Upper is null || PredicateTest.Compare(Upper, value) > 0,
            PredicateOperation.GreaterThanOrEqual => Upper is null || PredicateTest.Compare(Upper, value) >= 0,
            PredicateOperation.Equal or PredicateOperation.In => MayBeOneOf(predicate.Values),
            PredicateOperation.StartsWith => MayStartWith(value),
            PredicateOperation.Like => ((LikePattern)value).Prefix is not { Length: > 0 } prefix || MayStartWith(prefix),
            _ => throw new InvalidOperationException(predicate.Operation.ToString()),
        };
    }

    /// <summary>Whether every value satisfies the predicate: true only where none fails it.</summary>
    public bool MustMatch(BoundExpression.Predicate predicate) => predicate.Operation switch
    {
        PredicateOperation.IsNull => !MayHaveValue && !MayBeNan,
        PredicateOperation.NotNull => !MayBeNull,
        PredicateOperation.IsNan => !MayBeNull && !MayHaveValue,
        PredicateOperation.NotNan => !MayBeNan,
        PredicateOperation.NotEqual or PredicateOperation.NotIn => !MayBeNull && (!MayHaveValue || !MayBeOneOf(predicate.Values)),
        PredicateOperation.NotStartsWith => !MayBeNull && (!MayHaveValue || !MayStartWith(predicate.Value)),
        PredicateOperation.NotLike => !MayBeNull && (!MayHaveValue || (((LikePattern)predicate.Value).Prefix is { Length: > 0 } prefix && !MayStartWith(prefix))),
        _ => !MayBeNull && !MayBeNan && (!MayHaveValue || AllSatisfy(predicate.Operation, predicate.Values)),
    };

    private bool IsOneValue => Lower is not null && Upper is not null && PredicateTest.Compare(Lower, Upper) == 0;

    /// <summary>Whether everything between the bounds satisfies a comparison.</summary>
    private bool AllSatisfy(PredicateOperation operation, IReadOnlyList<object> values) => operation switch
    {
        PredicateOperation.LessThan => Upper is not null && PredicateTest.Compare(Upper, values[0]) < 0,
        PredicateOperation.LessThanOrEqual => Upper is not null && PredicateTest.Compare(Upper, values[0]) <= 0,
        PredicateOperation.GreaterThan => Lower is not null && PredicateTest.Compare(Lower, values[0]) > 0,
        PredicateOperation.GreaterThanOrEqual => Lower is not null && PredicateTest.Compare(Lower, values[0]) >= 0,
        PredicateOperation.Equal or PredicateOperation.In => IsOneValue && PredicateTest.Contains(values, Lower!),
        // What lies between two texts of one prefix has it too.
        PredicateOperation.StartsWith => Lower is not null && Upper is not null && PredicateTest.StartsWith(Lower, values[0]) && PredicateTest.StartsWith(Upper, values[0]),
        PredicateOperation.Like => IsOneValue && ((LikePattern)values[0]).Matches((string)Lower!),
        _ => false,
    };

    private bool MayBeOneOf(IReadOnlyList<object> sorted)
    {
        int first = Lower is null ? 0 : PredicateTest.FirstNotBelow(sorted, Lower);
        return first < sorted.Count && (Upper is null || PredicateTest.Compare(sorted[first], Upper) <= 0);
    }

    /// <summary>Texts with the prefix follow it without a gap: none is there if the bounds lie before it or behind all of them.</summary>
    private bool MayStartWith(object prefix) =>
        (Upper is null || PredicateTest.Compare(Upper, prefix) >= 0)
        && (Lower is null || PredicateTest.Compare(Lower, prefix) <= 0 || PredicateTest.StartsWith(Lower, prefix));
}
