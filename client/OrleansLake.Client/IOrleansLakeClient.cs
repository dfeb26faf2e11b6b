using OrleansLake.Contracts;

namespace OrleansLake.Client;

/// <summary>
/// What a program may ask of an OrleansLake cluster. <see cref="OrleansLakeClient"/> speaks to its grains,
/// <see cref="HttpOrleansLakeClient"/> to the HTTP API of one of its silos; the answers are the same.
/// </summary>
public partial interface IOrleansLakeClient
{
    /// <summary>How every pipeline does, by name.</summary>
    Task<IReadOnlyList<PipelineStatus>> ListPipelinesAsync(CancellationToken cancellationToken = default);

    /// <summary>How one pipeline does; null: there is none of that name.</summary>
    Task<PipelineStatus?> GetPipelineAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Holds a pipeline: what was read is committed, nothing more is read. Null: there is none of that name.</summary>
    Task<PipelineStatus?> PauseAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Lets a pipeline run, topic-partitions that had stopped included. Null: there is none of that name.</summary>
    Task<PipelineStatus?> ResumeAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Closes the open files and waits for their commit. Null: there is no pipeline of that name.</summary>
    Task<PipelineFlush?> FlushAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Has a pipeline go on somewhere else, which its table then says. Null: there is no pipeline of that name.</summary>
    Task<PipelineMove?> SeekAsync(string name, PipelineSeek seek, CancellationToken cancellationToken = default);

    /// <summary>Takes the offsets of a pipeline's table as they stand, after something had stopped it there. Null: there is no pipeline of that name.</summary>
    Task<PipelineMove?> AcceptAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Stops a pipeline and forgets it; what it committed stays. A silo whose configuration has it brings it back when it starts. Null: there is none of that name.</summary>
    Task<PipelineEntry?> RemoveAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>The tables that pipelines write to.</summary>
    Task<IReadOnlyList<TableEntry>> ListTablesAsync(CancellationToken cancellationToken = default);

    /// <summary>How a table does, by <c>namespace.table</c>; null: no pipeline writes to it.</summary>
    Task<TableStatus?> GetTableAsync(string table, CancellationToken cancellationToken = default);

    /// <summary>
    /// Has every pipeline of a table decode by the schema that the table has now, without a restart: the schema's id and the
    /// first offset of each topic-partition that it applies to. Null: no pipeline writes to the table.
    /// </summary>
    Task<SchemaReload?> ReloadSchemaAsync(string table, CancellationToken cancellationToken = default);
}
