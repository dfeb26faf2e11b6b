using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Pump;

namespace OrleansLake.Grains;

/// <summary>The tables of a pipeline: where its rows go, and where its dead letters go.</summary>
public interface IPipelineTables
{
    /// <summary>Loads both, and makes what is missing where the pipeline says so.</summary>
    /// <exception cref="PipelineTroubleException">A table is missing and may not be made, or its statement is wrong.</exception>
    Task<PumpTables> EnsureAsync(PipelineDefinition definition, CancellationToken cancellationToken);

    /// <summary>Loads both as they are now.</summary>
    /// <exception cref="PipelineTroubleException">One of them is missing.</exception>
    Task<PumpTables> LoadAsync(PipelineDefinition definition, CancellationToken cancellationToken);

    /// <summary>The catalog of a name.</summary>
    ICatalog Catalog(string name);
}
