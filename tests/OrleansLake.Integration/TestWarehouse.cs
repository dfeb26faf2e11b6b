using System.Text.Json.Nodes;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Testing.Processes;

namespace OrleansLake.Integration;

/// <summary>A warehouse of one test, and what is asked of its tables once everything has ended.</summary>
internal sealed class TestWarehouse : IDisposable
{
    /// <summary>The directory.</summary>
    public string Path { get; } = Directory.CreateTempSubdirectory("lake-integration-").FullName;

    /// <summary>A table, freshly read.</summary>
    public Task<LoadedTable> LoadAsync(string table) => LoadAsync(Path, table);

    /// <summary>A table of any directory, freshly read.</summary>
    public static async Task<LoadedTable> LoadAsync(string warehouse, string table)
    {
        var catalog = new LocalCatalog(warehouse, TimeProvider.System, new IdSource(TimeProvider.System, new Random()));
        return await catalog.LoadTableAsync(TableIdentifier.Parse(table), CancellationToken.None)
            ?? throw new InvalidOperationException($"no table {table} in {warehouse}");
    }

    /// <summary>The file behind a location.</summary>
    public static string PathOf(string location) => location.StartsWith("file:", StringComparison.Ordinal) ? new Uri(location).LocalPath : location;

    /// <summary>The audit of a table and its dead letters.</summary>
    public async Task<AuditResult> AuditAsync(string table) =>
        await Audit.RunAsync(await LoadAsync(table), await LoadAsync(table + "__dead_letters"));

    /// <summary>What DuckDB says of the Parquet files that the table's current snapshot lists: <c>FILES</c> stands for them.</summary>
    public async Task<JsonArray> DuckDbAsync(string table, string sql)
    {
        LoadedTable loaded = await LoadAsync(table);
        var files = new List<string>();
        await foreach (ManifestEntry entry in SnapshotFiles.LiveAsync(loaded, loaded.Metadata.FindRef(SnapshotRef.Main)!, CancellationToken.None))
        {
            files.Add(PathOf(entry.DataFile.FilePath));
        }

        string list = "[" + string.Join(", ", files.Select(file => $"'{file}'")) + "]";
        return await ForeignReaders.DuckDbAsync("SET threads = 2", sql.Replace("FILES", $"read_parquet({list}, union_by_name = true, hive_partitioning = false)", StringComparison.Ordinal));
    }

    /// <summary>Whether a process holds the lock of a table in the local catalog.</summary>
    public bool IsLocked(string table)
    {
        try
        {
            using var free = new FileStream(System.IO.Path.Combine(Path, ".locks", table + ".lock"), FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            return false;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return false; // nobody has taken it yet
        }
        catch (IOException)
        {
            return true;
        }
    }

    /// <inheritdoc />
    public void Dispose() => Directory.Delete(Path, recursive: true);
}
