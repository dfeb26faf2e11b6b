using OrleansLake.Parquet.Reading;

namespace OrleansLake.Parquet;

/// <summary>
/// What a file says of a run of its rows without their being read: first of a whole row group, then of rows whose pages
/// begin and end together. A <see cref="RowFilter"/> looks at it.
/// </summary>
public sealed class RowRun
{
    private readonly RowGroupIndex _index;

    internal RowRun(RowGroupIndex index, RowRange rows, bool isWholeRowGroup)
    {
        _index = index;
        Rows = rows;
        IsWholeRowGroup = isWholeRowGroup;
    }

    /// <summary>Which rows of the file.</summary>
    public RowRange Rows { get; internal set; }

    /// <summary>Whether these are all rows of a row group.</summary>
    public bool IsWholeRowGroup { get; }

    /// <summary>Bounds and counts of a column in these rows; what is not known is null.</summary>
    public ColumnBounds BoundsOf(ColumnDescriptor column) =>
        IsWholeRowGroup ? _index.BoundsOfRowGroup(column) : _index.BoundsOfPage(column, Rows.First);

    /// <summary>
    /// Whether a plainly encoded value (byte arrays without a length) can occur in the row group, by its Bloom filter. True
    /// where there is none.
    /// </summary>
    public bool MayContain(ColumnDescriptor column, ReadOnlySpan<byte> value) => _index.MayContain(column, value);
}

/// <summary>
/// Bounds and counts of a column in a run of rows, only as far as they can be relied upon: bounds of a type without an
/// order, or written in another order than the type's, are left out, as are those of floating-point numbers that name NaN.
/// </summary>
/// <remarks>
/// Bounds are plainly encoded: little endian for numbers, the bytes themselves for byte arrays. They may be wider than the
/// values, since long ones are cut. NaN lies outside of them; a zero stands for both zeros.
/// </remarks>
public sealed record ColumnBounds
{
    /// <summary>A value that none lies below.</summary>
    public byte[]? Min { get; init; }

    /// <summary>A value that none lies above.</summary>
    public byte[]? Max { get; init; }

    /// <summary>Slots without a value: rows, where the column is not repeated.</summary>
    public long? NullCount { get; init; }

    /// <summary>Values that are not a number.</summary>
    public long? NanCount { get; init; }

    /// <summary>Whether there is no value at all.</summary>
    public bool HasOnlyNulls { get; init; }
}
