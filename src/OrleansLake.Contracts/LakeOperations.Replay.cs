namespace OrleansLake.Contracts;

public sealed partial class LakeOperations
{
    /// <summary>Starts a replay of a table's dead letters, or says how one stands that runs already. Null: no pipeline writes to the table.</summary>
    public async Task<ReplayStatus?> StartReplayAsync(string table, ReplayOrder order) =>
        await EntryAsync(table) is { } entry ? await Replays(entry).StartAsync(order) : null;

    /// <summary>How a replay stands; waits a while for its end. Null: no pipeline writes to the table.</summary>
    public async Task<ReplayStatus?> ReplayStatusAsync(string table, Guid replayId) =>
        await EntryAsync(table) is { } entry ? await Replays(entry).StatusAsync(replayId) : null;

    private IReplayGrain Replays(TableEntry entry) => grains.GetGrain<IReplayGrain>(GrainKeys.Table(entry.Catalog, entry.Table));
}
