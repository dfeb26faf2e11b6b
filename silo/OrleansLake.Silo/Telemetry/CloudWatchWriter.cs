using OrleansLake.Silo.Configuration;

namespace OrleansLake.Silo.Telemetry;

/// <summary>Writes <see cref="CloudWatchLines"/> to standard output again and again: there a container's log driver takes them.</summary>
internal sealed class CloudWatchWriter(SiloConfig config, MetricsCollector metrics, PumpMetrics pumps, TimeProvider time) : BackgroundService
{
    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var lines = new CloudWatchLines(config.Metrics.CloudWatchNamespace!, config.Orleans.ClusterId, Environment.MachineName);
        DateTimeOffset due = CloudWatchLines.NextAfter(time.GetUtcNow(), config.Metrics.Interval);
        try
        {
            while (true)
            {
                DateTimeOffset now = time.GetUtcNow();
                await Task.Delay(due > now ? due - now : TimeSpan.Zero, time, stoppingToken);
                await pumps.RefreshAsync(stoppingToken);
                foreach (string line in lines.Write(metrics, time.GetUtcNow()))
                {
                    await Console.Out.WriteLineAsync(line);
                }

                now = time.GetUtcNow();
                due = CloudWatchLines.NextAfter(now > due ? now : due, config.Metrics.Interval); // a timer may be early
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The silo stops.
        }
    }
}
