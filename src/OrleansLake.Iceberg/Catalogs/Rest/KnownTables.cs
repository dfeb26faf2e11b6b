namespace OrleansLake.Iceberg.Rest;

/// <summary>A table as it was last loaded, with the tag by which the server knows that state.</summary>
internal sealed record CachedTable(LoadedTable Table, string ETag);

/// <summary>Tables that were loaded: their stores, which outlive each state, and the states that can be asked for by tag.</summary>
internal sealed class KnownTables(
    IReadOnlyDictionary<string, Func<LentStorage, IObjectStore>> factories, TimeProvider time, Func<TableIdentifier, CancellationToken, Task<Loan>> lend)
{
    private const int Most = 1000;

    private readonly Lock _lock = new();
    private readonly Dictionary<TableIdentifier, Known> _tables = [];
    private long _uses;

    /// <summary>The state that the server may be asked to compare with; null when there is none, or its credentials end soon.</summary>
    public CachedTable? Find(TableIdentifier identifier)
    {
        lock (_lock)
        {
            return _tables.TryGetValue(identifier, out var known) && known.Storage.IsFresh() ? known.Cached : null;
        }
    }

    public LoadedTable Learn(TableIdentifier identifier, TableMetadata metadata, string location, Loan? loan, string? etag)
    {
        lock (_lock)
        {
            if (!_tables.TryGetValue(identifier, out var known) || known.Uuid != metadata.TableUuid)
            {
                if (_tables.Count >= Most)
                {
                    _tables.Remove(_tables.MinBy(pair => pair.Value.LastUse).Key);
                }

                var storage = new TableStorage(factories, token => lend(identifier, token), time);
                _tables[identifier] = known = new Known(metadata.TableUuid, storage, new LentObjectStore(storage));
            }

            if (loan is not null)
            {
                known.Storage.Take(loan);
            }

            var table = new LoadedTable(identifier, metadata, location, known.Store);
            known.LastUse = ++_uses;
            known.Cached = etag is null ? null : new CachedTable(table, etag);
            return table;
        }
    }

    public void Forget(TableIdentifier identifier)
    {
        lock (_lock)
        {
            _tables.Remove(identifier);
        }
    }

    private sealed class Known(Guid uuid, TableStorage storage, LentObjectStore store)
    {
        public Guid Uuid => uuid;

        public TableStorage Storage => storage;

        public LentObjectStore Store => store;

        public CachedTable? Cached { get; set; }

        public long LastUse { get; set; }
    }
}
