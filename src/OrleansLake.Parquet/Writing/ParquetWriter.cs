using OrleansLake.Parquet.Buffers;
using OrleansLake.Parquet.Codecs;
using OrleansLake.Parquet.Footers;
using OrleansLake.Parquet.Statistics;
using OrleansLake.Parquet.Thrift;
using OrleansLake.Parquet.Writing;

namespace OrleansLake.Parquet;

/// <summary>
/// Writes batches of rows into one file, front to back. Pages are encoded and compressed as rows arrive and wait in memory
/// for the end of their row group, since columns lie one after the other in the file.
/// </summary>
/// <remarks>
/// Not safe for concurrent use. The destination stays open and belongs to the caller. A writer that is disposed of without
/// <see cref="Close"/> leaves half a file behind and gives its memory back. After <see cref="Close"/>,
/// <see cref="Reopen"/> starts the next file with the memory of the last.
/// </remarks>
public sealed class ParquetWriter : IDisposable
{
    /// <summary>Rows after which the size of the row group is looked at.</summary>
    private const int Stripe = 64 * 1024;

    private static readonly byte[] Magic = "PAR1"u8.ToArray();

    private readonly ParquetWriterOptions _options;
    private readonly ColumnChunkWriter[] _columns;
    private readonly ColumnTotals[] _totals;
    private readonly List<RowGroup> _rowGroups = [];
    private readonly List<(byte[]? ColumnIndex, byte[] OffsetIndex)> _indexes = [];
    private Stream _destination;
    private long _position;
    private long _rowGroupRows;
    private long _closedRows;
    private long _openBytes;
    private long _closedFooterBytes;
    private bool _open;

    /// <summary>Starts a file.</summary>
    public ParquetWriter(Stream destination, ParquetSchema schema, ParquetWriterOptions options)
    {
        options.Validate();
        Schema = schema;
        _options = options;
        _destination = destination;
        var codec = PageCodecs.For(options.Compression, options.CompressionLevel);
        _columns = [.. schema.Columns.Select(column => new ColumnChunkWriter(column, options, codec))];
        _totals = new ColumnTotals[_columns.Length];
        Start();
    }

    /// <summary>The schema of the rows.</summary>
    public ParquetSchema Schema { get; }

    /// <summary>Rows appended.</summary>
    public long RowCount => _closedRows + _rowGroupRows;

    /// <summary>Bytes that have reached the destination.</summary>
    public long WrittenBytes => _position;

    /// <summary>Memory that the open row group holds.</summary>
    public long BufferedBytes
    {
        get
        {
            long bytes = 0;
            foreach (var column in _columns)
            {
                bytes += column.BufferedBytes;
            }

            return bytes;
        }
    }

    /// <summary>Memory that stays when the file is closed.</summary>
    public long KeptBytes
    {
        get
        {
            long bytes = 0;
            foreach (var column in _columns)
            {
                bytes += column.KeptBytes;
            }

            return bytes;
        }
    }

    /// <summary>What the file would take if it were closed now.</summary>
    public long EstimatedFileSizeBytes
    {
        get
        {
            const int page = 40;
            long pages = 0;
            foreach (var column in _columns)
            {
                pages += column.Pages.Count;
            }

            return _position + _openBytes + _closedFooterBytes + (pages * page);
        }
    }

    /// <summary>Appends all rows of the batch.</summary>
    public void Append(ColumnBatch batch) => Append(batch, 0, batch.RowCount);

    /// <summary>Appends a run of rows. Cheapest for one who walks a batch front to back, whichever writers the runs go to.</summary>
    public void Append(ColumnBatch batch, int firstRow, int rowCount)
    {
        ObjectDisposedException.ThrowIf(!_open, this);
        if (batch.Schema != Schema && !Fits(batch.Schema))
        {
            throw new ArgumentException("the batch has other columns than the file", nameof(batch));
        }

        if (firstRow < 0 || rowCount < 0 || firstRow > batch.RowCount - rowCount)
        {
            throw new ArgumentOutOfRangeException(nameof(rowCount), $"expected rows within {batch.RowCount}, got {rowCount} from {firstRow}");
        }

        var scratch = EncoderScratch.Rent();
        try
        {
            while (rowCount > 0)
            {
                int take = (int)Math.Min(Math.Min(rowCount, Stripe), _options.RowGroupRows - _rowGroupRows);
                for (int i = 0; i < _columns.Length; i++)
                {
                    _columns[i].Append(batch.Columns[i], firstRow, take, scratch);
                }

                _rowGroupRows += take;
                firstRow += take;
                rowCount -= take;
                _openBytes = OpenRowGroupBytes();
                if (_rowGroupRows >= _options.RowGroupRows || _openBytes >= _options.RowGroupSizeBytes)
                {
                    CloseRowGroup(scratch);
                }
            }
        }
        finally
        {
            scratch.Return();
        }
    }

