using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.CompilerServices;
using Orleans.Runtime;

namespace Orleans.Serialization;

/// <summary>
/// Copies what crosses a call as the original does: types marked [Immutable] and the well-known immutable ones are shared,
/// marked types are copied by their [Id] members (what has no [Id] is lost), collections by their elements, one object
/// that is met twice is one object in the copy. Everything else is refused.
/// </summary>
public sealed class DeepCopier
{
    private static readonly ConcurrentDictionary<Type, Copier> Copiers = new();

    private delegate object Copier(object value, Dictionary<object, object> seen);

    private static readonly Copier Same = static (value, _) => value;

    private static readonly HashSet<Type> Shared =
    [
        typeof(string), typeof(decimal), typeof(DateTime), typeof(DateTimeOffset), typeof(TimeSpan), typeof(DateOnly), typeof(TimeOnly),
        typeof(Guid), typeof(Uri), typeof(Version), typeof(System.Numerics.BigInteger), typeof(Int128), typeof(UInt128), typeof(Half),
        typeof(System.Text.Rune), typeof(System.Net.IPAddress), typeof(System.Net.IPEndPoint), typeof(CancellationToken), typeof(object),
        typeof(System.Globalization.CultureInfo), typeof(GrainId), typeof(GrainType), typeof(IdSpan), typeof(SiloAddress),
        typeof(GrainInterfaceType), typeof(ActivationId), typeof(DBNull),
    ];

    private static readonly HashSet<Type> Collections =
    [
        typeof(List<>), typeof(Dictionary<,>), typeof(HashSet<>), typeof(Queue<>), typeof(Stack<>), typeof(SortedSet<>),
        typeof(SortedDictionary<,>), typeof(SortedList<,>), typeof(LinkedList<>), typeof(ConcurrentDictionary<,>), typeof(ConcurrentQueue<>),
        typeof(System.Collections.ObjectModel.Collection<>), typeof(System.Collections.ObjectModel.ReadOnlyCollection<>),
    ];

    private static readonly HashSet<Type> Compounds =
    [
        typeof(KeyValuePair<,>), typeof(Tuple<>), typeof(Tuple<,>), typeof(Tuple<,,>), typeof(Tuple<,,,>), typeof(Tuple<,,,,>),
        typeof(ValueTuple<>), typeof(ValueTuple<,>), typeof(ValueTuple<,,>), typeof(ValueTuple<,,,>), typeof(ValueTuple<,,,,>),
        typeof(ValueTuple<,,,,,>), typeof(ValueTuple<,,,,,,>), typeof(GrainState<>),
    ];

    public T Copy<T>(T value) => (T)CopyOne(value, new(ReferenceEqualityComparer.Instance))!;

    internal object?[] CopyArguments(object?[] arguments, GrainMethod method)
    {
        var seen = new Dictionary<object, object>(ReferenceEqualityComparer.Instance);
        var copies = new object?[arguments.Length];
        for (int i = 0; i < arguments.Length; i++)
            copies[i] = method.ImmutableArguments[i] ? arguments[i] : CopyOne(arguments[i], seen);
        return copies;
    }

    private static object? CopyOne(object? value, Dictionary<object, object> seen)
    {
        if (value is null) return null;
        var copier = Copiers.GetOrAdd(value.GetType(), Make);
        if (copier == Same) return value;
        if (value is ValueType) return copier(value, seen);
        return seen.TryGetValue(value, out var known) ? known : copier(value, seen);
    }

    private static Copier Make(Type type)
    {
        if (type.IsPrimitive || type.IsEnum || Shared.Contains(type) || type.IsDefined(typeof(ImmutableAttribute), false)
            || typeof(Exception).IsAssignableFrom(type) || typeof(Type).IsAssignableFrom(type) || typeof(GrainReference).IsAssignableFrom(type))
            return Same;
        if (type.IsArray) return type.GetElementType() is { IsPrimitive: true } ? CloneArray : CopyArray;
        if (type.IsDefined(typeof(GenerateSerializerAttribute), false)) return CopyMembers(type);
        if (type.IsGenericType && type.GetGenericTypeDefinition() is var open)
        {
            if (open.Namespace == "System.Collections.Immutable" || open == typeof(ReadOnlyMemory<>)) return Same;
            if (Collections.Contains(open) || Compounds.Contains(open)) return CopyFields(type);
        }

        // Comparers, nodes and buckets inside the collections that are copied field by field.
        if (type.Namespace is { } space && space.StartsWith("System.Collections", StringComparison.Ordinal) && type.IsNested) return CopyFields(type);
        if (typeof(IGrainBase).IsAssignableFrom(type))
            throw new CodecNotFoundException($"{type} is a grain: pass this.AsReference<IInterface>() in its place");
        throw new CodecNotFoundException(
            $"Could not find a codec for type {type}. Mark it with [GenerateSerializer] and its members with [Id]");
    }

    private static object CloneArray(object value, Dictionary<object, object> seen)
    {
        object copy = ((Array)value).Clone();
        seen[value] = copy;
        return copy;
    }

    private static object CopyArray(object value, Dictionary<object, object> seen)
    {
        var source = (Array)value;
        var copy = (Array)source.Clone();
        seen[value] = copy;
        if (source.Rank == 1)
        {
            for (int i = 0; i < source.Length; i++) copy.SetValue(CopyOne(source.GetValue(i), seen), i);
            return copy;
        }

        var index = new int[source.Rank];
        for (int flat = 0; flat < source.Length; flat++)
        {
            for (int rank = source.Rank - 1, rest = flat; rank >= 0; rank--)
                (rest, index[rank]) = Math.DivRem(rest, source.GetLength(rank));
            copy.SetValue(CopyOne(source.GetValue(index), seen), index);
        }

