namespace OrleansLake.Iceberg;

/// <summary>
/// Puts files in place of others that hold the same rows: compaction, sorting, applying deletes. Not for concurrent use.
/// </summary>
/// <remarks>
/// Fails when a replaced file is gone, or when a delete came for one since it was read. New data files keep the sequence number
/// of the state that was read, so that equality deletes which came since still apply to them.
/// https://iceberg.apache.org/spec/#sequence-numbers
/// </remarks>
/// <param name="branch">The branch.</param>
/// <param name="readFrom">The snapshot whose rows were read.</param>
/// <param name="ids">Names the commit and the snapshot.</param>
/// <param name="time">Dates it.</param>
public sealed class RewriteFiles(string branch, Snapshot readFrom, IdSource ids, TimeProvider time) : FileChange(branch, ids, time)
{
    /// <summary>Takes a data file out, whose rows that are not deleted are in the files that come.</summary>
    public void Remove(DataFile file) => RemoveFile(file, isData: true);

    /// <summary>Takes a delete file out, whose deletes are applied or in delete files that come.</summary>
    public void RemoveDeletes(DataFile file) => RemoveFile(file, isData: false);

    /// <summary>Adds a data file. In v3 its rows carry their row ids (<c>_row_id</c>), as they had them before.</summary>
    public void Add(DataFile file) => AddDataFile(file, readFrom.SequenceNumber);

    /// <summary>Adds a delete file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="dataSequenceNumber">The highest data sequence number of the deletes that it holds; none of position deletes, which hit the state that was read.</param>
    public void AddDeletes(DataFile file, long? dataSequenceNumber = null) => AddDeleteFile(file, dataSequenceNumber ?? readFrom.SequenceNumber);

    private protected override string Operation(SnapshotTally tally) => "replace";

    private protected override async Task CheckAsync(LoadedTable @base, Snapshot? parent, CancellationToken cancellationToken)
    {
        if (Removals.Files.Count == 0)
        {
            throw new ArgumentException("rewrite: expected files that are replaced, got none");
        }

        var history = History.Since(@base, parent, readFrom.SnapshotId);
        var replaced = Removals.Files.Values.Where(file => file.Content == DataFileContent.Data).ToList();
        await IsolationChecks.NoNewDeletesOfAsync(history, replaced, @base.Metadata, equalityToo: false, cancellationToken).ConfigureAwait(false);
    }
}
