using OrleansLake.Contracts;

namespace OrleansLake.Grains;

/// <summary>What <see cref="LakeGrain"/> keeps.</summary>
[GenerateSerializer, Alias("orleanslake.LakeGrainState")]
public sealed class LakeGrainState
{
    /// <summary>The pipelines by name.</summary>
    [Id(0)]
    public Dictionary<string, PipelineEntry> Pipelines { get; set; } = [];
}

/// <summary>The list of pipelines and tables.</summary>
internal sealed class LakeGrain(
    [PersistentState("lake", GrainStorage.Name)] IPersistentState<LakeGrainState> state) : Grain, ILakeGrain
{
    /// <inheritdoc />
    public async Task EnterAsync(PipelineEntry pipeline)
    {
        if (state.State.Pipelines.GetValueOrDefault(pipeline.Name) != pipeline)
        {
            state.State.Pipelines[pipeline.Name] = pipeline;
            await state.WriteStateAsync();
        }
    }

    /// <inheritdoc />
    public async Task StrikeAsync(string pipeline)
    {
        if (state.State.Pipelines.Remove(pipeline))
        {
            await state.WriteStateAsync();
        }
    }

    /// <inheritdoc />
    public Task<PipelineEntry[]> PipelinesAsync() =>
        Task.FromResult<PipelineEntry[]>([.. state.State.Pipelines.Values.OrderBy(entry => entry.Name, StringComparer.Ordinal)]);

    /// <inheritdoc />
    public Task<TableEntry[]> TablesAsync() => Task.FromResult<TableEntry[]>(
    [
        .. state.State.Pipelines.Values
            .GroupBy(entry => (entry.Catalog, entry.Table), entry => entry.Name)
            .Select(group => new TableEntry(group.Key.Catalog, group.Key.Table, [.. group.Order(StringComparer.Ordinal)]))
            .OrderBy(entry => entry.Table, StringComparer.Ordinal),
    ]);
}
