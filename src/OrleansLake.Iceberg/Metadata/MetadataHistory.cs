using System.Globalization;

namespace OrleansLake.Iceberg;

/// <summary>The log of earlier metadata files, and which of them may go. For catalogs.</summary>
public static class MetadataHistory
{
    /// <summary>
    /// The metadata with the file that they replace at the end of their log, trimmed to
    /// <c>write.metadata.previous-versions-max</c>; and the files to delete once the swap is in, oldest first (none unless
    /// <c>write.metadata.delete-after-commit.enabled</c>).
    /// </summary>
    public static (TableMetadata Metadata, IReadOnlyList<string> ToDelete) After(this TableMetadata metadata, LoadedTable replaced)
    {
        int most = Math.Max(1, Number(metadata, "write.metadata.previous-versions-max", 100));
        List<MetadataLogEntry> log = [.. metadata.MetadataLog, new MetadataLogEntry(replaced.Metadata.LastUpdatedMs, replaced.MetadataLocation)];
        int over = Math.Max(0, log.Count - most);
        var gone = log.Take(over).Select(entry => entry.MetadataFile).ToList();
        log.RemoveRange(0, over);
        bool delete = metadata.Properties.TryGetValue("write.metadata.delete-after-commit.enabled", out string? enabled)
            && enabled.Equals("true", StringComparison.OrdinalIgnoreCase);
        return (metadata with { MetadataLog = log }, delete ? gone : []);
    }

    internal static int Number(TableMetadata metadata, string property, int otherwise) => (int)Math.Min(int.MaxValue, LongNumber(metadata, property, otherwise));

    internal static long LongNumber(TableMetadata metadata, string property, long otherwise) =>
        !metadata.Properties.TryGetValue(property, out string? text) ? otherwise
        : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) ? number
        : throw new ArgumentException($"table property {property}: expected a number, got \"{text}\"");
}
