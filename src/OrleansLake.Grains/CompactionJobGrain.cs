using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Upkeep;

namespace OrleansLake.Grains;

/// <summary>
/// Rewrites one group, off the turn. It keeps nothing: one that ends with its silo has left files that nothing refers to, and its
/// run says so.
/// </summary>
internal sealed class CompactionJobGrain(Catalogs catalogs, UpkeepWorkers workers, IdSource ids, TimeProvider time) : Grain, ICompactionJobGrain
{
    private static readonly TimeSpan AnswerWait = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan KeepPeriod = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stop = new();
    private Task<MaintenanceRun>? _work;
    private IGrainTimer? _keepAlive;
    private long _base; // written off the turn

    /// <inheritdoc />
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        if (_work is { } work)
        {
            await Task.WhenAny(work, Task.Delay(StopLimit, time, cancellationToken));
        }

        await base.OnDeactivateAsync(reason, cancellationToken);
    }

    /// <inheritdoc />
    public Task StartAsync(CompactionJobOrder order)
    {
        _work ??= WorkAsync(order);
        _keepAlive ??= this.RegisterGrainTimer(
            static _ => Task.CompletedTask, new GrainTimerCreationOptions(KeepPeriod, KeepPeriod) { KeepAlive = true, Interleave = true });
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public async Task<CompactionJobStatus> StatusAsync()
    {
        if (_work is not { } work)
        {
            return new CompactionJobStatus(false, null, null);
        }

        await Task.WhenAny(work, Task.Delay(AnswerWait, time, _stop.Token));
        if (!work.IsCompleted)
        {
            return new CompactionJobStatus(true, Interlocked.Read(ref _base), null);
        }

        DeactivateOnIdle();
        return new CompactionJobStatus(true, null, await work);
    }

    /// <inheritdoc />
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        DeactivateOnIdle();
    }

    private async Task<MaintenanceRun> WorkAsync(CompactionJobOrder order)
    {
        var (catalogName, identifier) = GrainKeys.ParseTable(order.TableKey);
        var run = new MaintenanceRun { RunId = ids.NewUuid(), Task = "compaction", Trigger = "job", StartedMs = time.GetUtcNow().ToUnixTimeMilliseconds() };
        try
        {
            ICatalog catalog = catalogs.Find(catalogName);
            TableIdentifier name = TableIdentifier.Parse(identifier);
            _base = order.SnapshotId;
            var committer = new GrainUpkeepCommitter(GrainFactory.GetGrain<ITableGrain>(order.TableKey), catalog, ids, time);
            UpkeepResult result = await workers.RunAsync(
                async token =>
                {
                    LoadedTable table = await catalog.LoadTableAsync(name, token) ?? throw new PipelineTroubleException($"table {name} does not exist");
                    var (plan, group) = await CompactionOrders.ReadAsync(order, table, UpkeepOptions.Read(table.Metadata, order.Settings), token);
                    var compaction = new Compaction(catalog, committer, ids, time) { Pace = workers.PaceAsync, OnBase = at => Interlocked.Exchange(ref _base, at ?? order.SnapshotId) };
                    return await compaction.ExecuteAsync(plan, group, isOld: false, token);
                },
                _stop.Token);
            return run.With(result);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            return run with { Error = "the job was stopped; what it had not committed is not in the table" };
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            return run with { Error = error.Message };
        }
    }
}
