using OrleansLake.Contracts;

namespace OrleansLake.Client;

public partial interface IOrleansLakeClient
{
    /// <summary>How the upkeep of a table does, by <c>namespace.table</c>; null: no pipeline writes to it.</summary>
    Task<MaintenanceStatus?> GetMaintenanceAsync(string table, CancellationToken cancellationToken = default);

    /// <summary>
    /// Starts a task of the upkeep now, whatever schedule, window and switch say; what becomes of it is in
    /// <see cref="ListMaintenanceRunsAsync"/>. With <paramref name="dryRun"/> it only says what it would do. Null: no pipeline
    /// writes to the table.
    /// </summary>
    Task<MaintenanceStart?> RunMaintenanceAsync(string table, string task, bool dryRun = false, CancellationToken cancellationToken = default);

    /// <summary>The newest runs, newest first, the one that goes on among them. Null: no pipeline writes to the table.</summary>
    Task<MaintenanceRun[]?> ListMaintenanceRunsAsync(string table, int most = 20, CancellationToken cancellationToken = default);

    /// <summary>Pauses the schedule of a table's upkeep, or has it kept again; tasks run on request all the same. Null: no pipeline writes to it.</summary>
    Task<MaintenanceStatus?> PauseMaintenanceAsync(string table, bool isPaused, CancellationToken cancellationToken = default);

    /// <summary>The same for every table and its dead letters.</summary>
    Task<MaintenanceStatus[]> PauseAllMaintenanceAsync(bool isPaused, CancellationToken cancellationToken = default);
}
