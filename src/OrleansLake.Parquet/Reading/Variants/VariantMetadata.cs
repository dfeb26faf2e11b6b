using OrleansLake.Parquet.Buffers;

namespace OrleansLake.Parquet;

/// <summary>The dictionary of field names of variants. https://github.com/apache/parquet-format/blob/master/VariantEncoding.md#metadata-encoding</summary>
public static class VariantMetadata
{
    private const int Version = 1;

    /// <summary>How many names it has.</summary>
    public static int Count(ReadOnlySpan<byte> metadata) => Read(metadata).Count;

    /// <summary>A name by its number, in UTF-8.</summary>
    public static ReadOnlySpan<byte> NameOf(ReadOnlySpan<byte> metadata, int id)
    {
        var (count, width, names) = Read(metadata);
        if ((uint)id >= (uint)count)
        {
            throw new ParquetFormatException($"variant: name {id} of {count}");
        }

        uint first = Variant.Number(metadata, 1 + (1L + id) * width, width);
        uint end = Variant.Number(metadata, 1 + (2L + id) * width, width);
        return first <= end && end <= metadata.Length - names
            ? metadata.Slice(names + (int)first, (int)(end - first))
            : throw new ParquetFormatException($"variant: name {id} from {first} to {end} in {metadata.Length - names} bytes");
    }

    /// <summary>Appends metadata of some names, in the order of their numbers.</summary>
    internal static void Write(IReadOnlyList<byte[]> names, ByteBuffer target)
    {
        long bytes = names.Sum(name => (long)name.Length);
        int width = VariantWriter.Width((uint)Math.Max(bytes, names.Count));
        target.WriteByte((byte)(Version | (width - 1) << 6));
        VariantWriter.WriteNumber(target, (uint)names.Count, width);
        uint offset = 0;
        VariantWriter.WriteNumber(target, offset, width);
        foreach (byte[] name in names)
        {
            offset += (uint)name.Length;
            VariantWriter.WriteNumber(target, offset, width);
        }

        foreach (byte[] name in names)
        {
            target.Write(name);
        }
    }

    private static (int Count, int Width, int Names) Read(ReadOnlySpan<byte> metadata)
    {
        if (metadata.IsEmpty || (metadata[0] & 15) != Version)
        {
            throw new ParquetFormatException(metadata.IsEmpty ? "variant: expected metadata, got no bytes" : $"variant: expected metadata of version 1, got {metadata[0] & 15}");
        }

        int width = (metadata[0] >> 6) + 1;
        long count = Variant.Number(metadata, 1, width);
        long names = 1 + (count + 2) * width;
        return names <= metadata.Length
            ? ((int)count, width, (int)names)
            : throw new ParquetFormatException($"variant: {count} names in metadata of {metadata.Length} bytes");
    }
}
