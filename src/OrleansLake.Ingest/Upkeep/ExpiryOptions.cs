using System.Globalization;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>How much of a table's history is kept. Ages count from its newest snapshot: a table at rest keeps what it has.</summary>
public sealed record ExpiryOptions
{
    /// <summary>
    /// Snapshots older than this go (<c>expiry.max-snapshot-age</c>; else Iceberg's <c>history.expire.max-snapshot-age-ms</c>);
    /// a branch's own age comes before it.
    /// </summary>
    public TimeSpan MaxSnapshotAge { get; init; } = TimeSpan.FromDays(5);

    /// <summary>
    /// So many of each branch stay (<c>expiry.min-snapshots</c>; else Iceberg's <c>history.expire.min-snapshots-to-keep</c>); a
    /// branch's own number comes before it.
    /// </summary>
    public int MinSnapshots { get; init; } = 1;

    /// <summary>
    /// So many of the newest snapshots stay of a branch that records are ingested into, whatever else says (<c>expiry.keep-newest</c>):
    /// a report is only judged by history that is listed.
    /// </summary>
    public int KeepNewest { get; init; } = 100;

    /// <summary>Whether schemas and partition specs go that nothing uses any more (<c>expiry.clean-metadata</c>).</summary>
    public bool CleanMetadata { get; init; }

    internal static ExpiryOptions Read(UpkeepSettings settings)
    {
        var defaults = new ExpiryOptions();
        return new ExpiryOptions
        {
            MaxSnapshotAge = Own(settings, "expiry.max-snapshot-age", "history.expire.max-snapshot-age-ms") is { } age
                ? TimeSpan.FromMilliseconds(age)
                : settings.Duration("expiry.max-snapshot-age", defaults.MaxSnapshotAge),
            MinSnapshots = (int)Math.Clamp(
                Own(settings, "expiry.min-snapshots", "history.expire.min-snapshots-to-keep") ?? settings.Number("expiry.min-snapshots", defaults.MinSnapshots, least: 1), 1, int.MaxValue),
            KeepNewest = (int)Math.Min(int.MaxValue, settings.Number("expiry.keep-newest", defaults.KeepNewest, least: 1)),
            CleanMetadata = settings.Flag("expiry.clean-metadata", defaults.CleanMetadata),
        };
    }

    /// <summary>Iceberg's own property, where the table has it and not ours: what a table says comes before what a pipeline says.</summary>
    private static long? Own(UpkeepSettings settings, string ours, string iceberg)
    {
        if (settings.TableProperties.ContainsKey(UpkeepSettings.Prefix + ours) || settings.TableProperties.GetValueOrDefault(iceberg) is not { } text)
        {
            return null;
        }

        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value)
            ? Math.Min(value, (long)TimeSpan.MaxValue.TotalMilliseconds / 2)
            : throw new FormatException($"table property {iceberg}: expected a number, got \"{text}\"");
    }
}

/// <summary>When a file that nothing refers to is taken for one that nobody will refer to.</summary>
public sealed record OrphanOptions
{
    /// <summary>
    /// Files younger than this stay (<c>orphans.min-age</c>). Our own writers are safe at any age, since the table says first which
    /// files may no longer come; writers of others have only this.
    /// </summary>
    public TimeSpan MinAge { get; init; } = TimeSpan.FromDays(3);

    internal static OrphanOptions Read(UpkeepSettings settings) => new() { MinAge = settings.Duration("orphans.min-age", new OrphanOptions().MinAge) };
}

public sealed partial record UpkeepOptions
{
    /// <summary>How much history is kept.</summary>
    public ExpiryOptions Expiry { get; init; } = new();

    /// <summary>What counts as an orphan.</summary>
    public OrphanOptions Orphans { get; init; } = new();

    static partial void ReadMore(UpkeepSettings settings, ref UpkeepOptions options) =>
        options = options with { Expiry = ExpiryOptions.Read(settings), Orphans = OrphanOptions.Read(settings) };
}
