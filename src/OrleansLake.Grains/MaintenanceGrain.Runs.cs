using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Upkeep;

namespace OrleansLake.Grains;

// One run: plan, carry out, record. A compaction is carried out by jobs, a few at once, each wherever there is room; everything else
// here. Every run leaves a record, save one by schedule that found nothing to do.
internal sealed partial class MaintenanceGrain
{
    private static readonly TimeSpan ProtectPeriod = TimeSpan.FromMinutes(1);

    private ITableGrain TableOf => GrainFactory.GetGrain<ITableGrain>(Key);

    private Guid Begin(string task, string trigger, bool dryRun)
    {
        var run = new MaintenanceRun { RunId = ids.NewUuid(), Task = task, Trigger = trigger, DryRun = dryRun, StartedMs = time.GetUtcNow().ToUnixTimeMilliseconds() };
        state.State.Running = run;
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
            UpkeepTasks tasks = TasksOn(catalog);
            TableIdentifier name = _table!;
            var (plan, settings, before) = await workers.RunAsync(
                async token =>
                {
                    LoadedTable table = await catalog.LoadTableAsync(name, token) ?? throw new PipelineTroubleException($"table {name} does not exist");
                    var read = MaintenanceSettings.Read(table.Metadata, told);
                    return (await tasks.PlanAsync(run.Task, table, read.Options, token), read, await UpkeepCounts.OfAsync(table, token));
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

            metrics.Ran(_table!.ToString(), run, at.Failures);
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
        try
        {
            await state.WriteStateAsync();
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

    private UpkeepTasks TasksOn(ICatalog catalog)
    {
        ITableGrain table = TableOf; // asked off the turn
        Guid holder = ids.NewUuid();
        return new UpkeepTasks(catalog, new GrainUpkeepCommitter(table, catalog, ids, time), ids, time)
        {
            Pace = workers.PaceAsync,
            OnBase = at => _ = table.ProtectAsync(holder, at is { } snapshot ? [snapshot] : []),
            Protected = async token => await table.ProtectedAsync().WaitAsync(token),
        };
    }

    /// <summary>Has the groups rewritten, a few at once. What one fails of does not stop those that have begun; no further ones begin.</summary>
    private async Task<MaintenanceRun> CompactAsync(MaintenanceRun run, CompactionPlan plan, int most, Dictionary<string, string> told)
    {
        var waiting = new Queue<CompactionJobOrder>(plan.Groups.Select(group => CompactionOrders.Of(Key, plan, group, told)));
        var working = new List<Task<CompactionJobStatus>>();
        var jobs = new Dictionary<Task<CompactionJobStatus>, string>();
        var bases = new Dictionary<string, long> { [""] = plan.SnapshotId!.Value };
        DateTimeOffset protectedAt = DateTimeOffset.MinValue;
        int number = 0;
        try
        {
            while (working.Count > 0 || (waiting.Count > 0 && run.Error is null))
            {
                if (time.GetUtcNow() - protectedAt > ProtectPeriod)
                {
                    await TableOf.ProtectAsync(run.RunId, [.. bases.Values.Distinct()]);
                    protectedAt = time.GetUtcNow();
                }

                while (working.Count < most && waiting.Count > 0 && run.Error is null)
                {
                    string key = $"{Key}/{run.RunId:N}/{number++}";
                    Ask(key, StartAsync(key, waiting.Dequeue()));
                }

                Task<CompactionJobStatus> answered = await Task.WhenAny(working).WaitAsync(_stop.Token);
                string job = jobs[answered];
                working.Remove(answered);
                jobs.Remove(answered);
                CompactionJobStatus status = await AnswerAsync(job, answered);
                if (status is { Known: true, Result: null })
                {
                    if (status.BaseSnapshotId is { } at && bases.GetValueOrDefault(job) != at)
                    {
                        bases[job] = at;
                        protectedAt = DateTimeOffset.MinValue;
                    }

                    Ask(job, Job(job).StatusAsync());
                    continue;
                }

                bases.Remove(job);
                run = status.Result is { } result ? run.With(result) : run with { Error = run.Error ?? $"job {job} ended with its silo" };
                state.State.Running = run;
            }
        }
        finally
        {
            await TableOf.ProtectAsync(run.RunId, []);
            foreach (string job in jobs.Values)
            {
                await Job(job).StopAsync();
            }
        }

        return run;

        void Ask(string job, Task<CompactionJobStatus> question)
        {
            working.Add(question);
            jobs[question] = job;
        }
    }

    private ICompactionJobGrain Job(string key) => GrainFactory.GetGrain<ICompactionJobGrain>(key);

    private async Task<CompactionJobStatus> StartAsync(string key, CompactionJobOrder order)
    {
        await Job(key).StartAsync(order);
        return await Job(key).StatusAsync();
    }

    /// <summary>A job that cannot be asked just now is asked again; one whose silo is gone answers from another that knows nothing of it.</summary>
    private async Task<CompactionJobStatus> AnswerAsync(string job, Task<CompactionJobStatus> answered)
    {
        try
        {
            return await answered;
        }
        catch (Exception error) when (error is TimeoutException or OrleansException)
        {
            logger.LogJobLost(Key, job, error);
            await Task.Delay(LookPeriod, time, _stop.Token);
            return new CompactionJobStatus(true, null, null);
        }
    }
}
