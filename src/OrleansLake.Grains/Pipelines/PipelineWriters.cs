using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Write;

namespace OrleansLake.Grains;

/// <summary>How the records of each pipeline become rows: the same for those that a pump reads and for dead letters that are replayed.</summary>
public sealed class PipelineWriters(IReadOnlyDictionary<string, PipelineDefinition> byName, TimeProvider time, IdSource ids)
{
    /// <summary>The writers of a pipeline.</summary>
    public RowWriterFactory Of(PipelineDefinition definition) =>
        new(new RowWriterOptions { Pipeline = definition.Name, Generation = definition.Generation, Records = definition.Records?.ToOptions() }, time, ids);

    /// <summary>Those of a pipeline by its name. One that this silo's configuration no longer has is decoded as one without settings of its own.</summary>
    public RowWriterFactory Of(string pipeline) => byName.TryGetValue(pipeline, out PipelineDefinition? definition)
        ? Of(definition)
        : new RowWriterFactory(new RowWriterOptions { Pipeline = pipeline, Generation = "1" }, time, ids);
}