        return copy;
    }

    private static Copier CopyFields(Type type)
    {
        // A collection is rebuilt from its elements where its layout depends on hashes of the elements themselves.
        if (Rebuilder(type) is { } rebuild) return rebuild;
        var fields = Fields(type).ToArray();
        return (value, seen) =>
        {
            object copy = Clone(value);
            if (value is not ValueType) seen[value] = copy;
            foreach (var field in fields) field.SetValue(copy, CopyOne(field.GetValue(value), seen));
            return copy;
        };
    }

    private static Copier? Rebuilder(Type type)
    {
        if (!type.IsGenericType || type.IsNested || type.IsValueType) return null;
        var open = type.GetGenericTypeDefinition();
        if (!Collections.Contains(open)) return null;
        var arguments = type.GetGenericArguments();
        var item = arguments.Length == 2 ? typeof(KeyValuePair<,>).MakeGenericType(arguments) : arguments[0];
        return typeof(DeepCopier).GetMethod(nameof(RebuildAs), BindingFlags.Static | BindingFlags.NonPublic)!
            .MakeGenericMethod(type, item).CreateDelegate<Func<Copier>>()();
    }

    private static Copier RebuildAs<TCollection, TItem>() where TCollection : class, IEnumerable<TItem>
    {
        object? Comparer(object value) => (typeof(TCollection).GetProperty("Comparer") is { } property) ? property.GetValue(value) : null;
        return (value, seen) =>
        {
            var items = ((IEnumerable<TItem>)value).ToList();
            if (value is System.Collections.ObjectModel.ReadOnlyCollection<TItem>)
                return seen[value] = new System.Collections.ObjectModel.ReadOnlyCollection<TItem>([.. items.Select(item => Element(item, seen))]);
            object copy = Comparer(value) is { } comparer
                ? Activator.CreateInstance(typeof(TCollection), comparer)!
                : Activator.CreateInstance<TCollection>();
            seen[value] = copy;
            if (copy is Stack<TItem>) items.Reverse();
            foreach (var item in items.Select(item => Element(item, seen)))
            {
                switch (copy)
                {
                    case ICollection<TItem> collection: collection.Add(item); break;
                    case Queue<TItem> queue: queue.Enqueue(item); break;
                    case Stack<TItem> stack: stack.Push(item); break;
                    case ConcurrentQueue<TItem> queue: queue.Enqueue(item); break;
                    default: throw new CodecNotFoundException($"Could not find a codec for type {typeof(TCollection)}");
                }
            }

            return copy;
        };
    }

    private static TItem Element<TItem>(TItem item, Dictionary<object, object> seen) => (TItem)CopyOne(item, seen)!;

    /// <summary>A marked type: only what has an [Id] crosses, and the primary constructor's parameters of a record.</summary>
    private static Copier CopyMembers(Type type)
    {
        var members = new List<FieldInfo>();
        for (var level = type; level is not null && level != typeof(object) && level != typeof(ValueType); level = level.BaseType)
        {
            var marker = level.GetCustomAttribute<GenerateSerializerAttribute>(false);
            if (marker is null && Fields(level, false).Any())
                throw new CodecNotFoundException($"Could not find a codec for type {level}, the base of {type}. Mark it with [GenerateSerializer]");
            if (marker is null) continue;
            var primary = marker.IncludePrimaryConstructorParameters ? PrimaryParameters(level) : [];
            foreach (var field in Fields(level, false))
            {
                string name = PropertyOf(field);
                var property = level.GetProperty(name, BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly);
                bool isPublic = property is { GetMethod.IsPublic: true, SetMethod.IsPublic: true };
                if (field.IsDefined(typeof(IdAttribute)) || property?.IsDefined(typeof(IdAttribute)) == true || primary.Contains(name)
                    || (marker.GenerateFieldIds == GenerateFieldIds.PublicProperties && isPublic))
                    members.Add(field);
            }
        }

        var constructor = type.GetConstructor(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic, Type.EmptyTypes);
        var fields = members.ToArray();
        return (value, seen) =>
        {
            object copy = constructor is not null ? constructor.Invoke(null) : RuntimeHelpers.GetUninitializedObject(type);
            if (value is not ValueType) seen[value] = copy;
            foreach (var field in fields) field.SetValue(copy, CopyOne(field.GetValue(value), seen));
            return copy;
        };
    }

    /// <summary>The names of a record's positional parameters: the constructor whose every parameter is a property.</summary>
    private static HashSet<string> PrimaryParameters(Type type)
    {
        if (type.GetMethod("<Clone>$") is null && type.GetMethod("PrintMembers", BindingFlags.Instance | BindingFlags.NonPublic) is null) return [];
        foreach (var constructor in type.GetConstructors(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
        {
            var parameters = constructor.GetParameters();
            if (parameters.Length > 0 && parameters.All(parameter =>
                type.GetProperty(parameter.Name!) is { } property && property.PropertyType == parameter.ParameterType))
                return [.. parameters.Select(parameter => parameter.Name!)];
        }

        return [];
    }

    private static string PropertyOf(FieldInfo field) =>
        field.Name is ['<', .. var rest] && rest.IndexOf('>') is var end and > 0 ? rest[..end] : field.Name;

    private static IEnumerable<FieldInfo> Fields(Type type, bool inherited = true)
    {
        for (var level = type; level is not null && level != typeof(object) && level != typeof(ValueType); level = inherited ? level.BaseType : null)
        {
            foreach (var field in level.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
                yield return field;
        }
    }

    private static readonly Func<object, object> Clone =
        typeof(object).GetMethod("MemberwiseClone", BindingFlags.Instance | BindingFlags.NonPublic)!.CreateDelegate<Func<object, object>>();
}
