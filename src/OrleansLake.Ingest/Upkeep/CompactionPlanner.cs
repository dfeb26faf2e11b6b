using System.Globalization;
using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>
/// Chooses what compaction rewrites: in each partition the files that are too small, too large, full of deletes or not in order,
/// if there are enough of them and the partition has stopped receiving, or if its debt is too large to wait for that.
/// </summary>
/// <remarks>Holds the files that it chooses; of the others only counts.</remarks>
internal sealed class CompactionPlanner(LoadedTable table, CompactionOptions options, TimeProvider time)
{
    private const double SmallShare = 0.75;
    private const double LargeShare = 1.8;

    private readonly TableMetadata _metadata = table.Metadata;
    private readonly Dictionary<(int SpecId, PartitionKey Partition), PartitionDebt> _partitions = [];
    private readonly Dictionary<string, SharedDeletes> _shared = new(StringComparer.Ordinal);
    private readonly List<string> _remarks = [];
    private readonly Dictionary<long, long> _timeOfSequence = [];
    private int _unreadable;

    public async Task<CompactionPlan> PlanAsync(CancellationToken cancellationToken)
    {
        if (options.Strategy == CompactionStrategy.Sort)
        {
            RewriteOrder.OrderOf(_metadata);
        }
        else if (options.Strategy == CompactionStrategy.Zorder)
        {
            RewriteOrder.CurveOf(_metadata, options);
        }

        var head = _metadata.FindRef(SnapshotRef.Main);
        foreach (var snapshot in _metadata.Snapshots)
        {
            _timeOfSequence[snapshot.SequenceNumber] = snapshot.TimestampMs;
        }

        if (Unwritable() is { } problem)
        {
            _remarks.Add(problem);
        }
        else if (head is not null)
        {
            await foreach (var task in ScanPlan.FilesAsync(table, head, cancellationToken: cancellationToken).ConfigureAwait(false))
            {
                Note(task);
            }

            await foreach (var entry in DeletesAsync(head, cancellationToken).ConfigureAwait(false))
            {
                // Whatever is of one data file goes with it; the rest applies to as many as were counted.
                if (entry.DataFile.ReferencedDataFile is null)
                {
                    _shared.TryAdd(entry.DataFile.FilePath, new SharedDeletes(entry.DataFile, 0));
                }
            }
        }

        var bins = new List<CompactionBin>();
        var filter = options.Where is { } where ? new FileFilter(_metadata, Expression.Parse(where)) : null;
        int waiting = 0;
        foreach (var (key, debt) in _partitions.OrderBy(pair => pair.Value.Name, StringComparer.Ordinal))
        {
            if (filter is null || filter.MightMatch(key.SpecId, key.Partition))
            {
                waiting += Choose(key, debt, bins) ? 0 : 1;
            }
        }

        if (waiting > 0)
        {
            _remarks.Add(string.Create(CultureInfo.InvariantCulture, $"{waiting} partitions with small files that still receive, or have too few of them"));
        }

        if (_unreadable > 0)
        {
            _remarks.Add(string.Create(CultureInfo.InvariantCulture, $"{_unreadable} files of a format that is not rewritten"));
        }

        return new CompactionPlan
        {
            Table = table.Identifier,
            TableUuid = _metadata.TableUuid,
            SnapshotId = head?.SnapshotId,
            Groups = Pack(bins),
            SharedDeletes = _shared,
            Options = options,
            Remarks = _remarks,
        };
    }

    /// <summary>Why rows of the table cannot be written here; null where they can.</summary>
    private string? Unwritable()
    {
        try
        {
            Write.IcebergParquet.ToParquet(_metadata.CurrentSchema);
            return _metadata.PartitionSpecs.Select(spec => spec.UnknownField).FirstOrDefault(field => field is not null) is { } unknown
                ? $"a table that is partitioned by {unknown.Transform} ({unknown.Name}), which is not known here"
                : _metadata.FormatVersion < 2 ? $"tables of format version {_metadata.FormatVersion}, which are read and not written" : null;
        }
        catch (NotSupportedException e)
        {
            return e.Message;
        }
    }

