using System.Reflection;
using Orleans.Concurrency;
using OrleansLake.Contracts;

namespace OrleansLake.Grains.Tests;

/// <summary>What only Orleans' own source generator and runtime report: a machine without them must notice it too.</summary>
public sealed class ContractRulesTests
{
    private static readonly Assembly[] Ours = [typeof(IPipelineGrain).Assembly, typeof(GrainStorage).Assembly];

    private static Type[] GrainInterfaces =>
        [.. Ours.SelectMany(assembly => assembly.GetTypes()).Where(type => type.IsInterface && typeof(IGrain).IsAssignableFrom(type))];

    private static Type[] Serializable =>
        [.. Ours.SelectMany(assembly => assembly.GetTypes()).Where(type => type.GetCustomAttribute<GenerateSerializerAttribute>() is not null)];

    [Fact]
    public void There_are_grain_interfaces_and_messages_to_look_at()
    {
        Assert.Contains(typeof(ITableGrain), GrainInterfaces);
        Assert.Contains(typeof(PipelineStatus), Serializable);
        Assert.Contains(Serializable, type => type.Name.EndsWith("GrainState", StringComparison.Ordinal));
    }

    [Fact]
    public void Grain_interfaces_have_only_aliased_methods_that_return_tasks_and_take_no_references()
    {
        var wrong = new List<string>();
        foreach (Type type in GrainInterfaces)
        {
            wrong.AddRange(type.GetProperties().Select(property => $"{type.Name}.{property.Name} is a property"));
            wrong.AddRange(type.GetEvents().Select(one => $"{type.Name}.{one.Name} is an event"));
            if (type.GetCustomAttribute<AliasAttribute>() is null)
            {
                wrong.Add($"{type.Name} has no alias");
            }

            foreach (MethodInfo method in type.GetMethods())
            {
                Type returned = method.ReturnType.IsGenericType ? method.ReturnType.GetGenericTypeDefinition() : method.ReturnType;
                if (returned != typeof(Task) && returned != typeof(Task<>) && returned != typeof(ValueTask) && returned != typeof(ValueTask<>) && returned != typeof(IAsyncEnumerable<>))
                {
                    wrong.Add($"{type.Name}.{method.Name} returns {returned.Name}");
                }

                if (method.GetCustomAttribute<OneWayAttribute>() is not null && method.ReturnType != typeof(Task))
                {
                    wrong.Add($"{type.Name}.{method.Name} is one-way and has a result");
                }

                wrong.AddRange(method.GetParameters().Where(parameter => parameter.ParameterType.IsByRef).Select(parameter => $"{type.Name}.{method.Name}: {parameter.Name} is by reference"));
                if (method.GetCustomAttribute<AliasAttribute>() is null)
                {
                    wrong.Add($"{type.Name}.{method.Name} has no alias");
                }
            }
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public void Aliases_are_there_once()
    {
        string[] types = [.. Serializable.Concat(GrainInterfaces).Select(type => type.GetCustomAttribute<AliasAttribute>()?.Alias ?? $"{type.Name} has none")];
        Assert.DoesNotContain(types, alias => alias.EndsWith("has none", StringComparison.Ordinal));
        Assert.Equal(types.Order(), types.Distinct().Order());
        foreach (Type type in GrainInterfaces)
        {
            string[] methods = [.. type.GetMethods().Select(method => method.GetCustomAttribute<AliasAttribute>()!.Alias)];
            Assert.Equal(methods.Order(), methods.Distinct().Order());
        }
    }

    [Fact]
    public void Grain_classes_do_not_interleave_as_a_whole()
    {
        Type[] grains = [.. Ours.SelectMany(assembly => assembly.GetTypes()).Where(type => type is { IsClass: true, IsAbstract: false } && typeof(IGrain).IsAssignableFrom(type) && !type.Name.StartsWith("Proxy_", StringComparison.Ordinal))];
        Assert.NotEmpty(grains);
        Assert.All(grains, type =>
        {
            Assert.Null(type.GetCustomAttribute<AlwaysInterleaveAttribute>());
            Assert.Null(type.GetCustomAttribute<ReentrantAttribute>());
        });
    }

    [Fact]
    public void Every_member_of_a_message_has_an_id_of_its_own_or_is_computed()
    {
        var wrong = new List<string>();
        foreach (Type type in Serializable.Where(type => !type.IsEnum && !type.IsAbstract))
        {
            const BindingFlags Declared = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
            string[] positional = [.. type.GetConstructors().SelectMany(constructor => constructor.GetParameters()).Select(parameter => parameter.Name!)];
            var ids = new List<uint>();
            foreach (PropertyInfo property in type.GetProperties(Declared).Where(property => property.Name != "EqualityContract"))
            {
                if (property.GetCustomAttribute<IdAttribute>() is { } id)
                {
                    ids.Add(id.Id);
                }
                else if (property.CanWrite && !positional.Contains(property.Name, StringComparer.Ordinal))
                {
                    wrong.Add($"{type.Name}.{property.Name} has no id");
                }
            }

            wrong.AddRange(ids.GroupBy(id => id).Where(group => group.Count() > 1).Select(group => $"{type.Name}: id {group.Key} twice"));
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public void Everything_that_crosses_a_call_or_is_kept_as_state_can_be_serialised()
    {
        var wrong = new List<string>();
        var seen = new HashSet<Type>();
        foreach (MethodInfo method in GrainInterfaces.SelectMany(type => type.GetMethods()))
        {
            foreach (Type type in method.GetParameters().Select(parameter => parameter.ParameterType).Append(method.ReturnType))
            {
                Look(type, $"{method.DeclaringType!.Name}.{method.Name}");
            }
        }

        foreach (Type state in Serializable.Where(type => type.Name.EndsWith("GrainState", StringComparison.Ordinal)))
        {
            Look(state, state.Name);
        }

        Assert.Empty(wrong);

        void Look(Type type, string place)
        {
            if (type.HasElementType)
            {
                Look(type.GetElementType()!, place);
                return;
            }

            foreach (Type argument in type.GetGenericArguments())
            {
                Look(argument, place);
            }

            if (!seen.Add(type) || type.IsPrimitive)
            {
                return;
            }

            if (!Ours.Contains(type.Assembly))
            {
                Type open = type.IsGenericType ? type.GetGenericTypeDefinition() : type;
                if (!Known.Contains(open))
                {
                    wrong.Add($"{place}: {type} is not among the types that cross everywhere");
                }

                return;
            }

            if (type.GetCustomAttribute<GenerateSerializerAttribute>() is null)
            {
                wrong.Add($"{place}: {type.Name} is not marked");
            }

            if (!type.IsVisible)
            {
                wrong.Add($"{place}: {type.Name} cannot be seen by generated code");
            }

            foreach (PropertyInfo property in type.GetProperties().Where(property => property.GetCustomAttribute<IdAttribute>() is not null))
            {
                Look(property.PropertyType, $"{type.Name}.{property.Name}");
            }
        }
    }

    // Concrete types only: what stands behind IReadOnlyList may be a type of the compiler's that nobody can serialise.
    private static readonly HashSet<Type> Known =
    [
        typeof(string), typeof(Guid), typeof(TimeSpan), typeof(DateTimeOffset), typeof(Nullable<>), typeof(Task), typeof(Task<>), typeof(Dictionary<,>), typeof(List<>), typeof(void),
    ];
}
