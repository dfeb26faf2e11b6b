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
        Pointer("unnest", settings.Unnest);
        foreach ((string column, string pointer) in settings.Project)
        {
            Pointer($"project.{column}", pointer);
            if (settings.Columns.TryGetValue(column, out string? source))
            {
                throw new RecordOptionException($"columns.{column}", "a column that project does not take already", source);
            }
        }

        if (settings.CaseFrom is null != settings.CaseTo is null)
        {
            throw new RecordOptionException(settings.CaseFrom is null ? "case.from" : "case.to", "both, or neither of case.from and case.to", "");
        }

        return new RecordOptions
        {
            Format = Word("format", settings.Format, Formats),
            Envelope = Word("envelope", settings.Envelope, Envelopes),
            SkipTombstones = settings.Tombstones is { } tombstones ? Word("tombstones", tombstones, Tombstones) : Word("envelope", settings.Envelope, Envelopes) != RecordEnvelope.None,
            Unnest = settings.Unnest,
            Project = settings.Project,
            Columns = settings.Columns,
            CaseFrom = Case("case.from", settings.CaseFrom),
            CaseTo = Case("case.to", settings.CaseTo),
            IgnoreCase = settings.IgnoreCase,
            OnUnfit = Rules("onUnfit", settings.OnUnfit, Actions),
            Epoch = Rules("epoch", settings.Epoch, Units),
            NumbersInStrings = Rules("numbersInStrings", settings.NumbersInStrings, Flags),
            CutFraction = settings.CutFraction,
            UnknownFields = Word("unknownFields", settings.UnknownFields, UnknownActions),
            RescueColumn = settings.RescueColumn,
        };
    }

    private static void Pointer(string setting, string pointer)
    {
        if (!RecordOptions.IsPointer(pointer))
        {
            throw new RecordOptionException(setting, "a JSON Pointer (RFC 6901) such as /data/id", pointer);
        }
    }

    private static NameCase? Case(string setting, string? word) => word is null ? null
        : RecordOptions.ParseCase(word) ?? throw new RecordOptionException(setting, "one of lower_camel, upper_camel, lower_underscore, upper_underscore, lower_hyphen", word);

    private static Dictionary<string, T> Rules<T>(string setting, Dictionary<string, string> rules, Dictionary<string, T> words) =>
        rules.ToDictionary(rule => rule.Key, rule => Word(rule.Key == RecordOptions.EveryField ? setting : $"{setting}.{rule.Key}", rule.Value, words), StringComparer.Ordinal);

    private static T Word<T>(string setting, string word, Dictionary<string, T> words) =>
        words.TryGetValue(word, out T? value) ? value : throw new RecordOptionException(setting, "one of " + string.Join(", ", words.Keys), word);
}
