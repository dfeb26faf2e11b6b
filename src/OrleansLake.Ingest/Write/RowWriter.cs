using System.Runtime.InteropServices;
using OrleansLake.Ingest.Decode;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Pump;
using OrleansLake.Ingest.Quality;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Write;

/// <summary>What decodes and lays out the rows of one table: kept from writer to writer, used by one at a time.</summary>
internal sealed class RowLine(WritePlan plan, IRecordDecoder decoder)
{
    /// <summary>How its files are written.</summary>
    public WritePlan Plan { get; } = plan;

    /// <summary>Makes its rows.</summary>
    public IRecordDecoder Decoder { get; } = decoder;

    /// <summary>Holds its rows on their way.</summary>
    public ColumnBatch Rows { get; } = new(plan.Columns);

    /// <summary>Tells which records are for the table before they are decoded; null: that need not be known before.</summary>
    public RecordChoice? Choice { get; init; }

    /// <summary>Screens its rows before they are written; null: all may be.</summary>
    public RowScreen? Screen { get; init; }

    /// <summary>Holds what did not become rows.</summary>
    public List<RejectedRecord> Rejected { get; } = [];
}

/// <summary>Decodes records into the open files of a table, and what cannot be rows into those of its dead-letter table.</summary>
internal sealed class RowWriter : IRowWriter
{
    private readonly RowWriterFactory _factory;
    private readonly RowLine _line;
    private readonly DeadLetterRows _letterRows;
    private readonly OpenFiles _files;
    private readonly OpenFiles _letters;
    private readonly TimeProvider _time;
    private readonly DeadLetterOrigin _origin;
    private long _tombstones;
    private bool _closed;

    public RowWriter(RowWriterFactory factory, RowLine line, DeadLetterRows letterRows, OpenFiles files, OpenFiles letters, DeadLetterOrigin origin, TimeProvider time)
    {
        _factory = factory;
        _line = line;
        _letterRows = letterRows;
        _files = files;
        _letters = letters;
        _origin = origin;
        _time = time;
    }

    /// <inheritdoc />
    public long BufferedBytes => _files.BufferedBytes + _letters.BufferedBytes;

    /// <summary>Told how many records become dead letters.</summary>
    public DeadLetterAlarm? Alarm { get; init; }

    /// <inheritdoc />
    public long LargestFileBytes => Math.Max(_files.LargestFileBytes, _letters.LargestFileBytes);

    /// <inheritdoc />
    public AppendedRecords Append(KafkaBatch batch, string? topicId = null)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        if (_line.Choice?.Choose(batch) is not { } chosen || chosen == batch)
        {
            return AppendAll(batch, topicId);
        }

        AppendedRecords appended = AppendAll(chosen, topicId);
        int passed = appended.Halted is { } halted ? batch.CountBefore(halted.Offset) - chosen.CountBefore(halted.Offset) : batch.Count - chosen.Count;
        return appended with { Skipped = appended.Skipped + passed };
    }

    private AppendedRecords AppendAll(KafkaBatch batch, string? topicId)
    {
        int rows = 0;
        int rejected = 0;
        int skipped = 0;
        HaltedRecord? halted = null;
        for (int record = 0; record < batch.Count && halted is null;)
        {
            _line.Rows.Clear();
            _line.Rejected.Clear();
            int next = _line.Decoder.Decode(batch, record, _line.Rows, _line.Rejected);
            if (_line.Rows.RowCount + _line.Rejected.Count != next - record)
            {
                throw new InvalidOperationException(
                    $"{batch.TopicPartition}: expected {next - record} rows and rejects, got {_line.Rows.RowCount} and {_line.Rejected.Count}");
            }

            var kept = _line.Screen is { } screen ? screen.Screen(batch, record, ref next, _line.Rows, _line.Rejected, out halted) : _line.Rows;
            _files.Append(kept);
            // Tombstones that nobody wants are no dead letters; their offsets are a gap like those of a compacted topic.
            if (_factory.SkipsTombstones)
            {
                _tombstones += _line.Rejected.RemoveAll(static reject => reject.Reason == RejectReason.NullValue);
            }

            if (_line.Rejected.Count > 0)
            {
                _letterRows.Fill(batch, CollectionsMarshal.AsSpan(_line.Rejected), _line.Plan.Schema.SchemaId, _origin with { TopicId = topicId }, _time.GetUtcNow());
                _letters.Append(_letterRows.Batch);
            }

            rows += kept.RowCount;
            rejected += _line.Rejected.Count;
            skipped += next - record - kept.RowCount - _line.Rejected.Count;
            record = next;
        }

        Alarm?.Count(rows, rejected, _time.GetUtcNow());
        return new AppendedRecords(rows, rejected) { Skipped = skipped, Halted = halted };
    }

    /// <inheritdoc />
    public async Task<WrittenFiles> CloseAsync(CancellationToken cancellationToken)
    {
        GiveBack();
        // Dead letters first, as they are committed: a failure between the two leaves nothing that rows rely on.
        var letters = await _letters.CompleteAsync(cancellationToken).ConfigureAwait(false);
        var files = await _files.CompleteAsync(cancellationToken).ConfigureAwait(false);
        return new WrittenFiles(files, letters);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        GiveBack();
        await _files.DisposeAsync().ConfigureAwait(false);
        await _letters.DisposeAsync().ConfigureAwait(false);
    }

    private void GiveBack()
    {
        if (!_closed)
        {
            _closed = true;
            _factory.Return(_line, _letterRows, _tombstones);
        }
    }
}
