using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Backfill;
using OrleansLake.Ingest.Decode;
using OrleansLake.Ingest.Quality;
using OrleansLake.Ingest.Registry;
using OrleansLake.Ingest.Write;

namespace OrleansLake.Grains;

/// <summary>How the records of each pipeline become rows: the same for those that a pump reads and for dead letters that are replayed.</summary>
/// <param name="byName">The pipelines that this silo knows.</param>
/// <param name="time">Tells the time.</param>
/// <param name="ids">Makes names of files.</param>
/// <param name="alerts">Told of what pipelines find out.</param>
/// <param name="registries">How this silo reaches the schema registries of its pipelines: settings with secrets, which therefore stay here.</param>
public sealed class PipelineWriters(
    IReadOnlyDictionary<string, PipelineDefinition> byName, TimeProvider time, IdSource ids, AlertHub alerts, IReadOnlyDictionary<string, SchemaRegistrySettings>? registries = null) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, SchemaRegistry> _registries = [];

    /// <summary>The writers of a pipeline's pump. <paramref name="growth"/> asks for columns where new fields become some.</summary>
    public RowWriterFactory Of(PipelineDefinition definition, FieldGrowth growth) => new(
        OptionsOf(definition, alerts.Tell, growth) with
        {
            HaltOnReject = definition.DeadLetters.Mode == DeadLetterMode.Halt,
            Alarm = new DeadLetterAlarm(
                definition.Name,
                new DeadLetterAlarmOptions { Share = definition.DeadLetters.AlertShare, Records = definition.DeadLetters.AlertRecords, Window = definition.DeadLetters.AlertWindow },
                alerts.Tell),
        },
        time,
        ids);

    /// <summary>The writers of a backfill by a pipeline's settings: rows and dead letters are the plan's.</summary>
    public RowWriterFactory OfBackfill(PipelineDefinition definition, BackfillPlan plan, FieldGrowth growth) => new(
        OptionsOf(definition, alerts.Tell, growth) with
        {
            Pipeline = plan.Reader,
            Generation = plan.Generation,
            HaltOnReject = definition.DeadLetters.Mode == DeadLetterMode.Halt,
        },
        time,
        ids);

    /// <summary>
    /// Those for its dead letters, by its name; for those of a backfill by the name of its pipeline. A pipeline that this silo's configuration no longer has is decoded as one without
    /// settings of its own.
    /// </summary>
    public RowWriterFactory OfReplay(string pipeline) => new(
        byName.TryGetValue(BackfillPlan.PipelineOf(pipeline), out PipelineDefinition? definition) ? OptionsOf(definition, static _ => { }, growth: null) : new RowWriterOptions { Pipeline = pipeline, Generation = "1" }, time, ids);

    /// <inheritdoc />
    public void Dispose()
    {
        lock (_lock)
        {
            foreach (SchemaRegistry registry in _registries.Values)
            {
                registry.Dispose();
            }

            _registries.Clear();
        }
    }

    /// <summary>What of a pipeline's settings does not go together with a table of that schema, each with its place; empty: they do.</summary>
    public static IReadOnlyList<string> Check(PipelineDefinition definition, Schema schema) =>
        RowWriterFactory.Check(OptionsOf(definition, TimeProvider.System, static _ => { }), schema);

    private RowWriterOptions OptionsOf(PipelineDefinition definition, Action<Alert> onAlert, FieldGrowth? growth)
    {
        RowWriterOptions options = OptionsOf(definition, time, onAlert);
        return options.Records is { } records ? options with { Records = records with { Growth = growth, Registry = RegistryOf(definition.Name) } } : options;
    }

    private static RowWriterOptions OptionsOf(PipelineDefinition definition, TimeProvider time, Action<Alert> onAlert) => new()
    {
        Pipeline = definition.Name,
        Generation = definition.Generation,
        Filter = definition.Where is { } where ? Expression.Parse(where) : null,
        Records = definition.Records?.ToOptions(),
        Expectations = definition.Quality.Expectations.Length == 0 ? null : new Expectations(definition.Name, [.. definition.Quality.Expectations.Select(ExpectationOf)], time, onAlert),
    };

    internal static Expectation ExpectationOf(ExpectationSettings settings) => new()
    {
        Name = settings.Name,
        Action = settings.Action switch
        {
            ExpectationAction.DeadLetter => UnmetAction.DeadLetter,
            ExpectationAction.Halt => UnmetAction.Halt,
            _ => UnmetAction.Warn,
        },
        Sample = settings.Sample,
        Where = settings.Where,
        Column = settings.Column,
        NotNull = settings.NotNull,
        In = settings.In,
        Least = settings.Least,
        Most = settings.Most,
        Matches = settings.Matches,
        Unique = settings.Unique,
        MaxNullShare = settings.MaxNullShare,
        Window = settings.Window,
        JsonTypes = settings.JsonTypes,
    };

    private SchemaRegistry? RegistryOf(string pipeline)
    {
        if (registries is null || !registries.TryGetValue(pipeline, out SchemaRegistrySettings? settings))
        {
            return null;
        }

        lock (_lock)
        {
            return _registries.TryGetValue(pipeline, out SchemaRegistry? known) ? known : _registries[pipeline] = new SchemaRegistry(settings, time);
        }
    }
}
