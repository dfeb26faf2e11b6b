using System.Text;
using OrleansLake.Iceberg.Expressions;

namespace OrleansLake.Iceberg.Deletes;

/// <summary>
/// Which delete files apply to which data files: by sequence number, by spec and partition, by the path that a file of
/// position deletes is all about, by the bounds of equality deletes.
/// https://iceberg.apache.org/spec/#scan-planning
/// </summary>
internal sealed class DeleteIndex
{
    private readonly TableMetadata _metadata;
    private readonly Dictionary<string, ManifestEntry> _vectors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<ManifestEntry>> _byPath = new(StringComparer.Ordinal);
    private readonly Dictionary<(int, PartitionKey), List<ManifestEntry>> _byPartition = [];
    private readonly Dictionary<(int, PartitionKey), List<ManifestEntry>> _equality = [];
    private readonly List<ManifestEntry> _everywhere = [];
    private readonly Dictionary<int, NestedField?> _fields = [];

    public DeleteIndex(TableMetadata metadata) => _metadata = metadata;

    /// <summary>Whether no row of the table is deleted by a file.</summary>
    public bool IsEmpty { get; private set; } = true;

    public void Add(ManifestEntry entry)
    {
        IsEmpty = false;
        var file = entry.DataFile;
        if (file.Content == DataFileContent.EqualityDeletes)
        {
            if (IsUnpartitioned(file.SpecId))
            {
                _everywhere.Add(entry);
            }
            else
            {
                Append(_equality, (file.SpecId, file.Partition), entry);
            }

            return;
        }

        if (file.IsDeletionVector)
        {
            string path = file.ReferencedDataFile ?? throw new IcebergFormatException(file.FilePath, "deletion vector", "expected the data file that it is of in the manifest, got none");
            if (!_vectors.TryAdd(path, entry) && Sequence(_vectors[path]) == Sequence(entry))
            {
                throw new IcebergFormatException(file.FilePath, "deletion vector", $"expected at most one for {path}, got two of sequence number {entry.SequenceNumber}");
            }

            // Of two the newer one holds what the older one held.
            _vectors[path] = Sequence(_vectors[path]) > Sequence(entry) ? _vectors[path] : entry;
        }
        else if (OnlyPath(file) is { } only)
        {
            Append(_byPath, only, entry);
        }
        else
        {
            Append(_byPartition, (file.SpecId, file.Partition), entry);
        }
    }

    /// <summary>The delete files of a data file, the position deletes first.</summary>
    public IReadOnlyList<DataFile> For(ManifestEntry data)
    {
        if (IsEmpty)
        {
            return [];
        }

        var file = data.DataFile;
        long sequence = Sequence(data);
        var found = new List<DataFile>();
        if (_vectors.TryGetValue(file.FilePath, out var vector) && Sequence(vector) >= sequence)
        {
            // What other position deletes said is in the vector.
            found.Add(vector.DataFile);
        }
        else
        {
            AddPositions(_byPath.GetValueOrDefault(file.FilePath));
            AddPositions(_byPartition.GetValueOrDefault((file.SpecId, file.Partition)));
        }

        AddEqualities(_everywhere);
        AddEqualities(_equality.GetValueOrDefault((file.SpecId, file.Partition)));
        return found;

        void AddPositions(List<ManifestEntry>? deletes)
        {
            foreach (var delete in deletes ?? [])
            {
                if (Sequence(delete) >= sequence && MayHoldPath(delete.DataFile, file.FilePath))
                {
                    found.Add(delete.DataFile);
                }
            }
        }

        void AddEqualities(List<ManifestEntry>? deletes)
        {
            foreach (var delete in deletes ?? [])
            {
                if (Sequence(delete) > sequence && MayBeEqual(delete.DataFile, file))
                {
                    found.Add(delete.DataFile);
                }
            }
        }
    }

    private bool IsUnpartitioned(int specId) =>
        _metadata.PartitionSpecs.FirstOrDefault(spec => spec.SpecId == specId)?.Fields.All(field => field.Transform is Transform.Void) ?? false;

    private static long Sequence(ManifestEntry entry) => entry.SequenceNumber ?? 0;

    private static void Append<TKey>(Dictionary<TKey, List<ManifestEntry>> map, TKey key, ManifestEntry entry)
        where TKey : notnull
    {
        if (!map.TryGetValue(key, out var list))
        {
            map[key] = list = [];
        }

        list.Add(entry);
    }

    /// <summary>The one data file that position deletes are of: said so, or since the bounds of the paths are equal and not cut.</summary>
    private static string? OnlyPath(DataFile file)
    {
        if (file.ReferencedDataFile is { } path)
        {
            return path;
        }

        int id = MetadataColumns.DeleteFilePath.Id;
        return file.LowerBounds?.GetValueOrDefault(id) is { } lower && file.UpperBounds?.GetValueOrDefault(id) is { } upper && lower.AsSpan().SequenceEqual(upper)
            ? Encoding.UTF8.GetString(lower)
            : null;
    }

    private static bool MayHoldPath(DataFile delete, string path)
    {
        int id = MetadataColumns.DeleteFilePath.Id;
        byte[] utf8 = Encoding.UTF8.GetBytes(path);
        return !(delete.LowerBounds?.GetValueOrDefault(id) is { } lower && lower.AsSpan().SequenceCompareTo(utf8) > 0)
            && !(delete.UpperBounds?.GetValueOrDefault(id) is { } upper && upper.AsSpan().SequenceCompareTo(utf8) < 0);
    }

    /// <summary>False only where the metrics of both files say that no row of one equals a row of the other.</summary>
    private bool MayBeEqual(DataFile delete, DataFile data)
    {
        foreach (int id in delete.EqualityIds ?? [])
        {
            if (!_fields.TryGetValue(id, out var field))
            {
                // A column of a default may have values that the file's metrics do not tell of.
                field = _metadata.CurrentSchema.FindField(id);
                _fields[id] = field = field is { Type: PrimitiveType, InitialDefault: null } ? field : null;
            }

            if (field is null)
            {
                continue;
            }

            long? deleteNulls = delete.NullValueCounts?.TryGetValue(id, out long d) == true ? d : null;
            long? dataNulls = data.NullValueCounts?.TryGetValue(id, out long n) == true ? n : null;
            if ((deleteNulls ?? 1) > 0 && (dataNulls ?? 1) > 0)
            {
                // Null equals null.
                continue;
            }

            if (field.Type is FloatType or DoubleType or UuidType)
            {
                continue;
            }

            var (deleteLower, deleteUpper) = (Bound(delete.LowerBounds), Bound(delete.UpperBounds));
            var (dataLower, dataUpper) = (Bound(data.LowerBounds), Bound(data.UpperBounds));
            if ((deleteLower is not null && dataUpper is not null && PredicateTest.Compare(deleteLower, dataUpper) > 0)
                || (deleteUpper is not null && dataLower is not null && PredicateTest.Compare(deleteUpper, dataLower) < 0))
            {
                return false;
            }

            object? Bound(IReadOnlyDictionary<int, byte[]>? bounds) => BoundValue.Read(field.Type, bounds?.GetValueOrDefault(id));
        }

        return true;
    }
}
