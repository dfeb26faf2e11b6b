using System.Diagnostics;

namespace OrleansLake.Iceberg.Expressions;

/// <summary>
/// A predicate on a column as a condition on the partition values that a transform makes of it. The inclusive one holds for
/// every partition with a row that satisfies the predicate; the strict one only for partitions where every row does.
/// https://iceberg.apache.org/spec/#scan-planning
/// </summary>
internal static class TransformProjection
{
    /// <summary>True where nothing can be said.</summary>
    public static BoundExpression Inclusive(Transform transform, BoundExpression.Predicate predicate, BoundField target) =>
        Either(transform, predicate, target, BoundExpression.AlwaysTrue) ?? transform switch
        {
            Transform.Bucket => predicate.Operation is PredicateOperation.Equal or PredicateOperation.In ? Of(target, PredicateOperation.In, Applied(transform, predicate)) : BoundExpression.AlwaysTrue,
            Transform.Truncate(int width) when predicate.Field.Type is StringType or BinaryType => InclusiveText(transform, width, predicate, target),
            Transform.Truncate(int width) => InclusiveNumber(transform, width, predicate, target),
            _ => InclusiveTime(transform, predicate, target),
        };

    /// <summary>False where nothing can be said.</summary>
    public static BoundExpression Strict(Transform transform, BoundExpression.Predicate predicate, BoundField target) =>
        Either(transform, predicate, target, BoundExpression.AlwaysFalse) ?? transform switch
        {
            Transform.Bucket => predicate.Operation is PredicateOperation.NotEqual or PredicateOperation.NotIn ? Of(target, PredicateOperation.NotIn, Applied(transform, predicate)) : BoundExpression.AlwaysFalse,
            Transform.Truncate(int width) when predicate.Field.Type is StringType or BinaryType => StrictText(transform, width, predicate, target),
            Transform.Truncate(int width) => StrictNumber(transform, width, predicate, target),
            _ => StrictTime(transform, predicate, target),
        };

    /// <summary>
    /// What does not depend on which of the two is asked for: identity keeps the predicate, every transform keeps nulls, and of
    /// others than the specification's nothing can be said. Null: the transform is one that must be looked into.
    /// </summary>
    private static BoundExpression? Either(Transform transform, BoundExpression.Predicate predicate, BoundField target, BoundExpression unknown)
    {
        switch (transform)
        {
            case Transform.Identity:
                return predicate with { Field = target };
            case Transform.Bucket or Transform.Truncate or Transform.Year or Transform.Month or Transform.Day or Transform.Hour when transform.AppliesTo(predicate.Field.Type):
                return predicate.Operation is PredicateOperation.IsNull or PredicateOperation.NotNull ? predicate with { Field = target } : null;
            default:
                return unknown;
        }
    }

    private static BoundExpression InclusiveText(Transform transform, int width, BoundExpression.Predicate predicate, BoundField target)
    {
        switch (predicate.Operation)
        {
            case PredicateOperation.LessThan or PredicateOperation.LessThanOrEqual:
                return Of(target, PredicateOperation.LessThanOrEqual, Applied(transform, predicate));
            case PredicateOperation.GreaterThan or PredicateOperation.GreaterThanOrEqual:
                return Of(target, PredicateOperation.GreaterThanOrEqual, Applied(transform, predicate));
            case PredicateOperation.Equal or PredicateOperation.In:
                return Of(target, PredicateOperation.In, Applied(transform, predicate));
            case PredicateOperation.StartsWith:
                return Of(target, LengthOf(predicate.Value) < width ? PredicateOperation.StartsWith : PredicateOperation.Equal, Applied(transform, predicate));
            case PredicateOperation.NotStartsWith when LengthOf(predicate.Value) <= width:
                return Of(target, LengthOf(predicate.Value) < width ? PredicateOperation.NotStartsWith : PredicateOperation.NotEqual, [predicate.Value]);
            case PredicateOperation.Like when ((LikePattern)predicate.Value).Prefix is { Length: > 0 } prefix:
                return InclusiveText(transform, width, new BoundExpression.Predicate(predicate.Field, PredicateOperation.StartsWith, [prefix]), target);
            default:
                return BoundExpression.AlwaysTrue;
        }
    }

