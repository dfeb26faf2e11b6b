using OrleansLake.Iceberg;

namespace OrleansLake.Testing.Commit;

/// <summary>What goes wrong with one swap.</summary>
public enum SwapFault
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>It is not applied, and the answer is Unknown.</summary>
    FailBefore,

    /// <summary>It is applied, and the answer is Unknown.</summary>
    FailAfter,

    /// <summary>It is not applied, and no answer ever comes.</summary>
    HangBefore,

    /// <summary>It is applied, and no answer ever comes.</summary>
    HangAfter,

    /// <summary>The answer is Unknown; it is applied when <see cref="FaultyCatalog.ApplyLateAsync"/> says so, if it still can be.</summary>
    Late,

    /// <summary>It is not applied, and the answer is Conflict.</summary>
    Conflict,

    /// <summary>It is applied, and the answer is Conflict: what a client says that has tried twice by itself.</summary>
    ConflictAfter,

    /// <summary>It is not applied, and the call throws.</summary>
    Throw,
}

/// <summary>
/// A catalog whose swaps and loads fail: by a script first, then as <see cref="Next"/> decides. Everything else is the inner
/// catalog's.
/// </summary>
public sealed class FaultyCatalog(ICatalog inner) : ICatalog
{
    private readonly List<TableCommit> _late = [];

    /// <summary>The catalog without faults.</summary>
    public ICatalog Inner => inner;

    /// <summary>Faults of the next swaps, in order.</summary>
    public Queue<SwapFault> Swaps { get; } = new();

    /// <summary>What the next loads throw, in order; null: nothing.</summary>
    public Queue<Exception?> Loads { get; } = new();

    /// <summary>Decides where the script has ended; by default nothing goes wrong.</summary>
    public Func<TableCommit, SwapFault> Next { get; set; } = static _ => SwapFault.None;

    /// <summary>Where set, faults hit the swaps of this table only, and scripted ones wait for it.</summary>
    public TableIdentifier? Only { get; set; }

    /// <summary>Done before a swap reaches the inner catalog: what someone else does in that moment.</summary>
    public Func<TableCommit, Task> BeforeSwap { get; set; } = static _ => Task.CompletedTask;

    /// <summary>Every swap that was asked for.</summary>
    public List<TableCommit> Asked { get; } = [];

    /// <summary>Swaps that may come in yet.</summary>
    public int LateCount => _late.Count;

    /// <summary>A fault for each swap by one seed: about one in <paramref name="oneIn"/> goes wrong.</summary>
    public static Func<TableCommit, SwapFault> Seeded(Random random, int oneIn) =>
        _ => random.Next(oneIn) == 0 ? (SwapFault)random.Next(1, 9) : SwapFault.None;

    public async Task<LoadedTable?> LoadTableAsync(TableIdentifier identifier, CancellationToken cancellationToken)
    {
        if (Loads.TryDequeue(out Exception? fault) && fault is not null)
        {
            throw fault;
        }

        return await inner.LoadTableAsync(identifier, cancellationToken);
    }

    public async Task<CommitResult> CommitTableAsync(TableCommit commit, CancellationToken cancellationToken)
    {
        Asked.Add(commit);
        await BeforeSwap(commit);
        SwapFault fault = SwapFault.None;
        if ((Only is null || Only.Equals(commit.Base.Identifier)) && !Swaps.TryDequeue(out fault))
        {
            fault = Next(commit);
        }

        switch (fault)
        {
            case SwapFault.FailBefore:
                return new CommitResult.Unknown(new IOException("connection reset before the swap"));
            case SwapFault.FailAfter:
                await inner.CommitTableAsync(commit, CancellationToken.None);
                return new CommitResult.Unknown(new IOException("connection reset after the swap"));
            case SwapFault.HangBefore:
                return await NeverAsync(cancellationToken);
            case SwapFault.HangAfter:
                await inner.CommitTableAsync(commit, CancellationToken.None);
                return await NeverAsync(cancellationToken);
            case SwapFault.Late:
                _late.Add(commit);
                return new CommitResult.Unknown(new TimeoutException("gateway time-out"));
            case SwapFault.Conflict:
                return new CommitResult.Conflict("someone else was first");
            case SwapFault.ConflictAfter:
                await inner.CommitTableAsync(commit, CancellationToken.None);
                return new CommitResult.Conflict("someone else was first (it was ourselves)");
            case SwapFault.Throw:
                throw new HttpRequestException("no such host");
            default:
                return await inner.CommitTableAsync(commit, cancellationToken);
        }
    }

