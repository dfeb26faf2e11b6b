using Microsoft.Extensions.Logging;
using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Pump;
using OrleansLake.Ingest.Write;

namespace OrleansLake.Grains;

/// <summary>The tables of a pipeline: where its rows go, and where its dead letters go.</summary>
/// <param name="catalogs">Where tables are known.</param>
/// <param name="logger">Told of tables that are made.</param>
public sealed class PipelineTables(Catalogs catalogs, ILogger<PipelineTables> logger)
{
    /// <summary>Makes what is missing where the pipeline says so.</summary>
    /// <exception cref="PipelineTroubleException">The table is missing and may not be made, or its statement is wrong.</exception>
    public async Task EnsureAsync(PipelineDefinition definition, CancellationToken cancellationToken)
    {
        ICatalog catalog = catalogs.Find(definition.Catalog);
        TableIdentifier table = TableIdentifier.Parse(definition.Table);
        if (await catalog.LoadTableAsync(table, cancellationToken) is null)
        {
            await CreateAsync(catalog, table, CreationOf(definition), cancellationToken);
        }

        TableIdentifier letters = DeadLetterSchema.Of(table);
        if (await catalog.LoadTableAsync(letters, cancellationToken) is null)
        {
            await CreateAsync(catalog, letters, DeadLetterSchema.Creation(), cancellationToken);
        }
    }

    /// <summary>Loads both as they are now.</summary>
    /// <exception cref="PipelineTroubleException">One of them is missing.</exception>
    public async Task<PumpTables> LoadAsync(PipelineDefinition definition, CancellationToken cancellationToken)
    {
        ICatalog catalog = catalogs.Find(definition.Catalog);
        TableIdentifier table = TableIdentifier.Parse(definition.Table);
        TableIdentifier letters = DeadLetterSchema.Of(table);
        return new PumpTables(
            await catalog.LoadTableAsync(table, cancellationToken) ?? throw Missing(table),
            await DeadLetterSchema.OpenAsync(catalog, letters, cancellationToken) ?? throw Missing(letters));

        PipelineTroubleException Missing(TableIdentifier identifier) => new($"table {identifier} does not exist in catalog {definition.Catalog}");
    }

    private static TableCreation CreationOf(PipelineDefinition definition)
    {
        if (!definition.CreateTable || definition.Ddl is null)
        {
            throw new PipelineTroubleException(
                $"table {definition.Table} does not exist in catalog {definition.Catalog}: create it, or set \"createTable\": true and \"ddl\" or \"ddlFile\" for pipeline {definition.Name}");
        }

        try
        {
            return Ddl.ParseCreateTable(definition.Ddl).Creation;
        }
        catch (DdlException error)
        {
            throw new PipelineTroubleException($"pipeline {definition.Name}: {error.Message}", error);
        }
    }

    private async Task CreateAsync(ICatalog catalog, TableIdentifier identifier, TableCreation creation, CancellationToken cancellationToken)
    {
        // What the statement says comes first; the rest keeps the metadata of a table that is committed to every few seconds small.
        var properties = new Dictionary<string, string>(TableCommitterOptions.TableProperties);
        foreach ((string name, string value) in creation.Properties)
        {
            properties[name] = value;
        }

        try
        {
            LoadedTable table = await catalog.CreateTableAsync(identifier, creation with { Properties = properties }, cancellationToken);
            logger.LogCreated(identifier.ToString(), table.Metadata.Location);
        }
        catch (TableExistsException)
        {
            // Another silo was first.
        }
        catch (ArgumentException error)
        {
            throw new PipelineTroubleException($"table {identifier} cannot be made: {error.Message}", error);
        }
    }
}
