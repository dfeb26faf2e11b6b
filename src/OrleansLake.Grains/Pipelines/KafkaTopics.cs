using OrleansLake.Ingest.Pump;

namespace OrleansLake.Grains;

/// <summary>Asks Kafka for topics.</summary>
public sealed class KafkaTopics(KafkaConnections connections) : ITopicDirectory
{
    /// <inheritdoc />
    public Task<int?> PartitionsOfAsync(string pipeline, string topic, CancellationToken cancellationToken) =>
        connections.LookupOf(pipeline).PartitionsOfAsync(topic, cancellationToken);

    /// <inheritdoc />
    public Task<IReadOnlyDictionary<string, int>> TopicsAsync(string pipeline, CancellationToken cancellationToken) => connections.LookupOf(pipeline).TopicsAsync(cancellationToken);

    /// <inheritdoc />
    public IClusterFacts FactsOf(string pipeline) => new KafkaClusterFacts(connections.LookupOf(pipeline));
}
