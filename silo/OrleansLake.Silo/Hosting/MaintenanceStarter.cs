using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Write;
using OrleansLake.Silo.Configuration;

namespace OrleansLake.Silo.Hosting;

/// <summary>
/// Tells the upkeep of each pipeline's table, and of its dead-letter table, what the configuration says. What the cluster does not
/// take at once is told again until it does. Where nothing is configured nothing is told: the upkeep then works on request.
/// </summary>
internal sealed class MaintenanceStarter(SiloConfig config, IGrainFactory grains, TimeProvider time, ILogger<MaintenanceStarter> logger)
    : ILifecycleParticipant<ISiloLifecycle>
{
    private static readonly TimeSpan RetryPeriod = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource _stop = new();
    private Task _start = Task.CompletedTask;

    /// <inheritdoc />
    public void Participate(ISiloLifecycle lifecycle) => lifecycle.Subscribe(nameof(MaintenanceStarter), ServiceLifecycleStage.Active + 2, StartAsync, StopAsync);

    private Task StartAsync(CancellationToken cancellationToken)
    {
        _start = Task.Run(TellAsync, CancellationToken.None);
        return Task.CompletedTask;
    }

    private async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        await _start;
    }

    private async Task TellAsync()
    {
        var waiting = new Queue<(string Key, MaintenanceDefinition Definition)>(config.Pipelines
            .Where(pipeline => pipeline.Maintenance is not null)
            .SelectMany(pipeline => new[] { pipeline.Definition.Table, DeadLetterSchema.Of(TableIdentifier.Parse(pipeline.Definition.Table)).ToString() }
                .Select(table => (Key: GrainKeys.Table(pipeline.Definition.Catalog, table), pipeline.Definition.Name, Settings: pipeline.Maintenance!)))
            .GroupBy(told => told.Key)
            .Select(told => (told.Key, new MaintenanceDefinition(new Dictionary<string, string>(told.First().Settings)) { Pipelines = [.. told.Select(one => one.Name).Order(StringComparer.Ordinal)] })));
        while (waiting.TryPeek(out var told))
        {
            try
            {
                await grains.GetGrain<IMaintenanceGrain>(told.Key).ConfigureAsync(told.Definition).WaitAsync(_stop.Token);
                waiting.Dequeue();
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                logger.LogNotTold(told.Key, RetryPeriod, error);
                if (!await PauseAsync())
                {
                    return;
                }
            }
        }
    }

    private async Task<bool> PauseAsync()
    {
        try
        {
            await Task.Delay(RetryPeriod, time, _stop.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
