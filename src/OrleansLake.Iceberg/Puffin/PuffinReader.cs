using System.Buffers.Binary;
using OrleansLake.Iceberg.Json;

namespace OrleansLake.Iceberg.Puffin;

/// <summary>Reads Puffin files: blobs, and a footer that lists them. https://iceberg.apache.org/puffin-spec/</summary>
public sealed class PuffinReader
{
    internal static ReadOnlySpan<byte> Magic => "PFA1"u8;

    // Behind the payload: its size, flags, magic.
    private const int TailBytes = 12;
    private const int FirstReadBytes = 64 << 10;
    private const int LargestFooterBytes = 64 << 20;
    private const int LargestBlobBytes = 1 << 30;

    /// <summary>A blob that unpacks to so many times its size, beyond some megabytes, was made to do harm.</summary>
    private const int LargestExpansion = 200;
    private const int FreeBlobBytes = 16 << 20;
    private const int LargestZstdWindowLog = 27;

    private readonly IObjectStore _store;
    private readonly string _location;

    private PuffinReader(IObjectStore store, string location, long size, IReadOnlyList<PuffinBlob> blobs, IReadOnlyDictionary<string, string> properties)
    {
        _store = store;
        _location = location;
        SizeBytes = size;
        Blobs = blobs;
        Properties = properties;
    }

    /// <summary>Bytes of the whole file.</summary>
    public long SizeBytes { get; }

    /// <summary>What is in the file.</summary>
    public IReadOnlyList<PuffinBlob> Blobs { get; }

    /// <summary>What its writer says of it.</summary>
    public IReadOnlyDictionary<string, string> Properties { get; }

    /// <summary>Reads the footer.</summary>
    /// <exception cref="IcebergFormatException">The file is no Puffin file.</exception>
    public static async Task<PuffinReader> OpenAsync(IObjectStore store, string location, CancellationToken cancellationToken)
    {
        long size = await store.GetSizeAsync(location, cancellationToken).ConfigureAwait(false);
        if (size < Magic.Length + TailBytes + Magic.Length)
        {
            throw new IcebergFormatException(location, "", $"expected a Puffin file, got {size} bytes");
        }

        int length = (int)Math.Min(size, FirstReadBytes);
        var end = await store.ReadRangeAsync(location, size - length, length, cancellationToken).ConfigureAwait(false);
        var (payload, flags) = Tail(end.Span[^TailBytes..], size, location);
        if (payload + TailBytes + Magic.Length > length)
        {
            length = payload + TailBytes + Magic.Length;
            end = await store.ReadRangeAsync(location, size - length, length, cancellationToken).ConfigureAwait(false);
        }

        var footer = end[^(payload + TailBytes + Magic.Length)..];
        if (!footer.Span[..Magic.Length].SequenceEqual(Magic))
        {
            throw new IcebergFormatException(location, "footer", $"expected PFA1 before it, got {Convert.ToHexString(footer.Span[..Magic.Length])}");
        }

        var json = footer.Slice(Magic.Length, payload);
        if ((flags & 1) != 0)
        {
            json = Lz4Frame.Decompress(json.Span, LargestFooterBytes, location, "footer");
        }

        var (blobs, properties) = JsonCursor.Read(json, location, "footer", at => ReadFooter(at, size - (payload + TailBytes + Magic.Length)));
        return new PuffinReader(store, location, size, blobs, properties);
    }

    /// <summary>A blob's bytes, decompressed.</summary>
    public async Task<ReadOnlyMemory<byte>> ReadBlobAsync(PuffinBlob blob, CancellationToken cancellationToken)
    {
        var bytes = await _store.ReadRangeAsync(_location, blob.Position, (int)blob.LengthBytes, cancellationToken).ConfigureAwait(false);
        return blob.CompressionCodec switch
        {
            null => bytes,
            "zstd" => DecompressZstd(bytes, $"blob {blob.Type}"),
            "lz4" => Lz4Frame.Decompress(bytes.Span, Largest(bytes.Length), _location, $"blob {blob.Type}"),
            var other => throw new IcebergFormatException(_location, $"blob {blob.Type}", $"expected compression by zstd or lz4, got {other}"),
        };
    }

    private static (int PayloadBytes, int Flags) Tail(ReadOnlySpan<byte> tail, long size, string location)
    {
        if (!tail[8..].SequenceEqual(Magic))
        {
            throw new IcebergFormatException(location, "", $"expected a Puffin file, which ends in PFA1, got {Convert.ToHexString(tail[8..])}");
        }

        int payload = BinaryPrimitives.ReadInt32LittleEndian(tail);
        int flags = BinaryPrimitives.ReadInt32LittleEndian(tail[4..]);
        if (payload < 0 || payload > LargestFooterBytes || payload + TailBytes + (2L * Magic.Length) > size)
        {
            throw new IcebergFormatException(location, "footer", $"expected a size that fits a file of {size} bytes, got {payload}");
        }

        return (flags & ~1) == 0 ? (payload, flags) : throw new IcebergFormatException(location, "footer", $"expected no flags but that of compression, got {flags:X8}");
    }

    private static (List<PuffinBlob>, Dictionary<string, string>) ReadFooter(JsonCursor at, long endOfBlobs)
    {
        var blobs = at.ExpectObject("a footer").Get("blobs").List("blobs", blob =>
        {
            long position = blob.Get("offset").Long();
            long length = blob.Get("length").Long();
            return position >= Magic.Length && length >= 0 && length <= LargestBlobBytes && position <= endOfBlobs - length
                ? new PuffinBlob
                {
                    Type = blob.Get("type").Text(),
                    Fields = blob.Get("fields").List("field ids", field => field.Int()),
                    SnapshotId = blob.Get("snapshot-id").Long(),
                    SequenceNumber = blob.Get("sequence-number").Long(),
                    Position = position,
                    LengthBytes = length,
                    CompressionCodec = blob.TextOrNull("compression-codec"),
                    Properties = blob.TryGet("properties", out var properties) ? properties.TextMap() : [],
                }
                : throw blob.Error($"expected a blob before the footer at byte {endOfBlobs}, got {length} bytes at {position}");
        });
        return (blobs, at.TryGet("properties", out var all) ? all.TextMap() : []);
    }

    private static int Largest(int compressedBytes) => (int)Math.Min(LargestBlobBytes, Math.Max(FreeBlobBytes, (long)compressedBytes * LargestExpansion));

    private ReadOnlyMemory<byte> DecompressZstd(ReadOnlyMemory<byte> bytes, string place)
    {
        try
        {
            using var zstd = new ZstdSharp.DecompressionStream(new MemoryStream(bytes.ToArray()));
            zstd.SetParameter(ZstdSharp.Unsafe.ZSTD_dParameter.ZSTD_d_windowLogMax, LargestZstdWindowLog);
            int largest = Largest(bytes.Length);
            var output = new MemoryStream();
            var buffer = new byte[64 << 10];
            for (int read = zstd.Read(buffer); read > 0; read = zstd.Read(buffer))
            {
                output.Write(buffer, 0, read);
                if (output.Length > largest)
                {
                    throw new IcebergFormatException(_location, place, $"expected at most {largest} bytes");
                }
            }

            return output.GetBuffer().AsMemory(0, (int)output.Length);
        }
        catch (Exception e) when (e is ZstdSharp.ZstdException or EndOfStreamException)
        {
            throw new IcebergFormatException(_location, place, $"expected zstd data: {e.Message}", e);
        }
    }
}
