using System.Buffers.Binary;
using System.Text.Json;

namespace OrleansLake.Iceberg.Puffin;

/// <summary>Writes a Puffin file front to back. https://iceberg.apache.org/puffin-spec/</summary>
/// <param name="destination">Where the bytes go; it belongs to the caller.</param>
/// <param name="properties">What is said of the file; <c>created-by</c> is usual.</param>
public sealed class PuffinWriter(Stream destination, IReadOnlyDictionary<string, string>? properties = null)
{
    private readonly List<PuffinBlob> _blobs = [];
    private long _position;

    /// <summary>Appends a blob, and tells where it lies; compressed where <see cref="PuffinBlob.CompressionCodec"/> says <c>zstd</c>.</summary>
    public async Task<PuffinBlob> AppendAsync(PuffinBlob blob, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        await BeginAsync(cancellationToken).ConfigureAwait(false);
        if (blob.CompressionCodec is not null)
        {
            content = blob.CompressionCodec == "zstd" ? Compressed(content) : throw new ArgumentException($"blobs are written plain or by zstd, not by {blob.CompressionCodec}", nameof(blob));
        }

        var placed = blob with { Position = _position, LengthBytes = content.Length };
        await WriteAsync(content, cancellationToken).ConfigureAwait(false);
        _blobs.Add(placed);
        return placed;
    }

    /// <summary>Writes the footer. Gives the size of the whole file.</summary>
    public async Task<long> FinishAsync(CancellationToken cancellationToken)
    {
        await BeginAsync(cancellationToken).ConfigureAwait(false);
        byte[] payload = Footer();
        var footer = new byte[(2 * PuffinReader.Magic.Length) + payload.Length + 8];
        PuffinReader.Magic.CopyTo(footer);
        payload.CopyTo(footer, PuffinReader.Magic.Length);
        BinaryPrimitives.WriteInt32LittleEndian(footer.AsSpan(PuffinReader.Magic.Length + payload.Length), payload.Length);
        PuffinReader.Magic.CopyTo(footer.AsSpan(footer.Length - PuffinReader.Magic.Length));
        await WriteAsync(footer, cancellationToken).ConfigureAwait(false);
        return _position;
    }

    private Task BeginAsync(CancellationToken cancellationToken) => _position == 0 ? WriteAsync(PuffinReader.Magic.ToArray(), cancellationToken) : Task.CompletedTask;

    private async Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        await destination.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
        _position += bytes.Length;
    }

    private static byte[] Compressed(ReadOnlyMemory<byte> content)
    {
        using var zstd = new ZstdSharp.Compressor();
        return zstd.Wrap(content.Span).ToArray();
    }

    private byte[] Footer()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteStartArray("blobs");
            foreach (var blob in _blobs)
            {
                json.WriteStartObject();
                json.WriteString("type", blob.Type);
                json.WriteStartArray("fields");
                foreach (int field in blob.Fields)
                {
                    json.WriteNumberValue(field);
                }

                json.WriteEndArray();
                json.WriteNumber("snapshot-id", blob.SnapshotId);
                json.WriteNumber("sequence-number", blob.SequenceNumber);
                json.WriteNumber("offset", blob.Position);
                json.WriteNumber("length", blob.LengthBytes);
                if (blob.CompressionCodec is not null)
                {
                    json.WriteString("compression-codec", blob.CompressionCodec);
                }

                WriteProperties(json, blob.Properties);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            WriteProperties(json, properties);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static void WriteProperties(Utf8JsonWriter json, IReadOnlyDictionary<string, string>? all)
    {
        if (all is not { Count: > 0 })
        {
            return;
        }

        json.WriteStartObject("properties");
        foreach (var (name, value) in all)
        {
            json.WriteString(name, value);
        }

        json.WriteEndObject();
    }
}
