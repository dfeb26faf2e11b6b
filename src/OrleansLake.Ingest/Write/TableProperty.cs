using System.Globalization;

namespace OrleansLake.Ingest.Write;

/// <summary>Table properties as numbers; a value that is none is an error with the property's name.</summary>
internal static class TableProperty
{
    /// <summary>A whole number, or <paramref name="missing"/> where the table does not say.</summary>
    public static long Long(IReadOnlyDictionary<string, string> properties, string name, long missing, long least = 1)
    {
        if (!properties.TryGetValue(name, out string? text))
        {
            return missing;
        }

        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) && value >= least
            ? value
            : throw new FormatException($"table property {name}: expected a number of at least {least}, got \"{text}\"");
    }

    /// <inheritdoc cref="Long" />
    public static int Integer(IReadOnlyDictionary<string, string> properties, string name, int missing, int least = 1) =>
        (int)Math.Min(int.MaxValue, Long(properties, name, missing, least));
}
