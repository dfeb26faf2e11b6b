namespace OrleansLake.Contracts;

/// <summary>The keys by which grains are found.</summary>
public static class GrainKeys
{
    /// <summary>The one <see cref="ILakeGrain"/>.</summary>
    public const long Lake = 0;

    /// <summary>Key of an <see cref="IPartitionGrain"/>: <c>pipeline/topic/partition</c>. None of the three has a slash.</summary>
    public static string TopicPartition(string pipeline, string topic, int partition) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{pipeline}/{topic}/{partition}");

    /// <summary>Reads what <see cref="TopicPartition"/> wrote.</summary>
    public static (string Pipeline, string Topic, int Partition) ParseTopicPartition(string key)
    {
        string[] parts = key.Split('/');
        return parts.Length == 3 && int.TryParse(parts[2], System.Globalization.CultureInfo.InvariantCulture, out int partition)
            ? (parts[0], parts[1], partition)
            : throw new FormatException($"key of a topic-partition: expected pipeline/topic/partition, got \"{key}\"");
    }

    /// <summary>Key of an <see cref="ITableGrain"/>: <c>catalog/namespace.table</c>.</summary>
    public static string Table(string catalog, string identifier) => $"{catalog}/{identifier}";

    /// <summary>Reads what <see cref="Table"/> wrote.</summary>
    public static (string Catalog, string Identifier) ParseTable(string key)
    {
        int slash = key.IndexOf('/', StringComparison.Ordinal);
        return slash > 0 && slash < key.Length - 1
            ? (key[..slash], key[(slash + 1)..])
            : throw new FormatException($"key of a table: expected catalog/namespace.table, got \"{key}\"");
    }
}
