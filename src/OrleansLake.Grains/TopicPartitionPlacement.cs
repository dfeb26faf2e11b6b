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
/// A topic-partition comes up where its pipeline says (<see cref="EvenSpread"/>). Called by somebody else first, it goes where
/// its number points; its pipeline moves it if need be. Counting activations would not do, since all of a pipeline start at
/// the same moment.
/// </summary>
internal sealed class TopicPartitionPlacementDirector : IPlacementDirector
{
    /// <summary>Under this name a call carries the silo that its grain is to come up on, in parsable form.</summary>
    public const string HomeKey = "orleanslake.home";

    /// <inheritdoc />
    public Task<SiloAddress> OnAddActivation(PlacementStrategy strategy, PlacementTarget target, IPlacementContext context)
    {
        SiloAddress[] silos = [.. context.GetCompatibleSilos(target).Order()];
        if (target.RequestContextData?.GetValueOrDefault(HomeKey) is string home && silos.FirstOrDefault(silo => silo.ToParsableString() == home) is { } wanted)
        {
            return Task.FromResult(wanted);
        }

        (string pipeline, string topic, int partition) = GrainKeys.ParseTopicPartition(target.GrainIdentity.Key.ToString()!);
        return Task.FromResult(silos[(int)((StartOf(pipeline + topic) + (uint)partition) % (uint)silos.Length)]);
    }

    /// <summary>Where counting begins for a name: the same in every process.</summary>
    public static uint StartOf(string name)
    {
        uint start = 2166136261; // FNV-1a
        foreach (char c in name.AsSpan())
        {
            start = (start ^ c) * 16777619;
        }

        return start;
    }
}
