namespace OrleansLake.Iceberg.Expressions;

/// <summary>
/// What the partition summaries of a manifest tell of a condition on partition fields.
/// https://iceberg.apache.org/spec/#manifest-lists
/// </summary>
internal static class ManifestFilter
{
    /// <summary>False only where no file of the manifest has a partition that satisfies the condition.</summary>
    public static bool MightMatch(BoundExpression partitions, PartitionSpec spec, ManifestFile manifest)
    {
        if (manifest.Partitions is not { } summaries)
        {
            return true;
        }

        return partitions.Test(predicate =>
        {
            int i = IndexOf(spec, predicate.Field.Id);
            return i >= summaries.Count || FactsOf(predicate.Field, summaries[i]).MightMatch(predicate);
        });
    }

    private static int IndexOf(PartitionSpec spec, int fieldId)
    {
        for (int i = 0; i < spec.Fields.Count; i++)
        {
            if (spec.Fields[i].FieldId == fieldId)
            {
                return i;
            }
        }

        return int.MaxValue;
    }

    private static ValueFacts FactsOf(BoundField field, PartitionSummary summary)
    {
        object? lower = BoundValue.Read(field.Type, summary.LowerBound);
        object? upper = BoundValue.Read(field.Type, summary.UpperBound);
        // No bounds mean that all values are null or NaN; believed where the summary also says that there are such.
        bool onlyNullOrNan = summary.LowerBound is null && summary.UpperBound is null && (summary.ContainsNull || summary.ContainsNan == true);
        return ValueFacts.Of(field.Type, summary.ContainsNull, summary.ContainsNan != false, !onlyNullOrNan, lower, upper);
    }
}
