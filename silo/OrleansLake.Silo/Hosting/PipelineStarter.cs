using OrleansLake.Contracts;
using OrleansLake.Silo.Configuration;

namespace OrleansLake.Silo.Hosting;

/// <summary>
/// Hands the configured pipelines to their grains once the silo is part of the cluster. What the cluster does not take at
/// once is handed over again until it does; the silo does not fail for it.
/// </summary>
internal sealed class PipelineStarter(SiloConfig config, IGrainFactory grains, TimeProvider time, ILogger<PipelineStarter> logger)
    : ILifecycleParticipant<ISiloLifecycle>
{
    private static readonly TimeSpan RetryPeriod = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource _stop = new();
    private Task _start = Task.CompletedTask;

    /// <summary>Whether every pipeline has been handed over.</summary>
    public bool IsDone { get; private set; }

    /// <inheritdoc />
    public void Participate(ISiloLifecycle lifecycle) => lifecycle.Subscribe(
        nameof(PipelineStarter), ServiceLifecycleStage.Active + 2, StartAsync, StopAsync);

    private Task StartAsync(CancellationToken cancellationToken)
    {
        _start = Task.Run(ConfigureAsync, CancellationToken.None);
        return Task.CompletedTask;
    }

    private async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        await _start;
    }

    private async Task ConfigureAsync()
    {
        var waiting = config.Pipelines.Select(pipeline => pipeline.Definition).ToList();
        while (waiting.Count > 0 && !_stop.IsCancellationRequested)
        {
            foreach (PipelineDefinition definition in waiting.ToList())
            {
                try
                {
                    await grains.GetGrain<IPipelineGrain>(definition.Name).ConfigureAsync(definition).WaitAsync(_stop.Token);
                    waiting.Remove(definition);
                }
                catch (OperationCanceledException) when (_stop.IsCancellationRequested)
                {
                    return;
                }
                catch (Exception error)
                {
                    logger.LogNotTaken(definition.Name, RetryPeriod, error);
                }
            }

            if (waiting.Count > 0)
            {
                try
                {
                    await Task.Delay(RetryPeriod, time, _stop.Token);
                }
                catch (OperationCanceledException)
                {
                    return;
                }
            }
        }

        IsDone = true;
    }
}
