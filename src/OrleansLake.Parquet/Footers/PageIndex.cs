namespace OrleansLake.Parquet.Footers;

/// <summary>Where a data page lies, header included, and which row of its row group it begins with.</summary>
internal readonly record struct PageLocation(long Position, int SizeBytes, long FirstRow);

/// <summary>Bounds and null counts of the pages of a column chunk. https://parquet.apache.org/docs/file-format/pageindex/</summary>
internal sealed record ColumnIndex
{
    /// <summary>Pages that hold nothing but nulls: their bounds mean nothing.</summary>
    public required bool[] NullPages { get; init; }

    /// <summary>Lower bounds as the footer's statistics have them.</summary>
    public required byte[][] Mins { get; init; }

    /// <summary>Upper bounds.</summary>
    public required byte[][] Maxes { get; init; }

    /// <summary>Slots without a value, where told.</summary>
    public long[]? NullCounts { get; init; }

    /// <summary>Values that are not a number, where told.</summary>
    public long[]? NanCounts { get; init; }
}
