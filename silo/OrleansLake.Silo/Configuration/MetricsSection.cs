namespace OrleansLake.Silo.Configuration;

/// <summary>Where metrics go beside <c>/metrics</c>.</summary>
internal sealed record MetricsConfig
{
    /// <summary>The namespace in Amazon CloudWatch; null: nothing is written for it.</summary>
    public string? CloudWatchNamespace { get; init; }

    /// <summary>How often.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Reads <c>metrics</c>.</summary>
    public static MetricsConfig Read(ConfigSection section)
    {
        bool cloudWatch = section.Flag("cloudWatch", false);
        string name = section.Text("namespace") ?? "OrleansLake";
        var config = new MetricsConfig
        {
            CloudWatchNamespace = cloudWatch ? name : null,
            Interval = section.Duration("interval", TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)),
        };
        section.RefuseOthers();
        return config;
    }
}
