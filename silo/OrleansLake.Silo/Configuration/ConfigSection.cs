using System.Globalization;

namespace OrleansLake.Silo.Configuration;

/// <summary>
/// One object of the configuration, read key by key. What is wrong is collected with its place, what was expected there
/// and what was found, so that one start shows every error; a key that nobody asked for is an error too.
/// </summary>
internal sealed partial class ConfigSection(IConfiguration section, string path, List<string> errors)
{
    private readonly HashSet<string> _known = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Notes an error at a key.</summary>
    public void Fail(string key, string expected, string? found) =>
        errors.Add(found is null ? $"{Place(key)}: expected {expected}, found nothing" : $"{Place(key)}: expected {expected}, found \"{found}\"");

    /// <summary>A text; null when it is absent and not required.</summary>
    public string? Text(string key, bool required = false, string expected = "a text")
    {
        _known.Add(key);
        string? value = section[key];
        if (string.IsNullOrWhiteSpace(value))
        {
            if (section.GetSection(key).GetChildren().Any())
            {
                Fail(key, expected, "an object or list");
            }
            else if (required)
            {
                Fail(key, expected, value);
            }

            return null;
        }

        return value;
    }

    /// <summary>true or false.</summary>
    public bool Flag(string key, bool otherwise) => Parsed(key, otherwise, "true or false", text => bool.TryParse(text, out bool value) ? value : null);

    /// <summary>A whole number within bounds.</summary>
    public int Number(string key, int otherwise, int least, int most) => Parsed(
        key, otherwise, $"a whole number from {least} to {most}",
        text => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value >= least && value <= most ? value : null);

    /// <summary>A duration such as <c>10s</c>, <c>250ms</c>, <c>1m</c>, <c>2h</c> or <c>00:00:10</c>.</summary>
    public TimeSpan Duration(string key, TimeSpan otherwise, TimeSpan least, TimeSpan most) => Parsed(
        key, otherwise, $"a duration from {Quantities.Format(least)} to {Quantities.Format(most)} such as 10s",
        text => Quantities.ParseDuration(text) is { } value && value >= least && value <= most ? value : null);

    /// <summary>A size such as <c>256MB</c>, <c>1GiB</c> or plain bytes.</summary>
    public long SizeBytes(string key, long otherwise, long least) => Parsed(
        key, otherwise, $"a size of at least {least} bytes such as 256MB",
        text => Quantities.ParseSizeBytes(text) is { } value && value >= least ? value : null);

    /// <summary>One of some words.</summary>
    public T Choice<T>(string key, T otherwise, params (string Word, T Value)[] choices)
        where T : struct => Parsed(
        key, otherwise, "one of " + string.Join(", ", choices.Select(choice => choice.Word)),
        text => choices.Where(choice => choice.Word.Equals(text, StringComparison.OrdinalIgnoreCase)).Select(choice => (T?)choice.Value).FirstOrDefault());

    /// <summary>Whatever a text is parsed to; null when it is absent.</summary>
    public T? Parsed<T>(string key, string expected, Func<string, T?> parse)
        where T : class
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

    /// <summary>A list of texts with at least one entry.</summary>
    public string[] Texts(string key, string expected)
    {
        _known.Add(key);
        IConfigurationSection list = section.GetSection(key);
        string[] values = [.. list.GetChildren().Select(child => child.Value ?? "")];
        if (values.Length == 0 || values.Any(string.IsNullOrWhiteSpace))
        {
            Fail(key, expected, values.Length == 0 ? list.Value : string.Join(", ", values));
            return [];
        }

        return values;
    }

    /// <summary>Names with their texts, all of them taken as known.</summary>
    public Dictionary<string, string> Map(string key)
    {
        _known.Add(key);
        if (section[key] is { Length: > 0 } text)
        {
            Fail(key, "an object", text);
        }

        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (IConfigurationSection child in section.GetSection(key).GetChildren())
        {
            if (child.Value is null)
            {
                errors.Add($"{Place(key)}.{child.Key}: expected a text, found an object or list");
                continue;
            }

            map[child.Key] = child.Value;
        }

        return map;
    }

    /// <summary>A text that holds for every field (under <c>*</c>), or an object of fields and their texts.</summary>
    public Dictionary<string, string> Rules(string key)
    {
        _known.Add(key);
        return section[key] is { Length: > 0 } text ? new Dictionary<string, string>(StringComparer.Ordinal) { ["*"] = text } : Map(key);
    }

    /// <summary>Whether there is anything at a key.</summary>
    public bool Has(string key)
    {
        _known.Add(key);
        return section.GetSection(key).Exists();
    }

    /// <summary>Every text below a key by its path, as <c>tags.team</c>, all of them taken as known.</summary>
    public Dictionary<string, string> Flat(string key)
    {
        _known.Add(key);
        return section.GetSection(key).AsEnumerable(makePathsRelative: true)
            .Where(pair => pair is { Key.Length: > 0, Value: not null })
            .ToDictionary(pair => pair.Key.Replace(ConfigurationPath.KeyDelimiter, ".", StringComparison.Ordinal), pair => pair.Value!);
    }

    /// <summary>An object inside.</summary>
    public ConfigSection Section(string key)
    {
        _known.Add(key);
        if (section[key] is { Length: > 0 } text)
        {
            Fail(key, "an object", text);
        }

        return new ConfigSection(section.GetSection(key), Place(key), errors);
    }

    /// <summary>A list of objects inside.</summary>
    public IReadOnlyList<ConfigSection> Sections(string key)
    {
        _known.Add(key);
        if (section[key] is { Length: > 0 } text)
        {
            Fail(key, "a list of objects", text);
        }

        return [.. section.GetSection(key).GetChildren().Select(child => new ConfigSection(child, $"{Place(key)}[{child.Key}]", errors))];
    }

    /// <summary>Says of every key that nobody asked for that it is unknown. Called last; whether the section has any key.</summary>
    public bool RefuseOthers()
    {
        foreach (IConfigurationSection child in section.GetChildren().Where(child => !_known.Contains(child.Key)))
        {
            errors.Add($"{Place(child.Key)}: expected one of {string.Join(", ", _known.Order(StringComparer.Ordinal))}, found this key");
        }

        return section.GetChildren().Any();
    }

    private string Place(string key) => path.Length == 0 ? key : $"{path}.{key}";

    private T Parsed<T>(string key, T otherwise, string expected, Func<string, T?> parse)
        where T : struct
    {
        if (Text(key, expected: expected) is not { } text)
        {
            return otherwise;
        }

        if (parse(text) is { } value)
        {
            return value;
        }

        Fail(key, expected, text);
        return otherwise;
    }
}
