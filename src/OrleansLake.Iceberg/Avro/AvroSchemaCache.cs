namespace OrleansLake.Iceberg.Avro;

/// <summary>
/// Schemas by their text. A table's manifests have a handful of them between them, and parsing one costs more than reading
/// a small manifest's entries. Bounded: a schema takes the place of another that falls into the same slot.
/// </summary>
internal static class AvroSchemaCache
{
    private const int Slots = 64;

    /// <summary>One that is longer is parsed each time; so all of them take at most some megabytes.</summary>
    private const int MaxTextBytes = 64 << 10;

    private static readonly Entry?[] Entries = new Entry?[Slots];

    /// <summary>What <see cref="AvroSchema.Parse(ReadOnlyMemory{byte}, string)"/> gives, and with the same errors.</summary>
    public static AvroSchema Parse(byte[] utf8, string file)
    {
        if (utf8.Length > MaxTextBytes)
        {
            return AvroSchema.Parse(utf8, file);
        }

        var hash = new HashCode();
        hash.AddBytes(utf8);
        ref Entry? slot = ref Entries[(uint)hash.ToHashCode() % Slots];
        if (Volatile.Read(ref slot) is { } known && known.Text.AsSpan().SequenceEqual(utf8))
        {
            return known.Schema;
        }

        var schema = AvroSchema.Parse(utf8, file);
        Volatile.Write(ref slot, new Entry(utf8, schema));
        return schema;
    }

    private sealed record Entry(byte[] Text, AvroSchema Schema);
}
