using OrleansLake.Contracts;
using OrleansLake.Ingest.Decode;

namespace OrleansLake.Grains;

/// <summary>What a pipeline's settings say, for the decoder.</summary>
public static class RecordSettingsOptions
{
    private static readonly Dictionary<string, UnfitAction> Actions = new(StringComparer.OrdinalIgnoreCase)
    {
        ["reject"] = UnfitAction.Reject, ["null"] = UnfitAction.Null, ["string"] = UnfitAction.Text,
    };

    private static readonly Dictionary<string, EpochUnit> Units = new(StringComparer.OrdinalIgnoreCase)
    {
        ["none"] = EpochUnit.None, ["s"] = EpochUnit.Seconds, ["ms"] = EpochUnit.Milliseconds, ["us"] = EpochUnit.Microseconds, ["ns"] = EpochUnit.Nanoseconds,
        ["d"] = EpochUnit.Days,
    };

    private static readonly Dictionary<string, bool> Flags = new(StringComparer.OrdinalIgnoreCase) { ["true"] = true, ["false"] = false };

    private static readonly Dictionary<string, UnknownFieldAction> UnknownActions = new(StringComparer.OrdinalIgnoreCase)
    {
        ["ignore"] = UnknownFieldAction.Ignore, ["rescue"] = UnknownFieldAction.Rescue, ["evolve"] = UnknownFieldAction.Evolve,
    };

    private static readonly Dictionary<string, RecordFormat> Formats = new(StringComparer.OrdinalIgnoreCase)
    {
        ["json"] = RecordFormat.Json, ["confluent-json"] = RecordFormat.ConfluentJson, ["confluent-avro"] = RecordFormat.ConfluentAvro,
        ["confluent-protobuf"] = RecordFormat.ConfluentProtobuf,
    };

    private static readonly Dictionary<string, RecordEnvelope> Envelopes = new(StringComparer.OrdinalIgnoreCase)
    {
        ["none"] = RecordEnvelope.None, ["debezium"] = RecordEnvelope.Debezium,
    };

    private static readonly Dictionary<string, bool> Tombstones = new(StringComparer.OrdinalIgnoreCase) { ["reject"] = false, ["skip"] = true };

    /// <summary>Reads the settings' words.</summary>
    /// <exception cref="RecordOptionException">One of them means nothing.</exception>
    public static RecordOptions ToOptions(this RecordSettings settings)
    {
        var problems = new List<RecordOptionException>();
        RecordOptions options = Read(settings, problems);
        return problems.Count == 0 ? options : throw problems[0];
    }

    /// <summary>Reads the settings' words; <paramref name="problems"/> gains what means nothing, and the default stands for it.</summary>
    public static RecordOptions Read(RecordSettings settings, ICollection<RecordOptionException> problems)
    {
        var options = new RecordOptions
        {
            Format = Word("format", settings.Format, Formats, problems),
            Envelope = Word("envelope", settings.Envelope, Envelopes, problems),
            Unnest = settings.Unnest,
            Project = settings.Project,
            Columns = settings.Columns,
            CaseFrom = Case("case.from", settings.CaseFrom, problems),
            CaseTo = Case("case.to", settings.CaseTo, problems),
            IgnoreCase = settings.IgnoreCase,
            OnUnfit = Rules("onUnfit", settings.OnUnfit, Actions, problems),
            Epoch = Rules("epoch", settings.Epoch, Units, problems),
            NumbersInStrings = Rules("numbersInStrings", settings.NumbersInStrings, Flags, problems),
            CutFraction = settings.CutFraction,
            UnknownFields = Word("unknownFields", settings.UnknownFields, UnknownActions, problems),
            RescueColumn = settings.RescueColumn,
        };
        Pointer("unnest", settings.Unnest, problems);
        foreach ((string column, string pointer) in settings.Project)
        {
            Pointer($"project.{column}", pointer, problems);
        }

        foreach ((string column, string source) in settings.Columns)
        {
            if (settings.Project.ContainsKey(column))
            {
                problems.Add(new RecordOptionException($"columns.{column}", "a column that project does not take already", source));
            }
            else if (!RecordOptions.IsColumnSource(source))
            {
                problems.Add(new RecordOptionException($"columns.{column}", "kafka.topic, kafka.partition, kafka.offset, kafka.timestamp, kafka.key, kafka.headers, kafka.header.NAME, ingest.time, a 'text' or JSON", source));
            }
        }

        if (settings.CaseFrom is null != settings.CaseTo is null)
        {
            problems.Add(new RecordOptionException(settings.CaseFrom is null ? "case.from" : "case.to", "both, or neither of case.from and case.to", ""));
        }

        if (options.UnknownFields == UnknownFieldAction.Rescue && (settings.Project.ContainsKey(settings.RescueColumn) || settings.Columns.ContainsKey(settings.RescueColumn)))
        {
            problems.Add(new RecordOptionException("rescueColumn", "a column that neither project nor columns takes", settings.RescueColumn));
        }

        return options with { SkipTombstones = settings.Tombstones is { } tombstones ? Word("tombstones", tombstones, Tombstones, problems) : options.Envelope != RecordEnvelope.None };
    }

    private static void Pointer(string setting, string pointer, ICollection<RecordOptionException> problems)
    {
        if (!RecordOptions.IsPointer(pointer))
        {
            problems.Add(new RecordOptionException(setting, "a JSON Pointer (RFC 6901) such as /data/id", pointer));
        }
    }

    private static NameCase? Case(string setting, string? word, ICollection<RecordOptionException> problems)
    {
        NameCase? known = word is null ? null : RecordOptions.ParseCase(word);
        if (known is null && word is not null)
        {
            problems.Add(new RecordOptionException(setting, "one of lower_camel, upper_camel, lower_underscore, upper_underscore, lower_hyphen", word));
        }

        return known;
    }

    private static Dictionary<string, T> Rules<T>(string setting, Dictionary<string, string> rules, Dictionary<string, T> words, ICollection<RecordOptionException> problems)
        where T : struct =>
        rules.ToDictionary(rule => rule.Key, rule => Word(rule.Key == RecordOptions.EveryField ? setting : $"{setting}.{rule.Key}", rule.Value, words, problems), StringComparer.Ordinal);

    private static T Word<T>(string setting, string word, Dictionary<string, T> words, ICollection<RecordOptionException> problems)
        where T : struct
    {
        if (!words.TryGetValue(word, out T value))
        {
            problems.Add(new RecordOptionException(setting, "one of " + string.Join(", ", words.Keys), word));
        }

        return value;
    }
}
