using Orleans.Concurrency;

namespace OrleansLake.Contracts;

/// <summary>
/// One pipeline: its definition, what is wanted of it, and the topic-partitions that it finds. Key: its name.
/// It calls partitions and tables, never the other way round.
/// </summary>
[Alias("orleanslake.IPipelineGrain")]
public interface IPipelineGrain : IGrainWithStringKey
{
    /// <summary>Takes the definition and starts; the same definition again changes nothing.</summary>
    [Alias("Configure")]
    Task ConfigureAsync(PipelineDefinition definition);

    /// <summary>How it does; null when there is no pipeline of that name.</summary>
    [Alias("Status"), AlwaysInterleave]
    Task<PipelineStatus?> StatusAsync();

    /// <summary>Holds it: what was read is committed, nothing more is read until <see cref="ResumeAsync"/>.</summary>
    [Alias("Pause")]
    Task<bool> PauseAsync();

    /// <summary>Lets it run again, partitions that had stopped for an error included.</summary>
    [Alias("Resume")]
    Task<bool> ResumeAsync();

    /// <summary>Closes the open files now and waits up to 25 s until they are committed. Null: no such pipeline.</summary>
    [Alias("Flush")]
    Task<PipelineFlush?> FlushAsync();

    /// <summary>Has every topic-partition decode by the table's schema as it is now. Null: no such pipeline.</summary>
    [Alias("ReloadSchema")]
    Task<SchemaReload?> ReloadSchemaAsync();

    /// <summary>Has topic-partitions go on somewhere else, which the table then says. Null: no such pipeline.</summary>
    [Alias("Seek")]
    Task<PipelineMove?> SeekAsync(PipelineSeek seek);

    /// <summary>Takes the table's offsets as they stand, after something had stopped the pipeline there. Null: no such pipeline.</summary>
    [Alias("Accept")]
    Task<PipelineMove?> AcceptAsync();

    /// <summary>Looks for topic-partitions and silos now instead of at the next interval.</summary>
    [Alias("Discover")]
    Task DiscoverAsync();

    /// <summary>Stops it and forgets it. What it committed stays.</summary>
    [Alias("Remove")]
    Task RemoveAsync();
}

/// <summary>How a flush ended.</summary>
/// <param name="Committed">Whether all that was read when it began is in the table.</param>
/// <param name="Waiting">Topic-partitions that were not done in time.</param>
[GenerateSerializer, Immutable, Alias("orleanslake.PipelineFlush")]
public sealed record PipelineFlush([property: Id(0)] bool Committed, [property: Id(1)] string[] Waiting);