    private static BoundExpression StrictText(Transform transform, int width, BoundExpression.Predicate predicate, BoundField target)
    {
        switch (predicate.Operation)
        {
            case PredicateOperation.LessThan or PredicateOperation.LessThanOrEqual:
                return Of(target, PredicateOperation.LessThan, Applied(transform, predicate));
            case PredicateOperation.GreaterThan or PredicateOperation.GreaterThanOrEqual:
                return Of(target, PredicateOperation.GreaterThan, Applied(transform, predicate));
            case PredicateOperation.NotEqual or PredicateOperation.NotIn:
                return Of(target, PredicateOperation.NotIn, Applied(transform, predicate));
            case PredicateOperation.StartsWith when LengthOf(predicate.Value) <= width:
                return Of(target, LengthOf(predicate.Value) < width ? PredicateOperation.StartsWith : PredicateOperation.Equal, [predicate.Value]);
            case PredicateOperation.NotStartsWith:
                return Of(target, LengthOf(predicate.Value) < width ? PredicateOperation.NotStartsWith : PredicateOperation.NotEqual, Applied(transform, predicate));
            case PredicateOperation.NotLike when ((LikePattern)predicate.Value).Prefix is { Length: > 0 } prefix:
                return StrictText(transform, width, new BoundExpression.Predicate(predicate.Field, PredicateOperation.NotStartsWith, [prefix]), target);
            default:
                return BoundExpression.AlwaysFalse;
        }
    }

    /// <summary>
    /// Numbers within a width of the least of their type are truncated past it and come out as great ones
    /// (<see cref="Transform.TruncateNumber"/>): such partitions belong to every "less".
    /// </summary>
    private static BoundExpression InclusiveNumber(Transform transform, int width, BoundExpression.Predicate predicate, BoundField target)
    {
        switch (predicate.Operation)
        {
            case PredicateOperation.LessThan:
                return Next(predicate.Value, -1) is { } below ? OrWrapped(AtMost(below)) : BoundExpression.AlwaysFalse;
            case PredicateOperation.LessThanOrEqual:
                return OrWrapped(AtMost(predicate.Value));
            case PredicateOperation.GreaterThan:
                return Next(predicate.Value, 1) is { } above ? AtLeast(above) : BoundExpression.AlwaysFalse;
            case PredicateOperation.GreaterThanOrEqual:
                return AtLeast(predicate.Value);
            case PredicateOperation.Equal or PredicateOperation.In:
                return Of(target, PredicateOperation.In, Applied(transform, predicate));
            default:
                return BoundExpression.AlwaysTrue;
        }

        BoundExpression AtMost(object value) => Of(target, PredicateOperation.LessThanOrEqual, [transform.Apply(predicate.Field.Type, value)!]);

        BoundExpression AtLeast(object value) =>
            Wraps(value, width) ? BoundExpression.AlwaysTrue : Of(target, PredicateOperation.GreaterThanOrEqual, [transform.Apply(predicate.Field.Type, value)!]);

        BoundExpression OrWrapped(BoundExpression projected) =>
            LeastWrapped(predicate.Value, width) is { } wrapped ? BoundExpression.AnyOf([projected, Of(target, PredicateOperation.GreaterThanOrEqual, [wrapped])]) : projected;
    }

    private static BoundExpression StrictNumber(Transform transform, int width, BoundExpression.Predicate predicate, BoundField target)
    {
        switch (predicate.Operation)
        {
            case PredicateOperation.LessThan:
                return Below(predicate.Value);
            case PredicateOperation.LessThanOrEqual:
                return Next(predicate.Value, 1) is { } above ? Below(above) : Of(target, PredicateOperation.NotNull, []);
            case PredicateOperation.GreaterThan:
                return Above(predicate.Value);
            case PredicateOperation.GreaterThanOrEqual:
                return Next(predicate.Value, -1) is { } below ? Above(below) : Of(target, PredicateOperation.NotNull, []);
            case PredicateOperation.NotEqual or PredicateOperation.NotIn:
                return Of(target, PredicateOperation.NotIn, Applied(transform, predicate));
            default:
                return BoundExpression.AlwaysFalse;
        }

        BoundExpression Below(object value) =>
            Wraps(value, width) ? BoundExpression.AlwaysFalse : Of(target, PredicateOperation.LessThan, [transform.Apply(predicate.Field.Type, value)!]);

        BoundExpression Above(object value)
        {
            var projected = Of(target, PredicateOperation.GreaterThan, [transform.Apply(predicate.Field.Type, value)!]);
            return LeastWrapped(value, width) is { } wrapped ? BoundExpression.AllOf([projected, Of(target, PredicateOperation.LessThan, [wrapped])]) : projected;
        }
    }