    /// <summary>Writes what is left and the footer. Nothing can be appended afterwards.</summary>
    public ParquetFile Close()
    {
        ObjectDisposedException.ThrowIf(!_open, this);
        var scratch = EncoderScratch.Rent();
        try
        {
            if (_rowGroupRows > 0)
            {
                CloseRowGroup(scratch);
            }

            WriteIndexes();
            WriteFooter(scratch.Page);
        }
        finally
        {
            scratch.Return();
        }

        _open = false;
        return new ParquetFile
        {
            FileSizeBytes = _position,
            RowCount = _closedRows,
            SplitPositions = [.. _rowGroups.Select(rowGroup => rowGroup.Position!.Value)],
            Columns = [.. _columns.Select((column, i) => _totals[i].ToMetrics(column.Column))],
        };
    }

    /// <summary>Starts the next file of the same schema and options after <see cref="Close"/>, with the same memory.</summary>
    public void Reopen(Stream destination)
    {
        if (_open)
        {
            throw new InvalidOperationException("the last file is still open");
        }

        _destination = destination;
        _position = 0;
        _closedRows = 0;
        _rowGroups.Clear();
        _indexes.Clear();
        Array.Clear(_totals);
        Start();
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _open = false;
        foreach (var column in _columns)
        {
            column.Clear();
        }
    }

    private void Start()
    {
        _rowGroupRows = 0;
        _open = true;
        _openBytes = OpenRowGroupBytes();
        _closedFooterBytes = FooterEstimate();
        Write(Magic);
    }

    private bool Fits(ParquetSchema other)
    {
        if (other.Columns.Count != _columns.Length)
        {
            return false;
        }

        for (int i = 0; i < _columns.Length; i++)
        {
            var (mine, theirs) = (_columns[i].Column, other.Columns[i]);
            if (mine.PhysicalType != theirs.PhysicalType
                || mine.TypeLength != theirs.TypeLength
                || mine.MaxDefinitionLevel != theirs.MaxDefinitionLevel
                || mine.MaxRepetitionLevel != theirs.MaxRepetitionLevel)
            {
                return false;
            }
        }

        return true;
    }

    private void CloseRowGroup(EncoderScratch scratch)
    {
        long start = _position;
        long uncompressed = 0;
        var chunks = new ColumnChunk[_columns.Length];
        for (int i = 0; i < _columns.Length; i++)
        {
            var column = _columns[i];
            column.FinishPending(scratch);
            chunks[i] = WriteChunk(column, ref _totals[i], scratch);
            uncompressed += chunks[i].UncompressedSizeBytes;
        }

        long end = _position;
        for (int i = 0; i < _columns.Length; i++)
        {
            // Behind the last column, so that the columns of a row group lie together.
            if (_columns[i].BloomFilter() is { IsEmpty: false } filter)
            {
                chunks[i] = chunks[i] with { BloomFilter = new FileSection(_position, filter.Length) };
                Write(filter);
            }

            _columns[i].Clear();
        }

        _rowGroups.Add(new RowGroup
        {
            Columns = chunks,
            RowCount = _rowGroupRows,
            TotalByteSize = uncompressed,
            TotalCompressedSize = end - start,
            Position = start,
            Ordinal = _rowGroups.Count <= short.MaxValue ? (short)_rowGroups.Count : null,
            SortingColumns = _options.SortingColumns,
        });
        _closedRows += _rowGroupRows;
        _rowGroupRows = 0;
        _openBytes = OpenRowGroupBytes();
        _closedFooterBytes = FooterEstimate();
    }

    private ColumnChunk WriteChunk(ColumnChunkWriter column, ref ColumnTotals totals, EncoderScratch scratch)
    {
        long start = _position;
        int dictionary = column.WriteTo(_destination, scratch);
        _position = start + dictionary + column.CompressedBytes;
        var bounds = column.Bounds();
        totals.Add(column, _position - start, bounds);
        if (_options.PageIndex)
        {
            _indexes.Add((
                PageIndexWriter.ColumnIndex(column, ValueOrders.Of(column.Column), _options),
                PageIndexWriter.OffsetIndex(column, start + dictionary)));
        }

        return new ColumnChunk
        {
            Column = column.Column,
            Codec = _options.Compression,
            Encodings = [.. column.PageEncodings.Select(count => count.Encoding).Append(PageEncoding.Rle).Distinct()],
            ValueCount = column.ValueCount,
            UncompressedSizeBytes = column.UncompressedBytes,
            SizeBytes = _position - start,
            DataPagePosition = start + dictionary,
            DictionaryPagePosition = dictionary > 0 ? start : null,
            Statistics = Statistics(column, bounds),
            PageEncodings = [.. column.PageEncodings],
            SizeStatistics = Sizes(column),
        };
    }

