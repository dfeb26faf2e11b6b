namespace OrleansLake.Iceberg;

/// <summary>
/// Adds rows and deletes of rows (position deletes in v2, deletion vectors in v3, equality deletes in both): updates, merges,
/// change streams. Not for concurrent use. https://iceberg.apache.org/spec/#row-level-deletes
/// </summary>
/// <param name="branch">The branch.</param>
/// <param name="readFrom">The snapshot whose rows were read; null where the branch had none.</param>
/// <param name="ids">Names the commit and the snapshot.</param>
/// <param name="time">Dates it.</param>
public sealed class RowDelta(string branch, Snapshot? readFrom, IdSource ids, TimeProvider time) : FileChange(branch, ids, time)
{
    private readonly HashSet<string> _required = new(StringComparer.Ordinal);
    private BoundFilter? _conflicts;

    /// <summary>
    /// What is checked of the files that came meanwhile; null: only that the data files which are referred to are still there
    /// and have no other deletion vector. That is enough for equality deletes, which do not depend on what was read.
    /// </summary>
    public IsolationLevel? Isolation { get; init; } = IsolationLevel.Serializable;

    /// <summary>The rows that the change depends on; null: all.</summary>
    public Expression? ConflictFilter { get; init; }

    /// <summary>Adds a data file.</summary>
    public void AddRows(DataFile file) => AddDataFile(file);

    /// <summary>Adds a delete file.</summary>
    public void AddDeletes(DataFile file)
    {
        AddDeleteFile(file);
        if (file.ReferencedDataFile is { } referenced)
        {
            _required.Add(referenced);
        }
    }

    /// <summary>Takes a data file out all of whose rows are deleted or written anew.</summary>
    public void RemoveRows(DataFile file) => RemoveFile(file, isData: true);

    /// <summary>Takes a delete file out whose deletes are in those that come: the deletion vector that another replaces.</summary>
    public void RemoveDeletes(DataFile file) => RemoveFile(file, isData: false);

    /// <summary>Data files that position deletes are of, where their files do not say so themselves.</summary>
    public void RequireDataFiles(IEnumerable<string> locations)
    {
        RefuseOnceStaged("required data files");
        _required.UnionWith(locations);
    }

    private protected override string Operation(SnapshotTally tally) =>
        tally.AddsDeleteFiles && !tally.AddsDataFiles ? "delete"
        : tally.AddsDataFiles && !tally.AddsDeleteFiles && !tally.RemovesDataFiles ? "append"
        : "overwrite";

    private protected override async Task CheckAsync(LoadedTable @base, Snapshot? parent, CancellationToken cancellationToken)
    {
        if (Isolation is null && _required.Count == 0 && Removals.Files.Count == 0)
        {
            return;
        }

        var history = History.Since(@base, parent, readFrom?.SnapshotId);
        await IsolationChecks.DataFilesExistAsync(history, _required, cancellationToken).ConfigureAwait(false);
        var removed = Removals.Files.Values.Where(file => file.Content == DataFileContent.Data).ToList();
        await IsolationChecks.NoNewDeletesOfAsync(history, removed, @base.Metadata, equalityToo: true, cancellationToken).ConfigureAwait(false);
        var filter = (_conflicts ??= ConflictFilter is null ? null : new BoundFilter(ConflictFilter))?.On(@base.Metadata);
        if (Isolation is not null)
        {
            await IsolationChecks.NoNewDeleteFilesAsync(history, filter, cancellationToken).ConfigureAwait(false);
        }

        if (Isolation == IsolationLevel.Serializable)
        {
            await IsolationChecks.NoNewDataFilesAsync(history, filter, cancellationToken).ConfigureAwait(false);
        }
    }
}
