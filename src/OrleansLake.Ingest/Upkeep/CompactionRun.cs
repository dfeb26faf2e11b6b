using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>One group of a plan on its way into the table.</summary>
internal sealed class CompactionRun(CompactionPlan plan, CompactionGroup group, IdSource ids, TimeProvider time)
{
    private readonly List<string> _notes = [];
    private List<WrittenBin> _bins = [];
    private LoadedTable? _table;
    private Snapshot? _from;
    private StagedSnapshot? _staged;
    private CompactionResult _done = new();
    private long _bytesRead;
    private long _bytesWritten;
    private string? _error;

    /// <summary>Awaited before each batch of rows.</summary>
    public Func<CancellationToken, ValueTask> Pace { get; init; } = static _ => ValueTask.CompletedTask;

    /// <summary>Whether something is left to write or to commit.</summary>
    public bool HasWork => _bins.Count > 0;

    /// <summary>The snapshot whose rows are read.</summary>
    public long? BaseSnapshotId => _from?.SnapshotId;

    /// <summary>Takes the plan as it is where its snapshot is still listed, else looks for its files in the newest one.</summary>
    public async Task StartAsync(LoadedTable table, bool isOld, CancellationToken cancellationToken)
    {
        _table = table;
        _bins = [.. group.Bins.Select(bin => new WrittenBin(bin))];
        _from = table.Metadata.FindSnapshot(plan.SnapshotId);
        if (_from is null || isOld || group.Bins.Any(bin => bin.Tasks.Count == 0))
        {
            await MoveAsync(table, writtenAnew: true, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Writes the bins that are not written yet.</summary>
    public async Task WriteAsync(CancellationToken cancellationToken)
    {
        RewriteWriter? writer = null;
        foreach (var bin in _bins.Where(bin => bin.Files is null))
        {
            writer ??= new RewriteWriter(_table!, _from!, null, plan.Options.TargetFileSizeBytes, ids, Pace);
            bin.ReadAt = _from!.SequenceNumber;
            bin.Files = await RewriteOrder.WriteAsync(writer, _table!, _from!, bin.Plan, plan.Options, cancellationToken).ConfigureAwait(false);
            _bytesRead += bin.Plan.Bytes;
            _bytesWritten += bin.Files.Sum(file => file.FileSizeBytes);
        }
    }

    /// <summary>The change that brings in what is written.</summary>
    public Transaction Change()
    {
        var change = new RewriteFiles(SnapshotRef.Main, _from!, ids, time);
        foreach (var bin in _bins)
        {
            foreach (var task in bin.Plan.Tasks)
            {
                change.Remove(task.File);
            }

            foreach (var file in bin.Files!)
            {
                change.Add(file);
            }
        }

        foreach (var deletes in DeletesThatGo())
        {
            change.RemoveDeletes(deletes);
        }

        return UpkeepGuard.Guarded(change, plan, _bins.Min(bin => bin.ReadAt), [.. _bins.SelectMany(bin => bin.Files!)], time, staged => _staged = staged);
    }

    /// <summary>What became of the change.</summary>
    public void Settle(CommitResult end)
    {
        if (end is not CommitResult.Committed)
        {
            // Nobody may know whether it comes in yet, so nothing of it is deleted, and it is not tried again in this run.
            _error = TextOf(end);
            return;
        }

        var removed = _bins.SelectMany(bin => bin.Plan.Tasks).ToList();
        var deletes = removed.SelectMany(task => task.Deletes).Where(file => file.ReferencedDataFile is not null).Concat(DeletesThatGo()).ToList();
        _done = new CompactionResult(
            _bins.Count,
            removed.Count + deletes.Count,
            _bins.Sum(bin => (long)bin.Files!.Count),
            removed.Sum(task => task.File.FileSizeBytes) + deletes.Sum(file => file.ContentSizeBytes ?? file.FileSizeBytes),
            removed.Sum(task => task.File.RecordCount) - _bins.Sum(bin => bin.Files!.Sum(file => file.RecordCount)),
            _staged!.Snapshot.SnapshotId);
        _bins = [];
    }

    /// <summary>
    /// Puts the work on the table as it is now: bins that nobody touched stay as they are written, those whose deletes have changed
    /// are written again, and those whose files are gone are given up.
    /// </summary>
    public async Task MoveAsync(LoadedTable table, bool writtenAnew, CancellationToken cancellationToken)
    {
        _table = table;
        _from = table.Metadata.FindRef(SnapshotRef.Main);
        var live = new Dictionary<string, FileScanTask>(StringComparer.Ordinal);
        if (_from is not null)
        {
            var wanted = _bins.SelectMany(bin => bin.Plan.Tasks).Select(task => task.File.FilePath).ToHashSet(StringComparer.Ordinal);
            var partitions = _bins.Select(bin => (bin.Plan.SpecId, bin.Plan.Partition)).ToHashSet();
            await foreach (var task in ScanPlan.FilesAsync(table, _from, partitions, cancellationToken).ConfigureAwait(false))
            {
                if (wanted.Contains(task.File.FilePath))
                {
                    live[task.File.FilePath] = task;
                }
            }
        }

        var kept = new List<WrittenBin>();
        foreach (var bin in _bins)
        {
            if (bin.Plan.Tasks.FirstOrDefault(task => !live.ContainsKey(task.File.FilePath)) is { } gone)
            {
                _notes.Add($"{bin.Plan.PartitionName}: given up, {gone.File.FilePath} is gone");
                continue;
            }

            bool same = !writtenAnew && bin.Plan.Tasks.All(task => SameDeletes(task, live[task.File.FilePath]));
            kept.Add(new WrittenBin(bin.Plan with { Tasks = [.. bin.Plan.Tasks.Select(task => live[task.File.FilePath])] }) { Files = same ? bin.Files : null, ReadAt = bin.ReadAt });
        }

        _bins = kept;
    }

    /// <summary>Adds a line for people.</summary>
    public void Note(string line) => _notes.Add(line);

    public UpkeepResult Result() => new()
    {
        Operation = plan.Operation,
        Table = plan.Table,
        StepsDone = _done.Bins,
        StepsLeft = group.Bins.Count - _done.Bins,
        FilesRemoved = _done.FilesRemoved,
        FilesAdded = _done.FilesAdded,
        RowsRemoved = _done.RowsRemoved,
        BytesRemoved = _done.BytesRemoved,
        BytesRead = _bytesRead,
        BytesWritten = _bytesWritten,
        SnapshotsCommitted = _done.SnapshotId is { } id ? [id] : [],
        Notes = _error is null && HasWork ? [.. _notes, $"{_bins.Count} bins given up, since others touched them again and again"] : _notes,
        Error = _error,
    };

    /// <summary>How a commit that did not come in ended.</summary>
    internal static string TextOf(CommitResult end) => end switch
    {
        CommitResult.Conflict(var reason) => $"not committed: {reason}",
        CommitResult.Unknown(var cause) => $"nobody knows whether it was committed: {cause.Message}",
        _ => "committed",
    };

    private static bool SameDeletes(FileScanTask before, FileScanTask now) =>
        before.Deletes.Count == now.Deletes.Count
        && before.Deletes.Select(Name).ToHashSet().SetEquals(now.Deletes.Select(Name));

    private static (string, long?) Name(DataFile file) => (file.FilePath, file.ContentPosition);

    /// <summary>Delete files of several data files, all of which are rewritten here.</summary>
    private IEnumerable<DataFile> DeletesThatGo() => _bins
        .SelectMany(bin => bin.Plan.Tasks)
        .SelectMany(task => task.Deletes)
        .Where(deletes => deletes.ReferencedDataFile is null)
        .GroupBy(deletes => deletes.FilePath)
        .Where(all => plan.SharedDeletes.GetValueOrDefault(all.Key)?.DataFiles == all.Count())
        .Select(all => all.First());

    private sealed class WrittenBin(CompactionBin plan)
    {
        public CompactionBin Plan { get; } = plan;

        /// <summary>What was written; null: nothing yet.</summary>
        public IReadOnlyList<DataFile>? Files { get; set; }

        /// <summary>The sequence number that was known when the files were named.</summary>
        public long ReadAt { get; set; }
    }

    private sealed record CompactionResult(int Bins = 0, long FilesRemoved = 0, long FilesAdded = 0, long BytesRemoved = 0, long RowsRemoved = 0, long? SnapshotId = null);
}
