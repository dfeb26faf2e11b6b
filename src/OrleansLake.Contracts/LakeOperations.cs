namespace OrleansLake.Contracts;

/// <summary>What takes more than one grain, composed where the caller stands: no grain waits for one above it.</summary>
public sealed partial class LakeOperations(IGrainFactory grains)
{
    private ILakeGrain Lake => grains.GetGrain<ILakeGrain>(GrainKeys.Lake);

    /// <summary>How every pipeline does, by name.</summary>
    public async Task<IReadOnlyList<PipelineStatus>> PipelinesAsync()
    {
        PipelineEntry[] entries = await Lake.PipelinesAsync();
        PipelineStatus?[] statuses = await Task.WhenAll(entries.Select(entry => Pipeline(entry.Name).StatusAsync()));
        return [.. statuses.OfType<PipelineStatus>()];
    }

    /// <summary>How one pipeline does; null: there is none of that name.</summary>
    public async Task<PipelineStatus?> PipelineAsync(string name) =>
        await KnowsAsync(name) ? await Pipeline(name).StatusAsync() : null;

    /// <summary>Holds a pipeline. False: there is none of that name.</summary>
    public async Task<bool> PauseAsync(string name) => await KnowsAsync(name) && await Pipeline(name).PauseAsync();

    /// <summary>Lets a pipeline run. False: there is none of that name.</summary>
    public async Task<bool> ResumeAsync(string name) => await KnowsAsync(name) && await Pipeline(name).ResumeAsync();

    /// <summary>Closes, commits, and says whether all is in the table. Null: there is no pipeline of that name.</summary>
    public async Task<PipelineFlush?> FlushAsync(string name) => await KnowsAsync(name) ? await Pipeline(name).FlushAsync() : null;

    /// <summary>Has a pipeline go on somewhere else. Null: there is none of that name.</summary>
    public async Task<PipelineMove?> SeekAsync(string name, PipelineSeek seek) => await KnowsAsync(name) ? await Pipeline(name).SeekAsync(seek) : null;

    /// <summary>Takes the table's offsets as they stand. Null: there is no pipeline of that name.</summary>
    public async Task<PipelineMove?> AcceptAsync(string name) => await KnowsAsync(name) ? await Pipeline(name).AcceptAsync() : null;

    /// <summary>Stops a pipeline and forgets it; what it committed stays. A silo whose configuration has it brings it back when it starts. Null: there is none of that name.</summary>
    public async Task<PipelineEntry?> RemoveAsync(string name)
    {
        PipelineEntry? entry = (await Lake.PipelinesAsync()).FirstOrDefault(one => one.Name == name);
        if (entry is not null)
        {
            await Pipeline(name).RemoveAsync();
        }

        return entry;
    }

    /// <summary>The tables that pipelines write to.</summary>
    public async Task<IReadOnlyList<TableEntry>> TablesAsync() => await Lake.TablesAsync();

    /// <summary>How a table does, by <c>namespace.table</c>; null: no pipeline writes to it.</summary>
    public async Task<TableStatus?> TableAsync(string table) =>
        await EntryAsync(table) is { } entry ? await grains.GetGrain<ITableGrain>(GrainKeys.Table(entry.Catalog, entry.Table)).StatusAsync() : null;

    /// <summary>
    /// Has every pipeline of a table decode by the schema that the table has now, without a restart: the schema's id and the
    /// first offset of each topic-partition that it applies to. Null: no pipeline writes to the table.
    /// </summary>
    public async Task<SchemaReload?> ReloadSchemaAsync(string table)
    {
        if (await EntryAsync(table) is not { } entry)
        {
            return null;
        }

        SchemaReload?[] answers = await Task.WhenAll(entry.Pipelines.Select(name => Pipeline(name).ReloadSchemaAsync()));
        SchemaReload[] reloads = [.. answers.OfType<SchemaReload>()];
        return reloads.Length == 0
            ? await grains.GetGrain<ITableGrain>(GrainKeys.Table(entry.Catalog, entry.Table)).ReloadSchemaAsync()
            : new SchemaReload
            {
                Table = table,
                SchemaId = reloads.Max(reload => reload.SchemaId),
                FirstOffsets = [.. reloads.SelectMany(reload => reload.FirstOffsets)],
            };
    }

    private IPipelineGrain Pipeline(string name) => grains.GetGrain<IPipelineGrain>(name);

    // A grain springs up for any key: an unknown name is asked of the list, so that a typing error leaves nothing behind.
    private async Task<bool> KnowsAsync(string name) => (await Lake.PipelinesAsync()).Any(entry => entry.Name == name);

    private async Task<TableEntry?> EntryAsync(string table) => (await Lake.TablesAsync()).FirstOrDefault(entry => entry.Table == table);
}
