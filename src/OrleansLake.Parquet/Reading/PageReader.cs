using System.IO.Hashing;
using System.Buffers;
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
    private byte[] _raw = [];
    private byte[] _page = [];

    public PageReader(ByteSource source, ColumnChunk chunk, int padding, ParquetReaderOptions options)
    {
        _source = source;
        _options = options;
        _codec = PageCodecs.For(chunk.Codec);
        _position = Math.Min(chunk.DataPagePosition, chunk.DictionaryPagePosition ?? long.MaxValue);
        if (_position > source.Length || chunk.SizeBytes > source.Length - _position)
        {
            throw new ParquetFormatException($"pages from {_position} of {chunk.SizeBytes} bytes in a file of {source.Length}");
        }

        _end = Math.Min(_position + chunk.SizeBytes + padding, source.Length);
    }

    /// <summary>Where the page that was read last begins.</summary>
    public long PagePosition { get; private set; }

    /// <summary>Whether all bytes of the chunk have been read.</summary>
    public bool AtEnd => _position >= _end;

    /// <summary>The page that was read last: levels and values, decompressed.</summary>
    public byte[] Page { get; private set; } = [];

    /// <summary>Reads the next page; its bytes are <see cref="Page"/>, as many as the header's uncompressed size.</summary>
    public PageHeader Next()
    {
        PagePosition = _position;
        var header = ReadHeader();
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

        if (header.CompressedSize > _options.LargestPageBytes || header.UncompressedSize > _options.LargestPageBytes)
        {
            throw new ParquetFormatException(
                $"a page of {header.CompressedSize} bytes, {header.UncompressedSize} uncompressed: more than the limit of {_options.LargestPageBytes}");
        }

        Rent(ref _raw, header.CompressedSize);
        var raw = _raw.AsSpan(0, header.CompressedSize);
        _source.Read(_position, raw);
        _position += header.CompressedSize;
        if (_options.VerifyChecksums && header.Crc is { } crc && (int)Crc32.HashToUInt32(raw) != crc)
        {
            throw new ParquetFormatException($"the page's checksum is {crc:x8}, its bytes give {Crc32.HashToUInt32(raw):x8}");
        }

        Page = compressed ? Decompress(raw, levels, header.UncompressedSize) : _raw;
        return header;
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

    private PageHeader ReadHeader()
    {
        int length = FirstHeaderBytes;
        while (true)
        {
            length = (int)Math.Min(length, _end - _position);
            byte[] bytes = ArrayPool<byte>.Shared.Rent(length);
            try
            {
                _source.Read(_position, bytes.AsSpan(0, length));
                var reader = new ThriftReader(bytes.AsSpan(0, length));
                var header = PageHeader.Read(ref reader);
                _position += reader.Position;
                return header;
            }
            catch (EndOfThriftException e)
            {
                if (length >= _end - _position || length >= LargestHeaderBytes)
                {
                    throw new ParquetFormatException($"page header: {e.Message}", e);
                }

                length = Math.Min(length * 8, LargestHeaderBytes);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(bytes);
            }
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
