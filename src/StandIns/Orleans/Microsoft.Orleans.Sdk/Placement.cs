using Orleans.Runtime;

// Accepted so that the product compiles and a director's choice is checked; with one silo there is one place.
namespace Orleans.Runtime
{
    public abstract class PlacementStrategy
    {
        public virtual bool IsUsingGrainDirectory => true;
    }

    public class RandomPlacement : PlacementStrategy;

    public class PreferLocalPlacement : PlacementStrategy;

    public class HashBasedPlacement : PlacementStrategy;

    public class ActivationCountBasedPlacement : PlacementStrategy;

    public class ResourceOptimizedPlacement : PlacementStrategy;

    public class SiloRoleBasedPlacement : PlacementStrategy;
}

namespace Orleans.Placement
{
    [AttributeUsage(AttributeTargets.Class)]
    public abstract class PlacementAttribute : Attribute
    {
        protected PlacementAttribute(PlacementStrategy placement)
        {
            ArgumentNullException.ThrowIfNull(placement);
            PlacementStrategy = placement;
        }

        public PlacementStrategy PlacementStrategy { get; }
    }

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class RandomPlacementAttribute() : PlacementAttribute(new RandomPlacement());

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class PreferLocalPlacementAttribute() : PlacementAttribute(new PreferLocalPlacement());

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class HashBasedPlacementAttribute() : PlacementAttribute(new HashBasedPlacement());

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class ActivationCountBasedPlacementAttribute() : PlacementAttribute(new ActivationCountBasedPlacement());

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class ResourceOptimizedPlacementAttribute() : PlacementAttribute(new ResourceOptimizedPlacement());

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class ImmovableAttribute(ImmovableKind kind = ImmovableKind.Any) : Attribute
    {
        internal ImmovableKind Kind { get; } = kind;
    }

    [Flags]
    public enum ImmovableKind : byte { Repartitioner = 1, Rebalancer = 2, Any = Repartitioner | Rebalancer }
}

namespace Orleans.Runtime.Placement
{
    public readonly struct PlacementTarget(
        GrainId grainIdentity, Dictionary<string, object>? requestContextData, GrainInterfaceType interfaceType, ushort interfaceVersion)
    {
        public GrainId GrainIdentity { get; } = grainIdentity;
        public GrainInterfaceType InterfaceType { get; } = interfaceType;
        public ushort InterfaceVersion { get; } = interfaceVersion;
        public Dictionary<string, object>? RequestContextData { get; } = requestContextData;
    }

    public interface IPlacementContext
    {
        SiloAddress LocalSilo { get; }
        SiloStatus LocalSiloStatus { get; }
        SiloAddress[] GetCompatibleSilos(PlacementTarget target);
    }

    public interface IPlacementDirector
    {
        Task<SiloAddress> OnAddActivation(PlacementStrategy strategy, PlacementTarget target, IPlacementContext context);
    }
}
