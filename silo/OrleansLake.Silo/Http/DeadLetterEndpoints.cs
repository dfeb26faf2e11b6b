using OrleansLake.Contracts;
using OrleansLake.Iceberg;

namespace OrleansLake.Silo.Http;

/// <summary>Dead letters over HTTP: a replay is started, and asked about until it has ended.</summary>
internal static class DeadLetterEndpoints
{
    /// <summary>Puts the routes in their place.</summary>
    public static void MapDeadLetters(this WebApplication app)
    {
        app.MapPost("/tables/{name}/dead-letters/replays/{id:guid}", async (string name, Guid id, string? where, bool? dryRun, LakeOperations lake) =>
        {
            if (where is not null && Refusal(where) is { } refusal)
            {
                return Results.BadRequest(new ErrorBody(refusal));
            }

            return await lake.StartReplayAsync(name, new ReplayOrder(id, where, dryRun ?? false)) switch
            {
                null => Results.NotFound(LakeEndpoints.NoTable(name)),
                { ReplayId: var other } when other != id => Results.Conflict(new ErrorBody($"replay {other} of {name} is on its way; one at a time")),
                var status => Results.Ok(status),
            };
        });
        app.MapGet("/tables/{name}/dead-letters/replays/{id:guid}", async (string name, Guid id, LakeOperations lake) =>
            LakeEndpoints.Answer(await lake.ReplayStatusAsync(name, id), () => LakeEndpoints.NoTable(name)));
    }

    private static string? Refusal(string where)
    {
        try
        {
            Expression.Parse(where);
            return null;
        }
        catch (FormatException error)
        {
            return $"where: {error.Message}";
        }
    }
}
