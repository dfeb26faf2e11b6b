using System.Text;

namespace OrleansLake.Iceberg;

/// <summary>Which data files a delete file may hit, sequence numbers left aside. https://iceberg.apache.org/spec/#scan-planning</summary>
internal static class DeleteScope
{
    /// <summary>The field of a position delete file that names data files.</summary>
    private const int DeletedPathFieldId = 2_147_483_546;

    public static bool MayHit(DataFile delete, DataFile data, TableMetadata metadata)
    {
        if (delete.ReferencedDataFile is { } referenced)
        {
            return referenced == data.FilePath;
        }

        bool samePartition = delete.SpecId == data.SpecId && delete.Partition.Equals(data.Partition);
        if (delete.Content == DataFileContent.PositionDeletes)
        {
            byte[] path = Encoding.UTF8.GetBytes(data.FilePath);
            bool beyond = (delete.LowerBounds?.GetValueOrDefault(DeletedPathFieldId) is { } lower && path.AsSpan().SequenceCompareTo(lower) < 0)
                || (delete.UpperBounds?.GetValueOrDefault(DeletedPathFieldId) is { } upper && path.AsSpan().SequenceCompareTo(upper) > 0);
            return samePartition && !beyond;
        }

        bool everywhere = metadata.PartitionSpecs.FirstOrDefault(spec => spec.SpecId == delete.SpecId) is { } of
            && of.Fields.All(field => field.Transform is Transform.Void);
        return (samePartition || everywhere) && !(delete.EqualityIds ?? []).Any(id => AreApart(delete, data, id, metadata));
    }

    /// <summary>Whether the values that are deleted and those of the file lie apart, by the bounds of both.</summary>
    private static bool AreApart(DataFile delete, DataFile data, int fieldId, TableMetadata metadata)
    {
        bool nulls = delete.NullValueCounts?.GetValueOrDefault(fieldId, 1) != 0 && data.NullValueCounts?.GetValueOrDefault(fieldId, 1) != 0;
        if (nulls || metadata.CurrentSchema.FindField(fieldId)?.Type is not PrimitiveType type)
        {
            return false;
        }

        return Bound(delete.UpperBounds) is { } deleteUpper && Bound(data.LowerBounds) is { } dataLower && SingleValue.Compare(deleteUpper, dataLower) < 0
            || Bound(delete.LowerBounds) is { } deleteLower && Bound(data.UpperBounds) is { } dataUpper && SingleValue.Compare(deleteLower, dataUpper) > 0;

        object? Bound(IReadOnlyDictionary<int, byte[]>? bounds) =>
            bounds?.GetValueOrDefault(fieldId) is { } bytes ? SingleValue.FromBytes(type, bytes) : null;
    }
}
