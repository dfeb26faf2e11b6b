using OrleansLake.Parquet.Buffers;
using OrleansLake.Parquet.Footers;

namespace OrleansLake.Parquet.Reading;

/// <summary>Reads one column of a row group, so many rows at a time, and skips rows in between.</summary>
internal sealed class ColumnReader : IDisposable
{
    private const int WindowSlots = ColumnMemory.WindowSlots;

    private readonly ColumnDescriptor _column;
    private readonly PageReader _pages;
    private readonly PageLocation[]? _locations;
    private readonly ParquetReaderOptions _options;
    private readonly string _place;
    private readonly long _slotCount;
    private readonly long _rowCount;
    private readonly ColumnMemory _memory;
    private readonly byte[] _repetition;
    private readonly byte[] _definition;
    private ValueDecoder? _values;
    private ReadOnlyMemory<int> _codes;
    private ColumnBuffer? _dictionary;
    private LevelDecoder _repetitionLevels;
    private LevelDecoder _definitionLevels;

    /// <summary>The row to be read next; the rows before it have been read or skipped to their end.</summary>
    private long _row;

    /// <summary>Slots read or skipped; unknown (−1) behind a jump in a repeated column.</summary>
    private long _slots;
    private int _location = -1;
    private int _pageSlots;
    private int _window;
    private int _windowAt;
    private bool _rowOpen;

    /// <param name="source">The file.</param>
    /// <param name="chunk">What the footer says of the column.</param>
    /// <param name="locations">Where its pages lie, for jumps; they then must be where this says.</param>
    /// <param name="rowCount">Rows of the row group.</param>
    /// <param name="padding">Bytes behind the chunk that may belong to it.</param>
    /// <param name="place">What stands before the column in messages.</param>
    /// <param name="memory">What is kept from chunk to chunk.</param>
    /// <param name="options">Limits.</param>
    public ColumnReader(ByteSource source, ColumnChunk chunk, PageLocation[]? locations, long rowCount, int padding, string place, ColumnMemory memory, ParquetReaderOptions options)
    {
        _column = chunk.Column;
        _place = $"{place}: column {_column}";
        _options = options;
        _locations = locations is { Length: > 0 } ? locations : null;
        _slotCount = chunk.ValueCount;
        _rowCount = rowCount;
        if (_column.MaxDefinitionLevel > byte.MaxValue)
        {
            throw new ParquetFormatException($"{_place} is nested too deeply");
        }

        _memory = memory;
        _repetition = memory.Repetition;
        _definition = memory.Definition;
        try
        {
            _pages = new PageReader(source, chunk, padding, options);
        }
        catch (ParquetFormatException e)
        {
            throw e.In(_place);
        }
    }

    private bool IsRepeated => _column.MaxRepetitionLevel > 0;

    /// <summary>Appends so many rows; throws where there are fewer.</summary>
    public void Read(ColumnBuffer into, int rows) => Guarded(into, rows);

    /// <summary>Goes past so many rows; pages that hold nothing else are not decompressed.</summary>
    public void Skip(long rows)
    {
        if (rows > 0)
        {
            Guarded(null, rows);
        }
    }

    /// <summary>Throws where more rows follow.</summary>
    public void ExpectEnd()
    {
        long left = _slotCount - _slots + _window - _windowAt;
        if (_slots >= 0 && left > 0)
        {
            throw new ParquetFormatException($"{_place}: expected {_slotCount - left} slots in the rows of the row group, got {_slotCount}");
        }
    }

    public void Dispose() => _pages.Dispose();

    private void Guarded(ColumnBuffer? into, long rows)
    {
        try
        {
            if (into is null)
            {
                long target = _row + rows;
                Jump(target);
                rows = target - _row;
            }

            Walk(into, rows);
        }
        catch (ParquetFormatException e)
        {
            throw e.In($"{_place}: page at {_pages.PagePosition}");
        }
    }

