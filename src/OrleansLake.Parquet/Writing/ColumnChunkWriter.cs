using System.IO.Hashing;
using OrleansLake.Parquet.Buffers;
using OrleansLake.Parquet.Codecs;
using OrleansLake.Parquet.Encodings;
using OrleansLake.Parquet.Footers;
using OrleansLake.Parquet.Statistics;

namespace OrleansLake.Parquet.Writing;

/// <summary>A page that waits in the open row group.</summary>
internal readonly record struct WrittenPage(int SizeBytes, int RowCount, int NullCount, bool HasValues, long ByteArrayBytes, PageBounds Bounds);

/// <summary>
/// The pages of one column in the open row group. Rows are gathered until a page is full, or encoded straight from the
/// batch where it holds a whole page.
/// </summary>
internal sealed class ColumnChunkWriter
{
    private readonly ParquetWriterOptions _options;
    private readonly IPageCodec? _codec;
    private readonly NumberCompression? _numbers;
    private readonly ValueEncoder _values;
    private readonly ColumnBuffer _pending;
    private readonly ByteChain _chain = new();
    private readonly List<WrittenPage> _pages = [];
    private readonly List<PageEncodingCount> _encodings = [];
    private readonly ValueOrder _order;
    private readonly BloomFilterBuilder? _filter;
    private readonly ByteBuffer _filterBytes = new();
    private int _pendingRows;
    private int _pendingBytes;
    private long _slots;
    private long _nulls;
    private long _uncompressed;
    private long _plain;
    private long _byteArrayBytes;
    private double _pageRatio;
    private double _dictionaryRatio;

    /// <summary>What a page shrinks to, until one has told.</summary>
    private const double GuessedRatio = 0.5;

    public ColumnChunkWriter(ColumnDescriptor column, ParquetWriterOptions options, IPageCodec? codec)
    {
        if (column.MaxDefinitionLevel > byte.MaxValue)
        {
            throw new ArgumentException($"{column} is nested too deeply", nameof(column));
        }

        Column = column;
        _options = options;
        _codec = codec;
        _numbers = codec is INumberCodec { FindsMatches: true } numbers && NumberCompression.Fits(column.PhysicalType) ? new NumberCompression(numbers) : null;
        _values = ValueEncoder.For(column, options, codec);
        _pending = new ColumnBuffer(column);
        _order = ValueOrders.Of(column);
        _pageRatio = _dictionaryRatio = codec is null ? 1 : GuessedRatio;
        var own = options.Of(column);
        HasBounds = own.Statistics;
        _filter = own.BloomFilterFpp is { } fpp && column.PhysicalType != PhysicalType.Boolean
            ? new BloomFilterBuilder(fpp, options.BloomFilterMaxBytes)
            : null;
        RepetitionHistogram = column.MaxRepetitionLevel > 0 ? new LevelHistogram(column.MaxRepetitionLevel) : null;
        DefinitionHistogram = column.MaxDefinitionLevel > 1 ? new LevelHistogram(column.MaxDefinitionLevel) : null;
    }

    public ColumnDescriptor Column { get; }

    /// <summary>Finished pages of the row group.</summary>
    public IReadOnlyList<WrittenPage> Pages => _pages;

    public IReadOnlyList<PageEncodingCount> PageEncodings => _encodings;

    public long ValueCount => _slots;

    public long NullCount => _nulls;

    /// <summary>Bytes of all pages before compression, headers included.</summary>
    public long UncompressedBytes => _uncompressed;

    /// <summary>Bytes of finished pages.</summary>
    public long CompressedBytes => _chain.Length;

    /// <summary>Bytes of byte arrays, without lengths; null for other types.</summary>
    public long? ByteArrayBytes => Column.PhysicalType == PhysicalType.ByteArray ? _byteArrayBytes : null;

    /// <summary>Repetition levels of the row group; null where there is but one.</summary>
    public LevelHistogram? RepetitionHistogram { get; }

    /// <summary>Definition levels of the row group; null where nulls tell them.</summary>
    public LevelHistogram? DefinitionHistogram { get; }

    /// <summary>Whether bounds are told to readers.</summary>
    public bool HasBounds { get; }

    /// <summary>What the column would take if the row group ended now, as far as earlier pages tell.</summary>
    public double EstimatedBytes =>
        _chain.Length + (_values.DictionaryPageLength * _dictionaryRatio) + (_pendingBytes * (_plain > 0 ? (double)_chain.Length / _plain : _pageRatio));

    /// <summary>Memory in use.</summary>
    public long BufferedBytes => _chain.Length + _pending.SizeBytes + _values.BufferedBytes + (_filter?.SizeBytes ?? 0);

    /// <summary>Memory that stays when the row group has ended.</summary>
    public long KeptBytes => _pending.CapacityBytes;

