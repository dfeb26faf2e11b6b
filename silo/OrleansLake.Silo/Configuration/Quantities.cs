using System.Globalization;

namespace OrleansLake.Silo.Configuration;

/// <summary>Durations and sizes as people write them.</summary>
internal static class Quantities
{
    private static readonly (string Unit, double Milliseconds)[] Durations =
        [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

    private static readonly (string Unit, long Bytes)[] Sizes =
    [
        ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40),
        ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("B", 1),
    ];

    /// <summary><c>10s</c>, <c>1.5m</c>, <c>00:00:10</c>; null: not a duration.</summary>
    public static TimeSpan? ParseDuration(string text)
    {
        text = text.Trim();
        foreach ((string unit, double milliseconds) in Durations)
        {
            if (text.EndsWith(unit, StringComparison.Ordinal) && Number(text[..^unit.Length]) is { } count && count * milliseconds < TimeSpan.MaxValue.TotalMilliseconds)
            {
                return TimeSpan.FromMilliseconds(count * milliseconds);
            }
        }

        return text.Contains(':', StringComparison.Ordinal) && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out TimeSpan span) && span >= TimeSpan.Zero ? span : null;
    }

    /// <summary><c>256MB</c>, <c>1GiB</c>, <c>4096</c>; null: not a size.</summary>
    public static long? ParseSizeBytes(string text)
    {
        text = text.Trim();
        foreach ((string unit, long bytes) in Sizes)
        {
            if (text.EndsWith(unit, StringComparison.OrdinalIgnoreCase) && Number(text[..^unit.Length].TrimEnd()) is { } count && count * bytes < long.MaxValue)
            {
                return (long)(count * bytes);
            }
        }

        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long plain) ? plain : null;
    }

    /// <summary>A duration in its largest whole unit.</summary>
    public static string Format(TimeSpan span)
    {
        (string unit, double milliseconds) = Durations.LastOrDefault(entry => span.TotalMilliseconds >= entry.Milliseconds && span.TotalMilliseconds % entry.Milliseconds == 0, Durations[0]);
        return string.Create(CultureInfo.InvariantCulture, $"{span.TotalMilliseconds / milliseconds:0.###}{unit}");
    }

    private static double? Number(string text) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value) ? value : null;
}
