using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using Orleans.Concurrency;
using Orleans.Placement;
using Orleans.Serialization.Invocation;

namespace Orleans.Runtime;

/// <summary>What there is to know of one grain class.</summary>
internal sealed class GrainClass
{
    public GrainClass(Type type)
    {
        Type = type;
        GrainType = GrainType.Create(type.GetCustomAttribute<GrainTypeAttribute>()?.GrainType ?? DefaultName(type));
        Reentrant = type.IsDefined(typeof(ReentrantAttribute));
        KeepAlive = type.IsDefined(typeof(KeepAliveAttribute));
        AgeLimit = type.GetCustomAttribute<CollectionAgeLimitAttribute>()?.AgeLimit;
        var placement = type.GetCustomAttribute<PlacementAttribute>();
        Placement = placement?.PlacementStrategy;
        MaxLocalWorkers = (placement as StatelessWorkerAttribute)?.MaxLocalWorkers;
        if (type.GetCustomAttribute<MayInterleaveAttribute>() is { CallbackMethodName: var name })
        {
            var callback = type.GetMethod(name, BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static)
                ?? throw new InvalidOperationException($"{type} has no method {name}, which its [MayInterleave] names");
            MayInterleave = (grain, call) => (bool)callback.Invoke(callback.IsStatic ? null : grain, [call])!;
        }
    }

    public Type Type { get; }
    public GrainType GrainType { get; }
    public bool Reentrant { get; }
    public bool KeepAlive { get; }
    public TimeSpan? AgeLimit { get; }
    public PlacementStrategy? Placement { get; }
    public int? MaxLocalWorkers { get; }
    public Func<object, IInvokable, bool>? MayInterleave { get; }

    private static string DefaultName(Type type)
    {
        string name = type.Name.ToLowerInvariant();
        return name.EndsWith("grain", StringComparison.Ordinal) && name.Length > 5 ? name[..^5] : name;
    }
}

/// <summary>
/// The grain classes of the application. The original has them from generated code; here every assembly beside the
/// application that refers to the stand-in is looked through.
/// </summary>
internal sealed class GrainClasses
{
    private readonly Dictionary<GrainType, GrainClass> byType = [];
    private readonly List<GrainClass> classes = [];

    public GrainClasses()
    {
        foreach (var type in Assemblies().SelectMany(Types))
        {
            if (!type.IsClass || type.IsAbstract || type.ContainsGenericParameters || !typeof(IGrain).IsAssignableFrom(type)
                || !typeof(IGrainBase).IsAssignableFrom(type))
                continue;
            var found = new GrainClass(type);
            classes.Add(found);
            if (!byType.TryAdd(found.GrainType, found))
                throw new InvalidOperationException($"{type} and {byType[found.GrainType].Type} have the same grain type {found.GrainType}: give one a [GrainType]");
        }
    }

    public GrainClass this[GrainType type] => byType.TryGetValue(type, out var found)
        ? found
        : throw new ArgumentException($"Could not find a grain class for grain type {type}");

    /// <summary>Every grain class names interfaces whose methods can be called.</summary>
    public void Check()
    {
        var methods = classes.SelectMany(found => found.Type.GetInterfaces()).Distinct()
            .Where(type => typeof(IGrain).IsAssignableFrom(type) && !type.ContainsGenericParameters).SelectMany(type => type.GetMethods());
        foreach (var method in methods.Where(method => !method.IsStatic && !method.ContainsGenericParameters)) GrainMethod.Of(method);
    }

    public GrainType Find(Type grainInterface, string? prefix)
    {
        var candidates = classes.Where(candidate => grainInterface.IsAssignableFrom(candidate.Type)).ToList();
        if (prefix is not null)
        {
            candidates = [.. candidates.Where(candidate => candidate.Type.FullName!.StartsWith(prefix, StringComparison.Ordinal))];
        }
        else if (candidates.Count > 1 && grainInterface.Name is ['I', .. var name])
        {
            var named = candidates.Where(candidate => candidate.Type.Name == name).ToList();
            if (named.Count == 1) candidates = named;
        }

        return candidates.Count switch
        {
            1 => candidates[0].GrainType,
            0 => throw new ArgumentException($"Could not find an implementation for interface {grainInterface}"),
            _ => throw new ArgumentException(
                $"Unable to identify a single appropriate grain type for interface {grainInterface}: "
                + string.Join(", ", candidates.Select(candidate => candidate.Type))),
        };
    }

    private static IEnumerable<Assembly> Assemblies()
    {
        var found = new HashSet<Assembly> { typeof(GrainClasses).Assembly };
        string core = typeof(IGrain).Assembly.GetName().Name!;
        foreach (var loaded in AppDomain.CurrentDomain.GetAssemblies())
        {
            if (!loaded.IsDynamic && loaded.GetReferencedAssemblies().Any(name => name.Name == core)) found.Add(loaded);
        }

        foreach (string path in Directory.EnumerateFiles(AppContext.BaseDirectory, "*.dll"))
        {
            if (RefersTo(path, core) && Assembly.Load(new AssemblyName(Path.GetFileNameWithoutExtension(path))) is { } beside) found.Add(beside);
        }

        return found;
    }

    private static bool RefersTo(string path, string assembly)
    {
        using var file = File.OpenRead(path);
        using var reader = new PEReader(file);
        if (!reader.HasMetadata) return false;
        var metadata = reader.GetMetadataReader();
        return metadata.IsAssembly && metadata.AssemblyReferences
            .Any(handle => metadata.StringComparer.Equals(metadata.GetAssemblyReference(handle).Name, assembly));
    }

    private static IEnumerable<Type> Types(Assembly assembly)
    {
        try
        {
            return assembly.GetTypes();
        }
        catch (ReflectionTypeLoadException exception)
        {
            return exception.Types.OfType<Type>();
        }
    }
}
