namespace OrleansLake.Ingest.Upkeep;

/// <summary>When the manifests of a table are written anew.</summary>
public sealed record ManifestOptions
{
    /// <summary>Manifests that lie in no order, or are too small, which are worth it (<c>manifests.min-count</c>).</summary>
    public int MinCount { get; init; } = 20;

    /// <summary>Bytes of manifests that one commit reads at most (<c>manifests.group-size</c>): their entries are in memory at once.</summary>
    public long GroupSizeBytes { get; init; } = 128L << 20;

    internal static ManifestOptions Read(UpkeepSettings settings)
    {
        var defaults = new ManifestOptions();
        return new ManifestOptions
        {
            MinCount = (int)Math.Min(int.MaxValue, settings.Number("manifests.min-count", defaults.MinCount, least: 2)),
            GroupSizeBytes = Math.Max(1, settings.SizeBytes("manifests.group-size", defaults.GroupSizeBytes)),
        };
    }
}
