namespace OrleansLake.Iceberg;

/// <summary>What a file of a manifest holds.</summary>
public enum DataFileContent
{
    /// <summary>Rows.</summary>
    Data = 0,

    /// <summary>Positions of rows that are gone, or (in Puffin) a deletion vector.</summary>
    PositionDeletes = 1,

    /// <summary>Values of rows that are gone.</summary>
    EqualityDeletes = 2,
}

/// <summary>
/// The descriptor of one file: what a manifest says of it. Maps are keyed by field id; bounds are in the binary
/// single-value form. https://iceberg.apache.org/spec/#data-file-fields
/// </summary>
public sealed record DataFile
{
    /// <summary>Rows or deletes.</summary>
    public DataFileContent Content { get; init; }

    /// <summary>Full location.</summary>
    public required string FilePath { get; init; }

    /// <summary>parquet, avro, orc or puffin, in lower case.</summary>
    public string FileFormat { get; init; } = "parquet";

    /// <summary>The spec that <see cref="Partition"/> follows.</summary>
    public required int SpecId { get; init; }

    /// <summary>The partition's values.</summary>
    public required PartitionKey Partition { get; init; }

    /// <summary>Rows.</summary>
    public required long RecordCount { get; init; }

    /// <summary>Size in bytes.</summary>
    public required long FileSizeBytes { get; init; }

    /// <summary>Bytes a column, footer left out.</summary>
    public IReadOnlyDictionary<int, long>? ColumnSizes { get; init; }

    /// <summary>Values a column, nulls included.</summary>
    public IReadOnlyDictionary<int, long>? ValueCounts { get; init; }

    /// <summary>Nulls a column.</summary>
    public IReadOnlyDictionary<int, long>? NullValueCounts { get; init; }

    /// <summary>NaNs a column.</summary>
    public IReadOnlyDictionary<int, long>? NanValueCounts { get; init; }

    /// <summary>At most the least value.</summary>
    public IReadOnlyDictionary<int, byte[]>? LowerBounds { get; init; }

    /// <summary>At least the greatest value.</summary>
    public IReadOnlyDictionary<int, byte[]>? UpperBounds { get; init; }

    /// <summary>How the file is encrypted.</summary>
    public byte[]? KeyMetadata { get; init; }

    /// <summary>Positions of the row groups, ascending.</summary>
    public IReadOnlyList<long>? SplitOffsets { get; init; }

    /// <summary>The fields that an equality delete compares.</summary>
    public IReadOnlyList<int>? EqualityIds { get; init; }

    /// <summary>The order of its rows.</summary>
    public int? SortOrderId { get; init; }

    /// <summary>Row id of its first row (v3).</summary>
    public long? FirstRowId { get; init; }

    /// <summary>The one data file that all its deletes are of.</summary>
    public string? ReferencedDataFile { get; init; }

    /// <summary>Position of a deletion vector in its Puffin file.</summary>
    public long? ContentPosition { get; init; }

    /// <summary>Size in bytes of a deletion vector.</summary>
    public long? ContentSizeBytes { get; init; }

    /// <summary>Whether it is a deletion vector (v3): a blob of a Puffin file. https://iceberg.apache.org/spec/#deletion-vectors</summary>
    public bool IsDeletionVector => Content == DataFileContent.PositionDeletes && FileFormat == "puffin";

    /// <summary>What tells it from the other files of a snapshot: deletion vectors share Puffin files.</summary>
    internal FileKey Key => new(FilePath, ContentPosition);
}

/// <summary>A file of a snapshot: by its location, for deletion vectors also by their place in it.</summary>
internal readonly record struct FileKey(string FilePath, long? ContentPosition);
