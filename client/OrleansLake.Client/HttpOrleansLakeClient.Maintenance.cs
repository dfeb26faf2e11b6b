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
}
