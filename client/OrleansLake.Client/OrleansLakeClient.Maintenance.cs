using OrleansLake.Contracts;

namespace OrleansLake.Client;

public sealed partial class OrleansLakeClient
{
    private readonly MaintenanceOperations _maintenance = new(cluster);

    /// <inheritdoc />
    public Task<MaintenanceStatus?> GetMaintenanceAsync(string table, CancellationToken cancellationToken = default) =>
        _maintenance.StatusAsync(table).WaitAsync(cancellationToken);

    /// <inheritdoc />
    public Task<MaintenanceStart?> RunMaintenanceAsync(string table, string task, bool dryRun = false, CancellationToken cancellationToken = default) =>
        _maintenance.RunAsync(table, task, dryRun).WaitAsync(cancellationToken);

    /// <inheritdoc />
    public Task<MaintenanceRun[]?> ListMaintenanceRunsAsync(string table, int most = 20, CancellationToken cancellationToken = default) =>
        _maintenance.HistoryAsync(table, most).WaitAsync(cancellationToken);

    /// <inheritdoc />
    public Task<MaintenanceStatus?> PauseMaintenanceAsync(string table, bool isPaused, CancellationToken cancellationToken = default) =>
        _maintenance.PauseAsync(table, isPaused).WaitAsync(cancellationToken);

    /// <inheritdoc />
    public Task<MaintenanceStatus[]> PauseAllMaintenanceAsync(bool isPaused, CancellationToken cancellationToken = default) =>
        _maintenance.PauseAllAsync(isPaused).WaitAsync(cancellationToken);
}
