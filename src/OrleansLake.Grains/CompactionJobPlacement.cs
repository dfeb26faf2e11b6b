using Orleans.Placement;
using Orleans.Runtime.Placement;

namespace OrleansLake.Grains;

/// <summary>Spreads the jobs of a compaction evenly over the silos.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class CompactionJobPlacementAttribute() : PlacementAttribute(new CompactionJobPlacement());

/// <summary>Names <see cref="CompactionJobPlacementDirector"/>.</summary>
[GenerateSerializer, Immutable, Alias("orleanslake.CompactionJobPlacement")]
public sealed class CompactionJobPlacement : PlacementStrategy;

/// <summary>
/// The jobs of a run go from silo to silo by their numbers, from one that differs from run to run: all begin within a moment, so
/// that what silos say of their load would put them on one.
/// </summary>
internal sealed class CompactionJobPlacementDirector : IPlacementDirector
{
    /// <inheritdoc />
    public Task<SiloAddress> OnAddActivation(PlacementStrategy strategy, PlacementTarget target, IPlacementContext context)
    {
        SiloAddress[] silos = [.. context.GetCompatibleSilos(target).Order()];
        return Task.FromResult(silos[IndexOf(target.GrainIdentity.Key.ToString()!, silos.Length)]);
    }

    /// <summary>Which of so many silos a job goes to, by its key: the run's, a slash and its number.</summary>
    public static int IndexOf(string key, int silos)
    {
        int slash = key.LastIndexOf('/');
        uint number = uint.TryParse(key.AsSpan(slash + 1), out uint parsed) ? parsed : 0;
        return (int)((TopicPartitionPlacementDirector.StartOf(key[..Math.Max(0, slash)]) + number) % (uint)silos);
    }
}
