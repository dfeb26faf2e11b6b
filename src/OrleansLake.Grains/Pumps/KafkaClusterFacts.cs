using OrleansLake.Ingest;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Pump;

namespace OrleansLake.Grains;

/// <summary>What Kafka tells a pump beside records.</summary>
internal sealed class KafkaClusterFacts(KafkaLookup lookup) : IClusterFacts
{
    /// <inheritdoc />
    public Task<IReadOnlyDictionary<TopicPartition, long>> StartOffsetsAsync(
        IReadOnlyCollection<TopicPartition> topicPartitions, StartPosition start, CancellationToken cancellationToken) =>
        start.OffsetsAsync(lookup, topicPartitions, cancellationToken);

    /// <inheritdoc />
    public async Task<TopicIdentities> IdentitiesAsync(IReadOnlyCollection<string> topics, CancellationToken cancellationToken) =>
        new(await lookup.ClusterIdAsync(cancellationToken), await lookup.TopicIdsAsync(topics, cancellationToken));
}
