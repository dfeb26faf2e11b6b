using Microsoft.Extensions.Logging;
using Orleans.Timers;

namespace Orleans.Runtime;

internal sealed class TimerRegistry : ITimerRegistry
{
    public IGrainTimer RegisterGrainTimer<TState>(
        IGrainContext grainContext, Func<TState, CancellationToken, Task> callback, TState state, GrainTimerCreationOptions options)
    {
        if (RuntimeContext.Current is null)
            throw new InvalidOperationException("A grain timer is registered on a turn of its grain: there is no grain context here");
        var timer = new GrainTimer((Activation)grainContext, token => callback(state, token), options);
        timer.Start();
        return timer;
    }
}

/// <summary>Ticks on turns of its activation; the period counts from the end of a tick, so none overlaps another.</summary>
internal sealed class GrainTimer : IGrainTimer
{
    private readonly Lock gate = new();
    private readonly CancellationTokenSource cancellation = new();
    private readonly Activation activation;
    private readonly Func<CancellationToken, Task> callback;
    private readonly GrainTimerCreationOptions options;
    private readonly ITimer timer;
    private TimeSpan dueTime;
    private TimeSpan period;
    private bool ticking;
    private bool changed;
    private bool disposed;

    public GrainTimer(Activation activation, Func<CancellationToken, Task> callback, GrainTimerCreationOptions options)
    {
        (this.activation, this.callback, this.options) = (activation, callback, options);
        (dueTime, period) = Checked(options.DueTime, options.Period);
        using (ExecutionContext.IsFlowSuppressed() ? default(AsyncFlowControl?) : ExecutionContext.SuppressFlow())
            timer = activation.Silo.Time.CreateTimer(static state => ((GrainTimer)state!).Due(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public void Start()
    {
        activation.AddTimer(this);
        Schedule(dueTime);
    }

    public void Change(TimeSpan dueTime, TimeSpan period)
    {
        lock (gate)
        {
            (this.dueTime, this.period) = Checked(dueTime, period);
            changed = ticking;
            if (!ticking) Schedule(dueTime);
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            if (disposed) return;
            disposed = true;
        }

        timer.Dispose();
        cancellation.Cancel();
        activation.RemoveTimer(this);
    }

    private static (TimeSpan DueTime, TimeSpan Period) Checked(TimeSpan dueTime, TimeSpan period)
    {
        Check(dueTime, nameof(dueTime));
        Check(period, nameof(period));
        // As the original: an infinitely short period is one millisecond.
        return (dueTime, period == TimeSpan.Zero ? TimeSpan.FromMilliseconds(1) : period);

        static void Check(TimeSpan value, string name)
        {
            if (value == Timeout.InfiniteTimeSpan) return;
            ArgumentOutOfRangeException.ThrowIfNegative(value.Ticks, name);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value.TotalMilliseconds, 0xfffffffe, name);
        }
    }

    private void Schedule(TimeSpan time)
    {
        lock (gate)
        {
            if (!disposed) timer.Change(time, Timeout.InfiniteTimeSpan);
        }
    }

    private void Due()
    {
        lock (gate)
        {
            if (disposed || ticking) return;
            ticking = true;
        }

        activation.TryReceive(new LocalRequest(TickAsync, options.Interleave, options.KeepAlive));
    }

    private async Task TickAsync()
    {
        try
        {
            if (!cancellation.IsCancellationRequested) await callback(cancellation.Token);
        }
        catch (Exception exception)
        {
            activation.Silo.Logger.LogWarning(exception, "Timer of grain {Grain} failed in a tick; it ticks on", activation.GrainId);
        }

        lock (gate)
        {
            ticking = false;
            var next = changed ? dueTime : period;
            changed = false;
            if (next != Timeout.InfiniteTimeSpan) Schedule(next);
        }
    }
}
