using Orleans.Concurrency;

namespace OrleansLake.Contracts;

/// <summary>The list of pipelines and tables. Key: <see cref="GrainKeys.Lake"/>. It awaits no other grain.</summary>
[Alias("orleanslake.ILakeGrain")]
public interface ILakeGrain : IGrainWithIntegerKey
{
    /// <summary>Enters a pipeline.</summary>
    [Alias("Enter")]
    Task EnterAsync(PipelineEntry pipeline);

    /// <summary>Strikes a pipeline off.</summary>
    [Alias("Strike")]
    Task StrikeAsync(string pipeline);

    /// <summary>The pipelines by name.</summary>
    [Alias("Pipelines"), AlwaysInterleave]
    Task<PipelineEntry[]> PipelinesAsync();

    /// <summary>The tables that pipelines write to, by name.</summary>
    [Alias("Tables"), AlwaysInterleave]
    Task<TableEntry[]> TablesAsync();
}
