using Orleans.Concurrency;

namespace OrleansLake.Contracts;

/// <summary>
/// One topic-partition of a pipeline, attached to the pump of the silo that it lives on. Key:
/// <see cref="GrainKeys.TopicPartition"/>. The offsets that it keeps are a copy; the table decides.
/// </summary>
[Alias("orleanslake.IPartitionGrain")]
public interface IPartitionGrain : IGrainWithStringKey
{
    /// <summary>Says what is wanted; the same again changes nothing. Starts, pauses, lets run.</summary>
    [Alias("Want")]
    Task WantAsync(PipelineDefinition definition, WantedState wanted);

    /// <summary>How it does.</summary>
    [Alias("Status"), AlwaysInterleave]
    Task<TopicPartitionStatus> StatusAsync();

    /// <summary>Tries again after an error that had stopped it.</summary>
    [Alias("Retry")]
    Task RetryAsync();

    /// <summary>Closes and reports what was read, and waits up to 25 s for the commit. True: it is in the table.</summary>
    [Alias("Flush"), AlwaysInterleave]
    Task<bool> FlushAsync();

    /// <summary>Decodes by this schema from here on, and says from which offset.</summary>
    [Alias("ApplySchema"), AlwaysInterleave]
    Task<long?> ApplySchemaAsync(int schemaId);

    /// <summary>Flushes, detaches, and lets go of the topic-partition.</summary>
    [Alias("Release")]
    Task ReleaseAsync();

    /// <summary>The pump of the silo has news of this topic-partition: it stopped, was refused, or has committed.</summary>
    [Alias("Notice"), OneWay]
    Task NoticeAsync();
}
