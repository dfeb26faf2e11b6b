namespace OrleansLake.Iceberg;

/// <summary>
/// Puts data files in place of others that hold other rows: copy-on-write updates, or all files of a filter (a partition that is
/// computed anew). Not for concurrent use.
/// </summary>
/// <param name="branch">The branch.</param>
/// <param name="readFrom">The snapshot whose rows were read; null where the branch had none.</param>
/// <param name="ids">Names the commit and the snapshot.</param>
/// <param name="time">Dates it.</param>
public sealed class OverwriteFiles(string branch, Snapshot? readFrom, IdSource ids, TimeProvider time) : FileChange(branch, ids, time)
{
    private BoundFilter? _rows;
    private BoundFilter? _conflicts;

    /// <summary>What is checked of the files that came meanwhile; null: nothing but that removed files are there.</summary>
    public IsolationLevel? Isolation { get; init; } = IsolationLevel.Serializable;

    /// <summary>The rows that the change depends on; null: those of <see cref="RowFilter"/>, else all.</summary>
    public Expression? ConflictFilter { get; init; }

    /// <summary>Takes out every data file all of whose rows it matches; a file of which it may match a part is refused.</summary>
    public Expression? RowFilter { get; init; }

    /// <summary>Whether every row that comes must be one that <see cref="RowFilter"/> matches.</summary>
    public bool AddedFilesMustMatch { get; init; }

    /// <summary>Adds a data file.</summary>
    public void Add(DataFile file) => AddDataFile(file);

    /// <summary>Takes a data file out.</summary>
    public void Remove(DataFile file) => RemoveFile(file, isData: true);

    private protected override string Operation(SnapshotTally tally) =>
        tally.AddsDataFiles && tally.RemovesDataFiles ? "overwrite" : tally.AddsDataFiles ? "append" : "delete";

    private protected override async Task CheckAsync(LoadedTable @base, Snapshot? parent, CancellationToken cancellationToken)
    {
        var rows = (_rows ??= RowFilter is null ? null : new BoundFilter(RowFilter))?.On(@base.Metadata);
        Removals.Rows = rows;
        if (AddedFilesMustMatch && AddedDataFiles.FirstOrDefault(file => rows?.MustMatch(file) != true) is { } outside)
        {
            throw new ArgumentException($"{outside.FilePath}: expected all of its rows to match the filter of the overwrite");
        }

        if (Isolation is null)
        {
            return;
        }

        var history = History.Since(@base, parent, readFrom?.SnapshotId);
        var filter = (_conflicts ??= (ConflictFilter ?? RowFilter) is { } conflicts ? new BoundFilter(conflicts) : null)?.On(@base.Metadata);
        await IsolationChecks.NoNewDeletesOfAsync(history, [.. Removals.Files.Values], @base.Metadata, equalityToo: true, cancellationToken).ConfigureAwait(false);
        if (rows is not null)
        {
            await IsolationChecks.NoNewDeleteFilesAsync(history, filter, cancellationToken).ConfigureAwait(false);
            await IsolationChecks.NoRemovedDataFilesAsync(history, filter, cancellationToken).ConfigureAwait(false);
        }

        if (Isolation == IsolationLevel.Serializable)
        {
            await IsolationChecks.NoNewDataFilesAsync(history, filter, cancellationToken).ConfigureAwait(false);
        }
    }
}