    public void Append(ColumnBuffer source, int firstRow, int rowCount, EncoderScratch scratch)
    {
        while (rowCount > 0)
        {
            int take = Math.Min(rowCount, _options.PageRows - _pendingRows);
            var from = source.Locate(firstRow);
            var to = Forward(source, from, take);
            int bytes = PlainBytes(source, from, to);
            int free = _options.PageSizeBytes - _pendingBytes;
            while (bytes > free && take > 1)
            {
                // In proportion, but always less.
                take = (int)Math.Clamp((double)take * free / bytes, 1, take - 1);
                to = Forward(source, from, take);
                bytes = PlainBytes(source, from, to);
            }

            if (bytes > free && _pendingRows > 0)
            {
                FinishPending(scratch);
                continue;
            }

            bool full = _pendingRows + take >= _options.PageRows || bytes >= free;
            if (full && _pendingRows == 0)
            {
                WritePage(source, from, to, scratch);
            }
            else
            {
                _pending.AppendSlots(source, from, to);
                _pendingRows += take;
                _pendingBytes += bytes;
                if (full)
                {
                    FinishPending(scratch);
                }
            }

            firstRow += take;
            rowCount -= take;
        }
    }

    /// <summary>Encodes the rows that wait.</summary>
    public void FinishPending(EncoderScratch scratch)
    {
        if (_pendingRows > 0)
        {
            WritePage(_pending, default, new RowPosition(_pendingRows, _pending.SlotCount, _pending.ValueCount), scratch);
            _pending.Clear();
            _pendingRows = 0;
            _pendingBytes = 0;
        }
    }

    /// <summary>Writes the pages, behind the dictionary where there is one.</summary>
    /// <returns>Bytes of the dictionary page; 0 where there is none.</returns>
    public int WriteTo(Stream destination, EncoderScratch scratch)
    {
        int dictionary = 0;
        if (_values.DictionaryCount > 0)
        {
            scratch.Page.Clear();
            _values.WriteDictionary(scratch.Page);
            var body = Compress(scratch.Page.Written, scratch);
            WriteHeader(
                new PageHeader
                {
                    Type = PageType.Dictionary,
                    UncompressedSize = scratch.Page.Length,
                    CompressedSize = body.Length,
                    Crc = Checksum(body),
                    ValueCount = _values.DictionaryCount,
                    Encoding = PageEncoding.Plain,
                },
                scratch);
            destination.Write(scratch.Header.Written);
            destination.Write(body);
            dictionary = scratch.Header.Length + body.Length;
            _uncompressed += scratch.Header.Length + scratch.Page.Length;
            _dictionaryRatio = (double)dictionary / scratch.Page.Length;
            Count(PageType.Dictionary, PageEncoding.Plain);
        }

        _chain.WriteTo(destination);
        return dictionary;
    }

    /// <summary>The Bloom filter of the row group behind its header; empty where there is none.</summary>
    public ReadOnlySpan<byte> BloomFilter()
    {
        _filterBytes.Clear();
        if (_filter is not null)
        {
            if (_values.DictionaryCount > 0)
            {
                _values.AddDictionary(_filter);
            }

            _filter.Write(_filterBytes);
        }

        return _filterBytes.Written;
    }

    /// <summary>Forgets the row group and gives its memory back.</summary>
    public void Clear()
    {
        _pending.Clear();
        _pendingRows = 0;
        _pendingBytes = 0;
        _pageRatio = _plain > 0 ? (double)_chain.Length / _plain : _pageRatio;
        _chain.Clear();
        _pages.Clear();
        _encodings.Clear();
        _values.Clear();
        _filter?.Clear();
        RepetitionHistogram?.Clear();
        DefinitionHistogram?.Clear();
        _slots = 0;
        _nulls = 0;
        _uncompressed = 0;
        _plain = 0;
        _byteArrayBytes = 0;
    }

    public PageBounds Bounds()
    {
        var bounds = default(PageBounds);
        foreach (var page in _pages)
        {
            bounds = PageBounds.Merge(_order, bounds, page.Bounds);
        }

        return bounds;
    }

    private static RowPosition Forward(ColumnBuffer source, RowPosition from, int rows)
    {
        var to = RowWalk.Forward(source, from, rows);
        return to.Row == from.Row + rows
            ? to
            : throw new ArgumentException($"column {source.Column}: expected {from.Row + rows} rows, got {to.Row}");
    }

    private static int PlainBytes(ColumnBuffer source, RowPosition from, RowPosition to)
    {
        long bytes = source.Column.PhysicalType == PhysicalType.ByteArray
            ? source.Offsets[to.Value] - source.Offsets[from.Value] + 4L * (to.Value - from.Value)
            : (long)source.ValueWidth * (to.Value - from.Value);

        // Nulls take next to nothing, but a page of nothing but nulls of lists must end, too.
        return (int)Math.Min(int.MaxValue, bytes + (source.Column.MaxRepetitionLevel > 0 ? to.Slot - from.Slot : 0));
    }

