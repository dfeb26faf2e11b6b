using System.IO.Compression;
using System.Text;

namespace OrleansLake.Iceberg.Avro;

/// <summary>
/// The head of an Avro object container file: what is needed to read its blocks, wherever they come from.
/// https://avro.apache.org/docs/1.12.0/specification/#object-container-files
/// </summary>
internal sealed class AvroContainer
{
    /// <summary>A block larger than this is taken for an attack: manifests have blocks of some 64 KB.</summary>
    internal const int MaxBlockBytes = 256 << 20;

    /// <summary>The most bytes that the count and the length of a block take.</summary>
    internal const int BlockHeadBytes = 20;

    /// <summary>The marker behind the head and each block.</summary>
    internal const int SyncBytes = 16;

    /// <summary>Likewise one that is so many times as large as what it was unpacked from, beyond some megabytes.</summary>
    private const int MaxExpansion = 100;
    private const int FreeBlockBytes = 4 << 20;

    /// <summary>What a block is unpacked into at first.</summary>
    private const int FirstBytes = 8 << 10;

    /// <summary>32 MB: no level of zstd that a file of this size could want needs more.</summary>
    private const int MaxZstdWindowLog = 25;

    private readonly string _location;
    private readonly byte[] _sync;
    private readonly string _codec;

    /// <summary>Reads the head.</summary>
    /// <param name="start">The file from its first byte on, the whole head at least.</param>
    /// <param name="location">Where it lies, for messages.</param>
    public AvroContainer(ReadOnlySpan<byte> start, string location)
    {
        _location = location;
        if (!start.StartsWith(Magic))
        {
            throw new IcebergFormatException(location, "byte 0", $"expected an Avro file (\"Obj\" 1), got {Convert.ToHexString(start[..Math.Min(4, start.Length)])}");
        }

        var decoder = new AvroDecoder(start[Magic.Length..], location, Magic.Length, mostEmptyValues: 0);
        var header = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        for (int count = decoder.ReadItemCount(2); count > 0; count = decoder.ReadItemCount(2))
        {
            for (int i = 0; i < count; i++)
            {
                string key = Encoding.UTF8.GetString(decoder.ReadBytes());
                header[key] = decoder.ReadBytes().ToArray();
            }
        }

        _sync = decoder.Take(SyncBytes).ToArray();
        FirstBlock = Magic.Length + decoder.Position;
        Header = header;
        _codec = HeaderText("avro.codec") ?? "null";
        if (!header.TryGetValue("avro.schema", out var schema))
        {
            throw new IcebergFormatException(location, "header", "expected avro.schema, got none");
        }

        Schema = AvroSchemaCache.Parse(schema, location);
        if (Schema.Kind != AvroKind.Record)
        {
            throw new IcebergFormatException(location, "avro.schema", $"expected a record, got {Schema.Kind}");
        }
    }

    public static ReadOnlySpan<byte> Magic => "Obj\u0001"u8;

    public IReadOnlyDictionary<string, byte[]> Header { get; }

    public AvroSchema Schema { get; }

    /// <summary>Where the first block begins.</summary>
    public int FirstBlock { get; }

    public string? HeaderText(string key) => Header.TryGetValue(key, out var value) ? Encoding.UTF8.GetString(value) : null;

    /// <summary>How many records a block has, how many bytes its data, and how many these two numbers.</summary>
    /// <param name="head">The first bytes of the block.</param>
    /// <param name="position">Where it begins.</param>
    /// <param name="left">Bytes of the file from there on.</param>
    public (long Count, int DataBytes, int HeadBytes) ReadBlockHead(ReadOnlySpan<byte> head, long position, long left)
    {
        var decoder = new AvroDecoder(head, _location, position, mostEmptyValues: 0);
        long count = decoder.ReadLong();
        long length = decoder.ReadLong();
        long most = Math.Min(MaxBlockBytes, left - decoder.Position - SyncBytes);
        return length >= 0 && length <= most
            ? (count, (int)length, decoder.Position)
            : throw Error(position, $"expected data of at most {Math.Max(0, most)} bytes, got {length}");
    }

