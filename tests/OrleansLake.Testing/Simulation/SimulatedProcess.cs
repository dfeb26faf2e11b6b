using OrleansLake.Iceberg;
using OrleansLake.Ingest;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Pump;
using OrleansLake.Testing.Iceberg;

namespace OrleansLake.Testing.Simulation;

/// <summary>
/// One life of a pump or a committer. A dead one gets no more answers and does no more harm, at whatever await it was; a
/// frozen one does everything later.
/// </summary>
internal sealed class SimulatedProcess(SimulationWorld world, string name)
{
    public string Name { get; } = name;

    public bool IsAlive { get; private set; } = true;

    public TimeSpan FrozenUntil { get; set; }

    public bool IsFrozen => FrozenUntil > world.Scheduler.Now;

    public TimeProvider Time { get; } = world.Scheduler.Time.Skewed(TimeSpan.FromMilliseconds(world.Random.Next(-2000, 2000)));

    public CancellationTokenSource Ended { get; } = new();

    public void Kill()
    {
        IsAlive = false;
        Ended.Cancel();
    }

    /// <summary>Asks the outside world for something: it may fail before or after the effect.</summary>
    public Task<T> Ask<T>(string what, Func<T> effect)
    {
        var answer = new TaskCompletionSource<T>();
        world.Scheduler.Leaf(world.Latency() + Frozen(), () =>
        {
            if (!IsAlive)
            {
                return;
            }

            if (world.Happens(0.01, "call failed"))
            {
                answer.TrySetException(new IOException($"{what}: connection reset"));
                return;
            }

            T result;
            try
            {
                result = effect();
            }
            catch (Exception e)
            {
                answer.TrySetException(e);
                return;
            }

            world.Scheduler.Leaf(world.Latency() + Frozen(), () =>
            {
                if (!IsAlive)
                {
                    return;
                }

                if (world.Happens(0.01, "answer lost"))
                {
                    answer.TrySetException(new IOException($"{what}: no answer"));
                }
                else
                {
                    answer.TrySetResult(result);
                }
            });
        });
        return answer.Task;
    }

    private TimeSpan Frozen() => IsFrozen ? FrozenUntil - world.Scheduler.Now : TimeSpan.Zero;
}

/// <summary>The store as one process reaches it, a stranger without faults. It answers at once; what takes time is in the catalog and the network.</summary>
internal sealed class ProcessStore(SimulationWorld world, SimulatedProcess? process) : IObjectStore
{
    public Task<long> GetSizeAsync(string location, CancellationToken cancellationToken) => Reach(() => world.Store.GetSizeAsync(location, cancellationToken));

    public Task<ReadOnlyMemory<byte>> ReadAsync(string location, CancellationToken cancellationToken) => Reach(() => world.Store.ReadAsync(location, cancellationToken));

    public Task<ReadOnlyMemory<byte>> ReadRangeAsync(string location, long position, int length, CancellationToken cancellationToken) =>
        Reach(() => world.Store.ReadRangeAsync(location, position, length, cancellationToken));

    public ObjectWriter OpenWrite(string location) => new Writer(this, world.Store.OpenWrite(location));

    public Task<bool> TryCreateAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        Reach(() => world.Store.TryCreateAsync(location, content, cancellationToken));

    public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken) => world.Store.ListAsync(prefix, cancellationToken);

    public Task DeleteAsync(IReadOnlyCollection<string> locations, CancellationToken cancellationToken) => Reach(async () =>
    {
        await world.Store.DeleteAsync(locations, cancellationToken);
        return true;
    });

    private Task<T> Reach<T>(Func<Task<T>> call)
    {
        if (process is null)
        {
            return call();
        }

        if (!process.IsAlive)
        {
            return new TaskCompletionSource<T>().Task;
        }

        if (world.Happens(0.004, "store failed"))
        {
            return Task.FromException<T>(new IOException("store: 503 slow down"));
        }

        Task<T> answer = call();
        if (world.Happens(0.002, "died at the store"))
        {
            world.Kill(process);
            return new TaskCompletionSource<T>().Task;
        }

        return answer;
    }

    private sealed class Writer(ProcessStore store, ObjectWriter inner) : ForwardingObjectWriter(inner)
    {
        public override Task CompleteAsync(CancellationToken cancellationToken) => store.Reach(async () =>
        {
            await base.CompleteAsync(cancellationToken);
            return true;
        });
    }
}

/// <summary>
/// The catalog as one process reaches it. A swap may land with its answer lost, not land at all, land later, or land and be
/// answered with a conflict, as a client library's own retry does.
/// </summary>
internal sealed class ProcessCatalog(SimulationWorld world, SimulatedProcess process) : SwapCatalog
{
    private readonly ProcessStore _store = new(world, process);

    public override Task<LoadedTable?> LoadTableAsync(TableIdentifier identifier, CancellationToken cancellationToken) =>
        process.Ask($"load {identifier}", () => world.Load(identifier) is { } table ? table with { Store = _store } : null);

