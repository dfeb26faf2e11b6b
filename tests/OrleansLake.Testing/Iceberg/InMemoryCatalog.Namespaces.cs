using OrleansLake.Iceberg;

namespace OrleansLake.Testing.Iceberg;

/// <summary>Namespaces: those that were made, and those that hold a table.</summary>
public sealed partial class InMemoryCatalog
{
    private readonly Dictionary<string, (IReadOnlyList<string> Levels, Dictionary<string, string> Properties)> _namespaces = [];

    public async Task<bool> TableExistsAsync(TableIdentifier identifier, CancellationToken cancellationToken)
    {
        using var held = await TurnAsync(cancellationToken);
        return _tables.ContainsKey(identifier);
    }

    public async Task<LoadedTable> RegisterTableAsync(TableIdentifier identifier, string metadataLocation, CancellationToken cancellationToken)
    {
        using var held = await TurnAsync(cancellationToken);
        if (_tables.ContainsKey(identifier))
        {
            throw new TableExistsException(identifier);
        }

        var metadata = await MetadataFile.ReadAsync(store, metadataLocation, cancellationToken);
        _tables[identifier] = (metadata, metadataLocation);
        return new LoadedTable(identifier, metadata, metadataLocation, store);
    }

    public async Task<bool> RenameTableAsync(TableIdentifier from, TableIdentifier to, CancellationToken cancellationToken)
    {
        using var held = await TurnAsync(cancellationToken);
        if (!_tables.TryGetValue(from, out var table))
        {
            return false;
        }

        if (!_tables.TryAdd(to, table))
        {
            throw new TableExistsException(to);
        }

        return _tables.Remove(from);
    }

    public async Task<IReadOnlyList<IReadOnlyList<string>>> ListNamespacesAsync(CancellationToken cancellationToken)
    {
        using var held = await TurnAsync(cancellationToken);
        return All();
    }

    public async Task<bool> CreateNamespaceAsync(IReadOnlyList<string> @namespace, IReadOnlyDictionary<string, string> properties, CancellationToken cancellationToken)
    {
        using var held = await TurnAsync(cancellationToken);
        return !Exists(@namespace) && _namespaces.TryAdd(Key(@namespace), (@namespace, new Dictionary<string, string>(properties)));
    }

    public async Task<IReadOnlyDictionary<string, string>?> LoadNamespaceAsync(IReadOnlyList<string> @namespace, CancellationToken cancellationToken)
    {
        using var held = await TurnAsync(cancellationToken);
        return _namespaces.TryGetValue(Key(@namespace), out var found) ? new Dictionary<string, string>(found.Properties)
            : Exists(@namespace) ? new Dictionary<string, string>()
            : null;
    }

    public async Task<bool> UpdateNamespaceAsync(
        IReadOnlyList<string> @namespace, IReadOnlyDictionary<string, string> updates, IReadOnlyCollection<string> removals, CancellationToken cancellationToken)
    {
        using var held = await TurnAsync(cancellationToken);
        if (!Exists(@namespace))
        {
            return false;
        }

        _namespaces.TryAdd(Key(@namespace), (@namespace, []));
        var properties = _namespaces[Key(@namespace)].Properties;
        foreach (string removal in removals)
        {
            properties.Remove(removal);
        }

        foreach (var (name, value) in updates)
        {
            properties[name] = value;
        }

        return true;
    }

    public async Task<bool> DropNamespaceAsync(IReadOnlyList<string> @namespace, CancellationToken cancellationToken)
    {
        using var held = await TurnAsync(cancellationToken);
        if (!Exists(@namespace))
        {
            return false;
        }

        bool holds = _tables.Keys.Any(table => table.Namespace.SequenceEqual(@namespace))
            || All().Any(one => one.Count > @namespace.Count && one.Take(@namespace.Count).SequenceEqual(@namespace));
        return holds ? throw new NamespaceNotEmptyException(@namespace) : _namespaces.Remove(Key(@namespace));
    }

    private bool Exists(IReadOnlyList<string> @namespace) => All().Any(one => one.SequenceEqual(@namespace));

    // A namespace is there with those above it.
    private List<IReadOnlyList<string>> All() => [.. _namespaces.Values.Select(one => one.Levels).Concat(_tables.Keys.Select(table => table.Namespace))
        .SelectMany(levels => Enumerable.Range(1, levels.Count).Select(IReadOnlyList<string> (count) => [.. levels.Take(count)]))
        .DistinctBy(Key)];

    private static string Key(IReadOnlyList<string> levels) => string.Join('\u001f', levels);
}
