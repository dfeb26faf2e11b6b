namespace OrleansLake.Iceberg;

/// <summary>How far a change that read the table is kept apart from what others commit meanwhile.</summary>
public enum IsolationLevel
{
    /// <summary>As if nothing had been committed meanwhile: neither new rows nor new deletes of what it read.</summary>
    Serializable,

    /// <summary>New rows may have come; deletes of rows that it wrote anew may not.</summary>
    Snapshot,
}

/// <summary>
/// What Iceberg's writers check of the history before they put a change on a base that moved. Without a filter every file counts.
/// https://iceberg.apache.org/spec/#commit-conflict-resolution-and-retry
/// </summary>
internal static class IsolationChecks
{
    /// <summary>No data file came whose rows the filter may take.</summary>
    public static async Task NoNewDataFilesAsync(History history, FileFilter? filter, CancellationToken cancellationToken)
    {
        await foreach (var entry in history.EntriesAsync(ManifestContent.Data, deleted: false, ["append", "overwrite"], cancellationToken).ConfigureAwait(false))
        {
            Refuse(filter, entry, ChangeConflictKind.NewDataFiles, "a data file came that may hold rows which the change had to read");
        }
    }

    /// <summary>No delete file came that may be of rows which the filter takes.</summary>
    public static async Task NoNewDeleteFilesAsync(History history, FileFilter? filter, CancellationToken cancellationToken)
    {
        await foreach (var entry in history.EntriesAsync(ManifestContent.Deletes, deleted: false, ["overwrite", "delete"], cancellationToken).ConfigureAwait(false))
        {
            Refuse(filter, entry, ChangeConflictKind.NewDeletes, "a delete file came that may be of rows which the change has read");
        }
    }

    /// <summary>No data file went whose rows the filter may take.</summary>
    public static async Task NoRemovedDataFilesAsync(History history, FileFilter? filter, CancellationToken cancellationToken)
    {
        await foreach (var entry in history.EntriesAsync(ManifestContent.Data, deleted: true, ["overwrite", "replace", "delete"], cancellationToken).ConfigureAwait(false))
        {
            Refuse(filter, entry, ChangeConflictKind.RemovedDataFiles, "a data file went that may hold rows which the change has read");
        }
    }

    /// <summary>None of these data files went.</summary>
    public static async Task DataFilesExistAsync(History history, IReadOnlySet<string> paths, CancellationToken cancellationToken)
    {
        if (paths.Count == 0)
        {
            return;
        }

        await foreach (var entry in history.EntriesAsync(ManifestContent.Data, deleted: true, ["overwrite", "replace", "delete"], cancellationToken).ConfigureAwait(false))
        {
            if (paths.Contains(entry.DataFile.FilePath))
            {
                throw new ChangeConflictException(ChangeConflictKind.MissingFiles, "a data file that the change refers to is gone", [entry.DataFile.FilePath]);
            }
        }
    }

    /// <summary>No delete came that hits rows of these data files.</summary>
    public static async Task NoNewDeletesOfAsync(
        History history, IReadOnlyCollection<DataFile> dataFiles, TableMetadata metadata, bool equalityToo, CancellationToken cancellationToken)
    {
        if (dataFiles.Count == 0)
        {
            return;
        }

        await foreach (var entry in history.EntriesAsync(ManifestContent.Deletes, deleted: false, ["overwrite", "delete"], cancellationToken).ConfigureAwait(false))
        {
            if (entry.DataFile.Content == DataFileContent.EqualityDeletes && !equalityToo)
            {
                continue;
            }

            if (dataFiles.FirstOrDefault(file => DeleteScope.MayHit(entry.DataFile, file, metadata)) is { } hit)
            {
                throw new ChangeConflictException(ChangeConflictKind.NewDeletes, $"a delete came for a data file that the change replaces ({entry.DataFile.FilePath})", [hit.FilePath]);
            }
        }
    }

    private static void Refuse(FileFilter? filter, ManifestEntry entry, ChangeConflictKind kind, string problem)
    {
        if (filter is null || filter.MightMatch(entry.DataFile))
        {
            throw new ChangeConflictException(kind, problem, [entry.DataFile.FilePath]);
        }
    }
}
