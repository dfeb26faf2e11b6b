using OrleansLake.Ingest.Pump;

namespace OrleansLake.Grains;

/// <summary>Asks a pipeline's brokers for its topics.</summary>
public interface ITopicDirectory
{
    /// <summary>
    /// How many partitions a topic has; null when the brokers know none of that name. What they refuse or do not answer is an
    /// exception with one line for people.
    /// </summary>
    Task<int?> PartitionsOfAsync(string pipeline, string topic, CancellationToken cancellationToken);

    /// <summary>Every topic that the brokers show, with its number of partitions.</summary>
    Task<IReadOnlyDictionary<string, int>> TopicsAsync(string pipeline, CancellationToken cancellationToken);

    /// <summary>What else the brokers of a pipeline tell: offsets and identities.</summary>
    IClusterFacts FactsOf(string pipeline);
}