    private static SizeStatistics? Sizes(ColumnChunkWriter column) =>
        column.ByteArrayBytes is null && column.RepetitionHistogram is null && column.DefinitionHistogram is null
            ? null
            : new SizeStatistics
            {
                ByteArrayBytes = column.ByteArrayBytes,
                RepetitionLevels = [.. column.RepetitionHistogram?.All ?? []],
                DefinitionLevels = [.. column.DefinitionHistogram?.All ?? []],
            };

    private ColumnStatistics Statistics(ColumnChunkWriter column, PageBounds bounds)
    {
        bool isText = PageIndexWriter.IsText(column.Column);
        byte[]? min = bounds.Min is null || !column.HasBounds ? null : PageIndexWriter.Cut(column.Column, bounds.Min, isText, upper: false, _options);
        byte[]? max = bounds.Max is null || !column.HasBounds ? null : PageIndexWriter.Cut(column.Column, bounds.Max, isText, upper: true, _options);
        return new ColumnStatistics
        {
            Min = min,
            Max = max,
            IsMinExact = min is null ? null : min.Length == bounds.Min!.Length,
            IsMaxExact = max is null ? null : max.AsSpan().SequenceEqual(bounds.Max),
            NullCount = column.NullCount,
        };
    }

    private void WriteIndexes()
    {
        int next = 0;
        for (int g = 0; g < _rowGroups.Count && _options.PageIndex; g++)
        {
            var chunks = _rowGroups[g].Columns.ToArray();
            for (int i = 0; i < chunks.Length; i++)
            {
                if (_indexes[next + i].ColumnIndex is { } index)
                {
                    chunks[i] = chunks[i] with { ColumnIndex = new FileSection(_position, index.Length) };
                    Write(index);
                }
            }

            next += chunks.Length;
            _rowGroups[g] = _rowGroups[g] with { Columns = chunks };
        }

        next = 0;
        for (int g = 0; g < _rowGroups.Count && _options.PageIndex; g++)
        {
            var chunks = _rowGroups[g].Columns.ToArray();
            for (int i = 0; i < chunks.Length; i++)
            {
                byte[] index = _indexes[next + i].OffsetIndex;
                chunks[i] = chunks[i] with { OffsetIndex = new FileSection(_position, index.Length) };
                Write(index);
            }

            next += chunks.Length;
            _rowGroups[g] = _rowGroups[g] with { Columns = chunks };
        }
    }

    private void WriteFooter(ByteBuffer buffer)
    {
        buffer.Clear();
        FooterWriter.Write(
            new ThriftWriter(buffer),
            new Footer
            {
                Version = _options.DataPageVersion,
                Schema = Schema,
                RowCount = _closedRows,
                RowGroups = _rowGroups,
                KeyValueMetadata = _options.KeyValueMetadata,
                CreatedBy = _options.CreatedBy,
                ColumnOrders = [.. _columns.Select(_ => ColumnOrder.TypeDefined)],
            });
        buffer.WriteInt32(buffer.Length);
        buffer.Write(Magic);
        Write(buffer.Written);
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        _destination.Write(bytes);
        _position += bytes.Length;
    }

    private long OpenRowGroupBytes()
    {
        double bytes = 0;
        foreach (var column in _columns)
        {
            bytes += column.EstimatedBytes;
        }

        return (long)bytes;
    }

    /// <summary>The footer with one more row group, but for the pages of that.</summary>
    private long FooterEstimate()
    {
        const int chunk = 150, fixedPart = 200;
        long indexes = 0;
        foreach (var (columnIndex, offsetIndex) in _indexes)
        {
            indexes += (columnIndex?.Length ?? 0) + offsetIndex.Length;
        }

        long metadata = 0;
        foreach (var (key, value) in _options.KeyValueMetadata)
        {
            metadata += key.Length + value.Length + 8;
        }

        return fixedPart + metadata + indexes + ((_rowGroups.Count + 1L) * _columns.Length * chunk);
    }
}
