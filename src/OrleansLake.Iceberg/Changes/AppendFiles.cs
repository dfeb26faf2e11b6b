namespace OrleansLake.Iceberg;

/// <summary>
/// Adds data files to a branch: one logical commit, prepared once, staged for each attempt. Not for concurrent use. An append
/// contradicts nothing that others commit, so it can always be staged again.
/// </summary>
/// <remarks>
/// The manifests of the new files are written on the first call of <see cref="SnapshotChange.StageAsync"/> only: they carry no
/// sequence number, so a retry rewrites nothing but the manifest list.
/// https://iceberg.apache.org/spec/#sequence-number-inheritance
/// </remarks>
/// <param name="branch">The branch to append to; made when the table does not have it.</param>
/// <param name="ids">Names the commit and the snapshot.</param>
/// <param name="time">Dates it.</param>
public sealed class AppendFiles(string branch, IdSource ids, TimeProvider time) : FileChange(branch, ids, time)
{
    /// <summary>Adds a file.</summary>
    /// <exception cref="ArgumentException">It is no data file, or was added before: a live path may stand in a snapshot once.</exception>
    /// <exception cref="InvalidOperationException">The manifests are written already.</exception>
    public void Add(DataFile file) => AddDataFile(file);

    private protected override string Operation(SnapshotTally tally)
    {
        // An append of nothing says so: whoever adds up appends finds a number in each.
        foreach (string counter in new[] { "added-data-files", "added-records", "added-files-size" })
        {
            if (!tally.AddsDataFiles)
            {
                tally.Others[counter] = 0;
            }
        }

        return "append";
    }
}
