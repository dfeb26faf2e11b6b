using OrleansLake.Contracts;

namespace OrleansLake.Client;

/// <summary>Speaks to the grains of a cluster: from an Orleans client, or from inside a silo.</summary>
public sealed partial class OrleansLakeClient(IClusterClient cluster) : IOrleansLakeClient
{
    private readonly LakeOperations _lake = new(cluster);

    /// <inheritdoc />
    public Task<IReadOnlyList<PipelineStatus>> ListPipelinesAsync(CancellationToken cancellationToken = default) =>
        _lake.PipelinesAsync().WaitAsync(cancellationToken);

    /// <inheritdoc />
    public Task<PipelineStatus?> GetPipelineAsync(string name, CancellationToken cancellationToken = default) =>
        _lake.PipelineAsync(name).WaitAsync(cancellationToken);

    /// <inheritdoc />
    public async Task<PipelineStatus?> PauseAsync(string name, CancellationToken cancellationToken = default) =>
        await _lake.PauseAsync(name).WaitAsync(cancellationToken) ? await GetPipelineAsync(name, cancellationToken) : null;

    /// <inheritdoc />
    public async Task<PipelineStatus?> ResumeAsync(string name, CancellationToken cancellationToken = default) =>
        await _lake.ResumeAsync(name).WaitAsync(cancellationToken) ? await GetPipelineAsync(name, cancellationToken) : null;

    /// <inheritdoc />
    public Task<PipelineFlush?> FlushAsync(string name, CancellationToken cancellationToken = default) =>
        _lake.FlushAsync(name).WaitAsync(cancellationToken);

    /// <inheritdoc />
    public Task<PipelineMove?> SeekAsync(string name, PipelineSeek seek, CancellationToken cancellationToken = default) =>
        _lake.SeekAsync(name, seek).WaitAsync(cancellationToken);

    /// <inheritdoc />
    public Task<PipelineMove?> AcceptAsync(string name, CancellationToken cancellationToken = default) =>
        _lake.AcceptAsync(name).WaitAsync(cancellationToken);

    /// <inheritdoc />
    public Task<PipelineEntry?> RemoveAsync(string name, CancellationToken cancellationToken = default) =>
        _lake.RemoveAsync(name).WaitAsync(cancellationToken);

    /// <inheritdoc />
    public Task<IReadOnlyList<TableEntry>> ListTablesAsync(CancellationToken cancellationToken = default) =>
        _lake.TablesAsync().WaitAsync(cancellationToken);

    /// <inheritdoc />
    public Task<TableStatus?> GetTableAsync(string table, CancellationToken cancellationToken = default) =>
        _lake.TableAsync(table).WaitAsync(cancellationToken);

    /// <inheritdoc />
    public Task<ReplayStatus?> ReplayDeadLettersAsync(string table, ReplayOrder order, CancellationToken cancellationToken = default) => Replays.RunAsync(
        table, order, () => _lake.StartReplayAsync(table, order).WaitAsync(cancellationToken), () => _lake.ReplayStatusAsync(table, order.ReplayId).WaitAsync(cancellationToken));

    /// <inheritdoc />
    public Task<SchemaReload?> ReloadSchemaAsync(string table, CancellationToken cancellationToken = default) =>
        _lake.ReloadSchemaAsync(table).WaitAsync(cancellationToken);
}
