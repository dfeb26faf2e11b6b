using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>
/// What the upkeep of one table does and leaves: read from its properties first (<c>orleanslake.*</c>), from the pipeline's
/// maintenance settings second. <c>docs/maintenance.md</c> lists all of them.
/// </summary>
public sealed partial record UpkeepOptions
{
    /// <summary>Small files, and deletes on the way.</summary>
    public CompactionOptions Compaction { get; init; } = new();

    /// <summary>How long rows are kept; null: for ever.</summary>
    public RetentionOptions? Retention { get; init; }

    /// <summary>When manifests are written anew.</summary>
    public ManifestOptions Manifests { get; init; } = new();

    /// <summary>Which statistics are written.</summary>
    public StatisticsOptions Statistics { get; init; } = new();

    /// <summary>The options of a table.</summary>
    /// <exception cref="FormatException">A property or setting does not say what it should.</exception>
    public static UpkeepOptions Read(TableMetadata metadata, IReadOnlyDictionary<string, string>? pipelineSettings = null)
    {
        var settings = new UpkeepSettings(metadata.Properties, pipelineSettings);
        var options = new UpkeepOptions
        {
            Compaction = CompactionOptions.Read(settings),
            Retention = RetentionOptions.Read(settings),
            Manifests = ManifestOptions.Read(settings),
            Statistics = StatisticsOptions.Read(settings),
        };
        ReadMore(settings, ref options);
        return options;
    }

    /// <summary>The members that stand in other files.</summary>
    static partial void ReadMore(UpkeepSettings settings, ref UpkeepOptions options);
}
