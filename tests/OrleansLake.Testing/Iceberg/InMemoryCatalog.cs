using System.Globalization;
using OrleansLake.Iceberg;

namespace OrleansLake.Testing.Iceberg;

/// <summary>
/// A catalog in memory whose metadata files lie in a store, as with Glue or REST. By default it swaps only if nothing else
/// was swapped in since the base; as a REST catalog does (<paramref name="comparesBase"/> false), whenever the requirements hold.
/// </summary>
public sealed partial class InMemoryCatalog(IObjectStore store, TimeProvider time, IdSource ids, string warehouse = "memory://warehouse", bool comparesBase = true) : ICatalog
{
    private readonly Dictionary<TableIdentifier, (TableMetadata Metadata, string Location)> _tables = [];
    private readonly SemaphoreSlim _turn = new(1);

    public async Task<LoadedTable?> LoadTableAsync(TableIdentifier identifier, CancellationToken cancellationToken)
    {
        using var held = await TurnAsync(cancellationToken);
        return _tables.TryGetValue(identifier, out var table) ? new LoadedTable(identifier, table.Metadata, table.Location, store) : null;
    }

    public async Task<LoadedTable> CreateTableAsync(TableIdentifier identifier, TableCreation creation, CancellationToken cancellationToken)
    {
        using var held = await TurnAsync(cancellationToken);
        if (_tables.ContainsKey(identifier))
        {
            throw new TableExistsException(identifier);
        }

        string location = creation.Location ?? $"{warehouse}/{string.Join('/', identifier.Namespace)}/{identifier.Name}";
        var metadata = TableMetadataCreation.Create(creation, location, ids.NewUuid(), time.GetUtcNow());
        return await SetAsync(identifier, metadata, version: 0, cancellationToken);
    }

    public async Task<CommitResult> CommitTableAsync(TableCommit commit, CancellationToken cancellationToken)
    {
        using var held = await TurnAsync(cancellationToken);
        if (Refused(commit) is { } reason)
        {
            return new CommitResult.Conflict(reason);
        }

        return new CommitResult.Committed(await ApplyAsync(commit, cancellationToken));
    }

    /// <summary>Several tables, all or none; null: all. What a server of the REST protocol does.</summary>
    public async Task<string?> CommitTablesAsync(IReadOnlyList<TableCommit> commits, CancellationToken cancellationToken)
    {
        using var held = await TurnAsync(cancellationToken);
        if (commits.Select(Refused).FirstOrDefault(reason => reason is not null) is { } reason)
        {
            return reason;
        }

        // What makes no sense is found before anything is done.
        foreach (var commit in commits)
        {
            _tables[commit.Base.Identifier].Metadata.Apply(commit.Updates, time);
        }

        foreach (var commit in commits)
        {
            await ApplyAsync(commit, cancellationToken);
        }

        return null;
    }

    /// <summary>Makes a table of metadata that someone else made up: what becomes of a staged creation.</summary>
    public async Task<LoadedTable> CreateTableAsync(TableIdentifier identifier, TableMetadata metadata, CancellationToken cancellationToken)
    {
        using var held = await TurnAsync(cancellationToken);
        return _tables.ContainsKey(identifier) ? throw new TableExistsException(identifier) : await SetAsync(identifier, metadata, version: 0, cancellationToken);
    }

    private string? Refused(TableCommit commit)
    {
        var identifier = commit.Base.Identifier;
        return !_tables.TryGetValue(identifier, out var current) ? $"table {identifier} is gone"
            : comparesBase && current.Location != commit.Base.MetadataLocation ? $"{identifier}: expected {commit.Base.MetadataLocation} to be the newest, got {current.Location}"
            : current.Metadata.Violated(commit.Requirements) is { } violated ? $"{identifier}: {violated}"
            : null;
    }

    private async Task<LoadedTable> ApplyAsync(TableCommit commit, CancellationToken cancellationToken)
    {
        var identifier = commit.Base.Identifier;
        var current = _tables[identifier];
        var replaced = new LoadedTable(identifier, current.Metadata, current.Location, store);
        var (metadata, toDelete) = current.Metadata.Apply(commit.Updates, time).After(replaced);
        var committed = await SetAsync(identifier, metadata, VersionOf(current.Location) + 1, cancellationToken);
        await store.DeleteAsync([.. toDelete], cancellationToken);
        return committed;
    }

    public async Task<bool> DropTableAsync(TableIdentifier identifier, bool purge, CancellationToken cancellationToken)
    {
        using var held = await TurnAsync(cancellationToken);
        if (!_tables.Remove(identifier, out var table))
        {
            return false;
        }

        if (purge)
        {
            var locations = new List<string>();
            await foreach (var one in store.ListAsync(table.Metadata.Location + "/", cancellationToken))
            {
                locations.Add(one.Location);
            }

            await store.DeleteAsync(locations, cancellationToken);
        }

        return true;
    }

    public async Task<IReadOnlyList<TableIdentifier>> ListTablesAsync(IReadOnlyList<string> @namespace, CancellationToken cancellationToken)
    {
        using var held = await TurnAsync(cancellationToken);
        return [.. _tables.Keys.Where(identifier => identifier.Namespace.SequenceEqual(@namespace))];
    }

    private async Task<LoadedTable> SetAsync(TableIdentifier identifier, TableMetadata metadata, int version, CancellationToken cancellationToken)
    {
        string location = string.Create(CultureInfo.InvariantCulture, $"{metadata.Location}/metadata/{version:D5}-{ids.NewUuid()}.metadata.json");
        byte[] bytes = TableMetadataJson.Write(metadata);
        if (!await store.TryCreateAsync(location, bytes, cancellationToken))
        {
            throw new InvalidOperationException($"{location} stands already");
        }

        // Read back, so that nothing lives on in memory that the file does not hold.
        var read = TableMetadataJson.Read(bytes, location);
        _tables[identifier] = (read, location);
        return new LoadedTable(identifier, read, location, store);
    }

    // A metadata file that was registered has whatever name.
    private static int VersionOf(string location)
    {
        string name = location[(location.LastIndexOf('/') + 1)..];
        return int.TryParse(name.Split('-')[0], NumberStyles.None, CultureInfo.InvariantCulture, out int version) ? version : 0;
    }

    private async Task<Turn> TurnAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        return new Turn(_turn);
    }

    private sealed class Turn(SemaphoreSlim turn) : IDisposable
    {
        public void Dispose() => turn.Release();
    }
}