    /// <summary>Reads rows into a buffer, or past them where there is none.</summary>
    private void Walk(ColumnBuffer? into, long rows)
    {
        while (rows > 0)
        {
            if (_windowAt == _window)
            {
                if (_rowOpen && _pageSlots == 0 && _locations is not null)
                {
                    // Where pages can be jumped to, none begins within a row.
                    _rowOpen = false;
                    _row++;
                    rows--;
                    continue;
                }

                long skippable = into is null ? rows : 0;
                long before = _row;
                if (!NextWindow(skippable))
                {
                    break;
                }

                rows -= _row - before;
                continue;
            }

            int take;
            if (IsRepeated)
            {
                take = SlotsOf(ref rows);
            }
            else
            {
                take = (int)Math.Min(_window - _windowAt, rows);
                rows -= take;
                _row += take;
            }

            Take(into, take);
        }

        // A row of a repeated column is complete when the next one starts, or the column ends.
        if (rows > 0 && _rowOpen)
        {
            rows--;
            _row++;
            _rowOpen = false;
        }

        if (rows > 0)
        {
            throw new ParquetFormatException($"expected {rows} more rows, the column ends after {_row} of {_rowCount}");
        }
    }

    /// <summary>Slots of the window up to where the row after the last wanted one starts.</summary>
    private int SlotsOf(ref long rows)
    {
        var levels = _repetition.AsSpan(_windowAt, _window - _windowAt);
        int first = 0;
        if (!_rowOpen)
        {
            if (levels[0] != 0)
            {
                throw new ParquetFormatException($"expected a row to start, got repetition level {levels[0]}");
            }

            _rowOpen = true;
            first = 1;
        }

        // The row that is open ends where the next one starts.
        int ended = (int)Math.Min(rows - 1, int.MaxValue);
        int slots = RowWalk.SlotsOfRows(levels[first..], ref ended) + first;
        bool isLast = slots < levels.Length;
        _row += ended + (isLast ? 1 : 0);
        rows -= ended + (isLast ? 1 : 0);
        _rowOpen = !isLast;
        return slots;
    }

    /// <summary>Appends slots of the window, or drops them.</summary>
    private void Take(ColumnBuffer? into, int slots)
    {
        bool wanted = into is not null;
        if (wanted && into!.SlotCount + slots > _options.LargestBatchSlots)
        {
            throw new ParquetFormatException($"rows of more than {_options.LargestBatchSlots} slots");
        }

        into ??= _memory.Skipped;
        into.Reserve(slots);
        int values = slots;
        if (_column.MaxDefinitionLevel > 0)
        {
            var levels = _definition.AsSpan(_windowAt, slots);
            values = levels.Count((byte)_column.MaxDefinitionLevel);
            if (wanted)
            {
                levels.CopyTo(into.DefinitionLevels.AsSpan(into.SlotCount));
            }
        }

        if (wanted && IsRepeated)
        {
            _repetition.AsSpan(_windowAt, slots).CopyTo(into.RepetitionLevels.AsSpan(into.SlotCount));
        }

        if (values > 0)
        {
            _values!.Read(into, values);
            if (_values is not DictionaryDecoder)
            {
                into.DropCodes();
            }
            into.ValueCount += values;
        }

        into.SlotCount += slots;
        if (!wanted)
        {
            into.Clear();
        }

        _windowAt += slots;
    }

    /// <summary>
    /// Decodes the levels of the next slots, or goes past a page of rows that can be skipped; false at the end of the chunk.
    /// </summary>
    private bool NextWindow(long skippable)
    {
        while (_pageSlots == 0)
        {
            if (_pages.AtEnd || _slots >= _slotCount)
            {
                return false;
            }

            if (NextPage(skippable))
            {
                return true;
            }
        }

        int slots = Math.Min(WindowSlots, _pageSlots);
        _window = slots;
        _windowAt = 0;
        _pageSlots -= slots;
        _slots += _slots >= 0 ? slots : 0;
        if (IsRepeated)
        {
            _repetitionLevels.Read(_repetition.AsSpan(0, slots), _column.MaxRepetitionLevel);
        }

        if (_column.MaxDefinitionLevel > 0)
        {
            _definitionLevels.Read(_definition.AsSpan(0, slots), _column.MaxDefinitionLevel);
        }

        return true;
    }

