using OrleansLake.Contracts;
using OrleansLake.Ingest;
using OrleansLake.Ingest.Pump;

namespace OrleansLake.Grains;

/// <summary>The pump of one pipeline on this silo, as the grains use it. Every call returns without waiting for a broker.</summary>
public interface IPipelinePump : IAsyncDisposable
{
    /// <summary>Begins to read a topic-partition from where the table stands, or again one that had stopped.</summary>
    void Attach(TopicPartition topicPartition);

    /// <summary>Commits what was read of it and gives it up; returns when that is done or took too long.</summary>
    Task DetachAsync(TopicPartition topicPartition, CancellationToken cancellationToken);

    /// <summary>Holds it or lets it run.</summary>
    void SetPaused(TopicPartition topicPartition, bool paused);

    /// <summary>Closes, reports, and waits for the answers. True: all that was read when it began is in the table.</summary>
    Task<bool> FlushAsync(CancellationToken cancellationToken);

    /// <summary>Loads the table anew; if its schema is another, decodes by it from here on. The first offset of each topic-partition.</summary>
    Task<AppliedSchema> ReloadSchemaAsync(CancellationToken cancellationToken);

    /// <summary>How it does, as of a moment ago.</summary>
    PumpStatus Status { get; }
}

/// <summary>From where on a schema applies.</summary>
/// <param name="SchemaId">The schema.</param>
/// <param name="FirstOffsets">The first record of each topic-partition that is decoded by it.</param>
public sealed record AppliedSchema(int SchemaId, IReadOnlyDictionary<TopicPartition, long> FirstOffsets);

/// <summary>Makes pumps.</summary>
public interface IPipelinePumpFactory
{
    /// <summary>A pump for a pipeline. Events come on its own thread.</summary>
    IPipelinePump Create(PipelineDefinition definition, Action<PumpEvent> onEvent);
}