    private void WritePage(ColumnBuffer source, RowPosition from, RowPosition to, EncoderScratch scratch)
    {
        int slots = to.Slot - from.Slot;
        int values = to.Value - from.Value;
        int rows = to.Row - from.Row;
        var page = scratch.Page;
        page.Clear();
        bool v2 = _options.DataPageVersion == 2;
        int repetitionLength = 0, definitionLength = 0;
        if (Column.MaxRepetitionLevel > 0)
        {
            var levelsOfSlots = source.RepetitionLevels.AsSpan(from.Slot, slots);
            repetitionLength = WriteLevels(levelsOfSlots, Column.MaxRepetitionLevel, v2, page);
            RepetitionHistogram?.Add(levelsOfSlots);
        }

        if (Column.MaxDefinitionLevel > 0)
        {
            var levelsOfSlots = source.DefinitionLevels.AsSpan(from.Slot, slots);
            definitionLength = WriteLevels(levelsOfSlots, Column.MaxDefinitionLevel, v2, page);
            DefinitionHistogram?.Add(levelsOfSlots);
        }

        int levels = page.Length;
        var encoded = _values.Encode(source, from.Value, values, scratch);
        if (encoded.Encoding != PageEncoding.RleDictionary)
        {
            _filter?.Add(source, from.Value, values);
        }

        int nulls = slots - values;
        var body = Compress(page.Written, levels, isCompressedBehind: v2, encoded.Encoding, scratch);
        WriteHeader(
            new PageHeader
            {
                Type = v2 ? PageType.DataV2 : PageType.Data,
                UncompressedSize = page.Length,
                CompressedSize = body.Length,
                Crc = Checksum(body),
                ValueCount = slots,
                Encoding = encoded.Encoding,
                NullCount = nulls,
                RowCount = rows,
                RepetitionLevelsLength = repetitionLength,
                DefinitionLevelsLength = definitionLength,
                IsCompressed = _codec is not null,
            },
            scratch);
        _chain.Append(scratch.Header.Written);
        _chain.Append(body);
        long byteArrayBytes = Column.PhysicalType == PhysicalType.ByteArray ? source.Offsets[to.Value] - source.Offsets[from.Value] : 0;
        _pages.Add(new WrittenPage(scratch.Header.Length + body.Length, rows, nulls, values > 0, byteArrayBytes, encoded.Bounds));
        _byteArrayBytes += byteArrayBytes;
        _plain += PlainBytes(source, from, to);
        _slots += slots;
        _nulls += nulls;
        _uncompressed += scratch.Header.Length + page.Length;
        Count(v2 ? PageType.DataV2 : PageType.Data, encoded.Encoding);
    }

    private static int WriteLevels(ReadOnlySpan<byte> levels, int largest, bool v2, ByteBuffer page)
    {
        int start = page.Length;
        if (!v2)
        {
            page.WriteInt32(0);
        }

        RleEncoder.Encode(levels, RleEncoder.BitWidth(largest), page);
        int length = page.Length - start;
        if (!v2)
        {
            page.PatchInt32(start, length - 4);
        }

        return length;
    }

    private ReadOnlySpan<byte> Compress(ReadOnlySpan<byte> page, EncoderScratch scratch)
    {
        if (_codec is null)
        {
            return page;
        }

        scratch.Compressed.Clear();
        _codec.Compress(page, scratch.Compressed);
        return scratch.Compressed.Written;
    }

    /// <summary>A data page: levels, which version 2 leaves as they are, and values.</summary>
    private ReadOnlySpan<byte> Compress(ReadOnlySpan<byte> page, int levels, bool isCompressedBehind, PageEncoding encoding, EncoderScratch scratch)
    {
        if (_codec is null)
        {
            return page;
        }

        var compressed = scratch.Compressed;
        compressed.Clear();
        if (isCompressedBehind)
        {
            compressed.Write(page[..levels]);
            page = page[levels..];
            levels = 0;
        }

        if (_numbers is not null && encoding == PageEncoding.Plain)
        {
            _numbers.Compress(page, levels, compressed);
        }
        else
        {
            _codec.Compress(page, compressed);
        }

        return compressed.Written;
    }

    private static void WriteHeader(PageHeader header, EncoderScratch scratch)
    {
        scratch.Header.Clear();
        header.Write(scratch.HeaderWriter);
    }

    private int? Checksum(ReadOnlySpan<byte> body) => _options.PageChecksums ? (int)Crc32.HashToUInt32(body) : null;

    private void Count(PageType page, PageEncoding encoding)
    {
        for (int i = 0; i < _encodings.Count; i++)
        {
            if (_encodings[i].Page == page && _encodings[i].Encoding == encoding)
            {
                _encodings[i] = _encodings[i] with { Count = _encodings[i].Count + 1 };
                return;
            }
        }

        _encodings.Add(new PageEncodingCount(page, encoding, 1));
    }
}
