namespace OrleansLake.Testing.Simulation;

/// <summary>
/// One thread, one clock, one seed: everything that runs in a simulation runs here, and what is ready at the same instant
/// runs in an order that the seed decides.
/// </summary>
/// <remarks>
/// Code that captures the context is posted back to it. Leaves (timers, <see cref="Later{T}"/>) complete outside of it, so
/// that a continuation that does not capture (<c>ConfigureAwait(false)</c>) runs inline and on this thread too; anything that
/// would hop to the thread pool is found by <see cref="AssertOnThread"/>.
/// </remarks>
public sealed class SimulatedScheduler : SynchronizationContext
{
    private readonly PriorityQueue<Entry, (long Ticks, int Tie, long Number)> _queue = new();
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private long _number;
    private long _ticks;

    public SimulatedScheduler(int seed)
    {
        Random = new Random(seed);
        Time = new SimulatedTime(this);
    }

    public Random Random { get; }

    public SimulatedTime Time { get; }

    /// <summary>Simulated time since the run began.</summary>
    public TimeSpan Now => TimeSpan.FromTicks(_ticks);

    /// <summary>Steps taken: a run that differs from its twin differs here first.</summary>
    public long Steps { get; private set; }

    public override void Post(SendOrPostCallback d, object? state)
    {
        AssertOnThread();
        _queue.Enqueue(new Entry(d, state, true), (_ticks, Random.Next(), _number++));
    }

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException("nothing blocks in a simulation");

    /// <summary>Runs something with the context, after a while.</summary>
    public void After(TimeSpan delay, Action action) =>
        _queue.Enqueue(new Entry(static state => ((Action)state!)(), action, true), (_ticks + delay.Ticks, Random.Next(), _number++));

    /// <summary>An answer of the outside world, after a while.</summary>
    public Task<T> Later<T>(TimeSpan delay, Func<T> answer)
    {
        var source = new TaskCompletionSource<T>();
        Leaf(delay, () =>
        {
            try
            {
                source.TrySetResult(answer());
            }
            catch (Exception e)
            {
                source.TrySetException(e);
            }
        });
        return source.Task;
    }

    internal void Leaf(TimeSpan delay, Action action) =>
        _queue.Enqueue(new Entry(static state => ((Action)state!)(), action, false), (_ticks + Math.Max(0, delay.Ticks), Random.Next(), _number++));

    /// <summary>Runs until a condition holds or a time has passed. True: the condition holds.</summary>
    public bool Run(Func<bool> until, TimeSpan limit)
    {
        long end = _ticks + limit.Ticks;
        SynchronizationContext? before = Current;
        try
        {
            while (!until())
            {
                if (!_queue.TryPeek(out _, out (long Ticks, int Tie, long Number) next) || next.Ticks > end)
                {
                    _ticks = end;
                    return false;
                }

                Entry entry = _queue.Dequeue();
                _ticks = next.Ticks;
                Steps++;
                SetSynchronizationContext(entry.WithContext ? this : null);
                entry.Callback(entry.State);
            }

            return true;
        }
        finally
        {
            SetSynchronizationContext(before);
        }
    }

    public void AssertOnThread()
    {
        if (Environment.CurrentManagedThreadId != _thread)
        {
            Environment.FailFast($"the simulation was left for another thread: {Environment.StackTrace}");
        }
    }

    private readonly record struct Entry(SendOrPostCallback Callback, object? State, bool WithContext);
}

/// <summary>The clock of a simulation; silos may be given one that is off (<see cref="Skewed"/>).</summary>
public sealed class SimulatedTime(SimulatedScheduler scheduler, TimeSpan skew = default) : TimeProvider
{
    public static readonly DateTimeOffset Epoch = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => Epoch + scheduler.Now + skew;

    public override long GetTimestamp() => scheduler.Now.Ticks;

    public SimulatedTime Skewed(TimeSpan by) => new(scheduler, by);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        scheduler.AssertOnThread();
        var timer = new Timer(scheduler, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class Timer(SimulatedScheduler scheduler, TimerCallback callback, object? state) : ITimer
    {
        private int _life;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            int life = ++_life;
            if (dueTime != Timeout.InfiniteTimeSpan)
            {
                scheduler.Leaf(dueTime, () => Fire(life, period));
            }

            return true;
        }

        private void Fire(int life, TimeSpan period)
        {
            if (life != _life)
            {
                return;
            }

            if (period > TimeSpan.Zero)
            {
                scheduler.Leaf(period, () => Fire(life, period));
            }

            callback(state);
        }

        public void Dispose() => _life++;

        public ValueTask DisposeAsync()
        {
            _life++;
            return ValueTask.CompletedTask;
        }
    }
}