    /// <summary>Starts the next page; true where it was skipped instead.</summary>
    private bool NextPage(long skippable)
    {
        var header = _pages.ReadHeader();
        if (header.Type is not (PageType.Data or PageType.DataV2))
        {
            ReadOther(header);
            return false;
        }

        if (header.ValueCount > _slotCount - Math.Max(_slots, 0))
        {
            throw new ParquetFormatException($"a page of {header.ValueCount} slots, {_slotCount - Math.Max(_slots, 0)} are left of its column");
        }

        // Pages of the second version begin with a row, too, but only they say how many they hold.
        long rows = !IsRepeated ? header.ValueCount : header.Type == PageType.DataV2 && header.RowCount > 0 ? header.RowCount : -1;
        if (_locations is not null)
        {
            CheckLocation(rows);
        }

        if (rows > 0 && rows <= skippable && !_rowOpen)
        {
            _pages.SkipBody();
            _row += rows;
            _slots += _slots >= 0 ? header.ValueCount : 0;
            return true;
        }

        _pages.ReadBody();
        StartPage(header);
        return false;
    }

    /// <summary>Goes straight to the page that holds a row, where it is known and lies further on.</summary>
    private void Jump(long row)
    {
        if (_locations is not { } pages || row >= _rowCount)
        {
            return;
        }

        int page = Math.Max(_location, 0);
        while (page + 1 < pages.Length && pages[page + 1].FirstRow <= row)
        {
            page++;
        }

        if (page == Math.Max(_location, 0))
        {
            return;
        }

        while (_location < 0 && _pages.Position < pages[0].Position)
        {
            ReadOther(_pages.ReadHeader());
        }

        _pages.Seek(pages[page].Position);
        _location = page - 1;
        _pageSlots = _window = _windowAt = 0;
        _rowOpen = false;
        _row = pages[page].FirstRow;
        _slots = IsRepeated ? -1 : _row;
    }

    /// <summary>Pages must be where the offset index says and hold the rows that it says: other columns jump by theirs.</summary>
    private void CheckLocation(long rows)
    {
        _location++;
        long row = _row + (_rowOpen ? 1 : 0);
        if (_location >= _locations!.Length || _locations[_location] is var page && (page.Position != _pages.PagePosition || page.FirstRow != row))
        {
            throw new ParquetFormatException($"the offset index does not have this page, which begins with row {row}");
        }

        long next = _location + 1 < _locations.Length ? _locations[_location + 1].FirstRow : _rowCount;
        if (rows >= 0 && rows != next - row)
        {
            throw new ParquetFormatException($"the offset index has {next - row} rows for this page, it holds {rows}");
        }
    }

    private void ReadOther(PageHeader header)
    {
        if (header.Type != PageType.Dictionary)
        {
            if (header.Type is PageType.Data or PageType.DataV2)
            {
                throw new ParquetFormatException("the offset index does not have this page");
            }

            _pages.SkipBody();
            return;
        }

        if (_dictionary is not null || _row > 0 || _rowOpen || _slots > 0)
        {
            throw new ParquetFormatException("a second dictionary, or one behind its pages");
        }

        _pages.ReadBody();
        _dictionary = DictionaryPage.Read(header, _memory, _pages.Page, _pages.PageStart, _pages.PageEnd);
        _codes = _memory.Codes is { } codes ? codes.Of(_dictionary) : default;
    }

    private void StartPage(PageHeader header)
    {
        byte[] page = _pages.Page;
        int at = _pages.PageStart;
        int end = _pages.PageEnd;
        if (header.Type == PageType.DataV2)
        {
            _repetitionLevels = new LevelDecoder(page, at, header.RepetitionLevelsLength, _column.MaxRepetitionLevel);
            at += header.RepetitionLevelsLength;
            _definitionLevels = new LevelDecoder(page, at, header.DefinitionLevelsLength, _column.MaxDefinitionLevel);
            at += header.DefinitionLevelsLength;
        }
        else
        {
            _repetitionLevels = LevelDecoder.OfVersion1(header.RepetitionLevelEncoding, page, ref at, end, header.ValueCount, _column.MaxRepetitionLevel);
            _definitionLevels = LevelDecoder.OfVersion1(header.DefinitionLevelEncoding, page, ref at, end, header.ValueCount, _column.MaxDefinitionLevel);
        }

        _values = _memory.Decoder(header.Encoding);
        if (_values is DictionaryDecoder indices)
        {
            indices.Dictionary = _dictionary;
            indices.Codes = _codes;
            indices.CodeSpace = _codes.IsEmpty ? null : _memory.Codes?.Space;
        }

        _values.Start(page, at, end, header.ValueCount);
        _pageSlots = header.ValueCount;
    }
}
