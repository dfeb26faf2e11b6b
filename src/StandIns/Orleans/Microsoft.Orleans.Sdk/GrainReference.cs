using System.Reflection;

namespace Orleans.Runtime;

/// <summary>A grain from outside: an interface whose every method becomes a call.</summary>
public class GrainReference : DispatchProxy, IAddressable, IEquatable<GrainReference>
{
    private ICallRuntime runtime = null!;

    public GrainId GrainId { get; private set; }
    public GrainInterfaceType InterfaceType => GrainInterfaceType.Create(InterfaceName);
    public string InterfaceName => GrainInterface.Name;
    internal Type GrainInterface { get; private set; } = typeof(IAddressable);

    public bool Equals(GrainReference? other) => other is not null && GrainId.Equals(other.GrainId);
    public override bool Equals(object? obj) => Equals(obj as GrainReference);
    public override int GetHashCode() => GrainId.GetHashCode();
    public override string ToString() => $"GrainReference:{GrainId}:{InterfaceName}";

    internal static GrainReference Create(Type grainInterface, GrainId id, ICallRuntime runtime)
    {
        var reference = (GrainReference)Create(grainInterface, typeof(GrainReference));
        (reference.GrainInterface, reference.GrainId, reference.runtime) = (grainInterface, id, runtime);
        return reference;
    }

    internal GrainReference As(Type grainInterface) =>
        grainInterface.IsInstanceOfType(this) ? this : Create(grainInterface, GrainId, runtime);

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) =>
        GrainCall.Send(this, GrainMethod.Of(targetMethod!), args ?? [], runtime);
}

/// <summary>What a reference needs of the silo that it reaches.</summary>
internal interface ICallRuntime
{
    Serialization.DeepCopier Copier { get; }
    TimeProvider Time { get; }
    TimeSpan ResponseTimeout { get; }
    bool CancelRequestOnTimeout { get; }
    IReadOnlyList<IOutgoingGrainCallFilter> OutgoingFilters { get; }
    GrainType GrainTypeOf(Type grainInterface, string? classNamePrefix);
    void Send(GrainCall call);
}
