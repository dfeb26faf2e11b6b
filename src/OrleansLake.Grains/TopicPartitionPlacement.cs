using Orleans.Placement;
using Orleans.Runtime.Placement;
using OrleansLake.Contracts;

namespace OrleansLake.Grains;

/// <summary>Spreads the topic-partitions of a pipeline evenly over the silos.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class TopicPartitionPlacementAttribute() : PlacementAttribute(new TopicPartitionPlacement());

/// <summary>Names <see cref="TopicPartitionPlacementDirector"/>.</summary>
[GenerateSerializer, Immutable, Alias("orleanslake.TopicPartitionPlacement")]
public sealed class TopicPartitionPlacement : PlacementStrategy;

/// <summary>
/// Neighbouring topic-partitions go to neighbouring silos: no silo has more than one of a topic more than another. Counting
/// activations would not do, since all of a pipeline start at the same moment.
/// </summary>
internal sealed class TopicPartitionPlacementDirector : IPlacementDirector
{
    /// <inheritdoc />
    public Task<SiloAddress> OnAddActivation(PlacementStrategy strategy, PlacementTarget target, IPlacementContext context)
    {
        SiloAddress[] silos = [.. context.GetCompatibleSilos(target).Order()];
        (string pipeline, string topic, int partition) = GrainKeys.ParseTopicPartition(target.GrainIdentity.Key.ToString()!);
        return Task.FromResult(silos[IndexOf(pipeline, topic, partition, silos.Length)]);
    }

    /// <summary>Which of so many silos. Where a topic begins differs from topic to topic, so that many small ones spread too.</summary>
    public static int IndexOf(string pipeline, string topic, int partition, int silos)
    {
        uint start = 2166136261; // FNV-1a: the same in every process
        foreach (char c in pipeline.AsSpan())
        {
            start = (start ^ c) * 16777619;
        }

        foreach (char c in topic.AsSpan())
        {
            start = (start ^ c) * 16777619;
        }

        return (int)((start + (uint)partition) % (uint)silos);
    }
}
