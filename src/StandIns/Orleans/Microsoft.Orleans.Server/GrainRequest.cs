using Microsoft.Extensions.Logging;
using Orleans.Serialization.Invocation;
using Orleans.Storage;

namespace Orleans.Runtime;

/// <summary>Something that wants a turn of an activation: a call, or a tick of its own.</summary>
internal interface IGrainRequest
{
    bool AlwaysInterleave { get; }
    bool ReadOnly { get; }
    bool IsLocal { get; }
    bool KeepsAlive { get; }
    bool Abandoned { get; }
    Guid? ReentrancyId { get; }
    IInvokable? Invokable { get; }

    /// <summary>Runs on the activation's scheduler; says with which reason the activation has to end, if it has to.</summary>
    Task<DeactivationReason?> RunAsync(Activation activation);

    /// <summary>After the activation is free again.</summary>
    void Answer();
    void Reject(Exception exception);
    void Forward(Silo silo, DeactivationReason reason);
}

/// <summary>A call in the hands of an activation.</summary>
internal sealed class CallRequest(GrainCall call) : IGrainRequest
{
    private object? result;
    private Exception? failure;

    public bool AlwaysInterleave => call.Method.AlwaysInterleave;
    public bool ReadOnly => call.Method.ReadOnly;
    public bool IsLocal => false;
    public bool KeepsAlive => true;
    public bool Abandoned => !call.Method.OneWay && call.Abandoned;
    public IInvokable Invokable => call;
    public Guid? ReentrancyId => call.RequestContext?.GetValueOrDefault("#RL") as Guid?;

    public async Task<DeactivationReason?> RunAsync(Activation activation)
    {
        RequestContext.Import(call.RequestContext);
        object grain = activation.GrainInstance!;
        call.SetTarget(grain);
        try
        {
            var filters = activation.Silo.FiltersFor(grain);
            object? value = filters.Count == 0
                ? await call.Method.Invoke(grain, call.Arguments)
                : await new IncomingCall(call, activation, filters, () => call.Method.Invoke(grain, call.Arguments)).Run();
            result = call.Copier.Copy(value);
            return null;
        }
        catch (Exception exception)
        {
            failure = exception;
            if (call.Method.OneWay)
                activation.Silo.Logger.LogWarning(exception, "One-way call of {Method} on {Grain} failed", call.GetActivityName(), call.Target);
            if (exception is not InconsistentStateException { IsSourceActivation: true } inconsistent) return null;
            inconsistent.IsSourceActivation = false;
            return new(DeactivationReasonCode.ApplicationError, exception, "Deactivated by an inconsistent state");
        }
    }

    public void Answer()
    {
        if (failure is null) call.SetResult(result);
        else call.SetException(failure);
    }

    public void Reject(Exception exception) => call.SetException(exception);

    public void Forward(Silo silo, DeactivationReason reason)
    {
        if (call.Forwarded++ < silo.MaxForwardCount) silo.Send(call);
        else
            Reject(new OrleansMessageRejectionException(
                $"Forwarding failed: tried to forward a call to {call.Target} for {call.Forwarded} times after \"{reason}\""));
    }
}

/// <summary>What runs on a turn of an activation without being a call: a timer's tick.</summary>
internal sealed class LocalRequest(Func<Task> work, bool interleave, bool keepsAlive) : IGrainRequest
{
    public bool AlwaysInterleave => interleave;
    public bool ReadOnly => false;
    public bool IsLocal => true;
    public bool KeepsAlive => keepsAlive;
    public bool Abandoned => false;
    public Guid? ReentrancyId => null;
    public IInvokable? Invokable => null;

    public async Task<DeactivationReason?> RunAsync(Activation activation)
    {
        await work();
        return null;
    }

    public void Answer() { }
    public void Reject(Exception exception) { }
    public void Forward(Silo silo, DeactivationReason reason) { }
}
