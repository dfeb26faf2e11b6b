using System.Collections.Concurrent;
using System.Reflection;
using Orleans.Concurrency;

namespace Orleans.Runtime;

/// <summary>What there is to know of one method of a grain interface.</summary>
internal sealed class GrainMethod
{
    private static readonly ConcurrentDictionary<MethodInfo, GrainMethod> Known = new();
    private readonly Func<Task<object?>, object?> wrap;
    private readonly Func<object?, Task<object?>> unwrap;

    private GrainMethod(MethodInfo method)
    {
        Method = method;
        var parameters = method.GetParameters();
        CancellationIndex = Array.FindIndex(parameters, parameter => parameter.ParameterType == typeof(CancellationToken));
        ImmutableArguments = [.. parameters.Select(parameter => parameter.IsDefined(typeof(ImmutableAttribute)))];
        OneWay = method.IsDefined(typeof(OneWayAttribute)) || method.ReturnType == typeof(void);
        ReadOnly = method.IsDefined(typeof(ReadOnlyAttribute));
        AlwaysInterleave = method.IsDefined(typeof(AlwaysInterleaveAttribute));
        ResponseTimeout = (method.GetCustomAttribute<ResponseTimeoutAttribute>()
            ?? method.DeclaringType!.GetCustomAttribute<ResponseTimeoutAttribute>())?.Timeout;
        (wrap, unwrap) = Conversions(method);
    }

    public MethodInfo Method { get; }
    public int CancellationIndex { get; }
    public bool[] ImmutableArguments { get; }
    public bool OneWay { get; }
    public bool ReadOnly { get; }
    public bool AlwaysInterleave { get; }
    public TimeSpan? ResponseTimeout { get; }

    public static GrainMethod Of(MethodInfo method) => Known.GetOrAdd(method, static method => new GrainMethod(method));

    /// <summary>The result as the interface declares it.</summary>
    public object? Wrap(Task<object?> result) => wrap(result);

    /// <summary>Calls a grain; its result, whatever the method declares.</summary>
    public Task<object?> Invoke(object target, object?[] arguments) =>
        unwrap(Method.Invoke(target, BindingFlags.DoNotWrapExceptions, null, arguments, null));

    private static (Func<Task<object?>, object?>, Func<object?, Task<object?>>) Conversions(MethodInfo method)
    {
        var type = method.ReturnType;
        if (type == typeof(void)) return (static _ => null, static _ => Task.FromResult<object?>(null));
        if (type == typeof(Task)) return (static result => result, static result => FromTask((Task)result!));
        if (type == typeof(ValueTask)) return (static result => new ValueTask(result), static result => FromTask(((ValueTask)result!).AsTask()));
        if (type.IsGenericType && type.GetGenericTypeDefinition() is var open && (open == typeof(Task<>) || open == typeof(ValueTask<>)))
        {
            string kind = open == typeof(Task<>) ? "Task" : "ValueTask";
            return (Bind<Func<Task<object?>, object?>>("To" + kind, type), Bind<Func<object?, Task<object?>>>("From" + kind, type));
        }

        throw new NotSupportedException(
            $"{method.DeclaringType}.{method.Name} returns {type}; a grain's method returns Task, Task<T>, ValueTask or ValueTask<T>");
    }

    private static TDelegate Bind<TDelegate>(string name, Type type) where TDelegate : Delegate => typeof(GrainMethod)
        .GetMethod(name + "Of", BindingFlags.Static | BindingFlags.NonPublic)!
        .MakeGenericMethod(type.GetGenericArguments()).CreateDelegate<TDelegate>();

    private static async Task<object?> FromTask(Task task)
    {
        await task.ConfigureAwait(false);
        return null;
    }

    private static object? ToTaskOf<T>(Task<object?> result) => Cast<T>(result);
    private static object? ToValueTaskOf<T>(Task<object?> result) => new ValueTask<T>(Cast<T>(result));
    private static async Task<object?> FromTaskOf<T>(object? result) => await ((Task<T>)result!).ConfigureAwait(false);
    private static async Task<object?> FromValueTaskOf<T>(object? result) => await ((ValueTask<T>)result!).ConfigureAwait(false);
    private static async Task<T> Cast<T>(Task<object?> result) => (T)(await result.ConfigureAwait(false))!;
}