    private async IAsyncEnumerable<ManifestEntry> DeletesAsync(Snapshot head, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var manifest in await SnapshotFiles.ManifestsAsync(table, head, cancellationToken).ConfigureAwait(false))
        {
            if (manifest.Content == ManifestContent.Deletes && manifest is not { AddedFilesCount: 0, ExistingFilesCount: 0 })
            {
                await foreach (var entry in ManifestReader.ReadAsync(table.Store, manifest, _metadata, cancellationToken).ConfigureAwait(false))
                {
                    if (entry.Status != ManifestEntryStatus.Deleted)
                    {
                        yield return entry;
                    }
                }
            }
        }
    }

    private void Note(FileScanTask task)
    {
        var file = task.File;
        foreach (var delete in task.Deletes.Where(delete => delete.ReferencedDataFile is null))
        {
            _shared[delete.FilePath] = new SharedDeletes(delete, (_shared.GetValueOrDefault(delete.FilePath)?.DataFiles ?? 0) + 1);
        }

        if (file.FileFormat is not ("parquet" or "avro") || file.KeyMetadata is { Length: > 0 })
        {
            _unreadable++;
            return;
        }

        var key = (file.SpecId, file.Partition);
        if (!_partitions.TryGetValue(key, out var debt))
        {
            _partitions[key] = debt = new PartitionDebt(NameOf(_metadata, file));
        }

        // A snapshot that is not listed any more is older than those that are.
        debt.NewestMs = Math.Max(debt.NewestMs, _timeOfSequence.GetValueOrDefault(task.SequenceNumber));
        var reason = ReasonOf(task);
        if (reason != Reason.None)
        {
            debt.Candidates.Add((task with { File = Bare(file) }, reason));
        }
    }

    private Reason ReasonOf(FileScanTask task)
    {
        var file = task.File;
        long deleted = task.Deletes.Where(delete => delete.ReferencedDataFile is not null).Sum(delete => delete.RecordCount);
        bool isFull = task.Deletes.Count >= options.DeleteFiles || (deleted > 0 && deleted >= options.DeleteShare * file.RecordCount);
        bool isUnsorted = options.Strategy == CompactionStrategy.Sort && _metadata.DefaultSortOrderId != 0 && file.SortOrderId != _metadata.DefaultSortOrderId;
        return isFull ? Reason.Deletes
            : isUnsorted ? Reason.Order
            : file.FileSizeBytes < SmallShare * options.TargetFileSizeBytes ? Reason.Small
            : file.FileSizeBytes > LargeShare * options.TargetFileSizeBytes ? Reason.Large
            : options.RewriteAll ? Reason.Asked
            : Reason.None;
    }

    /// <summary>Adds the bins of a partition; false where it has small files that are left alone.</summary>
    private bool Choose((int SpecId, PartitionKey Partition) key, PartitionDebt debt, List<CompactionBin> bins)
    {
        var candidates = debt.Candidates;
        bool isQuiet = debt.NewestMs <= (time.GetUtcNow() - options.QuietPeriod).ToUnixTimeMilliseconds();
        if (!isQuiet && !options.RewriteAll)
        {
            if (candidates.Count < options.HotFiles)
            {
                return candidates.Count < 2;
            }

            DropLargest(candidates);
        }

        string when = isQuiet ? debt.NewestMs == 0 ? "quiet for long" : $"quiet since {DateTimeOffset.FromUnixTimeMilliseconds(debt.NewestMs):yyyy-MM-dd HH:mm}" : "still receiving, but its debt is large";
        bool chosen = false;
        foreach (var bin in Split([.. candidates.OrderBy(one => one.Task.SequenceNumber).ThenBy(one => one.Task.File.FilePath, StringComparer.Ordinal)]))
        {
            int small = bin.Count(one => one.Reason == Reason.Small);
            long smallBytes = bin.Where(one => one.Reason == Reason.Small).Sum(one => one.Task.File.FileSizeBytes);
            // Two of two thirds would become one and a rest: what leaves as many files as there were is not worth its bytes.
            bool isFewer = small > (smallBytes + options.TargetFileSizeBytes - 1) / options.TargetFileSizeBytes;
            bool isWorthIt = (isFewer && (small >= options.MinInputFiles || smallBytes >= options.TargetFileSizeBytes)) || bin.Exists(one => one.Reason != Reason.Small)
                || (options.RewriteAll && bin.Count > 1);
            if (isWorthIt)
            {
                chosen = true;
                bins.Add(new CompactionBin
                {
                    SpecId = key.SpecId,
                    Partition = key.Partition,
                    PartitionName = debt.Name,
                    Why = $"{when}; {WhyOf(bin)}",
                    Tasks = [.. bin.Select(one => one.Task)],
                });
            }
        }

        return chosen || candidates.Count < 2;
    }

    /// <summary>
    /// While a partition grows, a file that is larger than all smaller ones together is left alone: so a row is rewritten as often
    /// as the logarithm of the partition's size, not each time anew.
    /// </summary>
    private static void DropLargest(List<(FileScanTask Task, Reason Reason)> candidates)
    {
        candidates.Sort((a, b) => b.Task.File.FileSizeBytes.CompareTo(a.Task.File.FileSizeBytes));
        long rest = candidates.Sum(one => one.Task.File.FileSizeBytes);
        int from = 0;
        while (from < candidates.Count && candidates[from].Reason == Reason.Small && candidates[from].Task.File.FileSizeBytes > rest - candidates[from].Task.File.FileSizeBytes)
        {
            rest -= candidates[from++].Task.File.FileSizeBytes;
        }

        candidates.RemoveRange(0, from);
    }

    private IEnumerable<List<(FileScanTask Task, Reason Reason)>> Split(List<(FileScanTask Task, Reason Reason)> files)
    {
        var bin = new List<(FileScanTask, Reason)>();
        long bytes = 0;
        foreach (var one in files)
        {
            if (bin.Count > 0 && bytes + one.Task.File.FileSizeBytes > options.GroupSizeBytes)
            {
                yield return bin;
                (bin, bytes) = ([], 0);
            }

            bin.Add(one);
            bytes += one.Task.File.FileSizeBytes;
        }

        if (bin.Count > 0)
        {
            yield return bin;
        }
    }

    private List<CompactionGroup> Pack(List<CompactionBin> bins)
    {
        var groups = new List<CompactionGroup>();
        var group = new List<CompactionBin>();
        long bytes = 0;
        foreach (var bin in bins)
        {
            if (group.Count > 0 && bytes + bin.Bytes > options.GroupSizeBytes)
            {
                groups.Add(new CompactionGroup(group));
                (group, bytes) = ([], 0);
            }

            group.Add(bin);
            bytes += bin.Bytes;
        }

        if (group.Count > 0)
        {
            groups.Add(new CompactionGroup(group));
        }

        return groups;
    }

    private static string WhyOf(List<(FileScanTask Task, Reason Reason)> bin) => string.Join(", ", bin.GroupBy(one => one.Reason).OrderBy(group => group.Key).Select(group => string.Create(
        CultureInfo.InvariantCulture,
        $"{group.Count()} {group.Key switch
        {
            Reason.Small => "small",
            Reason.Large => "too large",
            Reason.Deletes => "with many deletes",
            Reason.Order => "not in the table's order",
            _ => "asked for",
        }}")));

    /// <summary>The partition of a file for people; empty where it has none.</summary>
    internal static string NameOf(TableMetadata metadata, DataFile file) => metadata.PartitionSpecs.FirstOrDefault(spec => spec.SpecId == file.SpecId) is { Fields.Count: > 0 } spec
        ? PartitionPath.Of(spec, metadata.CurrentSchema, file.Partition)
        : "";

    /// <summary>The descriptor without what a rewrite does not ask for: there may be many.</summary>
    private static DataFile Bare(DataFile file) => file with { ColumnSizes = null, ValueCounts = null, NullValueCounts = null, NanValueCounts = null, LowerBounds = null, UpperBounds = null };

    private enum Reason
    {
        None,
        Small,
        Large,
        Deletes,
        Order,
        Asked,
    }

    private sealed class PartitionDebt(string name)
    {
        public string Name { get; } = name;

        public long NewestMs { get; set; }

        public List<(FileScanTask Task, Reason Reason)> Candidates { get; } = [];
    }
}
