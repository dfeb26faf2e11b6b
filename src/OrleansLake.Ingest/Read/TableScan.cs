using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using OrleansLake.Iceberg;
using OrleansLake.Iceberg.Deletes;
using OrleansLake.Ingest.Write;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Read;

/// <summary>What a scan reads; without anything said: every row of the current snapshot, in the table's current columns.</summary>
public sealed record ScanOptions
{
    /// <summary>
    /// A snapshot id, a branch or tag, or a time (see <see cref="SnapshotSelection.SnapshotAt"/>). A snapshot that is named by id, time or
    /// tag is read in the columns that the table had then, a branch in the current ones.
    /// https://iceberg.apache.org/spec/#scan-planning
    /// </summary>
    public string? At { get; init; }

    /// <summary>The snapshot itself, in place of <see cref="At"/>.</summary>
    public Snapshot? Snapshot { get; init; }

    /// <summary>The columns to read by; null: see <see cref="At"/>.</summary>
    public Schema? Schema { get; init; }

    /// <summary>
    /// Which columns, by name or path (<c>order.price</c>), those of <see cref="MetadataColumns"/> among them; null: all of the table's.
    /// </summary>
    public IReadOnlyList<string>? Columns { get; init; }

    /// <summary>Which rows; null: all.</summary>
    public Expression? Where { get; init; }

    /// <summary>Rows a batch at most.</summary>
    public int BatchRows { get; init; } = 8192;

    /// <summary>All columns, and behind them those that tell rows apart (v3): what a rewrite carries over. https://iceberg.apache.org/spec/#row-lineage</summary>
    internal bool RowLineage { get; init; }
}

/// <summary>
/// Reads the rows of a table: the files that may matter, their columns as the table has them now, without the rows that are
/// deleted or do not satisfy the condition. https://iceberg.apache.org/spec/#scan-planning
/// </summary>
/// <remarks>
/// One scan may be read several times, and by several readers at once. Memory is that of a batch, of one file below 16 MB or
/// of its pages, and of the delete files that apply.
/// </remarks>
public sealed class TableScan
{
    private readonly LoadedTable _table;
    private readonly Schema _schema;
    private readonly ReadSchema _columns;
    private readonly BoundExpression _condition;
    private readonly int _batchRows;

    /// <summary>A scan of a table.</summary>
    /// <exception cref="ArgumentException">There is no such snapshot or column, or the condition does not fit the columns.</exception>
    public TableScan(LoadedTable table, ScanOptions? options = null)
    {
        options ??= new ScanOptions();
        _table = table;
        _batchRows = options.BatchRows;
        Snapshot = options.Snapshot ?? table.Metadata.SnapshotAt(options.At);
        _schema = options.Schema ?? SchemaOf(table.Metadata, options, Snapshot);
        _condition = (options.Where ?? Expression.AlwaysTrue).Bind(_schema);
        _columns = options.RowLineage
            ? ReadSchema.Of([.. _schema.Fields, MetadataColumns.RowId, MetadataColumns.LastUpdatedSequenceNumber]).With(_condition.Fields.Select(field => field.Id), table.Metadata, _schema)
            : ReadSchema.Of(table.Metadata, _schema, options.Columns, _condition);
    }

    /// <summary>The state of the table that is read; null where it has none, and no row either.</summary>
    public Snapshot? Snapshot { get; }

    /// <summary>The fields of the rows.</summary>
    public Schema Schema => _columns.Rows;

    /// <summary>The columns of the batches.</summary>
    public ParquetSchema Columns => _columns.RowColumns;

    /// <summary>The condition as the table understands it.</summary>
    public BoundExpression Condition => _condition;

    /// <summary>The files that are read, and what is done with their rows.</summary>
    public IAsyncEnumerable<FileScanTask> PlanAsync(CancellationToken cancellationToken = default) =>
        Snapshot is { } snapshot ? ScanPlan.FilesAsync(_table, snapshot, _condition, cancellationToken) : AsyncEnumerable.Empty<FileScanTask>();

