namespace OrleansLake.Ingest.Upkeep;

/// <summary>When the manifests of a table are written anew.</summary>
public sealed record ManifestOptions
{
    /// <summary>Small manifests that are worth it (<c>manifests.min-count</c>).</summary>
    public int MinCount { get; init; } = 20;

    /// <summary>
    /// Manifests that hold a partition which another holds as well, as a share of all: above it, a scan of one partition opens
    /// too many (<c>manifests.overlap-share</c>).
    /// </summary>
    public double OverlapShare { get; init; } = 0.5;

    internal static ManifestOptions Read(UpkeepSettings settings)
    {
        var defaults = new ManifestOptions();
        return new ManifestOptions
        {
            MinCount = (int)Math.Min(int.MaxValue, settings.Number("manifests.min-count", defaults.MinCount, least: 2)),
            OverlapShare = settings.Share("manifests.overlap-share", defaults.OverlapShare),
        };
    }
}
