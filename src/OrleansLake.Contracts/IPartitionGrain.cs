using Orleans.Concurrency;

namespace OrleansLake.Contracts;

/// <summary>
/// One topic-partition of a pipeline, attached to the pump of the silo that it lives on. Key:
/// <see cref="GrainKeys.TopicPartition"/>. The offsets that it keeps are a copy; the table decides.
/// </summary>
[Alias("orleanslake.IPartitionGrain")]
public interface IPartitionGrain : IGrainWithStringKey
{
    /// <summary>
    /// Says what is wanted; the same again changes nothing. Starts, pauses, lets run. <paramref name="isLate"/>: it came while the
    /// pipeline ran, so that it begins at its oldest record. The answer is the silo that it lives on, in parsable form.
    /// </summary>
    [Alias("Want")]
    Task<string> WantAsync(PipelineDefinition definition, WantedState wanted, bool isLate = false);

    /// <summary>How it does.</summary>
    [Alias("Status"), AlwaysInterleave]
    Task<TopicPartitionStatus> StatusAsync();

    /// <summary>Tries again after an error that had stopped it.</summary>
    [Alias("Retry")]
    Task RetryAsync();

    /// <summary>
    /// Closes and reports what was read, and waits up to 25 s for the commit. True: it is in the table. Topic-partitions of one
    /// silo that are asked with the same id share one flush.
    /// </summary>
    [Alias("Flush"), AlwaysInterleave]
    Task<bool> FlushAsync(Guid flushId);

    /// <summary>Decodes by the table's schema as it is now, and says from which offset on. Null: it is not being read.</summary>
    [Alias("ReloadSchema"), AlwaysInterleave]
    Task<AppliedSchema?> ReloadSchemaAsync();

    /// <summary>Flushes, detaches, and lets go of the topic-partition.</summary>
    [Alias("Release")]
    Task ReleaseAsync();

    /// <summary>Flushes, detaches, and goes to another silo, where it waits for <see cref="WantAsync"/>.</summary>
    /// <param name="home">That silo, in parsable form.</param>
    [Alias("Move")]
    Task MoveAsync(string home);

    /// <summary>The pump of the silo has given the topic-partition up.</summary>
    [Alias("Notice"), OneWay]
    Task NoticeAsync();
}

/// <summary>From where on a topic-partition is decoded by a schema.</summary>
/// <param name="SchemaId">The schema.</param>
/// <param name="FirstOffset">The first record; null while it is not known where reading begins.</param>
[GenerateSerializer, Immutable, Alias("orleanslake.AppliedSchema")]
public sealed record AppliedSchema([property: Id(0)] int SchemaId, [property: Id(1)] long? FirstOffset);
