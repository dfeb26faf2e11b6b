namespace OrleansLake.Ingest.Pump;

/// <summary>What a Kafka cluster tells beside its records. A call that fails is tried again by the pump.</summary>
public interface IClusterFacts
{
    /// <summary>The offset that a start position stands for, of each topic-partition; a missing one is asked for again.</summary>
    Task<IReadOnlyDictionary<TopicPartition, long>> StartOffsetsAsync(
        IReadOnlyCollection<TopicPartition> topicPartitions, StartPosition start, CancellationToken cancellationToken);

    /// <summary>Which cluster and which topics these are: a topic that is made anew has the same name and another id (rule 13).</summary>
    Task<TopicIdentities> IdentitiesAsync(IReadOnlyCollection<string> topics, CancellationToken cancellationToken);
}

/// <summary>Ids as far as the broker tells them.</summary>
/// <param name="ClusterId">Id of the cluster; null where it does not tell.</param>
/// <param name="TopicIds">Ids of topics by name; a topic whose id it does not tell is missing.</param>
public sealed record TopicIdentities(string? ClusterId, IReadOnlyDictionary<string, string> TopicIds)
{
    /// <summary>Nothing is known.</summary>
    public static TopicIdentities Unknown { get; } = new(null, new Dictionary<string, string>());
}
