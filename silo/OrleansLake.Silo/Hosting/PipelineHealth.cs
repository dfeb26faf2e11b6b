using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace OrleansLake.Silo.Hosting;

/// <summary>
/// Ready: the silo is part of its cluster and has handed its pipelines over. A pipeline in trouble does not make a silo
/// unready: taking the silo away would not help it.
/// </summary>
internal sealed class PipelineHealth(PipelineStarter starter) : IHealthCheck
{
    /// <inheritdoc />
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        starter.IsDone ? HealthCheckResult.Healthy("the pipelines are handed over") : HealthCheckResult.Unhealthy("the pipelines are being handed over"));
}
