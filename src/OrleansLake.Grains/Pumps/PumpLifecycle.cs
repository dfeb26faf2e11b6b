using Microsoft.Extensions.Logging;

namespace OrleansLake.Grains;

/// <summary>
/// Ties the pumps to the silo's life. The stage lies above the one where grains are deactivated: when the silo stops, the
/// pumps drain while the tables' grains can still commit. A watchdog gives up what no grain holds any more, and has the pumps look for a new schema.
/// </summary>
internal sealed class PumpLifecycle(PumpHost pumps, TimeProvider time, ILogger<PumpHost> logger) : ILifecycleParticipant<ISiloLifecycle>
{
    private static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan WatchPeriod = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan LeaseAge = TimeSpan.FromSeconds(60);

    private readonly CancellationTokenSource _stop = new();
    private Task _watch = Task.CompletedTask;

    /// <inheritdoc />
    public void Participate(ISiloLifecycle lifecycle) => lifecycle.Subscribe(
        nameof(PumpLifecycle), ServiceLifecycleStage.Active + 1, StartAsync, StopAsync);

    private Task StartAsync(CancellationToken cancellationToken)
    {
        _watch = Task.Run(WatchAsync, CancellationToken.None);
        return Task.CompletedTask;
    }

    private async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        await _watch;
        long begun = time.GetTimestamp();
        logger.LogDraining(DrainLimit);
        using var limit = new CancellationTokenSource(DrainLimit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        await pumps.DrainAsync(either.Token);
        logger.LogDrained(time.GetElapsedTime(begun).TotalMilliseconds);
    }

    private async Task WatchAsync()
    {
        int round = 0;
        using var timer = new PeriodicTimer(WatchPeriod, time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                try
                {
                    await pumps.StopForsakenAsync(LeaseAge, _stop.Token);
                    if (++round % 2 == 0)
                    {
                        await pumps.ReloadSchemasAsync(_stop.Token);
                    }
                }
                catch (Exception error) when (error is not OperationCanceledException)
                {
                    logger.LogWatchFailed(error);
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The silo stops.
        }
    }
}
