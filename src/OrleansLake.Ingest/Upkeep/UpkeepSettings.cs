using System.Globalization;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>
/// Where an option of the upkeep comes from: the table's property <c>orleanslake.NAME</c>, else the pipeline's setting
/// <c>NAME</c>, else a default. A value that is none is an error with the name under which it stood.
/// </summary>
/// <param name="tableProperties">The table's properties.</param>
/// <param name="pipelineSettings">The pipeline's settings; null: none.</param>
public sealed class UpkeepSettings(IReadOnlyDictionary<string, string> tableProperties, IReadOnlyDictionary<string, string>? pipelineSettings = null)
{
    /// <summary>How our own table properties begin.</summary>
    public const string Prefix = "orleanslake.";

    private static readonly (string Unit, double Milliseconds)[] Durations =
        [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

    private static readonly (string Unit, long Bytes)[] Sizes =
    [
        ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40),
        ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("B", 1),
    ];

    /// <summary>The table's properties, Iceberg's own among them.</summary>
    public IReadOnlyDictionary<string, string> TableProperties => tableProperties;

    /// <summary>The text as it stands; null where neither says anything.</summary>
    public string? Text(string name) => Find(name)?.Text;

    /// <summary>A whole number.</summary>
    public long Number(string name, long missing, long least = 0) => Parse(
        name,
        missing,
        text => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) && value >= least ? value : null,
        string.Create(CultureInfo.InvariantCulture, $"a number of at least {least}"));

    /// <summary>A share between 0 and 1.</summary>
    public double Share(string name, double missing) => Parse(
        name,
        missing,
        text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value is >= 0 and <= 1 ? value : null,
        "a number between 0 and 1");

    /// <summary>A size: <c>134217728</c>, <c>128MiB</c>.</summary>
    public long SizeBytes(string name, long missing) => Parse(name, missing, ParseSize, "a size like 134217728 or 128MiB");

    /// <summary>A duration: <c>90s</c>, <c>15m</c>, <c>6h</c>, <c>3d</c>.</summary>
    public TimeSpan Duration(string name, TimeSpan missing) => Parse(name, missing, ParseDuration, "a duration like 90s, 15m, 6h or 3d");

    /// <summary>True or false.</summary>
    public bool Flag(string name, bool missing) => Parse<bool>(name, missing, text => bool.TryParse(text, out bool value) ? value : null, "true or false");

    /// <summary>One of some words, whatever their case and hyphens.</summary>
    public T Choice<T>(string name, T missing)
        where T : struct, Enum => Parse<T>(
            name,
            missing,
            text => Enum.GetValues<T>().Where(value => Word(value).Equals(text.Replace("_", "-", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase)).Select(value => (T?)value).FirstOrDefault(),
            string.Join(", ", Enum.GetValues<T>().Select(Word)));

    /// <summary>A value of any kind.</summary>
    /// <param name="name">Its name, without the prefix of table properties.</param>
    /// <param name="missing">Where neither says anything.</param>
    /// <param name="parse">Reads it; null: it is none.</param>
    /// <param name="expected">What it should be.</param>
    /// <exception cref="FormatException">It is none, with the name under which it stands.</exception>
    public T Parse<T>(string name, T missing, Func<string, T?> parse, string expected)
        where T : struct
    {
        if (Find(name) is not var (text, place))
        {
            return missing;
        }

        return parse(text) ?? throw new FormatException($"{place}: expected {expected}, got \"{text}\"");
    }

    /// <summary>A list of names with commas between; empty where neither says anything.</summary>
    public IReadOnlyList<string> Names(string name) => Text(name)?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];

    /// <summary>A value of an enumeration as it is written: <c>BinPack</c> is <c>bin-pack</c>.</summary>
    internal static string Word<T>(T value)
        where T : struct, Enum =>
        string.Concat(value.ToString().Select((c, i) => char.IsUpper(c) && i > 0 ? "-" + char.ToLowerInvariant(c) : char.ToLowerInvariant(c).ToString()));

    private (string Text, string Place)? Find(string name) =>
        tableProperties.GetValueOrDefault(Prefix + name) is { } own ? (own.Trim(), $"table property {Prefix}{name}")
        : pipelineSettings?.GetValueOrDefault(name) is { } common ? (common.Trim(), $"maintenance setting {name}")
        : null;

    private static TimeSpan? ParseDuration(string text)
    {
        foreach (var (unit, milliseconds) in Durations)
        {
            if (text.EndsWith(unit, StringComparison.Ordinal) && Amount(text[..^unit.Length]) is { } count && count * milliseconds < TimeSpan.MaxValue.TotalMilliseconds)
            {
                return TimeSpan.FromMilliseconds(count * milliseconds);
            }
        }

        return text.Contains(':', StringComparison.Ordinal) && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var span) && span >= TimeSpan.Zero ? span : null;
    }

    private static long? ParseSize(string text)
    {
        foreach (var (unit, bytes) in Sizes)
        {
            if (text.EndsWith(unit, StringComparison.OrdinalIgnoreCase) && Amount(text[..^unit.Length].TrimEnd()) is { } count && count * bytes < long.MaxValue)
            {
                return (long)(count * bytes);
            }
        }

        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long plain) ? plain : null;
    }

    private static double? Amount(string text) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value) ? value : null;
}
