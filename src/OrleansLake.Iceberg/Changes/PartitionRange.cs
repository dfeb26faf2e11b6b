namespace OrleansLake.Iceberg;

/// <summary>Which partitions a manifest may hold, by the summaries in its manifest list. https://iceberg.apache.org/spec/#field-summaries</summary>
internal static class PartitionRange
{
    /// <summary>Whether one of some partitions may be in a manifest.</summary>
    public static bool Contains(ManifestFile manifest, TableMetadata metadata, PartitionSpec spec, IEnumerable<(int SpecId, PartitionKey Partition)> partitions)
    {
        IReadOnlyList<IcebergType>? types = null;
        foreach (var (specId, partition) in partitions)
        {
            if (specId != spec.SpecId)
            {
                continue;
            }

            types ??= PartitionTypes.Of(metadata, spec);
            if (Contains(manifest.Partitions, types, partition))
            {
                return true;
            }
        }

        return false;
    }

    private static bool Contains(IReadOnlyList<PartitionSummary>? summaries, IReadOnlyList<IcebergType> types, PartitionKey partition)
    {
        if (summaries is null || summaries.Count != partition.Values.Count)
        {
            return true;
        }

        for (int i = 0; i < summaries.Count; i++)
        {
            if (!Contains(summaries[i], types[i], partition.Values[i]))
            {
                return false;
            }
        }

        return true;
    }

    private static bool Contains(PartitionSummary summary, IcebergType type, object? value)
    {
        if (value is null)
        {
            return summary.ContainsNull;
        }

        if (value is float.NaN or double.NaN)
        {
            return summary.ContainsNan != false;
        }

        return !(IsBeyond(summary.LowerBound, above: false) || IsBeyond(summary.UpperBound, above: true));

        // A bound of another type than the value (a column promoted since, a transform that is not known) excludes nothing.
        bool IsBeyond(byte[]? bound, bool above)
        {
            if (bound is null || type is UnknownType)
            {
                return false;
            }

            object limit = SingleValue.FromBytes(type, bound);
            if (limit.GetType() != value.GetType() || (limit is Decimal128 one && value is Decimal128 other && one.Scale != other.Scale))
            {
                return false;
            }

            int order = SingleValue.Compare(value, limit);
            return above ? order > 0 : order < 0;
        }
    }
}
