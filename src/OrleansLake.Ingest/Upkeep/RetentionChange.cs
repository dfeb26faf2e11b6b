using OrleansLake.Iceberg;
using OrleansLake.Iceberg.Deletes;
using OrleansLake.Ingest.Read;
using OrleansLake.Ingest.Write;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>A change that removes rows, ready to be committed.</summary>
internal sealed record RetentionRemoval(FileChange Change, long ReadAt, IReadOnlyList<DataFile> Removed, IReadOnlyList<DataFile> Added, long Rows, long BytesRead);

/// <summary>Makes the changes of a retention from one state of a table.</summary>
internal sealed class RetentionChange(LoadedTable table, RetentionPlan plan, IdSource ids, TimeProvider time, Func<CancellationToken, ValueTask> pace)
{
    private const int BatchRows = 8192;

    private readonly TableMetadata _metadata = table.Metadata;
    private readonly Snapshot _from = table.Metadata.FindSnapshot(plan.SnapshotId)!;
    private readonly Read.DeleteFiles _deletes = new(table, BatchRows);
    private readonly FileLocations _locations = new(table.Metadata);
    private TableScan? _positions;
    private RewriteWriter? _rewrite;

    /// <summary>The rows that are too old.</summary>
    /// <exception cref="FormatException">The column is not in the table, or neither a date nor a timestamp.</exception>
    public static Expression IsOld(TableMetadata metadata, RetentionOptions options, RetentionCutoff cutoff)
    {
        var column = ColumnOf(metadata, options);
        return Expression.LessThan(options.Column, cutoff.ValueOf(column));
    }

    /// <summary>Takes out the files all of whose rows are too old.</summary>
    public RetentionRemoval RemoveWhole()
    {
        var change = new Iceberg.DeleteFiles(SnapshotRef.Main, ids, time);
        List<DataFile> removed = [.. plan.Whole.SelectMany(bin => bin.Tasks).Select(task => task.File)];
        foreach (var file in removed)
        {
            change.Remove(file);
        }

        return new RetentionRemoval(change, _from.SequenceNumber, removed, [], removed.Sum(file => file.RecordCount), 0);
    }

    /// <summary>Takes the old rows of files out; null where there are none.</summary>
    public async Task<RetentionRemoval?> RemoveOldAsync(RetentionBin bin, CancellationToken cancellationToken)
    {
        // Bounds may say less than there is: what has no old row is left alone, else it would be written anew each day.
        var hit = new List<(FileScanTask Task, PositionSet Old)>();
        foreach (var task in bin.Tasks)
        {
            var old = await OldRowsAsync(task, cancellationToken).ConfigureAwait(false);
            if (old.Count > 0)
            {
                hit.Add((task, old));
            }
        }

        return hit.Count == 0 ? null
            : plan.Options.Boundary == RetentionBoundary.Delete ? await MarkAsync(hit, cancellationToken).ConfigureAwait(false)
            : await RewriteAsync(hit, cancellationToken).ConfigureAwait(false);
    }

    private static NestedField ColumnOf(TableMetadata metadata, RetentionOptions options) => metadata.CurrentSchema.FindField(options.Column)
        ?? throw new FormatException($"{UpkeepSettings.Prefix}retention.column: the table has no column {options.Column}; it has {string.Join(", ", metadata.CurrentSchema.Fields.Select(field => field.Name))}");

    private async Task<PositionSet> OldRowsAsync(FileScanTask task, CancellationToken cancellationToken)
    {
        _positions ??= new TableScan(table, new ScanOptions
        {
            Snapshot = _from,
            Schema = _metadata.CurrentSchema,
            Columns = [MetadataColumns.RowPosition.Name],
            Where = IsOld(_metadata, plan.Options, plan.Cutoff!.Value),
            BatchRows = BatchRows,
        });
        var old = new PositionSet();
        await foreach (var batch in _positions.ReadAsync(task, _deletes, new ScanMemory(), cancellationToken).ConfigureAwait(false))
        {
            await pace(cancellationToken).ConfigureAwait(false);
            for (int row = 0; row < batch.RowCount; row++)
            {
                old.Add(batch.Columns[0].Longs[row]);
            }
        }

        return old;
    }

