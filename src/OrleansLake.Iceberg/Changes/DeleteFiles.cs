namespace OrleansLake.Iceberg;

/// <summary>
/// Removes data files by metadata alone: those that are named, and those all of whose rows a filter takes. A file of which the
/// filter may take a part is refused: its rows would have to be read. Not for concurrent use.
/// </summary>
/// <param name="branch">The branch.</param>
/// <param name="ids">Names the commit and the snapshot.</param>
/// <param name="time">Dates it.</param>
public sealed class DeleteFiles(string branch, IdSource ids, TimeProvider time) : FileChange(branch, ids, time)
{
    private BoundFilter? _rows;

    /// <summary>Takes out every data file all of whose rows it matches.</summary>
    public Expression? RowFilter { get; init; }

    /// <summary>Takes a data file out; it must be there when the change is staged.</summary>
    public void Remove(DataFile file) => RemoveFile(file, isData: true);

    private protected override string Operation(SnapshotTally tally) => "delete";

    private protected override Task CheckAsync(LoadedTable @base, Snapshot? parent, CancellationToken cancellationToken)
    {
        Removals.Rows = (_rows ??= RowFilter is null ? null : new BoundFilter(RowFilter))?.On(@base.Metadata);
        return Task.CompletedTask;
    }
}
