namespace OrleansLake.Iceberg.Expressions;

/// <summary>One predicate against one value.</summary>
internal static class PredicateTest
{
    public static bool Matches(BoundExpression.Predicate predicate, object? value)
    {
        switch (predicate.Operation)
        {
            case PredicateOperation.IsNull:
                return value is null;
            case PredicateOperation.NotNull:
                return value is not null;
            case PredicateOperation.IsNan:
                return IsNan(value);
            case PredicateOperation.NotNan:
                return !IsNan(value);
        }

        if (value is null)
        {
            return false;
        }

        if (IsNan(value))
        {
            return predicate.Operation is PredicateOperation.NotEqual or PredicateOperation.NotIn;
        }

        return predicate.Operation switch
        {
            PredicateOperation.LessThan => Compare(value, predicate.Value) < 0,
            PredicateOperation.LessThanOrEqual => Compare(value, predicate.Value) <= 0,
            PredicateOperation.GreaterThan => Compare(value, predicate.Value) > 0,
            PredicateOperation.GreaterThanOrEqual => Compare(value, predicate.Value) >= 0,
            PredicateOperation.Equal => Compare(value, predicate.Value) == 0,
            PredicateOperation.NotEqual => Compare(value, predicate.Value) != 0,
            PredicateOperation.In => Contains(predicate.Values, value),
            PredicateOperation.NotIn => !Contains(predicate.Values, value),
            PredicateOperation.StartsWith => StartsWith(value, predicate.Value),
            PredicateOperation.NotStartsWith => !StartsWith(value, predicate.Value),
            PredicateOperation.Like => ((LikePattern)predicate.Value).Matches((string)value),
            PredicateOperation.NotLike => !((LikePattern)predicate.Value).Matches((string)value),
            _ => throw new InvalidOperationException(predicate.Operation.ToString()),
        };
    }

    public static bool IsNan(object? value) => value is float.NaN or double.NaN;

    /// <summary>The order of numbers as IEEE 754 has it: unlike in <see cref="SingleValue.Compare"/>, −0.0 equals +0.0.</summary>
    public static int Compare(object left, object right) => (left, right) switch
    {
        (int a, int b) => a.CompareTo(b),
        (long a, long b) => a.CompareTo(b),
        (float a, float b) => a.CompareTo(b),
        (double a, double b) => a.CompareTo(b),
        // One of them is of the column as it was before it was promoted.
        (int a, long b) => ((long)a).CompareTo(b),
        (long a, int b) => a.CompareTo(b),
        (float a, double b) => ((double)a).CompareTo(b),
        (double a, float b) => a.CompareTo(b),
        _ => SingleValue.Compare(left, right),
    };

    public static bool StartsWith(object value, object prefix) => (value, prefix) switch
    {
        (string text, string start) => text.StartsWith(start, StringComparison.Ordinal),
        (byte[] bytes, byte[] start) => bytes.AsSpan().StartsWith(start),
        _ => throw new ArgumentException($"expected text or bytes, got a {value.GetType().Name}"),
    };

    /// <summary>Whether sorted values hold one.</summary>
    public static bool Contains(IReadOnlyList<object> sorted, object value)
    {
        int at = FirstNotBelow(sorted, value);
        return at < sorted.Count && Compare(sorted[at], value) == 0;
    }

    /// <summary>The first of sorted values that is not less than a value; their count where there is none.</summary>
    public static int FirstNotBelow(IReadOnlyList<object> sorted, object value)
    {
        int low = 0, high = sorted.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (Compare(sorted[middle], value) < 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
