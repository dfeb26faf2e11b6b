using OrleansLake.Contracts;
using OrleansLake.Ingest.Upkeep;

namespace OrleansLake.Grains;

// The groups of a compaction, rewritten by jobs on all silos, a few at once. A job that ends with its silo is nothing but files that
// nobody refers to: its group is given to another one.
internal sealed partial class MaintenanceGrain
{
    /// <summary>How often a group is given out: the silo that it dies with may be dying of it.</summary>
    private const int JobAttempts = 3;

    private static readonly TimeSpan ProtectPeriod = TimeSpan.FromMinutes(1);

    /// <summary>Has the groups rewritten. What one fails of does not stop those that have begun; no further ones begin.</summary>
    private async Task<MaintenanceRun> CompactAsync(MaintenanceRun run, CompactionPlan plan, int most, Dictionary<string, string> told)
    {
        var waiting = new Queue<(CompactionJobOrder Order, int Attempt)>(plan.Groups.Select(group => (CompactionOrders.Of(Key, plan, group, told), 1)));
        var working = new List<WorkingJob>();
        long @base = plan.SnapshotId!.Value;
        DateTimeOffset protectedAt = DateTimeOffset.MinValue;
        int number = 0;
        try
        {
            while (working.Count > 0 || (waiting.Count > 0 && run.Error is null))
            {
                if (time.GetUtcNow() - protectedAt > ProtectPeriod)
                {
                    await TableOf.ProtectAsync(run.RunId, [.. working.Select(job => job.BaseSnapshotId).Append(@base).Distinct()]);
                    protectedAt = time.GetUtcNow();
                }

                while (working.Count < most && waiting.Count > 0 && run.Error is null)
                {
                    var (order, attempt) = waiting.Dequeue();
                    string key = $"{Key}/{run.RunId:N}/{number++}";
                    working.Add(new WorkingJob(key, order, attempt, Job(key).StartAsync(order)));
                }

                Task answered = await Task.WhenAny(working.Select(job => job.Answer)).WaitAsync(_stop.Token);
                WorkingJob asked = working.First(job => job.Answer == answered);
                CompactionJobStatus status = await AnswerAsync(asked);
                if (status is { Known: true, Result: null })
                {
                    if (status.BaseSnapshotId is { } at && at != asked.BaseSnapshotId)
                    {
                        asked.BaseSnapshotId = at;
                        protectedAt = DateTimeOffset.MinValue;
                    }

                    asked.Shown = status.Job ?? asked.Shown;
                    asked.Answer = Job(asked.Key).StatusAsync();
                }
                else
                {
                    working.Remove(asked);
                    if (status.Result is { } result)
                    {
                        run = run.With(result);
                    }
                    else if (asked.Attempt == JobAttempts)
                    {
                        run = run with { Error = run.Error ?? $"job {asked.Key} ended with its silo, and so did {JobAttempts - 1} before it" };
                    }
                    else
                    {
                        run = run.With($"job {asked.Key} ended with its silo{(asked.Shown is { } shown ? $" {shown.Silo}" : "")}; its group is given to another one");
                        waiting.Enqueue((asked.Order, asked.Attempt + 1));
                    }
                }

                MaintenanceJob[] jobs = [.. working.Select(job => job.Shown).OfType<MaintenanceJob>()];
                state.State.Running = run with { Jobs = [.. run.Jobs, .. jobs], HeldSeconds = run.HeldSeconds + jobs.Sum(job => job.HeldSeconds) };
            }
        }
        finally
        {
            await TableOf.ProtectAsync(run.RunId, []);
            foreach (WorkingJob job in working)
            {
                await Job(job.Key).StopAsync();
            }
        }

        return run;
    }

    private ICompactionJobGrain Job(string key) => GrainFactory.GetGrain<ICompactionJobGrain>(key);

    /// <summary>A job that cannot be asked just now is asked again; one whose silo is gone answers from another that knows nothing of it.</summary>
    private async Task<CompactionJobStatus> AnswerAsync(WorkingJob job)
    {
        try
        {
            return await job.Answer;
        }
        catch (Exception error) when (error is TimeoutException or OrleansException)
        {
            logger.LogJobLost(Key, job.Key, error);
            await Task.Delay(LookPeriod, time, _stop.Token);
            return new CompactionJobStatus(true, null, null);
        }
    }

    /// <summary>A job as its run knows it.</summary>
    private sealed class WorkingJob(string key, CompactionJobOrder order, int attempt, Task<CompactionJobStatus> answer)
    {
        public string Key { get; } = key;

        public CompactionJobOrder Order { get; } = order;

        public int Attempt { get; } = attempt;

        public Task<CompactionJobStatus> Answer { get; set; } = answer;

        public long BaseSnapshotId { get; set; } = order.SnapshotId;

        public MaintenanceJob? Shown { get; set; }
    }
}
