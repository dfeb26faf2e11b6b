using System.IO.Hashing;
using OrleansLake.Parquet.Footers;
using OrleansLake.Parquet.Statistics;

namespace OrleansLake.Parquet.Reading;

/// <summary>
/// What is known of the rows of a row group without reading them, and where its pages lie. Indexes and Bloom filters are read
/// when they are first asked for.
/// </summary>
internal sealed class RowGroupIndex
{
    private const int LargestIndexBytes = 256 * 1024 * 1024;

    private readonly Footer _footer;
    private readonly RowGroup _rowGroup;
    private readonly Column?[] _columns;
    private ByteSource _source;
    private bool _withBloom;

    public RowGroupIndex(ByteSource source, Footer footer, int number, long firstRow, int padding)
    {
        _source = source;
        _footer = footer;
        _rowGroup = footer.RowGroups[number];
        Place = $"row group {number}";
        Padding = padding;
        _columns = new Column?[_rowGroup.Columns.Count];
        Rows = new RowRange(firstRow, firstRow + _rowGroup.RowCount);
    }

    /// <summary>The rows of the row group by their number in the file.</summary>
    public RowRange Rows { get; }

    /// <summary>How messages name the row group.</summary>
    public string Place { get; }

    /// <summary>Bytes behind a chunk that may belong to it.</summary>
    public int Padding { get; }

    /// <summary>From where indexes and filters are read.</summary>
    public ByteSource Source
    {
        set => _source = value;
    }

    /// <summary>Whether the row group may hold a match by its statistics, for which nothing needs to be read.</summary>
    public bool MayMatchByStatistics(RowFilter filter)
    {
        _withBloom = false;
        return filter.MayMatch(new RowRun(this, Rows, isWholeRowGroup: true));
    }

    /// <summary>Whether it may hold one by its Bloom filters, too.</summary>
    public bool MayMatchByBloom(RowFilter filter)
    {
        _withBloom = true;
        return filter.Columns.All(column => Of(column).Chunk.BloomFilter is null) || filter.MayMatch(new RowRun(this, Rows, isWholeRowGroup: true));
    }

    /// <summary>Where the indexes and Bloom filters lie that a selection needs, as far as the footer tells.</summary>
    public List<ByteRange> IndexSections(RowSelection selection, Projection projection)
    {
        if (selection.Filter is null && selection.Rows is null)
        {
            return [];
        }

        var filtered = selection.Filter?.Columns ?? [];
        var sections = filtered.Select(column => Of(column).Chunk.BloomFilter)
            .Concat(filtered.Select(column => Of(column).Chunk.ColumnIndex))
            .Concat(filtered.Concat(projection.FileColumns).Select(column => Of(column).Chunk.OffsetIndex));
        return [.. sections.OfType<FileSection>().Select(section => new ByteRange(section.Position, section.Position + section.Length))];
    }

    /// <summary>The rows whose pages may hold a match, of those that are wanted.</summary>
    public List<RowRange> Select(RowFilter? filter, List<RowRange> wanted)
    {
        long[] starts = filter is null || wanted.Count == 0 ? [] : Starts(filter.Columns);
        if (starts.Length <= 1)
        {
            return wanted;
        }

        var matching = new List<RowRange>();
        var run = new RowRun(this, Rows, isWholeRowGroup: false);
        for (int i = 0; i < starts.Length; i++)
        {
            run.Rows = new RowRange(starts[i], i + 1 < starts.Length ? starts[i + 1] : Rows.Next);
            if (run.Rows.Count > 0 && filter!.MayMatch(run))
            {
                RowRange.Append(matching, run.Rows);
            }
        }

        return [.. matching.SelectMany(range => RowRange.Within(range, wanted))];
    }

