namespace OrleansLake.Parquet;

/// <summary>Which rows and columns of a file to read.</summary>
public sealed record RowSelection
{
    /// <summary>Which columns, as the file's own schema names them; null for all.</summary>
    public Func<ColumnDescriptor, bool>? Columns { get; init; }

    /// <summary>
    /// Lets go of runs of rows that hold no match by what the file says of them: statistics of the row group, the page index,
    /// Bloom filters. Rows that do not match may still come.
    /// </summary>
    public RowFilter? Filter { get; init; }

    /// <summary>Only rows of these numbers, ascending and without overlap; null for all.</summary>
    public IReadOnlyList<RowRange>? Rows { get; init; }

    /// <summary>The number of one row group; null for all.</summary>
    public int? RowGroup { get; init; }

    /// <summary>Rows a batch at most.</summary>
    public int BatchRows { get; init; } = ParquetReader.DefaultBatchRows;

    /// <summary>Memory of an earlier reading, which must have ended; null for memory of its own.</summary>
    public ReadMemory? Memory { get; init; }
}