    /// <summary>
    /// The rows, file by file, in the order of each file. Every batch is one object: what it holds is gone when the next one is
    /// asked for.
    /// </summary>
    public async IAsyncEnumerable<ColumnBatch> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var deletes = new DeleteFiles(_table, _batchRows);
        var memory = new ScanMemory();
        await foreach (var task in PlanAsync(cancellationToken).ConfigureAwait(false))
        {
            await foreach (var batch in ReadAsync(task, deletes, memory, cancellationToken).ConfigureAwait(false))
            {
                yield return batch;
            }
        }
    }

    /// <summary>The rows of one file of <see cref="PlanAsync"/>, likewise.</summary>
    public IAsyncEnumerable<ColumnBatch> ReadAsync(FileScanTask task, CancellationToken cancellationToken = default) =>
        ReadAsync(task, new DeleteFiles(_table, _batchRows), new ScanMemory(), cancellationToken);

    /// <summary>
    /// The rows as JSON objects in UTF-8: timestamps in ISO 8601, bytes in base64, decimals with all their digits, maps as objects.
    /// What a row holds is gone when the next one is asked for.
    /// </summary>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadJsonAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = 1000 });
        RowJson? rows = null;
        await foreach (var batch in ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            rows ??= new RowJson(Schema, Columns);
            rows.Attach(batch);
            for (int row = 0; row < batch.RowCount; row++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                buffer.ResetWrittenCount();
                json.Reset();
                rows.WriteRow(json);
                json.Flush();
                yield return buffer.WrittenMemory;
            }
        }
    }

    private static Schema SchemaOf(TableMetadata metadata, ScanOptions options, Snapshot? snapshot)
    {
        bool isBranch = options.Snapshot is null && (string.IsNullOrEmpty(options.At) || metadata.Refs.GetValueOrDefault(options.At) is { IsTag: false });
        return isBranch || snapshot?.SchemaId is not { } id ? metadata.CurrentSchema : metadata.Schemas.FirstOrDefault(schema => schema.SchemaId == id) ?? metadata.CurrentSchema;
    }

    /// <summary>Likewise, with delete files that several files share, and memory that is kept from one to the next.</summary>
    internal async IAsyncEnumerable<ColumnBatch> ReadAsync(FileScanTask task, DeleteFiles deletes, ScanMemory memory, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var positions = new List<PositionSet>();
        var keys = new List<EqualityKeys>();
        foreach (var delete in task.Deletes)
        {
            if (delete.Content == DataFileContent.EqualityDeletes)
            {
                keys.Add(await deletes.KeysAsync(delete, cancellationToken).ConfigureAwait(false));
            }
            else if (await deletes.PositionsAsync(delete, task.File.FilePath, cancellationToken).ConfigureAwait(false) is { } some)
            {
                positions.Add(some);
            }
        }

        var columns = _columns.With(keys.SelectMany(one => one.FieldIds), _table.Metadata, _schema);
        int[][] leaves = [.. keys.Select(one => one.FieldIds.Select(columns.LeafOf).ToArray())];
        var condition = new RowCondition(task.Residual, columns);
        if (condition.IsFalse)
        {
            yield break;
        }

        bool whole = condition.IsTrue && positions.Count == 0 && keys.Count == 0;
        var read = memory.BatchOf(columns.AllColumns);
        var gather = whole && !columns.HasMore ? null : new RowGather(_columns.RowColumns);
        bool[] keep = [];
        int[] kept = [];
        var constants = new FileConstants(_table.Metadata, task.File, task.SequenceNumber);
        var mapping = NameMapping.Of(_table.Metadata);
        await foreach (long position in DataFileBatches.ReadAsync(_table.Store, task.File, columns.Fields, read, constants, mapping, _batchRows, cancellationToken, task.Residual, memory.OfFiles).ConfigureAwait(false))
        {
            if (gather is null)
            {
                yield return read;
                continue;
            }

            if (keep.Length < read.RowCount)
            {
                keep = new bool[read.RowCount];
                kept = new int[read.RowCount];
            }

            int count = Choose(position);
            if (count == read.RowCount && !columns.HasMore)
            {
                yield return read;
            }
            else if (count > 0)
            {
                gather.Gather(read, kept.AsSpan(0, count));
                yield return gather.Rows;
            }
        }

        int Choose(long position)
        {
            var marks = keep.AsSpan(0, read.RowCount);
            marks.Fill(true);
            foreach (var set in positions)
            {
                set.Unmark(position, marks);
            }

            for (int i = 0; i < keys.Count; i++)
            {
                keys[i].Unmark(read, leaves[i], marks);
            }

            condition.Apply(read, marks);
            int count = 0;
            for (int row = 0; row < marks.Length; row++)
            {
                kept[count] = row;
                count += marks[row] ? 1 : 0;
            }

            return count;
        }
    }
}

/// <summary>What the reading of one file leaves for the next. Belongs to one reading at a time.</summary>
internal sealed class ScanMemory(bool keepsCodes = false)
{
    private ColumnBatch? _batch;

    /// <summary>The memory of Parquet files.</summary>
    public ReadMemory OfFiles { get; } = new() { KeepsCodes = keepsCodes };

    /// <summary>The batch of the last file, if it had the same columns.</summary>
    public ColumnBatch BatchOf(ParquetSchema columns) => _batch?.Schema == columns ? _batch : _batch = new ColumnBatch(columns);
}
