using OrleansLake.Grains;
using OrleansLake.Ingest.Upkeep;

namespace OrleansLake.Silo.Configuration;

/// <summary>The upkeep, as this silo is told.</summary>
internal sealed record MaintenanceConfig
{
    /// <summary>Settings for every pipeline's table by name (<c>compaction.schedule</c>); null: nothing is kept on a schedule.</summary>
    public IReadOnlyDictionary<string, string>? Settings { get; init; }

    /// <summary>How much of this silo it may take.</summary>
    public UpkeepLimits Limits { get; init; } = new();
}

/// <summary>Reads <c>maintenance</c>: its own keys, and one object for each task, whose keys are named as in <c>docs/maintenance.md</c>.</summary>
internal static class MaintenanceSection
{
    /// <summary>The silo's.</summary>
    public static MaintenanceConfig Read(ConfigSection section)
    {
        int parallel = section.Number("parallel", 1, 1, 64);
        TimeSpan freshness = section.Duration("freshness", TimeSpan.Zero, TimeSpan.Zero, TimeSpan.FromDays(1));
        return new MaintenanceConfig
        {
            Limits = new UpkeepLimits(parallel, freshness == TimeSpan.Zero ? null : freshness),
            Settings = ReadSettings(section),
        };
    }

    /// <summary>A pipeline's, over the silo's; null: neither says anything.</summary>
    public static IReadOnlyDictionary<string, string>? ReadSettings(ConfigSection section, IReadOnlyDictionary<string, string>? common = null)
    {
        var settings = new Dictionary<string, string>(common ?? new Dictionary<string, string>(), StringComparer.Ordinal);
        foreach (string key in new[] { "enabled", "window", "time-zone" })
        {
            if (section.Text(key) is { } text)
            {
                settings["maintenance." + key] = text;
            }
        }

        foreach (string task in UpkeepTasks.Names)
        {
            foreach (var (key, value) in section.Map(task))
            {
                settings[$"{task}.{key}"] = value;
            }
        }

        if (MaintenanceSchedules.FirstFault(settings) is { } fault)
        {
            section.Fail(fault.Name, fault.Expected, fault.Found);
        }

        section.RefuseOthers();
        return settings.Count == 0 ? null : settings;
    }
}
