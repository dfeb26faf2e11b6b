namespace OrleansLake.Silo.Configuration;

// What may be absent, and shares.
internal sealed partial class ConfigSection
{
    /// <summary>A share from 0 to 1; above 1 it is never reached, which is said by <c>off</c>.</summary>
    public double Share(string key, double otherwise) => Parsed(
        key, otherwise, "a share from 0 to 1 such as 0.1, or off", text => text == "off" ? double.PositiveInfinity : QualitySection.Share(text));

    /// <summary>A duration of at least a second; null when it is absent.</summary>
    public TimeSpan? OptionalDuration(string key) =>
        Optional(key, "a duration of at least a second such as 5m", text => Quantities.ParseDuration(text) is { } value && value >= TimeSpan.FromSeconds(1) ? value : (TimeSpan?)null);

    /// <summary>Whatever a text is parsed to; null when it is absent.</summary>
    public T? Optional<T>(string key, string expected, Func<string, T?> parse)
        where T : struct
    {
        if (Text(key, expected: expected) is not { } text)
        {
            return null;
        }

        T? value = parse(text);
        if (value is null)
        {
            Fail(key, expected, text);
        }

        return value;
    }
}
