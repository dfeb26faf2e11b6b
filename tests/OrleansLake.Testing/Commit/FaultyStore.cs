using OrleansLake.Iceberg;
using OrleansLake.Testing.Iceberg;

namespace OrleansLake.Testing.Commit;

/// <summary>What is asked of a store.</summary>
public enum StoreCall
{
    /// <summary>Size, whole object, a part of it.</summary>
    Read,

    /// <summary>An object is written and completed.</summary>
    Write,

    /// <summary>An object is created if there is none.</summary>
    Create,

    /// <summary>Objects are listed.</summary>
    List,

    /// <summary>Objects are deleted.</summary>
    Delete,
}

/// <summary>What goes wrong with one call of a store.</summary>
public enum StoreFault
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>It fails and nothing was done.</summary>
    FailBefore,

    /// <summary>It was done, and fails.</summary>
    FailAfter,

    /// <summary>The object is not there (yet, or any more).</summary>
    NotFound,
}

/// <summary>A store whose calls fail, by a script first, then as <see cref="Next"/> decides.</summary>
public sealed class FaultyStore(IObjectStore inner) : IObjectStore
{
    /// <summary>Faults of the next calls of the kinds in <see cref="Kinds"/>, in order.</summary>
    public Queue<StoreFault> Script { get; } = new();

    /// <summary>The kinds that the script is for.</summary>
    public HashSet<StoreCall> Kinds { get; } = [StoreCall.Read, StoreCall.Write, StoreCall.Create, StoreCall.List, StoreCall.Delete];

    /// <summary>Decides where the script has ended; by default nothing goes wrong.</summary>
    public Func<StoreCall, string, StoreFault> Next { get; set; } = static (_, _) => StoreFault.None;

    /// <summary>Every call.</summary>
    public List<(StoreCall Call, string Location)> Asked { get; } = [];

    /// <summary>A fault for each call by one seed: about one in <paramref name="oneIn"/> fails.</summary>
    public static Func<StoreCall, string, StoreFault> Seeded(Random random, int oneIn) =>
        (_, _) => random.Next(oneIn) == 0 ? (StoreFault)random.Next(1, 3) : StoreFault.None;

    public Task<long> GetSizeAsync(string location, CancellationToken cancellationToken) =>
        CallAsync(StoreCall.Read, location, () => inner.GetSizeAsync(location, cancellationToken));

    public Task<ReadOnlyMemory<byte>> ReadAsync(string location, CancellationToken cancellationToken) =>
        CallAsync(StoreCall.Read, location, () => inner.ReadAsync(location, cancellationToken));

    public Task<ReadOnlyMemory<byte>> ReadRangeAsync(string location, long position, int length, CancellationToken cancellationToken) =>
        CallAsync(StoreCall.Read, location, () => inner.ReadRangeAsync(location, position, length, cancellationToken));

    public ObjectWriter OpenWrite(string location) => new Writer(this, inner.OpenWrite(location), location);

    public Task<bool> TryCreateAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        CallAsync(StoreCall.Create, location, () => inner.TryCreateAsync(location, content, cancellationToken));

    public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken)
    {
        Throw(Decide(StoreCall.List, prefix), prefix);
        return inner.ListAsync(prefix, cancellationToken);
    }

    public Task DeleteAsync(IReadOnlyCollection<string> locations, CancellationToken cancellationToken) =>
        CallAsync(StoreCall.Delete, string.Join(' ', locations), async () =>
        {
            await inner.DeleteAsync(locations, cancellationToken);
            return true;
        });

    private StoreFault Decide(StoreCall call, string location)
    {
        Asked.Add((call, location));
        return Kinds.Contains(call) && Script.TryDequeue(out StoreFault fault) ? fault : Next(call, location);
    }

    private async Task<T> CallAsync<T>(StoreCall call, string location, Func<Task<T>> inner)
    {
        StoreFault fault = Decide(call, location);
        if (fault == StoreFault.FailAfter)
        {
            await inner();
        }

        Throw(fault, location);
        return await inner();
    }

    private static void Throw(StoreFault fault, string location)
    {
        if (fault == StoreFault.NotFound)
        {
            throw new ObjectNotFoundException(location);
        }

        if (fault != StoreFault.None)
        {
            throw new IOException($"{location}: the store does not answer");
        }
    }

    private sealed class Writer(FaultyStore store, ObjectWriter inner, string location) : ForwardingObjectWriter(inner)
    {
        private readonly ObjectWriter _inner = inner;

        public override Task CompleteAsync(CancellationToken cancellationToken)
        {
            StoreFault fault = store.Decide(StoreCall.Write, location);
            return fault switch
            {
                StoreFault.None => _inner.CompleteAsync(cancellationToken),
                StoreFault.FailAfter => FailAfterAsync(cancellationToken),
                _ => Task.FromException(new IOException($"{location}: No space left on device")),
            };
        }

        private async Task FailAfterAsync(CancellationToken cancellationToken)
        {
            await _inner.CompleteAsync(cancellationToken);
            throw new IOException($"{location}: the store does not answer");
        }
    }
}
