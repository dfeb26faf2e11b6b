using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace OrleansLake.Silo.Configuration.Import;

/// <summary>A configuration of ours as it grows out of the Starburst loader's settings.</summary>
internal sealed partial class LoaderConfig
{
    private static readonly string[] CaseFormats = ["LOWER_HYPHEN", "LOWER_UNDERSCORE", "LOWER_CAMEL", "UPPER_CAMEL", "UPPER_UNDERSCORE"];

    private readonly JsonObject _root = new() { ["catalog"] = new JsonObject { ["name"] = "glue", ["type"] = "glue" } };
    private readonly JsonObject _pipeline = [];
    private readonly JsonObject _kafka = new() { ["security.protocol"] = "SASL_SSL", ["sasl.mechanism"] = "PLAIN" };
    private readonly List<string> _errors = [];
    private readonly List<string> _remarks = [];
    private string? _deadLetterTopic;
    private string _place = "";

    private LoaderConfig()
    {
    }

    /// <summary>Half of the table's name.</summary>
    public string? Database { get; set; }

    /// <summary>The other half.</summary>
    public string? Table { get; set; }

    /// <summary>Names in the records.</summary>
    public string? InputCase { get; set; }

    /// <summary>Names in the table.</summary>
    public string? OutputCase { get; set; }

    /// <summary>What the loader was told, as our configuration and what a person has to know about it.</summary>
    /// <exception cref="ConfigException">A setting that the loader requires is absent, or one has a value that neither of us takes.</exception>
    public static (JsonObject Config, IReadOnlyList<string> Remarks) Import(IReadOnlyList<(string Group, string Name, string Value)> settings, string source)
    {
        var config = new LoaderConfig();
        var given = new HashSet<LoaderSetting>();
        bool local = settings.Any(setting => setting.Group.Length == 0 && LoaderSettings.Find("", setting.Name) is not null);
        foreach ((string group, string name, string value) in settings)
        {
            string place = group.Length == 0 ? name : $"{group}.{name}";
            if (LoaderSettings.Find(group, name) is not { } setting)
            {
                config._remarks.Add($"{place}: the loader has no such setting; left out");
            }
            else if (setting.Group == LoaderSettings.Projections)
            {
                config.PutProjection(place, name, value);
            }
            else if (!given.Add(setting))
            {
                config._errors.Add($"{place}: expected once, found again");
            }
            else
            {
                config._place = place;
                setting.Apply(config, value);
            }
        }

        foreach (LoaderSetting missing in LoaderSettings.All.Where(setting => setting.Required && !given.Contains(setting)))
        {
            if (local && missing.Name == "client.group.id")
            {
                config.PutKafka("group.id", "galaxy_example_loader"); // the local launcher's own
                continue;
            }

            config._errors.Add($"{(local ? missing.LocalName : $"{missing.Group}.{missing.Name}")}: expected a value, because the loader requires it, found nothing");
        }

        return config.Finish(source);
    }

    /// <summary>Puts a text at a dotted path.</summary>
    public void Put(string path, string value) => Put(_root, path, value);

    /// <summary>Puts a text at a dotted path of the pipeline.</summary>
    public void PutInPipeline(string path, string value) => Put(_pipeline, path, value);

    /// <summary>Puts a setting of the Kafka client.</summary>
    public void PutKafka(string name, string value)
    {
        if (string.IsNullOrWhiteSpace(value))
        {
            _errors.Add($"{_place}: expected a value, found nothing");
        }

        _kafka[name] = value.Trim();
    }

    /// <summary>Topics, parted by commas.</summary>
    public void PutTopics(string value) => _pipeline["topics"] = new JsonArray([.. value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(topic => (JsonNode)topic)]);

    /// <summary>Where the loader puts what it cannot read.</summary>
    public void PutDeadLetterTopic(string topic) => _deadLetterTopic = topic;

    /// <summary>How often files are committed.</summary>
    public void PutFlushInterval(string value)
    {
        if (Duration(value) is { } interval)
        {
            _pipeline["flushInterval"] = Quantities.Format(interval);
        }
    }

    /// <summary>Ours is fixed; a shorter wish is told.</summary>
    public void CheckDiscovery(string value)
    {
        if (Duration(value) is { } interval && interval < TimeSpan.FromSeconds(30))
        {
            _remarks.Add($"{_place}: new partitions are found within 30 s, found {value}");
        }
    }

