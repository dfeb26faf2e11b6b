using Microsoft.Extensions.Logging;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Replay;

namespace OrleansLake.Grains;

/// <summary>Runs replays beside the grains: decoding and writing is no work for a turn.</summary>
internal sealed class ReplayRuns(TableCommitters committers, PipelineWriters writers, IdSource ids, TimeProvider time, ILoggerFactory loggers)
{
    /// <summary>Starts one on the thread pool.</summary>
    public ReplayRun Start(string catalog, TableIdentifier table, ReplayRequest request, CancellationToken cancellationToken)
    {
        var replay = new DeadLetterReplay(committers.Create(catalog, table), writers.OfReplay, ids, time, loggers.CreateLogger<DeadLetterReplay>());
        return new ReplayRun(replay, Task.Run(() => replay.RunAsync(request, cancellationToken), cancellationToken));
    }
}

/// <summary>A replay on its way.</summary>
/// <param name="Replay">What it did so far.</param>
/// <param name="Ended">Its end.</param>
internal sealed record ReplayRun(DeadLetterReplay Replay, Task<ReplayResult> Ended);
