using System.Buffers.Binary;
using OrleansLake.Parquet.Encodings;
using OrleansLake.Parquet.Footers;

namespace OrleansLake.Parquet.Reading;

/// <summary>Reads one column of a row group, so many rows at a time.</summary>
internal sealed class ColumnReader : IDisposable
{
    private const int WindowSlots = 4096;

    private readonly ColumnDescriptor _column;
    private readonly PageReader _pages;
    private readonly ParquetReaderOptions _options;
    private readonly string _place;
    private readonly long _slotCount;
    private readonly byte[] _repetition;
    private readonly byte[] _definition;
    private ValueDecoder? _values;
    private ColumnBuffer? _dictionary;
    private LevelDecoder _repetitionLevels;
    private LevelDecoder _definitionLevels;
    private long _slotsRead;
    private int _pageSlots;
    private int _window;
    private int _windowAt;
    private bool _rowOpen;

    public ColumnReader(ByteSource source, ColumnChunk chunk, int padding, string place, ParquetReaderOptions options)
    {
        _column = chunk.Column;
        _place = $"{place}: column {_column}";
        _options = options;
        _slotCount = chunk.ValueCount;
        if (_column.MaxDefinitionLevel > byte.MaxValue)
        {
            throw new ParquetFormatException($"{_place} is nested too deeply");
        }

        _repetition = _column.MaxRepetitionLevel > 0 ? new byte[WindowSlots] : [];
        _definition = _column.MaxDefinitionLevel > 0 ? new byte[WindowSlots] : [];
        try
        {
            _pages = new PageReader(source, chunk, padding, options);
        }
        catch (ParquetFormatException e)
        {
            throw e.In(_place);
        }
    }

    /// <summary>Appends so many rows; throws where there are fewer.</summary>
    public void Read(ColumnBuffer into, int rows)
    {
        try
        {
            ReadRows(into, rows);
        }
        catch (ParquetFormatException e)
        {
            throw e.In($"{_place}: page at {_pages.PagePosition}");
        }
    }

    /// <summary>Throws where more rows follow.</summary>
    public void ExpectEnd()
    {
        if (_slotsRead < _slotCount)
        {
            throw new ParquetFormatException($"{_place}: expected {_slotsRead} slots in the rows of the row group, got {_slotCount}");
        }
    }

    public void Dispose() => _pages.Dispose();

    private void ReadRows(ColumnBuffer into, int rows)
    {
        bool repeated = _column.MaxRepetitionLevel > 0;
        while (rows > 0)
        {
            if (_windowAt == _window && !NextWindow())
            {
                break;
            }

            int take;
            if (repeated)
            {
                take = SlotsOf(ref rows);
            }
            else
            {
                take = Math.Min(_window - _windowAt, rows);
                rows -= take;
            }

            Append(into, take);
        }

        // A row of a repeated column is complete when the next one starts, or the column ends.
        if (rows > 0 && _rowOpen)
        {
            rows--;
            _rowOpen = false;
        }

        if (rows > 0)
        {
            throw new ParquetFormatException($"expected {rows} more rows, the column ends after {_slotsRead} of {_slotCount} slots");
        }
    }

    /// <summary>Slots of the window up to where the row after the last wanted one starts.</summary>
    private int SlotsOf(ref int rows)
    {
        var levels = _repetition.AsSpan(_windowAt, _window - _windowAt);
        for (int i = 0; i < levels.Length; i++)
        {
            if (levels[i] != 0)
            {
                continue;
            }

            if (_rowOpen)
            {
                _rowOpen = false;
                if (--rows == 0)
                {
                    return i;
                }
            }

            _rowOpen = true;
        }

        return levels.Length;
    }

    private void Append(ColumnBuffer into, int slots)
    {
        if (into.SlotCount + slots > _options.LargestBatchSlots)
        {
            throw new ParquetFormatException($"rows of more than {_options.LargestBatchSlots} slots");
        }

        into.Reserve(slots);
        int values = slots;
        if (_column.MaxDefinitionLevel > 0)
        {
            var levels = _definition.AsSpan(_windowAt, slots);
            levels.CopyTo(into.DefinitionLevels.AsSpan(into.SlotCount));
            values = levels.Count((byte)_column.MaxDefinitionLevel);
        }

        if (_column.MaxRepetitionLevel > 0)
        {
            _repetition.AsSpan(_windowAt, slots).CopyTo(into.RepetitionLevels.AsSpan(into.SlotCount));
        }

        if (values > 0)
        {
            _values!.Read(into, values);
            into.ValueCount += values;
        }

        into.SlotCount += slots;
        _windowAt += slots;
        _slotsRead += slots;
    }

