using System.IO.Compression;

namespace OrleansLake.Iceberg;

/// <summary>Metadata as a file: plain, or gzipped under whatever name.</summary>
public static class MetadataFile
{
    private const long MaxBytes = 1 << 30;

    /// <summary>JSON is packed ten or twenty times; what unpacks to so much more was made to do harm.</summary>
    private const long MaxExpansion = 200;
    private const long FreeBytes = 16 << 20;

    /// <summary>Reads a metadata file.</summary>
    /// <exception cref="IcebergFormatException">It is not table metadata.</exception>
    public static async Task<TableMetadata> ReadAsync(IObjectStore store, string location, CancellationToken cancellationToken) =>
        TableMetadataJson.Read(Unzip(await store.ReadAsync(location, cancellationToken).ConfigureAwait(false), location), location);

    private static ReadOnlyMemory<byte> Unzip(ReadOnlyMemory<byte> bytes, string location)
    {
        if (bytes.Length < 2 || bytes.Span[0] != 0x1F || bytes.Span[1] != 0x8B)
        {
            return bytes;
        }

        long most = Math.Min(MaxBytes, Math.Max(FreeBytes, bytes.Length * MaxExpansion));
        try
        {
            using var gzip = new GZipStream(new MemoryStream(bytes.ToArray()), CompressionMode.Decompress);
            var output = new MemoryStream();
            var buffer = new byte[64 * 1024];
            for (int read = gzip.Read(buffer); read > 0; read = gzip.Read(buffer))
            {
                if (output.Length + read > most)
                {
                    throw new IcebergFormatException(location, "", $"expected metadata of at most {most} bytes");
                }

                output.Write(buffer, 0, read);
            }

            return output.GetBuffer().AsMemory(0, (int)output.Length);
        }
        catch (InvalidDataException e)
        {
            throw new IcebergFormatException(location, "", $"expected gzip: {e.Message}", e);
        }
    }
}
