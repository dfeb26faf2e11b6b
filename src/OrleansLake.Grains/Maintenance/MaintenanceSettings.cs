using OrleansLake.Iceberg;
using OrleansLake.Ingest.Upkeep;

namespace OrleansLake.Grains;

/// <summary>What the upkeep of a table is told: by its properties first, by the pipeline's settings second.</summary>
internal sealed record MaintenanceSettings
{
    private static readonly Dictionary<string, string> Defaults = new(StringComparer.Ordinal)
    {
        ["compaction"] = "15m",
        ["retention"] = "1h",
        ["manifests"] = "6h",
        ["statistics"] = "6h",
        ["expiry"] = "1h",
        ["orphans"] = "24h",
    };

    /// <summary>Whether the schedule is kept (<c>maintenance.enabled</c>).</summary>
    public required bool Enabled { get; init; }

    /// <summary>When (<c>maintenance.window</c>); null: always.</summary>
    public MaintenanceWindow? Window { get; init; }

    /// <summary>The window as it is written.</summary>
    public string? WindowText { get; init; }

    /// <summary>Where windows and cron's fields hold (<c>maintenance.time-zone</c>).</summary>
    public required TimeZoneInfo Zone { get; init; }

    /// <summary>Groups of a compaction that are rewritten at once, over all silos (<c>compaction.jobs</c>).</summary>
    public required int Jobs { get; init; }

    /// <summary>The tasks with their schedules (<c>TASK.schedule</c>), in the order in which they run.</summary>
    public required IReadOnlyList<(string Task, Schedule Schedule, string Text)> Tasks { get; init; }

    /// <summary>What the operations themselves are told.</summary>
    public required UpkeepOptions Options { get; init; }

    /// <summary>Reads them.</summary>
    /// <exception cref="FormatException">One does not say what it should.</exception>
    public static MaintenanceSettings Read(TableMetadata metadata, IReadOnlyDictionary<string, string> pipeline)
    {
        var settings = new UpkeepSettings(metadata.Properties, pipeline);
        string zone = settings.Text("maintenance.time-zone") ?? "UTC";
        string? window = settings.Text("maintenance.window");
        return new MaintenanceSettings
        {
            Enabled = settings.Flag("maintenance.enabled", missing: true),
            Window = window is null ? null : MaintenanceWindow.Parse(window) ?? throw new FormatException($"maintenance.window: expected hours like 22:00-06:00, got \"{window}\""),
            WindowText = window,
            Zone = TimeZoneInfo.TryFindSystemTimeZoneById(zone, out var found) ? found : throw new FormatException($"maintenance.time-zone: expected the name of a time zone, got \"{zone}\""),
            Jobs = (int)Math.Min(64, settings.Number("compaction.jobs", 2, least: 1)),
            Tasks = [.. UpkeepTasks.Names.Select(task => TaskOf(settings, task))],
            Options = UpkeepOptions.Read(metadata, pipeline),
        };
    }

    private static (string Task, Schedule Schedule, string Text) TaskOf(UpkeepSettings settings, string task)
    {
        string text = settings.Text(task + ".schedule") ?? Defaults.GetValueOrDefault(task, "off");
        return (task, Schedule.Parse(text) ?? throw new FormatException($"{task}.schedule: expected an interval like 15m, five fields of cron or off, got \"{text}\""), text);
    }
}
