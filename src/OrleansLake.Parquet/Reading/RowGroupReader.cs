using OrleansLake.Parquet.Footers;

namespace OrleansLake.Parquet.Reading;

/// <summary>Reads some rows of some columns of a row group side by side, so many rows at a time.</summary>
internal sealed class RowGroupReader : IDisposable
{
    private readonly ColumnReader[] _columns;
    private readonly RowRange _all;
    private readonly List<RowRange> _rows;
    private long _at;
    private int _range;

    /// <param name="source">The file, or what has been fetched of it.</param>
    /// <param name="index">What is known of the row group.</param>
    /// <param name="rowGroup">The row group.</param>
    /// <param name="projection">The columns.</param>
    /// <param name="rows">Rows of the row group by their number in the file, ascending.</param>
    /// <param name="memory">What is kept from row group to row group.</param>
    /// <param name="options">Limits.</param>
    public RowGroupReader(
        ByteSource source, RowGroupIndex index, RowGroup rowGroup, Projection projection, List<RowRange> rows, ReadMemory memory, ParquetReaderOptions options)
    {
        _all = index.Rows;
        _rows = rows;
        _at = _all.First;
        _columns = new ColumnReader[projection.FileColumns.Count];
        bool isWhole = IsWhole;
        for (int i = 0; i < _columns.Length; i++)
        {
            var column = projection.FileColumns[i];
            var pages = isWhole ? null : index.PagesOf(column);
            _columns[i] = new ColumnReader(source, rowGroup.Columns[column.Index], pages, rowGroup.RowCount, index.Padding, index.Place, memory.ColumnOf(i, column), options);
        }
    }

    private bool IsWhole => _rows.Count == 0 ? _all.Count == 0 : _rows.Count == 1 && _rows[0] == _all;

    /// <summary>Fills the batch with rows that follow one another; false where there are none.</summary>
    public bool Read(ColumnBatch batch, int batchRows)
    {
        batch.Clear();
        while (_range < _rows.Count && _at >= _rows[_range].Next)
        {
            _range++;
        }

        if (_range == _rows.Count)
        {
            ExpectEnd();
            return false;
        }

        var range = _rows[_range];
        long skip = Math.Max(0, range.First - _at);
        long first = _at + skip;
        int rows = (int)Math.Min(batchRows, range.Next - first);
        for (int i = 0; i < _columns.Length; i++)
        {
            _columns[i].Skip(skip);
            _columns[i].Read(batch.Columns[i], rows);
        }

        _at = first + rows;
        batch.RowCount = rows;
        batch.FirstRow = first;
        return true;
    }

    public void Dispose()
    {
        foreach (var column in _columns)
        {
            column.Dispose();
        }
    }

    private void ExpectEnd()
    {
        if (IsWhole)
        {
            foreach (var column in _columns)
            {
                column.ExpectEnd();
            }
        }
    }
}