    /// <summary>The records of a block, each as the values of its fields.</summary>
    /// <param name="count">How many it is said to have.</param>
    /// <param name="dataAndSync">Its data and the marker behind them.</param>
    /// <param name="position">Where the block begins.</param>
    public IEnumerable<object?[]> ReadRecords(long count, ReadOnlyMemory<byte> dataAndSync, long position)
    {
        if (!dataAndSync.Span[^SyncBytes..].SequenceEqual(_sync))
        {
            throw Error(position, "expected the sync marker behind the block, got other bytes");
        }

        var block = Decompress(dataAndSync[..^SyncBytes], position);
        // No record that we know takes no bytes at all, and of such there could be any number.
        if (count < 0 || count > block.Length / Math.Max(1, Schema.MinimumBytes))
        {
            throw Error(position, $"expected a count of records that fits a block of {block.Length} bytes, got {count}");
        }

        int at = 0;
        long mostEmptyValues = AvroDecoder.MostEmptyValues(block.Length);
        for (long i = 0; i < count; i++)
        {
            var (record, end, emptyValues) = ReadRecord(block, at, position, mostEmptyValues);
            yield return record;
            at = end;
            mostEmptyValues -= emptyValues;
        }

        if (at != block.Length)
        {
            throw Error(position, $"expected {count} records to fill the block of {block.Length} bytes, got {at}");
        }
    }

    private (object?[] Record, int End, long EmptyValues) ReadRecord(ReadOnlyMemory<byte> block, int at, long position, long mostEmptyValues)
    {
        var decoder = new AvroDecoder(block.Span[at..], _location, position + at, mostEmptyValues);
        return ((object?[])decoder.Read(Schema)!, at + decoder.Position, decoder.EmptyValues);
    }

    private ReadOnlyMemory<byte> Decompress(ReadOnlyMemory<byte> data, long position)
    {
        int most = (int)Math.Min(MaxBlockBytes, Math.Max(FreeBlockBytes, (long)data.Length * MaxExpansion));
        try
        {
            switch (_codec)
            {
                case "null":
                    return data;
                case "deflate":
                    using (var deflate = new DeflateStream(Stream(data), CompressionMode.Decompress))
                    {
                        return ReadBounded(deflate, most, position);
                    }

                case "zstandard":
                    using (var zstd = new ZstdSharp.DecompressionStream(Stream(data)))
                    {
                        zstd.SetParameter(ZstdSharp.Unsafe.ZSTD_dParameter.ZSTD_d_windowLogMax, MaxZstdWindowLog);
                        return ReadBounded(zstd, most, position);
                    }

                case "snappy":
                    // The last four bytes are a CRC-32 of the uncompressed data.
                    var body = data.Length >= 4 ? data.Span[..^4] : throw Error(position, "expected a snappy block with its checksum");
                    int length = Snappier.Snappy.GetUncompressedLength(body);
                    return length >= 0 && length <= most
                        ? Snappier.Snappy.DecompressToArray(body)
                        : throw Error(position, $"expected a block of at most {most} bytes, got {length}");
                default:
                    throw new IcebergFormatException(_location, "avro.codec", $"expected null, deflate, zstandard or snappy, got {_codec}");
            }
        }
        catch (Exception e) when (e is InvalidDataException or ZstdSharp.ZstdException or EndOfStreamException)
        {
            throw new IcebergFormatException(_location, $"block at byte {position}", $"expected {_codec} data: {e.Message}", e);
        }
    }

    private ReadOnlyMemory<byte> ReadBounded(Stream stream, int most, long position)
    {
        // Most blocks shrink to a third; what is read into is what is handed out.
        byte[] buffer = new byte[Math.Min(most, FirstBytes)];
        int length = 0;
        for (int read = stream.Read(buffer); read > 0; read = stream.Read(buffer.AsSpan(length)))
        {
            length += read;
            if (length > most)
            {
                throw Error(position, $"expected a block of at most {most} bytes");
            }

            if (length == buffer.Length)
            {
                Array.Resize(ref buffer, (int)Math.Min(most + 1L, buffer.Length * 4L));
            }
        }

        return buffer.AsMemory(0, length);
    }

    private static MemoryStream Stream(ReadOnlyMemory<byte> data) =>
        System.Runtime.InteropServices.MemoryMarshal.TryGetArray(data, out var array)
            ? new MemoryStream(array.Array!, array.Offset, array.Count, writable: false)
            : new MemoryStream(data.ToArray(), writable: false);

    private IcebergFormatException Error(long position, string problem) => new(_location, $"block at byte {position}", problem);
}