    /// <summary>Decodes the levels of the next slots; false at the end of the chunk.</summary>
    private bool NextWindow()
    {
        if (_slotsRead >= _slotCount)
        {
            return false;
        }

        while (_pageSlots == 0)
        {
            if (!NextPage())
            {
                return false;
            }
        }

        int slots = Math.Min(WindowSlots, _pageSlots);
        _window = slots;
        _windowAt = 0;
        _pageSlots -= slots;
        if (_column.MaxRepetitionLevel > 0)
        {
            _repetitionLevels.Read(_repetition.AsSpan(0, slots), _column.MaxRepetitionLevel);
            if (_slotsRead == 0 && _repetition[0] != 0)
            {
                throw new ParquetFormatException($"expected a row to start, got repetition level {_repetition[0]}");
            }
        }

        if (_column.MaxDefinitionLevel > 0)
        {
            _definitionLevels.Read(_definition.AsSpan(0, slots), _column.MaxDefinitionLevel);
        }

        return true;
    }

    private bool NextPage()
    {
        if (_pages.AtEnd)
        {
            return false;
        }

        var header = _pages.Next();
        switch (header.Type)
        {
            case PageType.Dictionary:
                ReadDictionary(header);
                break;
            case PageType.Data or PageType.DataV2:
                StartPage(header);
                break;
        }

        return true;
    }

    private void ReadDictionary(PageHeader header)
    {
        if (_dictionary is not null || _slotsRead > 0)
        {
            throw new ParquetFormatException("a second dictionary, or one behind its pages");
        }

        if (header.Encoding is not (PageEncoding.Plain or PageEncoding.PlainDictionary))
        {
            throw new ParquetFormatException($"a dictionary in encoding {header.Encoding}");
        }

        var decoder = ValueDecoder.For(PageEncoding.Plain, _column, null);
        decoder.Start(_pages.Page, 0, header.UncompressedSize, header.ValueCount);
        _dictionary = new ColumnBuffer(_column with { MaxDefinitionLevel = 0, MaxRepetitionLevel = 0 });

        // Only as many at a time as the bytes can hold: the count is only what the header says.
        int left = header.ValueCount;
        while (left > 0)
        {
            int take = Math.Min(left, WindowSlots);
            _dictionary.Reserve(take);
            decoder.Read(_dictionary, take);
            _dictionary.ValueCount += take;
            _dictionary.SlotCount += take;
            left -= take;
        }
    }

    private void StartPage(PageHeader header)
    {
        if (header.ValueCount > _slotCount - _slotsRead)
        {
            throw new ParquetFormatException($"a page of {header.ValueCount} slots, {_slotCount - _slotsRead} are left of its column");
        }

        byte[] page = _pages.Page;
        int end = header.UncompressedSize;
        int at = 0;
        if (header.Type == PageType.DataV2)
        {
            _repetitionLevels = new LevelDecoder(page, at, header.RepetitionLevelsLength, _column.MaxRepetitionLevel);
            at += header.RepetitionLevelsLength;
            _definitionLevels = new LevelDecoder(page, at, header.DefinitionLevelsLength, _column.MaxDefinitionLevel);
            at += header.DefinitionLevelsLength;
        }
        else
        {
            _repetitionLevels = LevelsV1(header.RepetitionLevelEncoding, page, ref at, end, header.ValueCount, _column.MaxRepetitionLevel);
            _definitionLevels = LevelsV1(header.DefinitionLevelEncoding, page, ref at, end, header.ValueCount, _column.MaxDefinitionLevel);
        }

        _values = ValueDecoder.For(header.Encoding, _column, _dictionary);
        _values.Start(page, at, end, header.ValueCount);
        _pageSlots = header.ValueCount;
    }

    private static LevelDecoder LevelsV1(PageEncoding encoding, byte[] page, ref int at, int end, int slots, int largest)
    {
        if (largest == 0)
        {
            return default;
        }

        if (encoding == PageEncoding.BitPacked)
        {
            int bytes = (int)Math.Min(int.MaxValue, ((long)slots * RleEncoder.BitWidth(largest) + 7) / 8);
            if (bytes > end - at)
            {
                throw new ParquetFormatException($"levels of {bytes} bytes, {end - at} are left of the page");
            }

            var packed = LevelDecoder.BitPacked(page, at, largest);
            at += bytes;
            return packed;
        }

        if (encoding != PageEncoding.Rle)
        {
            throw new ParquetFormatException($"levels in encoding {encoding}");
        }

        int length = end - at >= 4 ? BinaryPrimitives.ReadInt32LittleEndian(page.AsSpan(at)) : -1;
        if (length < 0 || length > end - at - 4)
        {
            throw new ParquetFormatException($"levels of {length} bytes, {end - at} are left of the page");
        }

        var levels = new LevelDecoder(page, at + 4, length, largest);
        at += 4 + length;
        return levels;
    }
}
