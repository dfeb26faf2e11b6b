namespace OrleansLake.Iceberg;

/// <summary>
/// Replaces whole partitions as a snapshot of elsewhere did, where no file has come to them since the state that it was made on, and all
/// that it took out are there still.
/// </summary>
internal sealed class PickedOverwrite(string branch, Snapshot source, IdSource ids, TimeProvider time) : FileChange(branch, ids, time)
{
    private readonly HashSet<(int SpecId, PartitionKey Partition)> _replaced = [];

    public void Add(DataFile file)
    {
        AddDataFile(file);
        _replaced.Add((file.SpecId, file.Partition));
    }

    public void Remove(DataFile file)
    {
        RemoveFile(file, isData: true);
        _replaced.Add((file.SpecId, file.Partition));
    }

    private protected override string Operation(SnapshotTally tally) => "overwrite";

    private protected override async Task CheckAsync(LoadedTable @base, Snapshot? parent, CancellationToken cancellationToken)
    {
        var history = History.Since(@base, parent, source.ParentSnapshotId);
        await foreach (var entry in history.EntriesAsync(ManifestContent.Data, deleted: false, ["append", "overwrite", "replace", "delete"], cancellationToken).ConfigureAwait(false))
        {
            if (_replaced.Contains((entry.DataFile.SpecId, entry.DataFile.Partition)))
            {
                throw new ChangeConflictException(ChangeConflictKind.NewDataFiles, "a data file came to a partition that the snapshot replaced", [entry.DataFile.FilePath]);
            }
        }
    }
}