    /// <summary>The files of one partition without their old rows.</summary>
    private async Task<RetentionRemoval> RewriteAsync(List<(FileScanTask Task, PositionSet Old)> hit, CancellationToken cancellationToken)
    {
        var options = plan.Options;
        var kept = Expression.GreaterThanOrEqual(options.Column, plan.Cutoff!.Value.ValueOf(ColumnOf(_metadata, options))) | Expression.IsNull(options.Column);
        _rewrite ??= new RewriteWriter(table, _from, kept, CompactionOptions.Read(new UpkeepSettings(_metadata.Properties)).TargetFileSizeBytes, ids, pace);
        var change = new OverwriteFiles(SnapshotRef.Main, _from, ids, time) { Isolation = IsolationLevel.Snapshot };
        var first = hit[0].Task.File;
        // The condition of the plan let through what has old rows; what is written is all that is not old.
        var tasks = hit.Select(one => one.Task with { Residual = _rewrite.Condition });
        var added = await _rewrite.WriteAsync(first.SpecId, first.Partition, _rewrite.ReadAsync(tasks, cancellationToken), sortOrderId: 0, cancellationToken).ConfigureAwait(false);
        foreach (var (task, _) in hit)
        {
            change.Remove(task.File);
        }

        foreach (var file in added)
        {
            change.Add(file);
        }

        return new RetentionRemoval(change, _from.SequenceNumber, [.. hit.Select(one => one.Task.File)], added, hit.Sum(one => one.Old.Count), hit.Sum(one => one.Task.File.FileSizeBytes));
    }

    /// <summary>The old rows marked as deleted: a vector for each file in v3, a file of positions for each in v2.</summary>
    private async Task<RetentionRemoval> MarkAsync(List<(FileScanTask Task, PositionSet Old)> hit, CancellationToken cancellationToken)
    {
        var change = new RowDelta(SnapshotRef.Main, _from, ids, time) { Isolation = null };
        var removed = new List<DataFile>();
        var added = new List<DataFile>();
        var vectors = new List<(DataFile, PositionSet)>();
        Guid written = ids.NewUuid();
        foreach (var (task, old) in hit)
        {
            if (task.Deletes.Count == 0 && old.Count == task.File.RecordCount)
            {
                change.RemoveRows(task.File);
                removed.Add(task.File);
            }
            else if (_metadata.FormatVersion >= 3)
            {
                foreach (var delete in task.Deletes.Where(delete => delete.Content == DataFileContent.PositionDeletes))
                {
                    if (await _deletes.PositionsAsync(delete, task.File.FilePath, cancellationToken).ConfigureAwait(false) is { } before)
                    {
                        old.UnionWith(before);
                    }

                    if (delete.IsDeletionVector)
                    {
                        change.RemoveDeletes(delete);
                        removed.Add(delete);
                    }
                }

                vectors.Add((task.File, old));
            }
            else
            {
                string location = _locations.Of("", FormattableString.Invariant($"{written}-{added.Count:D5}-deletes.parquet"));
                added.Add(await DeleteFileWriter.WritePositionsAsync(
                    table, location, task.File.SpecId, task.File.Partition, new Dictionary<string, PositionSet> { [task.File.FilePath] = old }, cancellationToken).ConfigureAwait(false));
            }
        }

        if (vectors.Count > 0)
        {
            added.AddRange(await DeletionVector.WriteAsync(table.Store, _locations.Of("", $"{written}-deletes.puffin"), vectors, cancellationToken).ConfigureAwait(false));
        }

        foreach (var file in added)
        {
            change.AddDeletes(file);
        }

        return new RetentionRemoval(change, _from.SequenceNumber, removed, added, hit.Sum(one => one.Old.Count), 0);
    }
}
