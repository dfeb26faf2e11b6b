using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Upkeep;

namespace OrleansLake.Grains;

// One run: plan, carry out, record. A compaction is carried out by jobs, a few at once, each wherever there is room; everything else
// here. Every run leaves a record, save one by schedule that found nothing to do.
internal sealed partial class MaintenanceGrain
{
    private ITableGrain TableOf => GrainFactory.GetGrain<ITableGrain>(Key);

    private Guid Begin(string task, string trigger, bool dryRun)
    {
        var run = new MaintenanceRun { RunId = ids.NewUuid(), Task = task, Trigger = trigger, DryRun = dryRun, StartedMs = time.GetUtcNow().ToUnixTimeMilliseconds() };
        state.State.Running = run;
        StartTimer(); // the grain stays while it runs
        _run = GoAsync(run);
        return run.RunId;
    }

    private async Task GoAsync(MaintenanceRun run)
    {
        bool isEmpty = false;
        try
        {
            // Written before anything is done: a silo that dies leaves the record.
            await SaveAsync();
            ICatalog catalog = catalogs.Find(_catalog);
            Dictionary<string, string> told = Told;
            UpkeepPace pace = workers.NewPace();
            UpkeepTasks tasks = TasksOn(catalog, pace);
            TableIdentifier name = _table!;
            var (plan, settings, before, cost) = await workers.RunAsync(
                async token =>
                {
                    LoadedTable table = await catalog.LoadTableAsync(name, token) ?? throw new PipelineTroubleException($"table {name} does not exist");
                    var read = MaintenanceSettings.Read(table.Metadata, told);
                    UpkeepPlan made = await tasks.PlanAsync(run.Task, table, read.Options, run.DryRun, token);
                    bool rewrites = !run.DryRun && made is CompactionPlan { Groups.Count: > 0 };
                    return (made, read, await UpkeepCounts.OfAsync(table, token), rewrites ? await QueryCost.OfAsync(table, read.Options.Compaction.Probe, token) : null);
                },
                _stop.Token);
            _settings = settings;
            isEmpty = plan.IsEmpty;
            run = run with { Plan = MaintenanceRuns.LinesOf(plan), Before = MaintenanceRuns.CountsOf(before) };
            state.State.Running = run;
            if (plan is OrphanPlan orphans)
            {
                state.State.OrphanBytes = orphans.Bytes;
            }

            if (!run.DryRun)
            {
                run = plan is CompactionPlan { Groups.Count: > 0 } compaction
                    ? await CompactAsync(run, compaction, settings.Jobs, told)
                    : run;
                UpkeepPlan rest = plan is CompactionPlan all ? all with { Groups = [] } : plan;
                run = run.With(await workers.RunAsync(token => tasks.ExecuteAsync(rest, token), _stop.Token));
                run = run with { HeldSeconds = run.HeldSeconds + pace.Held.TotalSeconds };
                run = cost is null ? run : run.With(await CostAsync(catalog, name, cost));
                state.State.OrphanBytes = plan is OrphanPlan && run.Error is null ? 0 : state.State.OrphanBytes;
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            run = run with { Error = "its silo went down before it was done; what it had not committed is not in the table" };
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            run = run with { Error = error.Message };
        }

        await EndAsync(run with { Seconds = (time.GetUtcNow().ToUnixTimeMilliseconds() - run.StartedMs) / 1000.0 }, isEmpty);
    }

    private async Task EndAsync(MaintenanceRun run, bool isEmpty)
    {
        DateTimeOffset now = time.GetUtcNow();
        if (!state.State.Tasks.TryGetValue(run.Task, out MaintenanceTaskState? at))
        {
            state.State.Tasks[run.Task] = at = new MaintenanceTaskState();
        }

        if (!run.DryRun)
        {
            (at.LastMs, at.Error, at.Failures) = (now.ToUnixTimeMilliseconds(), run.Error, run.Error is null ? 0 : at.Failures + 1);
            if (_settings?.Tasks.FirstOrDefault(one => one.Task == run.Task) is { Schedule: { } schedule, Text: var text })
            {
                DateTimeOffset? next = schedule.Next(now, _settings.Zone, _jitter);
                DateTimeOffset again = now + BackOff(at.Failures);
                (at.Schedule, at.DueMs) = (text, (next > again ? next : next is null ? null : again)?.ToUnixTimeMilliseconds());
            }

            run = run with { Failures = at.Failures, AgainMs = run.Error is null ? null : at.DueMs };
            metrics.Ran(_table!.ToString(), run, at.Failures);
            TellAlert(run.Task, run.Error);
        }

        if (run.Error is not null)
        {
            logger.LogFailed(Key, run.Task, at.Failures, at.DueMs is { } due ? DateTimeOffset.FromUnixTimeMilliseconds(due) : now, run.Error);
        }
        else if (!run.DryRun && !isEmpty)
        {
            logger.LogDone(Key, run.Task, run.Seconds ?? 0, run.FilesRemoved, run.FilesAdded, run.BytesRemoved);
        }

        // Every few minutes that there was nothing to do would push what happened out of the list.
        if (isEmpty && run is { Trigger: "schedule", Error: null, FilesRemoved: 0 })
        {
            state.State.Running = null;
        }
        else
        {
            Record(run);
        }

        _lookedAt = DateTimeOffset.MinValue;
        if (state.State.Definition is null)
        {
            StopTimer();
        }

        try
        {
            await SaveAsync();
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            SetTrouble(error.Message);
        }
    }

    private void Record(MaintenanceRun run)
    {
        state.State.Running = null;
        state.State.Runs.Add(run);
        if (state.State.Runs.Count > KeptRuns)
        {
            state.State.Runs.RemoveRange(0, state.State.Runs.Count - KeptRuns);
        }
    }

    /// <summary>None after a success; then a minute, twice as long each time.</summary>
    private static TimeSpan BackOff(int failures) =>
        failures == 0 ? TimeSpan.Zero : TimeSpan.FromTicks(Math.Min(LongestBackOff.Ticks, FirstBackOff.Ticks << Math.Min(failures - 1, 16)));

    private UpkeepTasks TasksOn(ICatalog catalog, UpkeepPace pace)
    {
        ITableGrain table = TableOf; // asked off the turn
        Guid holder = ids.NewUuid();
        return new UpkeepTasks(catalog, new GrainUpkeepCommitter(table, catalog, ids, time), ids, time)
        {
            Pace = pace.WaitAsync,
            OnBase = at => _ = table.ProtectAsync(holder, at is { } snapshot ? [snapshot] : []),
            Protected = async token => await table.ProtectedAsync().WaitAsync(token),
        };
    }

    /// <summary>What the probe costs now, beside what it did.</summary>
    private Task<string> CostAsync(ICatalog catalog, TableIdentifier name, QueryCost before) => workers.RunAsync(
        async token =>
        {
            LoadedTable table = await catalog.LoadTableAsync(name, token) ?? throw new PipelineTroubleException($"table {name} does not exist");
            return (await QueryCost.OfAsync(table, before.Where, token)).Beside(before);
        },
        _stop.Token);
}
