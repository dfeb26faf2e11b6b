namespace OrleansLake.Parquet;

/// <summary>A closed file: what its writer knows of it without reading it again.</summary>
public sealed record ParquetFile
{
    /// <summary>Size in bytes, footer included.</summary>
    public required long FileSizeBytes { get; init; }

    /// <summary>Rows in all row groups.</summary>
    public required long RowCount { get; init; }

    /// <summary>Position of the first byte of each row group, ascending.</summary>
    public required IReadOnlyList<long> SplitPositions { get; init; }

    /// <summary>One a column, in the order of the schema's columns.</summary>
    public required IReadOnlyList<ColumnMetrics> Columns { get; init; }
}

/// <summary>What was counted and compared of one column while it was written, over all row groups.</summary>
public sealed record ColumnMetrics
{
    /// <summary>Which column.</summary>
    public required ColumnDescriptor Column { get; init; }

    /// <summary>Bytes of its pages in the file, dictionary and headers included.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Slots, nulls included: Iceberg's value count.</summary>
    public required long ValueCount { get; init; }

    /// <summary>Slots without a value.</summary>
    public required long NullCount { get; init; }

    /// <summary>Values that are not a number; null where the type has none.</summary>
    public long? NanCount { get; init; }

    /// <summary>
    /// The least and the greatest value, NaN left out, null where there is none: little endian for Int32, Int64, Float
    /// and Double, one byte for Boolean, the bytes themselves for byte arrays (big-endian two's complement where they are
    /// decimals). Not truncated. −0.0 as least and +0.0 as greatest where a zero is the bound.
    /// </summary>
    public byte[]? Min { get; init; }

    /// <inheritdoc cref="Min" />
    public byte[]? Max { get; init; }
}
