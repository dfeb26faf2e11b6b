namespace OrleansLake.Parquet.Codecs;

/// <summary>Pages that only a stream can restore.</summary>
internal static class CompressedStream
{
    public static void ReadExactly(Stream source, Span<byte> destination, string codec)
    {
        try
        {
            int read = source.ReadAtLeast(destination, destination.Length, throwOnEndOfStream: false);
            Span<byte> more = stackalloc byte[1];
            if (read != destination.Length || source.Read(more) != 0)
            {
                throw new ParquetFormatException(
                    $"{codec}: expected {destination.Length} bytes, got {(read < destination.Length ? read : "more")}");
            }
        }
        catch (Exception e) when (e is InvalidDataException or InvalidOperationException)
        {
            throw new ParquetFormatException($"{codec}: {e.Message}", e);
        }
    }
}
