namespace OrleansLake.Iceberg;

/// <summary>What the files of a manifest hold.</summary>
public enum ManifestContent
{
    /// <summary>Data files.</summary>
    Data = 0,

    /// <summary>Delete files.</summary>
    Deletes = 1,
}

/// <summary>What the partition values of one field are, over all files of a manifest.</summary>
/// <param name="ContainsNull">Whether one is null.</param>
/// <param name="ContainsNan">Whether one is not a number; null where the writer did not say.</param>
/// <param name="LowerBound">At most the least, in the binary single-value form.</param>
/// <param name="UpperBound">At least the greatest.</param>
public sealed record PartitionSummary(bool ContainsNull, bool? ContainsNan, byte[]? LowerBound, byte[]? UpperBound);

/// <summary>A manifest as a manifest list describes it. https://iceberg.apache.org/spec/#manifest-lists</summary>
public sealed record ManifestFile
{
    /// <summary>The sequence number of a manifest that no snapshot lists yet: it is given one when a list is written.</summary>
    internal const long Unassigned = -1;

    /// <summary>Where it lies.</summary>
    public required string ManifestPath { get; init; }

    /// <summary>Size in bytes.</summary>
    public required long ManifestLengthBytes { get; init; }

    /// <summary>The spec of its files.</summary>
    public required int SpecId { get; init; }

    /// <summary>Data or deletes.</summary>
    public ManifestContent Content { get; init; }

    /// <summary>When it came to the table.</summary>
    public long SequenceNumber { get; init; }

    /// <summary>The least data sequence number of its live files.</summary>
    public long MinSequenceNumber { get; init; }

    /// <summary>The snapshot that it came with.</summary>
    public required long AddedSnapshotId { get; init; }

    /// <summary>Entries ADDED; null where a v1 writer did not count.</summary>
    public int? AddedFilesCount { get; init; }

    /// <summary>Entries EXISTING; null where a v1 writer did not count.</summary>
    public int? ExistingFilesCount { get; init; }

    /// <summary>Entries DELETED; null where a v1 writer did not count.</summary>
    public int? DeletedFilesCount { get; init; }

    /// <summary>Rows of ADDED files; null where a v1 writer did not count.</summary>
    public long? AddedRowsCount { get; init; }

    /// <summary>Rows of EXISTING files; null where a v1 writer did not count.</summary>
    public long? ExistingRowsCount { get; init; }

    /// <summary>Rows of DELETED files; null where a v1 writer did not count.</summary>
    public long? DeletedRowsCount { get; init; }

    /// <summary>One a field of the spec.</summary>
    public IReadOnlyList<PartitionSummary>? Partitions { get; init; }

    /// <summary>How it is encrypted.</summary>
    public byte[]? KeyMetadata { get; init; }

    /// <summary>Row id of the first row of its files that have none of their own (v3).</summary>
    public long? FirstRowId { get; init; }
}

/// <summary>What an entry says of its file.</summary>
public enum ManifestEntryStatus
{
    /// <summary>Was there before the manifest.</summary>
    Existing = 0,

    /// <summary>Came with it.</summary>
    Added = 1,

    /// <summary>Went with it: not live.</summary>
    Deleted = 2,
}

/// <summary>One file of a manifest, with what it inherits from the manifest filled in.</summary>
public sealed record ManifestEntry
{
    /// <summary>Whether it came, stays or went.</summary>
    public required ManifestEntryStatus Status { get; init; }

    /// <summary>The snapshot that added (or, for deleted ones, deleted) it.</summary>
    public long? SnapshotId { get; init; }

    /// <summary>The data sequence number: which deletes apply to it.</summary>
    public long? SequenceNumber { get; init; }

    /// <summary>When the file itself came to the table.</summary>
    public long? FileSequenceNumber { get; init; }

    /// <summary>The file.</summary>
    public required DataFile DataFile { get; init; }
}
