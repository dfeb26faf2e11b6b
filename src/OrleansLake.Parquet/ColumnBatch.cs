namespace OrleansLake.Parquet;

/// <summary>
/// Rows of one schema, column by column, in the shape that Parquet stores: levels for every slot, values only where
/// there are any (Dremel). What a decoder fills is what the writer encodes; nothing stands between.
/// </summary>
/// <remarks>Reused from batch to batch: <see cref="Clear"/> keeps the memory. Not safe for concurrent use.</remarks>
public sealed class ColumnBatch
{
    private readonly ColumnBuffer[] _columns;

    /// <summary>An empty batch.</summary>
    public ColumnBatch(ParquetSchema schema)
    {
        Schema = schema;
        _columns = [.. schema.Columns.Select(column => new ColumnBuffer(column))];
    }

    /// <summary>The schema of the rows.</summary>
    public ParquetSchema Schema { get; }

    /// <summary>One buffer a column, in the order of <see cref="ParquetSchema.Columns"/>.</summary>
    public ReadOnlySpan<ColumnBuffer> Columns => _columns;

    /// <summary>Complete rows. Whoever fills the columns sets it after the last column of a row.</summary>
    public int RowCount { get; set; }

    /// <summary>The number in its file of the first row, where the rows were read from one; the others follow it without a gap.</summary>
    public long FirstRow { get; internal set; }

    /// <summary>Bytes of values and levels now held, for budgets.</summary>
    public long SizeBytes
    {
        get
        {
            long size = 0;
            foreach (var column in _columns)
            {
                size += column.SizeBytes;
            }

            return size;
        }
    }

    /// <summary>Adds a run of rows of another batch of the same columns. Cheapest for one who walks that batch front to back.</summary>
    public void Append(ColumnBatch source, int firstRow, int rowCount)
    {
        if (firstRow < 0 || rowCount < 0 || firstRow > source.RowCount - rowCount)
        {
            throw new ArgumentOutOfRangeException(nameof(rowCount), $"expected rows within {source.RowCount}, got {rowCount} from {firstRow}");
        }

        for (int i = 0; i < _columns.Length; i++)
        {
            var from = source._columns[i];
            if (!_columns[i].CanExchange(from.Column))
            {
                throw new ArgumentException($"columns {_columns[i].Column} and {from.Column} are stored differently", nameof(source));
            }

            _columns[i].AppendSlots(from, from.Locate(firstRow), from.Locate(firstRow + rowCount));
        }

        RowCount += rowCount;
    }

    /// <summary>Empties every column and keeps the memory.</summary>
    public void Clear()
    {
        RowCount = 0;
        foreach (var column in _columns)
        {
            column.Clear();
        }
    }

    /// <summary>Drops whatever was written after the last complete row: the way back from a record that is refused.</summary>
    public void DropIncompleteRow()
    {
        foreach (var column in _columns)
        {
            column.TruncateToRows(RowCount);
        }
    }
}