    /// <summary>Late swaps arrive; the answers are what the catalog says to each.</summary>
    public async Task<IReadOnlyList<CommitResult>> ApplyLateAsync()
    {
        List<TableCommit> late = [.. _late];
        _late.Clear();
        List<CommitResult> results = [];
        foreach (TableCommit commit in late)
        {
            try
            {
                results.Add(await inner.CommitTableAsync(commit, CancellationToken.None));
            }
            catch (ArgumentException e)
            {
                // A server that applies updates by requirements alone finds that they make no sense any more.
                results.Add(new CommitResult.Conflict(e.Message));
            }
        }

        return results;
    }

    public Task<LoadedTable> CreateTableAsync(TableIdentifier identifier, TableCreation creation, CancellationToken cancellationToken) =>
        inner.CreateTableAsync(identifier, creation, cancellationToken);

    public Task<bool> DropTableAsync(TableIdentifier identifier, bool purge, CancellationToken cancellationToken) =>
        inner.DropTableAsync(identifier, purge, cancellationToken);

    public Task<IReadOnlyList<TableIdentifier>> ListTablesAsync(IReadOnlyList<string> @namespace, CancellationToken cancellationToken) =>
        inner.ListTablesAsync(@namespace, cancellationToken);

    public Task<IReadOnlyList<IReadOnlyList<string>>> ListNamespacesAsync(CancellationToken cancellationToken) =>
        inner.ListNamespacesAsync(cancellationToken);

    public Task<bool> TableExistsAsync(TableIdentifier identifier, CancellationToken cancellationToken) => inner.TableExistsAsync(identifier, cancellationToken);

    public Task<LoadedTable> RegisterTableAsync(TableIdentifier identifier, string metadataLocation, CancellationToken cancellationToken) =>
        inner.RegisterTableAsync(identifier, metadataLocation, cancellationToken);

    public Task<bool> RenameTableAsync(TableIdentifier from, TableIdentifier to, CancellationToken cancellationToken) => inner.RenameTableAsync(from, to, cancellationToken);

    public Task<bool> CreateNamespaceAsync(IReadOnlyList<string> @namespace, IReadOnlyDictionary<string, string> properties, CancellationToken cancellationToken) =>
        inner.CreateNamespaceAsync(@namespace, properties, cancellationToken);

    public Task<IReadOnlyDictionary<string, string>?> LoadNamespaceAsync(IReadOnlyList<string> @namespace, CancellationToken cancellationToken) =>
        inner.LoadNamespaceAsync(@namespace, cancellationToken);

    public Task<bool> UpdateNamespaceAsync(
        IReadOnlyList<string> @namespace, IReadOnlyDictionary<string, string> updates, IReadOnlyCollection<string> removals, CancellationToken cancellationToken) =>
        inner.UpdateNamespaceAsync(@namespace, updates, removals, cancellationToken);

    public Task<bool> DropNamespaceAsync(IReadOnlyList<string> @namespace, CancellationToken cancellationToken) => inner.DropNamespaceAsync(@namespace, cancellationToken);

    private static async Task<CommitResult> NeverAsync(CancellationToken cancellationToken)
    {
        TaskCompletionSource<CommitResult> never = new();
        await using var registration = cancellationToken.UnsafeRegister(state => ((TaskCompletionSource<CommitResult>)state!).TrySetCanceled(cancellationToken), never);
        return await never.Task;
    }
}
