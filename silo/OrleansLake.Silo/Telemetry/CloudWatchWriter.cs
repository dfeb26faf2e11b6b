using OrleansLake.Silo.Configuration;

namespace OrleansLake.Silo.Telemetry;

/// <summary>Writes <see cref="CloudWatchLines"/> to standard output again and again: there a container's log driver takes them.</summary>
internal sealed class CloudWatchWriter(SiloConfig config, MetricsCollector metrics, PumpMetrics pumps, TimeProvider time) : BackgroundService
{
    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var lines = new CloudWatchLines(config.Metrics.CloudWatchNamespace!, config.Orleans.ClusterId, Environment.MachineName);
        using var timer = new PeriodicTimer(config.Metrics.Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await pumps.RefreshAsync(stoppingToken);
                foreach (string line in lines.Write(metrics, time.GetUtcNow()))
                {
                    await Console.Out.WriteLineAsync(line);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The silo stops.
        }
    }
}
