namespace OrleansLake.Grains;

/// <summary>Looks at settings before a grain has them, so that a silo says at its start what is wrong.</summary>
public static class MaintenanceSchedules
{
    /// <summary>The first that cannot be read, what was expected of it, and what stands there; null: none.</summary>
    public static (string Name, string Expected, string Found)? FirstFault(IReadOnlyDictionary<string, string> settings)
    {
        foreach (var (name, text) in settings)
        {
            string? expected =
                name.EndsWith(".schedule", StringComparison.Ordinal) && Schedule.Parse(text) is null ? "an interval like 15m, five fields of cron or off"
                : name == "maintenance.window" && MaintenanceWindow.Parse(text) is null ? "hours like 22:00-06:00"
                : name == "maintenance.time-zone" && !TimeZoneInfo.TryFindSystemTimeZoneById(text, out _) ? "the name of a time zone"
                : name == "maintenance.enabled" && !bool.TryParse(text, out _) ? "true or false" : null;
            if (expected is not null)
            {
                return (name.StartsWith("maintenance.", StringComparison.Ordinal) ? name["maintenance.".Length..] : name, expected, text);
            }
        }

        return null;
    }
}
