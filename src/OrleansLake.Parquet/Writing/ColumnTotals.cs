using OrleansLake.Parquet.Statistics;

namespace OrleansLake.Parquet.Writing;

/// <summary>What was counted of one column over all row groups so far.</summary>
internal struct ColumnTotals
{
    private long _sizeBytes;
    private long _values;
    private long _nulls;
    private long _nans;
    private byte[]? _min;
    private byte[]? _max;

    public void Add(ColumnChunkWriter chunk, long sizeBytes, PageBounds bounds)
    {
        var merged = PageBounds.Merge(ValueOrders.Of(chunk.Column), new PageBounds(_min, _max, 0), bounds);
        _min = merged.Min;
        _max = merged.Max;
        _nans += bounds.NanCount;
        _sizeBytes += sizeBytes;
        _values += chunk.ValueCount;
        _nulls += chunk.NullCount;
    }

    public readonly ColumnMetrics ToMetrics(ColumnDescriptor column) => new()
    {
        Column = column,
        SizeBytes = _sizeBytes,
        ValueCount = _values,
        NullCount = _nulls,
        NanCount = ValueOrders.Of(column) is ValueOrder.Float or ValueOrder.Double or ValueOrder.Half ? _nans : null,
        Min = _min,
        Max = _max,
    };
}
