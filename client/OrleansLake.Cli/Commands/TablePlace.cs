using OrleansLake.Iceberg;

namespace OrleansLake.Cli.Commands;

/// <summary>A table as its catalog knows it: whoever changes it asks that catalog, a local one by its lock.</summary>
/// <param name="Catalog">The catalog.</param>
/// <param name="Identifier">The table's name in it.</param>
internal sealed record TablePlace(ICatalog Catalog, TableIdentifier Identifier)
{
    private static readonly IdSource Ids = new(TimeProvider.System, new Random());

    /// <summary>Where a table is to be made: a name in the warehouse, or a directory whose parent is the namespace.</summary>
    public static TablePlace ForNew(string table, string warehouse)
    {
        if (!table.Contains('/') && table.Contains('.'))
        {
            return new TablePlace(CatalogOf(warehouse), TableIdentifier.Parse(table));
        }

        string directory = Path.TrimEndingDirectorySeparator(Path.GetFullPath(table));
        string root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(warehouse));
        string? named = directory.StartsWith(root + "/", StringComparison.Ordinal) ? root : WarehouseAbove(directory) ?? Path.GetDirectoryName(Path.GetDirectoryName(directory));
        string[] levels = named is null ? [] : Path.GetRelativePath(named, directory).Split('/');
        return levels.Length > 1
            ? new TablePlace(CatalogOf(named!), new TableIdentifier(levels[..^1], levels[^1]))
            : throw new IOException($"{table}: expected a name like db.events, or a directory WAREHOUSE/NAMESPACE/TABLE");
    }

    /// <summary>A table that is only looked at, whoever watches over it.</summary>
    public static TablePlace ForReading(LoadedTable table, string warehouse) => new(CatalogOf(warehouse), table.Identifier);

    /// <summary>Where a table that was opened may be changed.</summary>
    public static TablePlace ForChange(TableRequest request) => request.Catalog is { } catalog ? new TablePlace(catalog, request.Table.Identifier)
        : request.IsMetadataFile
        ? throw new IOException($"{request.Table.MetadataLocation}: one metadata file is for reading; to change the table, name its directory {Path.GetDirectoryName(Path.GetDirectoryName(request.Table.MetadataLocation))}")
        : ForChange(request.Table);

    /// <inheritdoc cref="ForChange(TableRequest)"/>
    public static TablePlace ForChange(LoadedTable table)
    {
        string directory = Path.GetDirectoryName(Path.GetDirectoryName(table.MetadataLocation))!;

        if (LocalCatalog.FindOwner(directory) is not { } owner)
        {
            throw new IOException($"{directory}: only for reading: it is no table of a local catalog of ours (none has a lock for it), so whoever made it has to change it");
        }

        string levels = "/" + string.Join('/', [.. owner.Identifier.Namespace, owner.Identifier.Name]);
        string location = table.Metadata.Location.TrimEnd('/');
        if (!location.EndsWith(levels, StringComparison.Ordinal) || PathOf(location) != directory)
        {
            throw new IOException($"{directory}: only for reading: its metadata place it at {location}");
        }

        return new TablePlace(CatalogOf(location[..^levels.Length]), owner.Identifier);
    }

    /// <summary>Commits changes of metadata in one swap and gives the table with them.</summary>
    /// <exception cref="IOException">They are not in, or nobody knows.</exception>
    public async Task<LoadedTable> CommitAsync(Transaction transaction, CancellationToken cancellationToken) =>
        await new TableChanges(Catalog, Ids, TimeProvider.System).CommitAsync(Identifier, transaction, cancellationToken) switch
        {
            CommitResult.Committed done => done.Table,
            CommitResult.Conflict conflict => throw new IOException($"{Identifier} was not changed, others were faster each time: {conflict.Reason}"),
            CommitResult.Unknown unknown => throw new IOException($"{Identifier}: whether it was changed is not known, look before you try again: {unknown.Cause.Message}", unknown.Cause),
            var other => throw new InvalidOperationException($"a commit that ends as {other}"),
        };

    /// <summary>Throws where a statement speaks of another table than the one that was named.</summary>
    public void CheckName(TableIdentifier? typed, string option)
    {
        string[] own = [.. Identifier.Namespace, Identifier.Name];
        string[] said = typed is null ? [] : [.. typed.Namespace, typed.Name];
        int common = Math.Min(own.Length, said.Length);
        if (!own[^common..].SequenceEqual(said[^common..]))
        {
            throw new ArgumentException($"{option}: expected a statement about {Identifier}, got one about {typed}");
        }
    }

    private static string PathOf(string location) => location.StartsWith("file:", StringComparison.OrdinalIgnoreCase) ? "/" + location["file:".Length..].TrimStart('/') : location;

    private static LocalCatalog CatalogOf(string warehouse) => new(warehouse, TimeProvider.System, Ids);

    /// <summary>The nearest directory above that is a local catalog's.</summary>
    private static string? WarehouseAbove(string directory)
    {
        for (string? at = Path.GetDirectoryName(Path.GetDirectoryName(directory)); at is not null; at = Path.GetDirectoryName(at))
        {
            if (LocalCatalog.IsWarehouse(at))
            {
                return at;
            }
        }

        return null;
    }
}
