using Microsoft.AspNetCore.Http.HttpResults;
using OrleansLake.Contracts;

namespace OrleansLake.Silo.Http;

/// <summary>The upkeep of tables over HTTP.</summary>
internal static class MaintenanceEndpoints
{
    private const int MostRuns = 100;

    /// <summary>Puts every route in its place.</summary>
    public static void MapMaintenance(this WebApplication app)
    {
        app.MapGet("/tables/{name}/maintenance", async (string name, MaintenanceOperations maintenance) =>
            Answer(await maintenance.StatusAsync(name), name));
        app.MapGet("/tables/{name}/maintenance/runs", async (string name, int? most, MaintenanceOperations maintenance) =>
            Answer(await maintenance.HistoryAsync(name, Math.Clamp(most ?? MostRuns, 0, MostRuns)), name));
        app.MapPost("/tables/{name}/maintenance/pause", async (string name, MaintenanceOperations maintenance) => Answer(await maintenance.PauseAsync(name, true), name));
        app.MapPost("/tables/{name}/maintenance/resume", async (string name, MaintenanceOperations maintenance) => Answer(await maintenance.PauseAsync(name, false), name));
        app.MapPost("/maintenance/pause", async (MaintenanceOperations maintenance) => await maintenance.PauseAllAsync(true));
        app.MapPost("/maintenance/resume", async (MaintenanceOperations maintenance) => await maintenance.PauseAllAsync(false));
        app.MapPost("/tables/{name}/maintenance/{task}", async (string name, string task, bool? dryRun, MaintenanceOperations maintenance) =>
            Answer(await maintenance.RunAsync(name, task, dryRun ?? false), name));
    }

    private static Results<Ok<T>, NotFound<ErrorBody>> Answer<T>(T? value, string table)
        where T : class => value is null ? TypedResults.NotFound(new ErrorBody($"no pipeline writes to a table \"{table}\"; GET /tables lists them")) : TypedResults.Ok(value);
}
