using System.Reflection;
using System.Runtime.ExceptionServices;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Core;
using Orleans.Providers;
using Orleans.Storage;

namespace Orleans.Runtime;

public interface IPersistentState<TState> : IStorage<TState>;

public interface IPersistentStateConfiguration
{
    string StateName { get; }
    string? StorageName { get; }
}

[AttributeUsage(AttributeTargets.Parameter)]
public class PersistentStateAttribute(string stateName, string? storageName = null) : Attribute, IPersistentStateConfiguration
{
    public string StateName { get; } = stateName;
    public string? StorageName { get; } = storageName;
}

/// <summary>Makes grains: parameters from their services, except for states, which come from storage before OnActivateAsync.</summary>
internal static class Facets
{
    public static object CreateGrain(Type type, Activation activation)
    {
        try
        {
            return Create(type, activation);
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException(
                $"Failed to create an instance of grain type '{type}'. See {nameof(Exception.InnerException)} for details.", exception);
        }
    }

    private static object Create(Type type, Activation activation)
    {
        var constructor = type.GetConstructors().OrderByDescending(candidate => candidate.GetParameters().Length).FirstOrDefault();
        var explicitly = new List<object>();
        foreach (var parameter in constructor?.GetParameters() ?? [])
        {
            if (parameter.GetCustomAttribute<PersistentStateAttribute>() is not { } attribute) continue;
            var state = parameter.ParameterType.GetGenericArguments().FirstOrDefault();
            if (state is null || parameter.ParameterType.GetGenericTypeDefinition() != typeof(IPersistentState<>))
                throw new InvalidOperationException($"Parameter {parameter.Name} of {type} has [PersistentState] and is no IPersistentState<T>");
            explicitly.Add(Activator.CreateInstance(typeof(PersistentState<>).MakeGenericType(state),
                attribute.StateName, activation, Storage(activation, attribute.StorageName, type))!);
        }

        if (!explicitly.Any() && constructor?.GetParameters().All(parameter => parameter.ParameterType != typeof(IGrainContext)) != false)
            return ActivatorUtilities.CreateInstance(activation.ActivationServices, type);
        return constructor!.Invoke(BindingFlags.DoNotWrapExceptions, null, [.. Arguments(constructor, activation, explicitly)], null);
    }

    public static IGrainStorage Storage(IGrainContext activation, string? name, Type type)
    {
        var services = activation.ActivationServices;
        var storage = string.IsNullOrEmpty(name)
            ? services.GetService<IGrainStorage>() ?? services.GetKeyedService<IGrainStorage>("Default")
            : services.GetKeyedService<IGrainStorage>(name);
        return storage ?? throw new BadProviderConfigException(string.IsNullOrEmpty(name)
            ? $"No default storage provider found loading grain type {type.FullName}."
            : $"No storage provider named \"{name}\" found loading grain type {type.FullName}.");
    }

    private static IEnumerable<object?> Arguments(ConstructorInfo constructor, Activation activation, List<object> states)
    {
        int next = 0;
        foreach (var parameter in constructor.GetParameters())
        {
            if (parameter.IsDefined(typeof(PersistentStateAttribute)))
                yield return states[next++];
            else if (parameter.ParameterType == typeof(IGrainContext))
                yield return activation;
            else if (parameter.GetCustomAttribute<FromKeyedServicesAttribute>() is { } keyed)
                yield return activation.ActivationServices.GetRequiredKeyedService(parameter.ParameterType, keyed.Key);
            else if (parameter.HasDefaultValue)
                yield return activation.ActivationServices.GetService(parameter.ParameterType) ?? parameter.DefaultValue;
            else
                yield return activation.ActivationServices.GetRequiredService(parameter.ParameterType);
        }
    }
}

/// <summary>One named state of an activation. A provider's failure that is not Orleans' own arrives wrapped.</summary>
internal sealed class PersistentState<TState> : IPersistentState<TState>
{
    private readonly string name;
    private readonly Activation activation;
    private readonly IGrainStorage storage;
    private readonly GrainState<TState> state = new(States.New<TState>());

    public PersistentState(string name, Activation activation, IGrainStorage storage)
    {
        (this.name, this.activation, this.storage) = (name, activation, storage);
        activation.ObservableLifecycle.Subscribe(
            $"state {name}", GrainLifecycleStage.SetupState, token => ReadStateAsync(token));
    }

    public TState State
    {
        get => state.State;
        set => state.State = value;
    }

    public string? Etag => state.ETag;
    public bool RecordExists => state.RecordExists;

    public Task ReadStateAsync() => ReadStateAsync(default);
    public Task WriteStateAsync() => WriteStateAsync(default);
    public Task ClearStateAsync() => ClearStateAsync(default);

    public Task ReadStateAsync(CancellationToken cancellationToken) => Guard("ReadState", async () =>
    {
        await storage.ReadStateAsync(name, activation.GrainId, state, cancellationToken);
        if (state.State is null) state.State = States.New<TState>();
    });

    public Task WriteStateAsync(CancellationToken cancellationToken) =>
        Guard("WriteState", () => storage.WriteStateAsync(name, activation.GrainId, state, cancellationToken));

    public Task ClearStateAsync(CancellationToken cancellationToken) => Guard("ClearState", async () =>
    {
        await storage.ClearStateAsync(name, activation.GrainId, state, cancellationToken);
        state.State = States.New<TState>();
    });

    private async Task Guard(string operation, Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception exception)
        {
            if (exception is OrleansException or OperationCanceledException) ExceptionDispatchInfo.Throw(exception);
            throw new OrleansException(
                $"Error from storage provider {storage.GetType().Name}.{name} during {operation} for grain {activation.GrainId}: "
                + exception.Message, exception);
        }
    }
}

internal static class States
{
    /// <summary>A state that was never written.</summary>
    public static TState New<TState>()
    {
        var type = typeof(TState);
        if (type.IsValueType || type.GetConstructor(Type.EmptyTypes) is not null) return Activator.CreateInstance<TState>();
        return type == typeof(string) || type.IsAbstract || type.IsArray
            ? default!
            : (TState)System.Runtime.CompilerServices.RuntimeHelpers.GetUninitializedObject(type);
    }

    public static IStorage<TState> For<TState>(IGrainContext context)
    {
        var activation = (Activation)context;
        var type = activation.Class.Type;
        return new PersistentState<TState>(
            type.FullName!, activation, Facets.Storage(activation, type.GetCustomAttribute<StorageProviderAttribute>()?.ProviderName, type));
    }
}
