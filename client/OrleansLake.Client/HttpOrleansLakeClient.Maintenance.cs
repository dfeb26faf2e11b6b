using OrleansLake.Contracts;

namespace OrleansLake.Client;

public sealed partial class HttpOrleansLakeClient
{
    /// <inheritdoc />
    public Task<MaintenanceStatus?> GetMaintenanceAsync(string table, CancellationToken cancellationToken = default) =>
        AskAsync<MaintenanceStatus>(HttpMethod.Get, $"tables/{Uri.EscapeDataString(table)}/maintenance", cancellationToken);

    /// <inheritdoc />
    public Task<MaintenanceStart?> RunMaintenanceAsync(string table, string task, bool dryRun = false, CancellationToken cancellationToken = default) =>
        AskAsync<MaintenanceStart>(HttpMethod.Post, $"tables/{Uri.EscapeDataString(table)}/maintenance/{Uri.EscapeDataString(task)}{(dryRun ? "?dryRun=true" : "")}", cancellationToken);

    /// <inheritdoc />
    public Task<MaintenanceRun[]?> ListMaintenanceRunsAsync(string table, int most = 20, CancellationToken cancellationToken = default) =>
        AskAsync<MaintenanceRun[]>(HttpMethod.Get, FormattableString.Invariant($"tables/{Uri.EscapeDataString(table)}/maintenance/runs?most={most}"), cancellationToken);

    /// <inheritdoc />
    public Task<MaintenanceStatus?> PauseMaintenanceAsync(string table, bool isPaused, CancellationToken cancellationToken = default) =>
        AskAsync<MaintenanceStatus>(HttpMethod.Post, $"tables/{Uri.EscapeDataString(table)}/maintenance/{(isPaused ? "pause" : "resume")}", cancellationToken);

    /// <inheritdoc />
    public async Task<MaintenanceStatus[]> PauseAllMaintenanceAsync(bool isPaused, CancellationToken cancellationToken = default) =>
        await AskAsync<MaintenanceStatus[]>(HttpMethod.Post, isPaused ? "maintenance/pause" : "maintenance/resume", cancellationToken) ?? [];
}
