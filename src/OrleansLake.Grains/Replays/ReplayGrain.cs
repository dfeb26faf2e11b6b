using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Replay;

namespace OrleansLake.Grains;

/// <summary>
/// Sees to it that one replay of a table runs at a time, and tells how it stands. Exactly once does not hang on this: a twin's
/// replay costs conflicts, and one of the two ends.
/// </summary>
internal sealed class ReplayGrain(ReplayRuns runs, TimeProvider time) : Grain, IReplayGrain
{
    private static readonly TimeSpan StatusWait = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan WatchPeriod = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stop = new();
    private ReplayOrder? _order;
    private ReplayRun? _run;
    private IGrainTimer? _watch;

    /// <inheritdoc />
    public Task<ReplayStatus> StartAsync(ReplayOrder order)
    {
        if (_run is not { Ended.IsCompleted: false } && _order?.ReplayId != order.ReplayId)
        {
            var (catalog, identifier) = GrainKeys.ParseTable(this.GetPrimaryKeyString());
            var request = new ReplayRequest { Where = string.IsNullOrWhiteSpace(order.Where) ? null : Expression.Parse(order.Where), DryRun = order.DryRun };
            _order = order;
            _run = runs.Start(catalog, TableIdentifier.Parse(identifier), request, _stop.Token);
            // Nobody may call while it runs: a timer keeps the grain where it is.
            _watch ??= this.RegisterGrainTimer(WatchAsync, new GrainTimerCreationOptions(WatchPeriod, WatchPeriod) { KeepAlive = true, Interleave = true });
        }

        return Task.FromResult(Status());
    }

    /// <inheritdoc />
    public async Task<ReplayStatus> StatusAsync(Guid replayId)
    {
        if (_order?.ReplayId == replayId && _run is { } run)
        {
            await Task.WhenAny(run.Ended, Task.Delay(StatusWait, time));
        }

        return _order?.ReplayId == replayId ? Status() : new ReplayStatus { ReplayId = replayId, Table = GrainKeys.ParseTable(this.GetPrimaryKeyString()).Identifier, State = ReplayState.NotKnown };
    }

    /// <inheritdoc />
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        if (_run is { } run)
        {
            await Task.WhenAny(run.Ended, Task.Delay(StopLimit, time, cancellationToken));
        }

        _stop.Dispose();
        await base.OnDeactivateAsync(reason, cancellationToken);
    }

    private Task WatchAsync(CancellationToken cancellationToken)
    {
        if (_run is not { Ended.IsCompleted: false })
        {
            _watch?.Dispose();
            _watch = null;
        }

        return Task.CompletedTask;
    }

    private ReplayStatus Status()
    {
        ReplayRun run = _run!;
        ReplayResult result = run.Replay.Result;
        return new ReplayStatus
        {
            ReplayId = _order!.ReplayId,
            Table = GrainKeys.ParseTable(this.GetPrimaryKeyString()).Identifier,
            State = !run.Ended.IsCompleted ? ReplayState.Running : run.Ended.IsCompletedSuccessfully ? ReplayState.Done : ReplayState.Failed,
            Message = run.Ended.IsFaulted ? run.Ended.Exception.InnerException!.Message : run.Ended.IsCanceled ? "its silo is going down" : null,
            DryRun = _order.DryRun,
            Examined = result.Examined,
            Replayed = result.Replayed,
            StillBad = result.StillBad,
            StillBadBecause = new Dictionary<string, long>(result.StillBadBecause),
            OfEndedGenerations = result.OfEndedGenerations,
            Snapshots = [.. result.Snapshots],
            Settled = [.. result.Settled],
        };
    }
}