    /// <summary>The bytes of a chunk that hold some rows, and its dictionary.</summary>
    public void AddDataSections(ColumnDescriptor column, List<RowRange> rows, List<ByteRange> sections)
    {
        var one = Of(column);
        var (start, end) = Extent(one);
        if (rows is [var all] && all == Rows || PagesOf(column) is not { Length: > 0 } pages)
        {
            sections.Add(new ByteRange(start, end));
            return;
        }

        sections.Add(new ByteRange(start, pages[0].Position));
        int range = 0;
        for (int i = 0; i < pages.Length; i++)
        {
            long first = Rows.First + pages[i].FirstRow;
            long next = i + 1 < pages.Length ? Rows.First + pages[i + 1].FirstRow : Rows.Next;
            while (range < rows.Count && rows[range].Next <= first)
            {
                range++;
            }

            if (range < rows.Count && rows[range].First < next)
            {
                sections.Add(new ByteRange(pages[i].Position, pages[i].Position + pages[i].SizeBytes));
            }
        }
    }

    /// <summary>The pages of a chunk, or null where the file does not say.</summary>
    public PageLocation[]? PagesOf(ColumnDescriptor column)
    {
        var one = Of(column);
        ReadPageIndex(one);
        return one.Pages;
    }

    public ColumnBounds BoundsOfRowGroup(ColumnDescriptor column) => Of(column).Whole;

    /// <summary>Bounds of the page that a row of the file lies in.</summary>
    public ColumnBounds BoundsOfPage(ColumnDescriptor column, long row)
    {
        var one = Of(column);
        ReadPageIndex(one);
        if (one.Pages is not { Length: > 0 } pages || one.Bounds is null)
        {
            return one.Whole;
        }

        // Asked for in ascending order, mostly.
        row -= Rows.First;
        int page = one.LastPage < pages.Length && pages[one.LastPage].FirstRow <= row ? one.LastPage : 0;
        while (page + 1 < pages.Length && pages[page + 1].FirstRow <= row)
        {
            page++;
        }

        one.LastPage = page;
        return one.Bounds[page] ??= BoundsOf(one, page);
    }

    public bool MayContain(ColumnDescriptor column, ReadOnlySpan<byte> value)
    {
        var one = Of(column);
        if (!_withBloom)
        {
            return true;
        }

        if (!one.BloomIsRead)
        {
            one.Bloom = one.Chunk.BloomFilter is { } section ? ReadBloom(one, section) : null;
            one.BloomIsRead = true;
        }

        return one.Bloom is null || BloomFilter.MayContain(one.Bloom, XxHash64.HashToUInt64(value));
    }

    private long[] Starts(IReadOnlyCollection<ColumnDescriptor> columns)
    {
        var starts = new SortedSet<long> { Rows.First };
        foreach (var column in columns)
        {
            var one = Of(column);
            ReadPageIndex(one);
            if (one.Bounds is not null)
            {
                starts.UnionWith(one.Pages!.Select(page => Rows.First + page.FirstRow));
            }
        }

        return [.. starts];
    }

    private Column Of(ColumnDescriptor column)
    {
        if ((uint)column.Index >= (uint)_columns.Length || !_rowGroup.Columns[column.Index].Column.Path.SequenceEqual(column.Path))
        {
            throw new ArgumentException($"the file has no column {column} at {column.Index}", nameof(column));
        }

        var chunk = _rowGroup.Columns[column.Index];
        var order = OrderOf(column);
        return _columns[column.Index] ??= new Column(chunk, order, Whole(chunk, order));
    }

    private (long Start, long End) Extent(Column one)
    {
        try
        {
            return PageReader.Extent(one.Chunk, Padding, _source.Length);
        }
        catch (ParquetFormatException e)
        {
            throw e.In($"{Place}: column {one.Chunk.Column}");
        }
    }

    private void ReadPageIndex(Column one)
    {
        if (one.IndexIsRead)
        {
            return;
        }

        one.IndexIsRead = true;
        var (start, end) = Extent(one);
        try
        {
            if (one.Chunk.OffsetIndex is { Length: > 0 } offsets)
            {
                one.Pages = PageIndexReader.Offsets(Section(offsets), start, end, _rowGroup.RowCount);
                if (one.Chunk.ColumnIndex is { Length: > 0 } bounds)
                {
                    one.Index = PageIndexReader.Bounds(Section(bounds), one.Pages.Length);
                    one.Bounds = new ColumnBounds?[one.Pages.Length];
                }
            }
        }
        catch (ParquetFormatException e)
        {
            throw e.In($"{Place}: column {one.Chunk.Column}");
        }
    }

