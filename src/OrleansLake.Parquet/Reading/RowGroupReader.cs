using OrleansLake.Parquet.Footers;

namespace OrleansLake.Parquet.Reading;

/// <summary>Reads some columns of a row group side by side, so many rows at a time.</summary>
internal sealed class RowGroupReader : IDisposable
{
    private readonly ColumnReader[] _columns;
    private readonly long _rowCount;
    private readonly string _place;
    private long _rowsRead;

    public RowGroupReader(ByteSource source, RowGroup rowGroup, int number, Projection projection, int padding, ParquetReaderOptions options)
    {
        _rowCount = rowGroup.RowCount;
        _place = $"row group {number}";
        _columns = new ColumnReader[projection.FileColumns.Count];
        for (int i = 0; i < _columns.Length; i++)
        {
            var column = projection.FileColumns[i];
            _columns[i] = new ColumnReader(source, rowGroup.Columns[column.Index], padding, _place, options);
        }
    }

    /// <summary>Fills the batch with the next rows; false where there are none.</summary>
    public bool Read(ColumnBatch batch, int batchRows)
    {
        batch.Clear();
        int rows = (int)Math.Min(batchRows, _rowCount - _rowsRead);
        if (rows == 0)
        {
            foreach (var column in _columns)
            {
                column.ExpectEnd();
            }

            return false;
        }

        for (int i = 0; i < _columns.Length; i++)
        {
            _columns[i].Read(batch.Columns[i], rows);
        }

        _rowsRead += rows;
        batch.RowCount = rows;
        return true;
    }

    public void Dispose()
    {
        foreach (var column in _columns)
        {
            column.Dispose();
        }
    }
}
