using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Read;

/// <summary>What is the same for every row of a data file, and stands in the table instead of the file.</summary>
internal sealed class FileConstants
{
    private readonly Dictionary<int, object?> _values = [];
    private readonly Dictionary<int, object?> _partition = [];

    /// <summary>The constants of a file.</summary>
    public FileConstants(TableMetadata metadata, DataFile file, long sequenceNumber)
    {
        FirstRowId = file.FirstRowId;
        SequenceNumber = metadata.FormatVersion >= 3 && file.FirstRowId is not null ? sequenceNumber : null;
        _values[MetadataColumns.FilePath.Id] = file.FilePath;
        _values[MetadataColumns.SpecId.Id] = file.SpecId;
        var spec = metadata.PartitionSpecs.FirstOrDefault(one => one.SpecId == file.SpecId);
        for (int i = 0; i < (spec?.Fields.Count ?? 0) && i < file.Partition.Values.Count; i++)
        {
            var field = spec!.Fields[i];
            _partition[field.FieldId] = file.Partition.Values[i];
            if (field is { Transform: Transform.Identity, SourceIds: [var source] })
            {
                _values.TryAdd(source, file.Partition.Values[i]);
            }
        }
    }

    /// <summary>Row id of the first row (v3).</summary>
    public long? FirstRowId { get; }

    /// <summary>When the rows came or were last changed, unless the file says otherwise (v3).</summary>
    public long? SequenceNumber { get; }

    /// <summary>The value of a field that the file lacks; null where it is not known or null.</summary>
    public object? ValueOf(NestedField field) => _values.GetValueOrDefault(field.Id) is { } value ? LeafConversion.Widen(field.Type, value) : null;

    /// <summary>The value of a partition field; null where the file's spec has it not, or it is null.</summary>
    public object? PartitionValueOf(NestedField field) => _partition.GetValueOrDefault(field.Id) is { } value ? LeafConversion.Widen(field.Type, value) : null;

    /// <summary>Fills the metadata columns of a row whose other values were read.</summary>
    public void Complete(IReadOnlyList<NestedField> fields, object?[] row, long position)
    {
        for (int i = 0; i < fields.Count; i++)
        {
            var field = fields[i];
            if (field.Id == MetadataColumns.RowPosition.Id)
            {
                row[i] = position;
            }
            else if (field.Id == MetadataColumns.RowId.Id)
            {
                row[i] ??= FirstRowId + position;
            }
            else if (field.Id == MetadataColumns.LastUpdatedSequenceNumber.Id)
            {
                row[i] ??= SequenceNumber;
            }
            else if (field is { Id: MetadataColumns.PartitionId, Type: StructType partition })
            {
                row[i] = partition.Fields.Select(PartitionValueOf).ToArray();
            }
        }
    }
}