    /// <summary>A JSON pointer to what becomes the row.</summary>
    public void PutUnnest(string pointer)
    {
        if (pointer.Length > 0 && IsPointer(_place, pointer))
        {
            PutInPipeline("records.unnest", pointer);
        }
    }

    private void PutProjection(string place, string column, string pointer)
    {
        if (IsPointer(place, pointer))
        {
            // A name with a dot is a name, not a path.
            JsonObject records = Child(_pipeline, "records");
            Child(records, "project")[column] = pointer;
        }
    }

    private (JsonObject, IReadOnlyList<string>) Finish(string source)
    {
        if ((InputCase, OutputCase) is (not null, not null))
        {
            PutCase("from", "JobProperties.input.field-name.case-format", InputCase);
            PutCase("to", "JobProperties.output.field-name.case-format", OutputCase);
        }
        else if ((InputCase ?? OutputCase) is { } one)
        {
            _remarks.Add($"case format {one}: the loader converts names only where both formats are given; left out");
        }

        if (_deadLetterTopic is { } topic)
        {
            PutInPipeline("deadLetters.mode", "topic");
            PutInPipeline("deadLetters.topic", topic);
        }
        else
        {
            PutInPipeline("deadLetters.mode", "halt");
            _remarks.Add("KafkaProperties.dlq-topic is absent: as the loader's job fails at a record that it cannot read, the topic-partition halts there; \"table\" instead of \"halt\" keeps such records and reads on");
        }

        if (_errors.Count > 0)
        {
            throw new ConfigException(source, _errors);
        }

        var pipeline = new JsonObject { ["name"] = PipelineName(Table!), ["table"] = $"{Database}.{Table}" };
        Move(_pipeline, pipeline);
        pipeline["kafka"] = _kafka;
        _root["pipelines"] = new JsonArray(pipeline);
        _remarks.Add("the table must exist, as it must for the loader; offsets stand in the table and not in Flink's state: stop the loader with its last checkpoint complete, see docs/starburst.md before the first start");
        return (_root, _remarks);
    }

    private void PutCase(string key, string place, string format)
    {
        if (CaseFormats.Contains(format))
        {
            PutInPipeline($"records.case.{key}", format.ToLowerInvariant());
        }
        else
        {
            _errors.Add($"{place}: expected one of {string.Join(", ", CaseFormats)}, found \"{format}\"");
        }
    }

    private bool IsPointer(string place, string pointer)
    {
        if (pointer.Length == 0 || pointer[0] == '/')
        {
            return true;
        }

        _errors.Add($"{place}: expected a JSON pointer such as /data/id, found \"{pointer}\"");
        return false;
    }

    // 10s, 1.50m, 500 ms: https://github.com/airlift/units
    private TimeSpan? Duration(string text)
    {
        Match match = DurationPattern().Match(text);
        double? milliseconds = match.Success
            ? double.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) * match.Groups[2].Value switch { "ns" => 1e-6, "us" => 1e-3, "ms" => 1, "s" => 1e3, "m" => 6e4, "h" => 3.6e6, "d" => 8.64e7, _ => double.NaN }
            : null;
        if (milliseconds is { } found && found < TimeSpan.FromDays(365).TotalMilliseconds)
        {
            return TimeSpan.FromMilliseconds(found);
        }

        _errors.Add($"{_place}: expected a duration such as 10s, found \"{text}\"");
        return null;
    }

    private static string PipelineName(string table) => NamePattern().Replace(table, "-");

    private static void Put(JsonObject at, string path, string value)
    {
        string[] keys = path.Split('.');
        foreach (string key in keys[..^1])
        {
            at = Child(at, key);
        }

        at[keys[^1]] = value;
    }

    private static JsonObject Child(JsonObject at, string key)
    {
        if (at[key] is not JsonObject child)
        {
            at[key] = child = [];
        }

        return child;
    }

    private static void Move(JsonObject from, JsonObject to)
    {
        foreach (string key in from.Select(property => property.Key).ToList())
        {
            JsonNode? value = from[key];
            from.Remove(key);
            to[key] = value;
        }
    }

    [GeneratedRegex(@"^\s*([0-9]+(?:\.[0-9]+)?)\s*([a-z]+)\s*$")]
    private static partial Regex DurationPattern();

    [GeneratedRegex("[^A-Za-z0-9._-]")]
    private static partial Regex NamePattern();
}
