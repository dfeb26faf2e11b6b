using System.Globalization;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Read;
using OrleansLake.Ingest.Write;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>
/// Writes the rows of some files of one partition anew, without those that are deleted, in the table's current columns. In v3
/// each row keeps its id and the number of its last change. https://iceberg.apache.org/spec/#row-lineage
/// </summary>
/// <remarks>Holds a batch of what is read and a row group of what is written, however many files there are.</remarks>
internal sealed class RewriteWriter
{
    internal const int BatchRows = 8192;

    private readonly LoadedTable _table;
    private readonly Schema _schema;
    private readonly long _targetBytes;
    private readonly string _namePrefix;
    private readonly Func<CancellationToken, ValueTask> _pace;
    private readonly TableScan _scan;
    private readonly Read.DeleteFiles _deletes;
    private readonly ScanMemory _memory = new(keepsCodes: true);
    private readonly Dictionary<(int SpecId, int OrderId), WritePlan> _plans = [];
    private int _files;

    /// <summary>A writer of one state of a table.</summary>
    /// <param name="table">The table.</param>
    /// <param name="from">The state whose rows are read.</param>
    /// <param name="where">Which rows; null: all.</param>
    /// <param name="targetBytes">A file is closed at about this size.</param>
    /// <param name="ids">Names the files.</param>
    /// <param name="pace">Awaited before each batch: whoever has more important things to do holds it back.</param>
    public RewriteWriter(LoadedTable table, Snapshot from, Expression? where, long targetBytes, IdSource ids, Func<CancellationToken, ValueTask> pace)
    {
        var metadata = table.Metadata;
        bool lineage = metadata.FormatVersion >= 3;
        _table = table;
        _targetBytes = targetBytes;
        _pace = pace;
        // The name tells when, so that nobody takes the file for one that was left behind.
        _namePrefix = $"rewrite-{ids.NewUuid()}";
        _scan = new TableScan(table, new ScanOptions { Snapshot = from, Schema = metadata.CurrentSchema, Where = where, BatchRows = BatchRows, RowLineage = lineage });
        _deletes = new Read.DeleteFiles(table, BatchRows);
        _schema = lineage
            ? metadata.CurrentSchema with { Fields = [.. metadata.CurrentSchema.Fields, MetadataColumns.RowId, MetadataColumns.LastUpdatedSequenceNumber] }
            : metadata.CurrentSchema;
    }

    /// <summary>The condition as the table understands it.</summary>
    public BoundExpression Condition => _scan.Condition;

    /// <summary>The columns of the rows.</summary>
    public ParquetSchema Columns => _scan.Columns;

    /// <summary>Rows that were written.</summary>
    public long Rows { get; private set; }

    /// <summary>Some columns of a file, likewise.</summary>
    public IAsyncEnumerable<ColumnBatch> ReadAsync(FileScanTask task, TableScan columns, CancellationToken cancellationToken) => columns.ReadAsync(task, _deletes, _memory, cancellationToken);

    /// <summary>The rows of a file that are not deleted and satisfy the condition. A batch is gone when the next one is asked for.</summary>
    public IAsyncEnumerable<ColumnBatch> ReadAsync(FileScanTask task, ScanMemory memory, CancellationToken cancellationToken) => _scan.ReadAsync(task, _deletes, memory, cancellationToken);

    /// <summary>The rows of the tasks, file behind file.</summary>
    public async IAsyncEnumerable<ColumnBatch> ReadAsync(IEnumerable<FileScanTask> tasks, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var task in tasks)
        {
            await foreach (var batch in ReadAsync(task, _memory, cancellationToken).ConfigureAwait(false))
            {
                yield return batch;
            }
        }
    }

    /// <summary>Writes rows into files of one partition; durable when this returns. None where there is no row.</summary>
    public async Task<IReadOnlyList<DataFile>> WriteAsync(int specId, PartitionKey partition, IAsyncEnumerable<ColumnBatch> rows, int sortOrderId, CancellationToken cancellationToken)
    {
        var plan = PlanFor(specId, sortOrderId);
        string path = PartitionPath.Of(plan.Spec, _schema, partition);
        var writer = new DataFileWriter(
            plan, _table.Store, partition, () => plan.Locations.Of(path, string.Create(CultureInfo.InvariantCulture, $"{_namePrefix}-{++_files:D5}.parquet")));
        try
        {
            await foreach (var batch in rows.WithCancellation(cancellationToken).ConfigureAwait(false))
            {
                await _pace(cancellationToken).ConfigureAwait(false);
                for (int row = 0; row < batch.RowCount; row += BatchRows)
                {
                    writer.Append(batch, row, Math.Min(BatchRows, batch.RowCount - row));
                }

                Rows += batch.RowCount;
            }

            return await writer.CompleteAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            // Nobody was told of them.
            await writer.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private WritePlan PlanFor(int specId, int orderId)
    {
        if (!_plans.TryGetValue((specId, orderId), out var plan))
        {
            var metadata = _table.Metadata;
            var spec = metadata.PartitionSpecs.First(one => one.SpecId == specId);
            _plans[(specId, orderId)] = plan = new WritePlan(metadata, _schema, spec) { TargetFileSizeBytes = _targetBytes, SortOrderId = orderId };
        }

        return plan;
    }
}
