using Microsoft.Extensions.Logging;

namespace Orleans.Runtime;

/// <summary>How an activation begins, grows old and ends.</summary>
internal sealed partial class Activation
{
    private long touched;
    private TimeSpan keepFor;

    public void Touch() => touched = Silo.Time.GetTimestamp();

    /// <summary>Infinite or MaxValue: for ever; zero or less: no longer than others.</summary>
    public void DelayDeactivation(TimeSpan time)
    {
        lock (gate)
        {
            keepFor = time == Timeout.InfiniteTimeSpan || time == TimeSpan.MaxValue ? TimeSpan.MaxValue : time > TimeSpan.Zero ? time : TimeSpan.Zero;
            Touch();
        }
    }

    public bool IsIdle(TimeSpan age)
    {
        lock (gate)
        {
            if (state != State.Valid || running.Count + waiting.Count > 0 || keepFor == TimeSpan.MaxValue) return false;
            var idle = Silo.Time.GetElapsedTime(touched);
            return idle >= age && idle >= keepFor;
        }
    }

    public void Deactivate(DeactivationReason deactivationReason, CancellationToken cancellationToken = default)
    {
        lock (gate)
        {
            reason ??= deactivationReason;
            // While it activates: it ends as soon as it has begun, before its first request.
            if (state != State.Valid) return;
            state = State.Deactivating;
        }

        _ = Scheduler.Run(EndAsync);
    }

    private async Task ActivateAsync(Dictionary<string, object>? requestContext)
    {
        RequestContext.Import(requestContext);
        try
        {
            if (Class.Placement is { } strategy) await Silo.CheckPlacement(strategy, GrainId, requestContext);
            GrainInstance = Facets.CreateGrain(Class.Type, this);
            var grain = (IGrainBase)GrainInstance;
            (grain as ILifecycleParticipant<IGrainLifecycle>)?.Participate(lifecycle);
            using var limit = Silo.LimitedTime(Silo.Collection.ActivationTimeout);
            lifecycle.Subscribe("grain", GrainLifecycleStage.Activate, token => grain.OnActivateAsync(token));
            await lifecycle.OnStart(limit.Token);
        }
        catch (Exception exception)
        {
            await FailAsync(exception);
            return;
        }

        bool end;
        lock (gate)
        {
            end = reason is not null;
            state = end ? State.Deactivating : State.Valid;
            Touch();
        }

        if (end) await EndAsync();
        else Pump();
    }

    /// <summary>Whoever waits gets the original exception; the next call makes a new activation.</summary>
    private async Task FailAsync(Exception exception)
    {
        Silo.Logger.LogError(exception, "Activation of grain {Grain} failed", GrainId);
        List<IGrainRequest> rejected;
        lock (gate)
        {
            state = State.Invalid;
            reason ??= new(DeactivationReasonCode.ActivationFailed, exception, "Failed to activate grain");
            rejected = [.. waiting];
            waiting.Clear();
        }

        Silo.Remove(this);
        foreach (var request in rejected) request.Reject(exception);
        await DisposeAsync();
    }

    private async Task EndAsync()
    {
        lock (gate)
        {
            if (running.Count > 0) drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        using (var limit = Silo.LimitedTime(Silo.Collection.DeactivationTimeout))
        {
            try
            {
                // A tick counts as running: it ends before its token says so, as with the original.
                if (drained is not null) await drained.Task.WaitAsync(limit.Token);
                foreach (var timer in Timers()) timer.Dispose();
                await ((IGrainBase)GrainInstance!).OnDeactivateAsync(reason!.Value, limit.Token);
                await lifecycle.OnStop(limit.Token);
            }
            catch (Exception exception)
            {
                Silo.Logger.LogError(exception, "Deactivation of grain {Grain} met an error", GrainId);
            }
        }

        List<IGrainRequest> left;
        lock (gate)
        {
            state = State.Invalid;
            left = [.. waiting];
            waiting.Clear();
        }

        Silo.Remove(this);
        await DisposeAsync();
        foreach (var request in left) request.Forward(Silo, reason!.Value);
    }

    private IDisposable[] Timers()
    {
        lock (gate) return [.. timers];
    }

    private async Task DisposeAsync()
    {
        foreach (var timer in Timers()) timer.Dispose();
        try
        {
            if (GrainInstance is IAsyncDisposable asynchronous) await asynchronous.DisposeAsync();
            else (GrainInstance as IDisposable)?.Dispose();
            await scope.DisposeAsync();
        }
        catch (Exception exception)
        {
            Silo.Logger.LogError(exception, "Disposing of grain {Grain} met an error", GrainId);
        }

        deactivated.TrySetResult();
    }
}
