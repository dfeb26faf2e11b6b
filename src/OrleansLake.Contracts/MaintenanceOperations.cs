namespace OrleansLake.Contracts;

/// <summary>The upkeep of the tables that pipelines write to, and of their dead-letter tables, by <c>namespace.table</c>.</summary>
public sealed class MaintenanceOperations(IGrainFactory grains)
{
    private const string DeadLettersSuffix = "__dead_letters";

    /// <summary>How it does; null: no pipeline writes to the table.</summary>
    public async Task<MaintenanceStatus?> StatusAsync(string table) => await FindAsync(table) is { } grain ? await grain.StatusAsync() : null;

    /// <summary>Starts a task. Null: no pipeline writes to the table.</summary>
    public async Task<MaintenanceStart?> RunAsync(string table, string task, bool dryRun) => await FindAsync(table) is { } grain ? await grain.RunAsync(task, dryRun) : null;

    /// <summary>The newest runs, newest first. Null: no pipeline writes to the table.</summary>
    public async Task<MaintenanceRun[]?> HistoryAsync(string table, int most) => await FindAsync(table) is { } grain ? await grain.HistoryAsync(most) : null;

    /// <summary>Pauses the schedule of a table, or has it kept again. Null: no pipeline writes to the table.</summary>
    public async Task<MaintenanceStatus?> PauseAsync(string table, bool isPaused)
    {
        if (await FindAsync(table) is not { } grain)
        {
            return null;
        }

        await grain.PauseAsync(isPaused);
        return await grain.StatusAsync();
    }

    /// <summary>The same for every table and its dead letters at once.</summary>
    public async Task<MaintenanceStatus[]> PauseAllAsync(bool isPaused)
    {
        TableEntry[] entries = await grains.GetGrain<ILakeGrain>(GrainKeys.Lake).TablesAsync();
        IMaintenanceGrain[] all = [.. entries.SelectMany(entry => new[] { entry.Table, entry.Table + DeadLettersSuffix }.Select(table => grains.GetGrain<IMaintenanceGrain>(GrainKeys.Table(entry.Catalog, table))))];
        await Task.WhenAll(all.Select(grain => grain.PauseAsync(isPaused)));
        return await Task.WhenAll(all.Select(grain => grain.StatusAsync()));
    }

    // A grain springs up for any key: an unknown name is asked of the list.
    private async Task<IMaintenanceGrain?> FindAsync(string table)
    {
        TableEntry[] entries = await grains.GetGrain<ILakeGrain>(GrainKeys.Lake).TablesAsync();
        TableEntry? entry = entries.FirstOrDefault(one => one.Table == table)
            ?? entries.FirstOrDefault(one => one.Table + DeadLettersSuffix == table);
        return entry is null ? null : grains.GetGrain<IMaintenanceGrain>(GrainKeys.Table(entry.Catalog, table));
    }
}
