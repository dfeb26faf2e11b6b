using OrleansLake.Ingest.Pump;

namespace OrleansLake.Grains;

/// <summary>
/// Where the upkeep works on this silo: off the grains' turns, few at a time, and held back while ingestion is short of memory or
/// falls behind.
/// </summary>
public sealed class UpkeepWorkers(UpkeepLimits limits, MemoryBudget memory, PumpHost pumps, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan LookPeriod = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _room = new(limits.Parallel);
    private readonly SemaphoreSlim _look = new(1);
    private DateTimeOffset _lookedAt = DateTimeOffset.MinValue;
    private bool _isBehind;

    /// <summary>Runs work when there is room for it.</summary>
    public Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken) => Task.Run(
        async () =>
        {
            await _room.WaitAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                return await work(cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                _room.Release();
            }
        },
        cancellationToken);

    /// <summary>What one run asks before each batch of rows.</summary>
    public UpkeepPace NewPace() => new(WaitAsync);

    /// <summary>Returns once ingestion has what it needs: below three quarters of its memory, and no older than it may be.</summary>
    private async ValueTask WaitAsync(Action<TimeSpan> onHeld, CancellationToken cancellationToken)
    {
        while (memory.UsedBytes > memory.LimitBytes / 4 * 3 || await IsBehindAsync(cancellationToken).ConfigureAwait(false))
        {
            long from = time.GetTimestamp();
            await Task.Delay(LookPeriod, time, cancellationToken).ConfigureAwait(false);
            onHeld(time.GetElapsedTime(from));
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _room.Dispose();
        _look.Dispose();
    }

    private async ValueTask<bool> IsBehindAsync(CancellationToken cancellationToken)
    {
        if (time.GetUtcNow() - _lookedAt < LookPeriod || !await _look.WaitAsync(0, cancellationToken).ConfigureAwait(false))
        {
            return _isBehind;
        }

        try
        {
            var statuses = await pumps.StatusesAsync(cancellationToken).ConfigureAwait(false);
            _isBehind = statuses.Any(pump => pump.Status.Partitions.Any(partition => partition.OldestUncommittedAge > limits.FreshnessOf(pump.Definition.FlushInterval)));
            _lookedAt = time.GetUtcNow();
            return _isBehind;
        }
        finally
        {
            _look.Release();
        }
    }
}

/// <summary>Holds one run back for ingestion, and knows how long it did.</summary>
public sealed class UpkeepPace
{
    private readonly Func<Action<TimeSpan>, CancellationToken, ValueTask> _wait;
    private long _heldTicks;

    internal UpkeepPace(Func<Action<TimeSpan>, CancellationToken, ValueTask> wait) => _wait = wait;

    /// <summary>How long it has held the run back so far.</summary>
    public TimeSpan Held => TimeSpan.FromTicks(Interlocked.Read(ref _heldTicks));

    /// <summary>Returns once ingestion has what it needs.</summary>
    public ValueTask WaitAsync(CancellationToken cancellationToken) => _wait(held => Interlocked.Add(ref _heldTicks, held.Ticks), cancellationToken);
}

/// <summary>How much of a silo the upkeep may take.</summary>
/// <param name="Parallel">Tasks and jobs that work at once on a silo.</param>
/// <param name="Freshness">Records that wait longer for their commit hold the upkeep back; null: six flush intervals, a minute at least.</param>
public sealed record UpkeepLimits(int Parallel = 1, TimeSpan? Freshness = null)
{
    /// <summary>How long records of a pipeline may wait.</summary>
    internal TimeSpan FreshnessOf(TimeSpan flushInterval) => Freshness ?? TimeSpan.FromTicks(Math.Max(TimeSpan.FromMinutes(1).Ticks, flushInterval.Ticks * 6));
}
