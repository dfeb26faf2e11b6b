using System.Runtime.CompilerServices;
using OrleansLake.Iceberg;
using OrleansLake.Testing.Iceberg;

namespace OrleansLake.Testing.Upkeep;

/// <summary>One life of a writer, a committer or of whoever keeps the table up. A dead one gets no more answers and does no more harm, at whatever await it was.</summary>
internal sealed class UpkeepProcess(UpkeepSimulationWorld world, string name)
{
    public string Name { get; } = name;

    public bool IsAlive { get; private set; } = true;

    public CancellationTokenSource Ended { get; } = new();

    /// <summary>What its swaps may do.</summary>
    public Expected Expected { get; set; } = new Expected.Same();

    /// <summary>What it does now, for people.</summary>
    public string Deed { get; set; } = name;

    /// <summary>When it last asked what it must not expire.</summary>
    public TimeSpan AskedAt { get; set; }

    public void Kill()
    {
        if (IsAlive)
        {
            world.Trace(() => $"{Name} dies");
            IsAlive = false;
            world.Bases.Remove(this);
            Ended.Cancel();
        }
    }

    /// <summary>Asks the outside world for something: it may fail before or after the effect.</summary>
    public Task<T> Ask<T>(string what, Func<T> effect, TimeSpan? delay = null)
    {
        var answer = new TaskCompletionSource<T>();
        world.Scheduler.Leaf(delay ?? world.Latency(), () =>
        {
            if (!IsAlive || Dies(what))
            {
                return;
            }

            if (world.Happens(0.008, "call failed"))
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

            world.Scheduler.Leaf(world.Latency(), () =>
            {
                if (!IsAlive || Dies(what))
                {
                    return;
                }

                if (world.Happens(0.008, "answer lost"))
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

    /// <summary>A step of the outside world at which it may die.</summary>
    public bool Dies(string at)
    {
        if (world.Happens(0.004, "died"))
        {
            world.Trace(() => $"{Name} at {at}");
            Kill();
        }

        return !IsAlive;
    }
}

/// <summary>The store as one process reaches it: mostly at once, now and then late or not at all.</summary>
internal sealed class UpkeepProcessStore(UpkeepSimulationWorld world, UpkeepProcess process) : IObjectStore
{
    public Task<long> GetSizeAsync(string location, CancellationToken cancellationToken) => Reach(location, () => world.Store.GetSizeAsync(location, cancellationToken));

    public Task<ReadOnlyMemory<byte>> ReadAsync(string location, CancellationToken cancellationToken) => Reach(location, () => world.Store.ReadAsync(location, cancellationToken));

    public Task<ReadOnlyMemory<byte>> ReadRangeAsync(string location, long position, int length, CancellationToken cancellationToken) =>
        Reach(location, () => world.Store.ReadRangeAsync(location, position, length, cancellationToken));

    public ObjectWriter OpenWrite(string location) => new Writer(this, location, world.Store.OpenWrite(location));

    public Task<bool> TryCreateAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        Reach(location, () => world.Store.TryCreateAsync(location, content, cancellationToken));

    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Reach(prefix, () => Task.FromResult(true));
        await foreach (ObjectInfo info in world.Store.ListAsync(prefix, cancellationToken))
        {
            yield return info;
        }

        // What came in meanwhile a listing may or may not show; the next one does.
        await Reach(prefix, () => Task.FromResult(true));
    }

    /// <summary>One after the other: it may die between two.</summary>
    public async Task DeleteAsync(IReadOnlyCollection<string> locations, CancellationToken cancellationToken)
    {
        foreach (string location in locations)
        {
            await Reach(location, () =>
            {
                world.Checker.BeforeDeletion([location], process.Deed);
                world.Trace(() => $"{process.Name} ({process.Deed}) deletes {location[^Math.Min(40, location.Length)..]}");
                return Deleted(world.Store.DeleteAsync([location], cancellationToken));
            });
        }
    }

    private static async Task<bool> Deleted(Task task)
    {
        await task;
        return true;
    }

    private Task<T> Reach<T>(string location, Func<Task<T>> call)
    {
        if (!process.IsAlive || process.Dies(location))
        {
            return new TaskCompletionSource<T>().Task;
        }

        if (world.Happens(0.002, "store failed"))
        {
            return Task.FromException<T>(new IOException("store: 503 slow down"));
        }

        if (!world.Happens(0.1, "store slow"))
        {
            return call();
        }

        var answer = new TaskCompletionSource<T>();
        world.Scheduler.Leaf(world.UpTo(3), () =>
        {
            if (process.IsAlive)
            {
                try
                {
                    answer.TrySetResult(UpkeepSimulationWorld.Sync(call()));
                }
                catch (Exception e)
                {
                    answer.TrySetException(e);
                }
            }
        });
        return answer.Task;
    }

    private sealed class Writer(UpkeepProcessStore store, string location, ObjectWriter inner) : ForwardingObjectWriter(inner)
    {
        public override Task CompleteAsync(CancellationToken cancellationToken) => store.Reach(location, () => Deleted(base.CompleteAsync(cancellationToken)));
    }
}

/// <summary>The catalog as one process reaches it: a swap may land with its answer lost, not land, land later, or land and be answered with a conflict.</summary>
internal sealed class UpkeepProcessCatalog(UpkeepSimulationWorld world, UpkeepProcess process) : SwapCatalog
{
    private readonly UpkeepProcessStore _store = new(world, process);

    public override Task<LoadedTable?> LoadTableAsync(TableIdentifier identifier, CancellationToken cancellationToken) =>
        process.Ask<LoadedTable?>("load", () => world.Load() with { Store = _store });

    public override Task<CommitResult> CommitTableAsync(TableCommit commit, CancellationToken cancellationToken)
    {
        var (deed, expected) = (process.Deed, process.Expected);
        CheckBases(commit);
        if (world.Happens(0.04, "swap lost"))
        {
            return process.Ask<CommitResult>("swap", () => new CommitResult.Unknown(new IOException("swap: no answer")));
        }

        if (world.Happens(0.05, "swap lands late"))
        {
            world.Scheduler.Leaf(world.UpTo(20), () => world.Swap(commit, deed, expected));
            return process.Ask<CommitResult>("swap", () => new CommitResult.Unknown(new IOException("swap: no answer")));
        }

        if (world.Happens(0.04, "swap landed, answer lost"))
        {
            return process.Ask<CommitResult>("swap", () =>
            {
                world.Swap(commit, deed, expected);
                return new CommitResult.Unknown(new IOException("swap: connection reset"));
            });
        }

        if (world.Happens(0.04, "swap landed, answered conflict"))
        {
            return process.Ask<CommitResult>("swap", () => world.Swap(commit, deed, expected) switch
            {
                CommitResult.Committed => new CommitResult.Conflict("someone else was quicker"),
                var other => other,
            });
        }

        return process.Ask("swap", () => world.Swap(commit, deed, expected) switch
        {
            CommitResult.Committed(var table) => new CommitResult.Committed(table with { Store = _store }),
            var other => other,
        });
    }

    /// <summary>What a rewrite had said that it reads from, before this process asked, must not go.</summary>
    private void CheckBases(TableCommit commit)
    {
        foreach (long gone in commit.Updates.OfType<TableUpdate.RemoveSnapshots>().SelectMany(update => update.SnapshotIds))
        {
            if (world.Bases.Any(running => running.Value.SnapshotId == gone && running.Value.Since < process.AskedAt && running.Key != process))
            {
                world.Fail($"{process.Deed} expires snapshot {gone}, which a running rewrite was made from");
            }
        }
    }
}