    /// <summary>
    /// Some old writers cut times before 1970 towards zero instead of down: their partitions are one too high.
    /// https://github.com/apache/iceberg/pull/1981
    /// </summary>
    private static BoundExpression InclusiveTime(Transform transform, BoundExpression.Predicate predicate, BoundField target)
    {
        switch (predicate.Operation)
        {
            case PredicateOperation.LessThan:
                return Next(predicate.Value, -1) is { } below ? AtMost(below) : BoundExpression.AlwaysFalse;
            case PredicateOperation.LessThanOrEqual:
                return AtMost(predicate.Value);
            case PredicateOperation.GreaterThan:
                return Next(predicate.Value, 1) is { } above ? Of(target, PredicateOperation.GreaterThanOrEqual, [Apply(transform, predicate, above)]) : BoundExpression.AlwaysFalse;
            case PredicateOperation.GreaterThanOrEqual:
                return Of(target, PredicateOperation.GreaterThanOrEqual, Applied(transform, predicate));
            case PredicateOperation.Equal or PredicateOperation.In:
                return Of(target, PredicateOperation.In, WithNeighbours(transform, predicate));
            default:
                return BoundExpression.AlwaysTrue;
        }

        BoundExpression AtMost(object value)
        {
            int unit = Apply(transform, predicate, value);
            return Of(target, PredicateOperation.LessThanOrEqual, [unit < 0 ? unit + 1 : unit]);
        }
    }

    private static BoundExpression StrictTime(Transform transform, BoundExpression.Predicate predicate, BoundField target)
    {
        switch (predicate.Operation)
        {
            case PredicateOperation.LessThan:
                return Of(target, PredicateOperation.LessThan, Applied(transform, predicate));
            case PredicateOperation.LessThanOrEqual:
                return Next(predicate.Value, 1) is { } above ? Of(target, PredicateOperation.LessThan, [Apply(transform, predicate, above)]) : Of(target, PredicateOperation.NotNull, []);
            case PredicateOperation.GreaterThan:
                return Above(predicate.Value);
            case PredicateOperation.GreaterThanOrEqual:
                return Next(predicate.Value, -1) is { } below ? Above(below) : Of(target, PredicateOperation.NotNull, []);
            case PredicateOperation.NotEqual or PredicateOperation.NotIn:
                return Of(target, PredicateOperation.NotIn, WithNeighbours(transform, predicate));
            default:
                return BoundExpression.AlwaysFalse;
        }

        BoundExpression Above(object value)
        {
            int unit = Apply(transform, predicate, value);
            return Of(target, PredicateOperation.GreaterThan, [unit < 0 ? unit + 1 : unit]);
        }
    }

    private static List<object> WithNeighbours(Transform transform, BoundExpression.Predicate predicate) =>
        [.. Applied(transform, predicate).Cast<int>().SelectMany(unit => unit < 0 ? new object[] { unit, unit + 1 } : [unit])];

    private static int Apply(Transform transform, BoundExpression.Predicate predicate, object value) => (int)transform.Apply(predicate.Field.Type, value)!;

    private static List<object> Applied(Transform transform, BoundExpression.Predicate predicate) =>
        [.. predicate.Values.Select(value => transform.Apply(predicate.Field.Type, value)!)];

    private static BoundExpression Of(BoundField target, PredicateOperation operation, IReadOnlyList<object> values)
    {
        if (operation is not (PredicateOperation.In or PredicateOperation.NotIn))
        {
            return new BoundExpression.Predicate(target, operation, values);
        }

        var sorted = values.ToList();
        sorted.Sort(PredicateTest.Compare);
        return new BoundExpression.Predicate(target, operation, [.. sorted.Where((value, i) => i == 0 || PredicateTest.Compare(sorted[i - 1], value) != 0)]);
    }

    /// <summary>The value next to another; null where the type ends.</summary>
    private static object? Next(object value, int step) => value switch
    {
        int number => step > 0 ? number == int.MaxValue ? null : number + 1 : number == int.MinValue ? null : number - 1,
        long number => step > 0 ? number == long.MaxValue ? null : number + 1 : number == long.MinValue ? null : number - 1,
        Decimal128(var unscaled, var scale) => new Decimal128(unscaled + step, scale),
        _ => throw new UnreachableException(value.GetType().Name),
    };

    private static bool Wraps(object value, int width) => value switch
    {
        int number => number < (long)int.MinValue + width,
        long number => number < long.MinValue + width,
        _ => false,
    };

    private static object? LeastWrapped(object value, int width) => value switch
    {
        int => int.MaxValue - width + 1,
        long => long.MaxValue - width + 1,
        _ => null,
    };

    private static int LengthOf(object value)
    {
        if (value is not string text)
        {
            return ((byte[])value).Length;
        }

        int length = 0;
        foreach (var _ in text.EnumerateRunes())
        {
            length++;
        }

        return length;
    }
}
