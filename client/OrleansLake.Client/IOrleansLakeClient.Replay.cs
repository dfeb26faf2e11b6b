using OrleansLake.Contracts;

namespace OrleansLake.Client;

public partial interface IOrleansLakeClient
{
    /// <summary>
    /// Decodes the dead letters of a table again, with today's schema and settings, and makes rows of those that fit, each
    /// exactly once; waits for its end. Null: no pipeline writes to the table.
    /// </summary>
    /// <exception cref="OrleansLakeClientException">It could not go on; what it had committed stays, and asked for again it goes on from there.</exception>
    Task<ReplayStatus?> ReplayDeadLettersAsync(string table, ReplayOrder order, CancellationToken cancellationToken = default);
}

internal static class Replays
{
    /// <summary>Starts a replay and asks until it has ended.</summary>
    public static async Task<ReplayStatus?> RunAsync(string table, ReplayOrder order, Func<Task<ReplayStatus?>> start, Func<Task<ReplayStatus?>> status)
    {
        ReplayStatus? answer = await start();
        if (answer is not null && answer.ReplayId != order.ReplayId)
        {
            throw new OrleansLakeClientException($"{table}: replay {answer.ReplayId} is on its way; one at a time");
        }

        while (answer is { State: ReplayState.Running })
        {
            answer = await status();
        }

        return answer switch
        {
            { State: ReplayState.Failed } => throw new OrleansLakeClientException($"{table}: {answer.Message}; {answer.Replayed} dead letters had become rows by then"),
            { State: ReplayState.NotKnown } => throw new OrleansLakeClientException($"{table}: the silo that ran replay {order.ReplayId} has gone; ask for it again, it goes on from there"),
            _ => answer,
        };
    }
}