    private byte[] Section(FileSection section)
    {
        if (section.Position < 0 || section.Length < 0 || section.Length > LargestIndexBytes || section.Length > _source.Length - section.Position)
        {
            throw new ParquetFormatException($"an index of {section.Length} bytes at {section.Position} in a file of {_source.Length}");
        }

        var bytes = new byte[section.Length];
        _source.Read(section.Position, bytes);
        return bytes;
    }

    private uint[] ReadBloom(Column one, FileSection section)
    {
        try
        {
            return BloomFilterReader.Read(_source, section);
        }
        catch (ParquetFormatException e)
        {
            throw e.In($"{Place}: column {one.Chunk.Column}: Bloom filter");
        }
    }

    /// <summary>The order that bounds follow; none where the file does not say that they do.</summary>
    private ValueOrder OrderOf(ColumnDescriptor column) =>
        column.Index < _footer.ColumnOrders.Count && _footer.ColumnOrders[column.Index] != ColumnOrder.Undefined
            ? ValueOrders.Of(column)
            : ValueOrder.None;

    private static ColumnBounds Whole(ColumnChunk chunk, ValueOrder order)
    {
        var statistics = chunk.Statistics ?? new ColumnStatistics();
        long? nulls = chunk.Column.MaxDefinitionLevel == 0 ? 0 : statistics.NullCount is < 0 ? null : statistics.NullCount;
        return Reliable(chunk.Column, order, statistics.Min, statistics.Max) with
        {
            NullCount = nulls,
            NanCount = statistics.NanCount,
            HasOnlyNulls = nulls > 0 && nulls == chunk.ValueCount,
        };
    }

    private static ColumnBounds BoundsOf(Column one, int page)
    {
        var index = one.Index!;
        long? nulls = one.Chunk.Column.MaxDefinitionLevel == 0 ? 0 : index.NullCounts?[page];
        if (index.NullPages[page])
        {
            // parquet-mr has had pages without bounds for pages without values.
            return nulls is 0 or < 0 ? new ColumnBounds { NullCount = nulls is 0 ? 0 : null } : new ColumnBounds { NullCount = nulls, HasOnlyNulls = true };
        }

        return Reliable(one.Chunk.Column, one.Order, index.Mins[page], index.Maxes[page]) with
        {
            NullCount = nulls is < 0 ? null : nulls,
            NanCount = index.NanCounts?[page],
        };
    }

    private static ColumnBounds Reliable(ColumnDescriptor column, ValueOrder order, byte[]? min, byte[]? max)
    {
        if (order == ValueOrder.None)
        {
            return new ColumnBounds();
        }

        min = min is not null && ValueOrders.IsValue(column, min) && !ValueOrders.IsNan(order, min) ? min : null;
        max = max is not null && ValueOrders.IsValue(column, max) && !ValueOrders.IsNan(order, max) ? max : null;
        return min is not null && max is not null && ValueOrders.Compare(order, min, max) > 0
            ? new ColumnBounds()
            : new ColumnBounds { Min = min, Max = max };
    }

    private sealed class Column(ColumnChunk chunk, ValueOrder order, ColumnBounds whole)
    {
        public ColumnChunk Chunk { get; } = chunk;

        public ValueOrder Order { get; } = order;

        public ColumnBounds Whole { get; } = whole;

        public bool IndexIsRead { get; set; }

        public PageLocation[]? Pages { get; set; }

        public ColumnIndex? Index { get; set; }

        public ColumnBounds?[]? Bounds { get; set; }

        public int LastPage { get; set; }

        public bool BloomIsRead { get; set; }

        public uint[]? Bloom { get; set; }
    }
}
