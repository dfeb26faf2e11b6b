using System.Reflection;
using Orleans.Serialization;
using Orleans.Serialization.Invocation;

namespace Orleans.Runtime;

/// <summary>
/// One call on its way. The caller is released by the first of: the answer, the time-out, its cancellation; what happens
/// in the grain goes on by itself.
/// </summary>
internal sealed class GrainCall : IInvokable
{
    private readonly TaskCompletionSource<object?> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly GrainReference reference;
    private CancellationTokenSource? calleeCancellation;
    private CancellationTokenRegistration callerCancellation;
    private ITimer? timeout;
    private object? target;

    private GrainCall(GrainReference reference, GrainMethod method, object?[] arguments, ICallRuntime runtime)
    {
        (this.reference, Method, Arguments) = (reference, method, arguments);
        Copier = runtime.Copier;
        Source = RuntimeContext.Current;
        RequestContext = Runtime.RequestContext.Capture(Copier);
    }

    public GrainId Target => reference.GrainId;
    public Type GrainInterface => reference.GrainInterface;
    public GrainMethod Method { get; }
    public object?[] Arguments { get; }
    public IGrainContext? Source { get; }
    public Dictionary<string, object>? RequestContext { get; }
    public int Forwarded { get; set; }
    public DeepCopier Copier { get; }

    /// <summary>Where the call waits or runs, so that a cancellation finds it.</summary>
    public Action<GrainCall>? Cancel { get; set; }

    /// <summary>Nobody waits for the answer any more; a call that has not begun need not begin.</summary>
    public bool Abandoned => answer.Task.IsCompleted;

    public static object? Send(GrainReference reference, GrainMethod method, object?[] arguments, ICallRuntime runtime)
    {
        var token = method.CancellationIndex >= 0 ? (CancellationToken)arguments[method.CancellationIndex]! : default;
        if (token.IsCancellationRequested) return method.Wrap(Task.FromCanceled<object?>(token));

        var call = new GrainCall(reference, method, runtime.Copier.CopyArguments(arguments, method), runtime);
        Task<object?> result;
        if (runtime.OutgoingFilters.Count == 0)
        {
            call.Post(runtime, token);
            result = call.answer.Task;
        }
        else
        {
            result = new OutgoingCall(call, runtime.OutgoingFilters, () => { call.Post(runtime, token); return call.answer.Task; }).Run();
        }

        return method.Wrap(result);
    }

    private void Post(ICallRuntime runtime, CancellationToken token)
    {
        if (Method.OneWay)
        {
            answer.TrySetResult(null);
        }
        else
        {
            var limit = Method.ResponseTimeout ?? runtime.ResponseTimeout;
            if (limit != Timeout.InfiniteTimeSpan)
                timeout = runtime.Time.CreateTimer(_ => TimeOut(limit, runtime.CancelRequestOnTimeout), null, limit, Timeout.InfiniteTimeSpan);
        }

        if (Method.CancellationIndex >= 0)
        {
            calleeCancellation = new CancellationTokenSource();
            Arguments[Method.CancellationIndex] = calleeCancellation.Token;
            callerCancellation = token.Register(() =>
            {
                answer.TrySetCanceled(token);
                Cancel?.Invoke(this);
            });
        }

        runtime.Send(this);
        if (answer.Task.IsCompleted) Release();
    }

    private void TimeOut(TimeSpan limit, bool cancel)
    {
        if (!answer.TrySetException(new TimeoutException(
            $"Response did not arrive on time in {limit} for message: {GrainInterface.Name}.{Method.Method.Name} to {Target}")))
            return;
        if (cancel) Cancel?.Invoke(this);
        Release();
    }

    private void Release()
    {
        timeout?.Dispose();
        if (!Method.OneWay) callerCancellation.Dispose();
    }

    public void SetResult(object? result)
    {
        answer.TrySetResult(result);
        Release();
    }

    public void SetException(Exception exception)
    {
        if (exception is OperationCanceledException cancelled) answer.TrySetException(cancelled);
        else answer.TrySetException(exception);
        Release();
    }

    /// <summary>Called on a turn of the grain, so that what hangs on the token runs on one too.</summary>
    public void CancelCallee() => calleeCancellation?.Cancel();

    public object? GetTarget() => target;
    public void SetTarget(object grain) => target = grain;
    public int GetArgumentCount() => Arguments.Length;
    public object? GetArgument(int index) => Arguments[index];
    public void SetArgument(int index, object value) => Arguments[index] = value;
    public string GetMethodName() => Method.Method.Name;
    public string GetInterfaceName() => GrainInterface.Name;
    public string GetActivityName() => $"{GetInterfaceName()}/{GetMethodName()}";
    public MethodInfo GetMethod() => Method.Method;
    public Type GetInterfaceType() => GrainInterface;
    public TimeSpan? GetDefaultResponseTimeout() => Method.ResponseTimeout;
    public CancellationToken GetCancellationToken() => calleeCancellation?.Token ?? default;
    public bool IsCancellable => Method.CancellationIndex >= 0;
    public void Dispose() => calleeCancellation?.Dispose();
}
