namespace OrleansLake.Iceberg;

/// <summary>Opens a table by the path of its directory or of one metadata file, whoever wrote it and wherever it lay before; for reading.</summary>
public static class LocalTable
{
    private const string Suffix = ".metadata.json";
    private const string GzipSuffix = ".gz.metadata.json";

    /// <summary>
    /// The table in a directory, by its newest metadata: the highest <c>vN</c>, else the highest <c>NNNNN-…</c>. Null when
    /// there is no table.
    /// </summary>
    /// <exception cref="IcebergFormatException">The metadata are corrupt.</exception>
    public static async Task<LoadedTable?> OpenAsync(string path, CancellationToken cancellationToken)
    {
        string full = Path.GetFullPath(path);
        bool isFile = File.Exists(full) && full.EndsWith(Suffix, StringComparison.Ordinal);
        string directory = isFile ? Path.GetDirectoryName(Path.GetDirectoryName(full))! : full;
        string? newest = isFile ? full : Newest(Path.Combine(directory, "metadata"));
        if (newest is null)
        {
            return null;
        }

        var files = new LocalObjectStore();
        var metadata = await MetadataFile.ReadAsync(files, newest, cancellationToken).ConfigureAwait(false);
        string location = LocalPath(metadata.Location);
        IObjectStore store = location == directory ? files : new RelocatedObjectStore(files, metadata.Location + "/", directory + "/");
        var identifier = new TableIdentifier([Path.GetFileName(Path.GetDirectoryName(directory)) ?? ""], Path.GetFileName(directory));
        return new LoadedTable(identifier, metadata, newest, store);
    }

    private static string LocalPath(string location) => location.StartsWith("file:", StringComparison.OrdinalIgnoreCase) ? LocalObjectStore.PathOf(location) : location;

    private static string? Newest(string metadata)
    {
        if (!Directory.Exists(metadata))
        {
            return null;
        }

        return Directory.EnumerateFiles(metadata, "*" + Suffix)
            .Select(file => (File: file, Version: VersionOf(Path.GetFileName(file))))
            .Where(one => one.Version is not null)
            .OrderByDescending(one => one.Version)
            .Select(one => one.File)
            .FirstOrDefault();
    }

    private static long? VersionOf(string name)
    {
        if (name.EndsWith(GzipSuffix, StringComparison.Ordinal))
        {
            name = name[..^GzipSuffix.Length] + Suffix;
        }

        if (LocalTableDirectory.VersionOf(name) is long version)
        {
            return version;
        }

        int dash = name.IndexOf('-');
        return dash > 0 && long.TryParse(name.AsSpan(0, dash), System.Globalization.CultureInfo.InvariantCulture, out long number) ? number : null;
    }
}
