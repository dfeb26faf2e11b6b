using System.Runtime.InteropServices;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode;
using OrleansLake.Ingest.Read;
using OrleansLake.Ingest.Write;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Replay;

/// <summary>What is written into dead letters: which replay took them up, and when it had made rows of them.</summary>
/// <param name="ReplayId">The replay; null: none.</param>
/// <param name="ResolvedAt">When; null: not.</param>
internal readonly record struct DeadLetterMark(Guid? ReplayId, DateTimeOffset? ResolvedAt);

/// <summary>Some rows of one data file of a dead-letter table.</summary>
/// <param name="Task">The file, as a scan found it.</param>
/// <param name="Positions">Positions of the rows in the file, ascending.</param>
internal sealed record ChosenRows(FileScanTask Task, List<long> Positions);

/// <summary>
/// Marks dead letters by writing their files anew: every row of a file that was not deleted goes into a new one, marked or as it
/// is, so that readers need no deletes and no offset leaves the table.
/// </summary>
internal sealed class DeadLetterMarks(LoadedTable table, Snapshot snapshot, IdSource ids, TimeProvider time)
{
    private readonly WritePlan _plan = new(table);

    /// <summary>
    /// The rows that satisfy a condition, as the table stands in the snapshot.
    /// </summary>
    public async Task<List<ChosenRows>> FindAsync(Expression where, CancellationToken cancellationToken)
    {
        var scan = new TableScan(table, new ScanOptions { Snapshot = snapshot, Schema = _plan.Schema, Where = where, Columns = [MetadataColumns.RowPosition.Name] });
        var chosen = new List<ChosenRows>();
        await foreach (var task in scan.PlanAsync(cancellationToken).ConfigureAwait(false))
        {
            var positions = new List<long>();
            await foreach (var batch in scan.ReadAsync(task, cancellationToken).ConfigureAwait(false))
            {
                positions.AddRange(batch.Columns[0].Longs.AsSpan(0, batch.RowCount));
            }

            if (positions.Count > 0)
            {
                chosen.Add(new ChosenRows(task, positions));
            }
        }

        return chosen;
    }

    /// <summary>Writes the files and makes the change; nothing is committed yet.</summary>
    public async Task<MarkedFiles> WriteAsync(IReadOnlyList<ChosenRows> chosen, DeadLetterMark mark, CancellationToken cancellationToken)
    {
        var files = new OpenFiles(_plan, table.Store, $"replay-{ids.NewUuid()}");
        try
        {
            var scan = new TableScan(table, new ScanOptions
            {
                Snapshot = snapshot,
                Schema = _plan.Schema,
                Columns = [.. _plan.Schema.Fields.Select(static field => field.Name), MetadataColumns.RowPosition.Name],
            });
            var change = new OverwriteFiles(SnapshotRef.Main, snapshot, ids, time) { Isolation = IsolationLevel.Snapshot };
            var rewriter = new MarkColumns(_plan, mark);
            foreach (var rows in chosen)
            {
                // The task that found the rows reads but those: all of the file's are wanted here.
                var whole = rows.Task with { Residual = new BoundExpression.Constant(true) };
                int next = 0;
                await foreach (var batch in scan.ReadAsync(whole, cancellationToken).ConfigureAwait(false))
                {
                    next = rewriter.Rewrite(batch, rows.Positions, next);
                    files.Append(rewriter.Rows);
                }

                if (next != rows.Positions.Count)
                {
                    throw new InvalidDataException($"{rows.Task.File.FilePath}: expected {rows.Positions.Count} rows that are marked, got {next}");
                }

                change.Remove(rows.Task.File);
            }

            foreach (var file in await files.CompleteAsync(cancellationToken).ConfigureAwait(false))
            {
                change.Add(file);
            }

            return new MarkedFiles(change, files);
        }
        catch
        {
            await files.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Copies rows and writes two columns of them.</summary>
    private sealed class MarkColumns
    {
        private readonly RowGather _gather;
        private readonly LeafColumn _replayId;
        private readonly LeafColumn _resolvedAt;
        private readonly int _replayIdAt;
        private readonly int _resolvedAtAt;
        private readonly byte[]? _id;
        private readonly long? _atMicros;
        private int[] _order = [];

        public MarkColumns(WritePlan plan, DeadLetterMark mark)
        {
            _gather = new RowGather(plan.Columns);
            _replayIdAt = PlaceOf(plan, DeadLetterSchema.ReplayId);
            _resolvedAtAt = PlaceOf(plan, DeadLetterSchema.ResolvedAt);
            _replayId = new LeafColumn(plan.Columns.Columns[_replayIdAt]);
            _resolvedAt = new LeafColumn(plan.Columns.Columns[_resolvedAtAt]);
            _id = mark.ReplayId is { } id ? System.Text.Encoding.ASCII.GetBytes(id.ToString("N")) : null;
            _atMicros = mark.ResolvedAt is { } at ? (at.UtcTicks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond : null;
        }

        public ColumnBatch Rows => _gather.Rows;

        /// <summary>Returns how many of the positions lie before the batch's end.</summary>
        public int Rewrite(ColumnBatch batch, List<long> positions, int next)
        {
            int rows = batch.RowCount;
            if (_order.Length < rows)
            {
                _order = [.. Enumerable.Range(0, rows)];
            }

            _gather.Gather(batch, _order.AsSpan(0, rows));
            var at = batch.Columns[^1].Longs.AsSpan(0, rows);
            var ids = new LeafReader(batch.Columns[_replayIdAt]);
            var times = new LeafReader(batch.Columns[_resolvedAtAt]);
            _gather.Rows.Columns[_replayIdAt].Clear();
            _gather.Rows.Columns[_resolvedAtAt].Clear();
            _replayId.Attach(_gather.Rows.Columns[_replayIdAt], 0, rows);
            _resolvedAt.Attach(_gather.Rows.Columns[_resolvedAtAt], 0, rows);
            for (int row = 0; row < rows; row++)
            {
                bool hasId = ids.Next(row);
                bool hasTime = times.Next(row);
                bool isMarked = next < positions.Count && positions[next] == at[row];
                next += isMarked ? 1 : 0;
                AddId(row, isMarked ? _id : hasId ? ids.Bytes : default, isMarked ? _id is not null : hasId);
                AddTime(row, isMarked ? _atMicros : hasTime ? times.Long : null);
            }

            _replayId.Detach(rows);
            _resolvedAt.Detach(rows);
            return next;
        }

        private void AddId(int row, ReadOnlySpan<byte> id, bool isThere)
        {
            if (!isThere)
            {
                _replayId.AddAbsent(0, 0, row);
                return;
            }

            ref byte target = ref _replayId.RoomForBytes(id.Length);
            id.CopyTo(MemoryMarshal.CreateSpan(ref target, id.Length));
            _replayId.AddBytes(id.Length, 0);
        }

        private void AddTime(int row, long? micros)
        {
            if (micros is { } value)
            {
                _resolvedAt.AddLong(value, 0);
            }
            else
            {
                _resolvedAt.AddAbsent(0, 0, row);
            }
        }

        private static int PlaceOf(WritePlan plan, string name)
        {
            var field = plan.Schema.FindField(name) ?? throw new InvalidOperationException($"a dead-letter table without column {name}");
            return plan.Columns.Columns.First(column => column.FieldId == field.Id).Index;
        }
    }
}

/// <summary>Files of marked rows, and the change that puts them in place.</summary>
/// <param name="Change">The change.</param>
/// <param name="Files">Disposed of, the files are deleted: only as long as no swap was tried.</param>
internal sealed record MarkedFiles(OverwriteFiles Change, OpenFiles Files);
