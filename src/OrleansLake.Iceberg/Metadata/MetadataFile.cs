using System.Globalization;
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

    /// <summary>
    /// The location of the file after another: <c>00003-uuid.metadata.json</c> in the table's metadata folder, with
    /// <c>.gz.metadata.json</c> where <c>write.metadata.compression-codec</c> asks for gzip.
    /// https://iceberg.apache.org/spec/#naming-for-gzip-compressed-metadata-json-files
    /// </summary>
    /// <param name="metadata">What the new file shall hold.</param>
    /// <param name="previousLocation">The file that it replaces; null: it is the first.</param>
    /// <param name="uuid">Tells it from the files of others that replace the same one.</param>
    public static string LocationOf(TableMetadata metadata, string? previousLocation, Guid uuid)
    {
        long version = previousLocation is null ? 0 : (VersionOf(previousLocation) ?? -1) + 1;
        string name = string.Create(CultureInfo.InvariantCulture, $"{version:D5}-{uuid}{(IsGzipped(metadata) ? ".gz" : "")}.metadata.json");
        return CommitManifests.MetadataPath(metadata, name);
    }

    /// <summary>The number in front of a metadata file's name, with or without <c>v</c>; null where there is none.</summary>
    public static long? VersionOf(string location)
    {
        string name = location[(location.LastIndexOf('/') + 1)..];
        int start = name.StartsWith('v') ? 1 : 0;
        int end = start;
        while (end < name.Length && char.IsAsciiDigit(name[end]))
        {
            end++;
        }

        return long.TryParse(name.AsSpan(start, end - start), NumberStyles.None, CultureInfo.InvariantCulture, out long version) ? version : null;
    }

    /// <summary>The bytes of a file at <see cref="LocationOf"/>: gzipped where the table asks for it.</summary>
    public static ReadOnlyMemory<byte> Write(TableMetadata metadata)
    {
        byte[] json = TableMetadataJson.Write(metadata);
        if (!IsGzipped(metadata))
        {
            return json;
        }

        var output = new MemoryStream();
        using (var gzip = new GZipStream(output, CompressionLevel.Optimal, leaveOpen: true))
        {
            gzip.Write(json);
        }

        return output.GetBuffer().AsMemory(0, (int)output.Length);
    }

    private static bool IsGzipped(TableMetadata metadata) =>
        metadata.Properties.TryGetValue("write.metadata.compression-codec", out string? codec) && codec.Equals("gzip", StringComparison.OrdinalIgnoreCase);

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
