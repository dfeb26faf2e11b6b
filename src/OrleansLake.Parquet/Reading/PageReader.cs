using System.IO.Hashing;
using System.Buffers;
using System.Runtime.InteropServices;
using OrleansLake.Parquet.Codecs;
using OrleansLake.Parquet.Footers;
using OrleansLake.Parquet.Thrift;

namespace OrleansLake.Parquet.Reading;

/// <summary>Reads the pages of a column chunk one after the other, and decompresses them.</summary>
internal sealed class PageReader : IDisposable
{
    private const int FirstHeaderBytes = 128;
    private const int LargestHeaderBytes = 16 * 1024 * 1024;

    private readonly ByteSource _source;
    private readonly ParquetReaderOptions _options;
    private readonly IPageCodec? _codec;
    private readonly long _end;
    private long _position;
    private PageHeader _header;
    private byte[] _raw = [];
    private byte[] _page = [];

    public PageReader(ByteSource source, ColumnChunk chunk, int padding, ParquetReaderOptions options)
    {
        _source = source;
        _options = options;
        _codec = PageCodecs.For(chunk.Codec);
        (_position, _end) = Extent(chunk, padding, source.Length);
    }

    /// <summary>Where the page that was read last begins.</summary>
    public long PagePosition { get; private set; }

    /// <summary>Where the next page begins, or the body of the page whose header was read last.</summary>
    public long Position => _position;

    /// <summary>Whether all bytes of the chunk have been read.</summary>
    public bool AtEnd => _position >= _end;

    /// <summary>The array that the body read last lies in: levels and values, decompressed.</summary>
    public byte[] Page { get; private set; } = [];

    /// <summary>Where in <see cref="Page"/> it begins.</summary>
    public int PageStart { get; private set; }

    /// <summary>Where in <see cref="Page"/> it ends.</summary>
    public int PageEnd => PageStart + _header.UncompressedSize;

    /// <summary>Where the pages of a chunk lie.</summary>
    public static (long Start, long End) Extent(ColumnChunk chunk, int padding, long fileLength)
    {
        long start = Math.Min(chunk.DataPagePosition, chunk.DictionaryPagePosition ?? long.MaxValue);
        return start <= fileLength && chunk.SizeBytes <= fileLength - start
            ? (start, Math.Min(start + chunk.SizeBytes + padding, fileLength))
            : throw new ParquetFormatException($"pages from {start} of {chunk.SizeBytes} bytes in a file of {fileLength}");
    }

    /// <summary>Goes to a page that begins at a position.</summary>
    public void Seek(long position) => _position = position;

    /// <summary>Reads the header of the next page. Its body is to be read or skipped next.</summary>
    public PageHeader ReadHeader()
    {
        PagePosition = _position;
        var header = _header = ParseHeader();
        if (header.CompressedSize > _end - _position)
        {
            throw new ParquetFormatException($"a page of {header.CompressedSize} bytes, {_end - _position} are left of its column");
        }

        int levels = header.DefinitionLevelsLength + header.RepetitionLevelsLength;
        bool compressed = _codec is not null && header.IsCompressed;
        if (levels < 0 || levels > header.CompressedSize || levels > header.UncompressedSize
            || (!compressed && header.CompressedSize != header.UncompressedSize))
        {
            throw new ParquetFormatException(
                $"a page of {header.CompressedSize} bytes, {header.UncompressedSize} uncompressed, with levels of {header.RepetitionLevelsLength} and {header.DefinitionLevelsLength}");
        }

        return header.CompressedSize <= _options.LargestPageBytes && header.UncompressedSize <= _options.LargestPageBytes
            ? header
            : throw new ParquetFormatException(
                $"a page of {header.CompressedSize} bytes, {header.UncompressedSize} uncompressed: more than the limit of {_options.LargestPageBytes}");
    }

    /// <summary>Goes past the body.</summary>
    public void SkipBody() => _position += _header.CompressedSize;

    /// <summary>Reads and decompresses the body, from <see cref="PageStart"/> to <see cref="PageEnd"/> of <see cref="Page"/>.</summary>
    public void ReadBody()
    {
        var header = _header;
        var near = _source.Peek(_position);
        ArraySegment<byte> raw;
        if (near.Length >= header.CompressedSize && MemoryMarshal.TryGetArray(near[..header.CompressedSize], out var lying))
        {
            raw = lying;
        }
        else
        {
            Rent(ref _raw, header.CompressedSize);
            raw = new ArraySegment<byte>(_raw, 0, header.CompressedSize);
            _source.Read(_position, raw);
        }

        _position += header.CompressedSize;
        if (_options.VerifyChecksums && header.Crc is { } crc && (int)Crc32.HashToUInt32(raw) != crc)
        {
            throw new ParquetFormatException($"the page's checksum is {crc:x8}, its bytes give {Crc32.HashToUInt32(raw):x8}");
        }

        if (_codec is not null && header.IsCompressed)
        {
            Page = Decompress(raw, header.DefinitionLevelsLength + header.RepetitionLevelsLength, header.UncompressedSize);
            PageStart = 0;
        }
        else
        {
            Page = raw.Array!;
            PageStart = raw.Offset;
        }
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        Return(ref _raw);
        Return(ref _page);
        Page = [];
    }

    private byte[] Decompress(ReadOnlySpan<byte> raw, int levels, int size)
    {
        int values = size - levels;
        var body = raw[levels..];
        if (values > 0 && values > _codec!.LargestResult(body))
        {
            throw new ParquetFormatException($"{body.Length} compressed bytes cannot become {values}");
        }

        Rent(ref _page, size);
        raw[..levels].CopyTo(_page);

        // A page of nothing but nulls has no values; some writers then leave the compressed part out.
        if (values > 0 || body.Length > 0)
        {
            _codec!.Decompress(body, _page.AsSpan(levels, values));
        }

        return _page;
    }

    private PageHeader ParseHeader()
    {
        long left = _end - _position;
        var near = _source.Peek(_position);
        if (!near.IsEmpty)
        {
            var bytes = near.Span[..(int)Math.Min(near.Length, Math.Min(left, LargestHeaderBytes))];
            if (TryParse(bytes, isLast: bytes.Length == left, out var header))
            {
                return header;
            }
        }

        for (int length = FirstHeaderBytes; ; length = Math.Min(length * 8, LargestHeaderBytes))
        {
            length = (int)Math.Min(length, left);
            byte[] bytes = ArrayPool<byte>.Shared.Rent(length);
            try
            {
                _source.Read(_position, bytes.AsSpan(0, length));
                if (TryParse(bytes.AsSpan(0, length), isLast: length >= left || length >= LargestHeaderBytes, out var header))
                {
                    return header;
                }
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(bytes);
            }
        }
    }

    private bool TryParse(ReadOnlySpan<byte> bytes, bool isLast, out PageHeader header)
    {
        try
        {
            var reader = new ThriftReader(bytes);
            header = PageHeader.Read(ref reader);
            _position += reader.Position;
            return true;
        }
        catch (EndOfThriftException e)
        {
            header = default;
            return isLast ? throw new ParquetFormatException($"page header: {e.Message}", e) : false;
        }
    }

    private static void Rent(ref byte[] array, int length)
    {
        if (array.Length < length)
        {
            Return(ref array);
            array = ArrayPool<byte>.Shared.Rent(length);
        }
    }

    private static void Return(ref byte[] array)
    {
        if (array.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(array);
            array = [];
        }
    }
}