    public override Task<CommitResult> CommitTableAsync(TableCommit commit, CancellationToken cancellationToken)
    {
        string name = commit.Base.Identifier.Name;
        if (world.SlowDeadLetters && commit.Base.Identifier.Equals(SimulationWorld.Dead) && world.Happens(0.8, "swap of dead letters on its way"))
        {
            TimeSpan delay = TimeSpan.FromSeconds(12) + world.UpTo(12);
            world.Scheduler.After(TimeSpan.Zero, world.WhileDeadLettersAreOnTheirWay);
            return LaterAsync();

            async Task<CommitResult> LaterAsync()
            {
                await world.Scheduler.Later(delay, static () => true);
                return await SwapAsync(commit);
            }
        }
        if (world.Happens(0.05, "swap lost"))
        {
            return process.Ask<CommitResult>("swap", () => new CommitResult.Unknown(new IOException("swap: no answer")));
        }

        if (world.Happens(0.06, "swap lands late"))
        {
            TimeSpan delay = world.UpTo(40);
            world.Scheduler.Leaf(delay, () => world.Swap(commit, $"{process.Name} (late)"));
            return process.Ask<CommitResult>("swap", () => new CommitResult.Unknown(new IOException("swap: no answer")));
        }

        if (world.Happens(0.05, "swap landed, answer lost"))
        {
            return process.Ask<CommitResult>("swap", () =>
            {
                world.Swap(commit, process.Name);
                return new CommitResult.Unknown(new IOException("swap: connection reset"));
            });
        }

        if (world.Happens(0.05, "swap landed, answered conflict"))
        {
            return process.Ask<CommitResult>("swap", () => world.Swap(commit, process.Name) switch
            {
                CommitResult.Committed => new CommitResult.Conflict($"{name}: someone else was quicker"),
                var other => other,
            });
        }

        return SwapAsync(commit);
    }

    private Task<CommitResult> SwapAsync(TableCommit commit) => process.Ask("swap", () => world.Swap(commit, process.Name) switch
    {
        CommitResult.Committed(var table) => new CommitResult.Committed(table with { Store = _store }),
        var other => other,
    });
}

/// <summary>The two committers as one pump reaches them: messages are lost, late or repeated, and come to the one or the other.</summary>
internal sealed class SimulatedNetwork(SimulationWorld world, SimulatedProcess process) : ICommitter
{
    private int _target = world.Random.Next(2);

    public async Task EnqueueAsync(DataWritten report, CancellationToken cancellationToken)
    {
        world.Record(report);
        await HopAsync("report lost");
        if (world.Holds(report))
        {
            throw new TimeoutException("the report is on its way");
        }

        world.Trace(() => $"{process.Name} reports {Short(report.ReportId)} to committer {_target}: {string.Join(", ", report.Ranges.Select(range => $"{range.TopicPartition} {range.Range}"))}");
        if (world.Happens(0.08, "report repeated"))
        {
            world.Redeliver(report, world.UpTo(60));
        }

        await Target().EnqueueAsync(report, CancellationToken.None);
        await HopAsync("receipt lost");
    }

    public async Task<ReportAnswer> OutcomeAsync(Guid reportId, CancellationToken cancellationToken)
    {
        await HopAsync("question lost");
        ReportAnswer answer = await Target().OutcomeAsync(reportId, CancellationToken.None);
        world.Checker.AfterAnswer(reportId, answer);
        await HopAsync("answer to a report lost");
        world.Trace(() => $"{process.Name} hears of {Short(reportId)}: {answer}");
        return answer;
    }

    public async Task<ResumePoint> ResumeAsync(string pipeline, string generation, IReadOnlyList<TopicPartition> topicPartitions, IReadOnlyDictionary<string, string> topicIds, CancellationToken cancellationToken)
    {
        await HopAsync("resume lost");
        ResumePoint point = await Target().ResumeAsync(pipeline, generation, topicPartitions, topicIds, CancellationToken.None);
        await HopAsync("resume point lost");
        world.Trace(() => $"{process.Name} resumes at {string.Join(", ", point.Partitions.Select(p => $"{p.TopicPartition}@{p.Next}"))} (sequence number {point.LastSequenceNumber})");
        return point;
    }

    private static string Short(Guid id) => id.ToString("N")[^6..];

    private TableCommitter Target()
    {
        if (world.Happens(0.05, "committer changed"))
        {
            _target = 1 - _target;
        }

        return world.Committers[_target] ?? world.Committers[_target = 1 - _target] ?? throw new TimeoutException("no committer answers");
    }

    private async Task HopAsync(string loss)
    {
        if (world.Happens(0.02, loss))
        {
            await world.Scheduler.Later(world.UpTo(5), static () => true);
            throw new TimeoutException(loss);
        }

        await world.Scheduler.Later(world.Happens(0.02, "message late") ? world.UpTo(45) : world.Latency(), static () => true);
        if (!process.IsAlive)
        {
            await new TaskCompletionSource().Task;
        }
    }
}
