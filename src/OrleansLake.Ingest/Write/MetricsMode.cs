using System.Globalization;
using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Write;

/// <summary>What a manifest shall say of a column.</summary>
/// <param name="Counts">Values, nulls and NaNs.</param>
/// <param name="BoundLength">Code points or bytes that a bound may have; 0 for no bounds.</param>
internal readonly record struct MetricsMode(bool Counts, int BoundLength)
{
    private const string Prefix = "write.metadata.metrics.";

    /// <summary>Nothing.</summary>
    public static readonly MetricsMode None = new(Counts: false, 0);

    /// <summary>What Iceberg takes where nothing is said.</summary>
    public static readonly MetricsMode Default = new(Counts: true, 16);

    /// <summary>
    /// The mode of each field by the table's properties <c>write.metadata.metrics.*</c>: the first hundred columns where they
    /// say nothing. Columns that the table is sorted by have bounds unless a property of their own says otherwise.
    /// </summary>
    public static IReadOnlyList<MetricsMode> Of(IReadOnlyList<int> fieldIds, Schema schema, SortOrder? order, IReadOnlyDictionary<string, string> properties)
    {
        var sorted = (order?.Fields ?? []).Where(field => field.Transform is not (Transform.Bucket or Transform.Void)).SelectMany(field => field.SourceIds).ToHashSet();
        var modes = new MetricsMode[fieldIds.Count];
        int most = TableProperty.Integer(properties, Prefix + "max-inferred-column-defaults", 100, least: 0);
        for (int i = 0; i < modes.Length; i++)
        {
            modes[i] = properties.TryGetValue(Prefix + "column." + schema.FindPath(fieldIds[i]), out string? own) ? Parse(own, "column")
                : properties.TryGetValue(Prefix + "default", out string? common) ? Parse(common, "default")
                : i < most ? Default : None;
            if (own is null && modes[i].BoundLength == 0 && sorted.Contains(fieldIds[i]))
            {
                modes[i] = Default;
            }
        }

        return modes;
    }

    private static MetricsMode Parse(string text, string property) => text.ToLowerInvariant() switch
    {
        "none" => None,
        "counts" => new MetricsMode(Counts: true, 0),
        "full" => new MetricsMode(Counts: true, int.MaxValue),
        var x when x.StartsWith("truncate(", StringComparison.Ordinal) && x.EndsWith(')')
            && int.TryParse(x.AsSpan(9, x.Length - 10), NumberStyles.None, CultureInfo.InvariantCulture, out int length) && length > 0 => new MetricsMode(Counts: true, length),
        _ => throw new FormatException($"table property {Prefix}{property}: expected none, counts, truncate(n) or full, got \"{text}\""),
    };
}
