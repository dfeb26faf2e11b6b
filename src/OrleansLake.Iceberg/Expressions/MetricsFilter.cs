namespace OrleansLake.Iceberg.Expressions;

/// <summary>
/// What the metrics of a file tell of a condition: metrics that are missing tell nothing.
/// https://iceberg.apache.org/spec/#scan-planning
/// </summary>
internal static class MetricsFilter
{
    /// <summary>False only where no row of the file satisfies the condition.</summary>
    public static bool MightMatch(BoundExpression expression, DataFile file) =>
        file.RecordCount != 0 && expression.Test(predicate => FactsOf(predicate.Field, file).MightMatch(predicate));

    /// <summary>True only where every row of the file satisfies the condition.</summary>
    public static bool MustMatch(BoundExpression expression, DataFile file) =>
        file.RecordCount == 0 || expression.Test(predicate => FactsOf(predicate.Field, file).MustMatch(predicate));

    private static ValueFacts FactsOf(BoundField field, DataFile file)
    {
        if (field.Type is not PrimitiveType)
        {
            return ValueFacts.Unknown(field.Type);
        }

        // A file with rows has as many values of the column, null or not: other counts are no counts.
        long? values = Count(file.ValueCounts, field.Id) is { } counted && counted > 0 ? counted : null;
        long? nulls = Count(file.NullValueCounts, field.Id);
        long? nans = Count(file.NanValueCounts, field.Id);
        return ValueFacts.Of(
            field.Type,
            mayBeNull: nulls is null ? field.Nullable : nulls > 0,
            mayBeNan: nans != 0 && (nulls is null || nulls != values),
            mayHaveValue: values is null || (nulls ?? 0) + (nans ?? 0) < values,
            BoundValue.Read(field.Type, file.LowerBounds?.GetValueOrDefault(field.Id)),
            BoundValue.Read(field.Type, file.UpperBounds?.GetValueOrDefault(field.Id)));
    }

    private static long? Count(IReadOnlyDictionary<int, long>? counts, int id) => counts is not null && counts.TryGetValue(id, out long count) && count >= 0 ? count : null;
}
