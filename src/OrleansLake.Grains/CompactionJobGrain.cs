using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Upkeep;

namespace OrleansLake.Grains;

/// <summary>
/// Rewrites one group, off the turn. It keeps nothing: one that ends with its silo has left files that nothing refers to, and its
/// run has the group rewritten elsewhere.
/// </summary>
[CompactionJobPlacement]
internal sealed class CompactionJobGrain(Catalogs catalogs, UpkeepWorkers workers, ILocalSiloDetails silo, IdSource ids, TimeProvider time) : Grain, ICompactionJobGrain
{
    private static readonly TimeSpan AnswerWait = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan KeepPeriod = TimeSpan.FromSeconds(30);
    private const int TicksOfUnasked = 10;
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stop = new();
    private readonly UpkeepPace _pace = workers.NewPace();
    private Task<MaintenanceRun>? _work;
    private IGrainTimer? _keepAlive;
    private long _startedMs;
    private int _unasked;
    private long _base; // written off the turn

    private MaintenanceJob Job => new()
    {
        Number = int.TryParse(this.GetPrimaryKeyString().AsSpan(this.GetPrimaryKeyString().LastIndexOf('/') + 1), out int number) ? number : 0,
        Silo = silo.SiloAddress.ToString(),
        StartedMs = _startedMs,
        HeldSeconds = _pace.Held.TotalSeconds,
    };

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
    public Task<CompactionJobStatus> StartAsync(CompactionJobOrder order)
    {
        if (_work is null)
        {
            (_startedMs, _base) = (time.GetUtcNow().ToUnixTimeMilliseconds(), order.SnapshotId);
            _work = WorkAsync(order);
        }

        _keepAlive ??= this.RegisterGrainTimer(
            _ => EndUnaskedAsync(), new GrainTimerCreationOptions(KeepPeriod, KeepPeriod) { KeepAlive = true, Interleave = true });
        return Task.FromResult(new CompactionJobStatus(true, Interlocked.Read(ref _base), null) { Job = Job });
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
            return new CompactionJobStatus(true, Interlocked.Read(ref _base), null) { Job = Job };
        }

        DeactivateOnIdle();
        MaintenanceRun run = await work;
        // One that its silo stopped, since it goes down, is wanted elsewhere.
        return run.Error is not null && _stop.IsCancellationRequested ? new CompactionJobStatus(false, null, null) : new CompactionJobStatus(true, null, run);
    }

    /// <inheritdoc />
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        DeactivateOnIdle();
    }

    /// <summary>A result that nobody fetches, since the run has ended with its silo, is not kept for ever.</summary>
    private Task EndUnaskedAsync()
    {
        if (_work is { IsCompleted: true } && ++_unasked == TicksOfUnasked)
        {
            DeactivateOnIdle();
        }

        return Task.CompletedTask;
    }

    private async Task<MaintenanceRun> WorkAsync(CompactionJobOrder order)
    {
        var (catalogName, identifier) = GrainKeys.ParseTable(order.TableKey);
        var run = new MaintenanceRun { RunId = ids.NewUuid(), Task = "compaction", Trigger = "job", StartedMs = _startedMs };
        try
        {
            ICatalog catalog = catalogs.Find(catalogName);
            TableIdentifier name = TableIdentifier.Parse(identifier);
            var committer = new GrainUpkeepCommitter(GrainFactory.GetGrain<ITableGrain>(order.TableKey), catalog, ids, time);
            UpkeepResult result = await workers.RunAsync(
                async token =>
                {
                    LoadedTable table = await catalog.LoadTableAsync(name, token) ?? throw new PipelineTroubleException($"table {name} does not exist");
                    var (plan, group) = await CompactionOrders.ReadAsync(order, table, UpkeepOptions.Read(table.Metadata, order.Settings), token);
                    var compaction = new Compaction(catalog, committer, ids, time) { Pace = _pace.WaitAsync, OnBase = at => Interlocked.Exchange(ref _base, at ?? order.SnapshotId) };
                    return await compaction.ExecuteAsync(plan, group, isOld: false, token);
                },
                _stop.Token);
            run = run.With(result);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            run = run with { Error = "the job was stopped; what it had not committed is not in the table" };
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            run = run with { Error = error.Message };
        }

        double seconds = (time.GetUtcNow().ToUnixTimeMilliseconds() - _startedMs) / 1000.0;
        return run with
        {
            HeldSeconds = _pace.Held.TotalSeconds,
            Jobs = [Job with { Seconds = seconds, FilesRemoved = run.FilesRemoved, BytesRead = run.BytesRead, Error = run.Error }],
        };
    }
}
