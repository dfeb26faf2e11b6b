namespace OrleansLake.Testing.Commit;

/// <summary>
/// Runs asynchronous code on the calling thread alone, with a clock that stands still while anything can run and then jumps to
/// the next timer: what takes an hour takes no time, and the same code runs in the same order each time.
/// </summary>
public sealed class OneThread : TimeProvider
{
    private readonly Queue<(SendOrPostCallback Callback, object? State)> _ready = new();
    private readonly PriorityQueue<Timer, (long At, long Number)> _timers = new();
    private readonly Lock _lock = new();
    private long _ticks = new DateTimeOffset(2026, 11, 22, 12, 0, 0, TimeSpan.Zero).UtcTicks;
    private long _numbers;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>Runs to the end.</summary>
    public static void Run(Func<OneThread, Task> work)
    {
        OneThread thread = new();
        SynchronizationContext? outer = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(new Context(thread));
        try
        {
            Task task = work(thread);
            while (!task.IsCompleted)
            {
                thread.Step();
            }

            task.GetAwaiter().GetResult();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(outer);
        }
    }

    public override DateTimeOffset GetUtcNow() => new(Interlocked.Read(ref _ticks), TimeSpan.Zero);

    public override long GetTimestamp() => Interlocked.Read(ref _ticks);

    /// <summary>Sets the clock forward, or back as a bad one would.</summary>
    public void Set(TimeSpan by) => _ticks += by.Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Timer timer = new(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private void Step()
    {
        (SendOrPostCallback Callback, object? State) next;
        lock (_lock)
        {
            if (!_ready.TryDequeue(out next))
            {
                if (!_timers.TryDequeue(out Timer? timer, out var due))
                {
                    throw new InvalidOperationException("nothing can run and no timer is set: the code waits for something that never comes");
                }

                if (timer.IsDue(due.Number))
                {
                    _ticks = Math.Max(_ticks, due.At);
                    next = (static state => ((Timer)state!).Fire(), timer);
                }
            }
        }

        next.Callback?.Invoke(next.State);
    }

    private sealed class Context(OneThread thread) : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state)
        {
            lock (thread._lock)
            {
                thread._ready.Enqueue((d, state));
            }
        }

        public override void Send(SendOrPostCallback d, object? state) => d(state);

        public override SynchronizationContext CreateCopy() => this;
    }

    private sealed class Timer(OneThread thread, TimerCallback callback, object? state) : ITimer
    {
        private long _number = -1;
        private TimeSpan _period;

        public bool IsDue(long number) => number == _number;

        public void Fire()
        {
            _number = -1;
            if (_period > TimeSpan.Zero)
            {
                Change(_period, _period);
            }

            callback(state);
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (thread._lock)
            {
                _period = period;
                _number = -1;
                if (dueTime >= TimeSpan.Zero)
                {
                    _number = thread._numbers++;
                    thread._timers.Enqueue(this, (thread._ticks + dueTime.Ticks, _number));
                }
            }

            return true;
        }

        public void Dispose() => _number = -1;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
