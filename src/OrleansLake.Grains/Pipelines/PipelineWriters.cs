using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode;
using OrleansLake.Ingest.Registry;
using OrleansLake.Ingest.Write;

namespace OrleansLake.Grains;

/// <summary>How the records of each pipeline become rows: the same for those that a pump reads and for dead letters that are replayed.</summary>
/// <param name="byName">The pipelines that this silo knows.</param>
/// <param name="time">Tells the time.</param>
/// <param name="ids">Makes names of files.</param>
/// <param name="registries">How this silo reaches the schema registries of its pipelines: settings with secrets, which therefore stay here.</param>
public sealed class PipelineWriters(
    IReadOnlyDictionary<string, PipelineDefinition> byName, TimeProvider time, IdSource ids, IReadOnlyDictionary<string, SchemaRegistrySettings>? registries = null) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, SchemaRegistry> _registries = [];

    /// <summary>The writers of a pipeline. <paramref name="growth"/> asks for columns where new fields become some.</summary>
    public RowWriterFactory Of(PipelineDefinition definition, FieldGrowth? growth = null) => new(
        new RowWriterOptions
        {
            Pipeline = definition.Name,
            Generation = definition.Generation,
            Records = definition.Records is { } records ? records.ToOptions() with { Growth = growth, Registry = RegistryOf(definition.Name) } : null,
        },
        time,
        ids);

    /// <summary>Those of a pipeline by its name. One that this silo's configuration no longer has is decoded as one without settings of its own.</summary>
    public RowWriterFactory Of(string pipeline) => byName.TryGetValue(pipeline, out PipelineDefinition? definition)
        ? Of(definition)
        : new RowWriterFactory(new RowWriterOptions { Pipeline = pipeline, Generation = "1" }, time, ids);

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
