namespace OrleansLake.Iceberg;

/// <content>Which local catalog a directory belongs to.</content>
public sealed partial class LocalCatalog
{
    /// <summary>
    /// The warehouse and the name of a table by its directory: the catalog whose lock for that table stands above it. Null where none
    /// does: then another catalog, or nobody, watches over the table, and to commit to it by its path might undo what another writer does.
    /// </summary>
    /// <param name="tableDirectory">The directory.</param>
    public static (string Warehouse, TableIdentifier Identifier)? FindOwner(string tableDirectory)
    {
        string directory = Path.TrimEndingDirectorySeparator(Path.GetFullPath(tableDirectory));
        var levels = new List<string>();
        for (string? at = directory; Path.GetDirectoryName(at) is { } parent; at = parent)
        {
            levels.Insert(0, Path.GetFileName(at));
            if (levels.Count > 1 && File.Exists(Path.Combine(parent, LockDirectory, string.Join('.', levels) + ".lock")))
            {
                return (parent, new TableIdentifier(levels[..^1], levels[^1]));
            }
        }

        return null;
    }

    /// <summary>Whether a directory is the warehouse of a local catalog that has made a table or changed one.</summary>
    public static bool IsWarehouse(string directory) => Directory.Exists(Path.Combine(directory, LockDirectory));
}
