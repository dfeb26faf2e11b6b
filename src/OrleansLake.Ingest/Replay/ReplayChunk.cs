using System.Text;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Backfill;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Decode;
using OrleansLake.Ingest.Read;
using OrleansLake.Ingest.Write;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Replay;

/// <summary>
/// Open dead letters decoded again, up to as many as one snapshot shall take: the files of those that are rows now, and which
/// rows of the dead-letter table they were.
/// </summary>
internal sealed class ReplayChunk(Lineage rows, Lineage letters, ReplayRequest request, Func<string, RowWriterFactory> writersOf) : IAsyncDisposable
{
    private static readonly string[] Columns =
    [
        DeadLetterSchema.Topic, DeadLetterSchema.Partition, DeadLetterSchema.Offset, DeadLetterSchema.Timestamp, DeadLetterSchema.Key, DeadLetterSchema.Value,
        DeadLetterSchema.Headers, DeadLetterSchema.Pipeline, DeadLetterSchema.Generation, MetadataColumns.RowPosition.Name,
    ];

    private const int BatchBytes = 4 << 20;
    private const int BatchRecords = 4096;

    private readonly Dictionary<string, ReplayFiles> _files = [];
    private readonly DeadLetterBatch _batch = new();
    private readonly List<long> _batchPositions = [];
    private readonly List<RejectedRecord> _rejected = [];

    /// <summary>The dead letters that are rows now.</summary>
    public List<ChosenRows> Chosen { get; } = [];

    /// <summary>How many.</summary>
    public long Good { get; private set; }

    /// <summary>Those that are still bad.</summary>
    public long Bad { get; private set; }

    /// <summary>Those of generations that have ended, and of backfills that are not published.</summary>
    public long OfEndedGenerations { get; private set; }

    /// <summary>Why they are still bad.</summary>
    public Dictionary<string, long> Because { get; } = [];

    /// <summary>Whether every dead letter was looked at, and none is left for another chunk.</summary>
    public bool IsLast { get; private set; } = true;

    /// <summary>Reads and decodes.</summary>
    public async Task ReadAsync(CancellationToken cancellationToken)
    {
        var open = Expression.IsNull(DeadLetterSchema.ReplayId);
        var scan = new TableScan(letters.Table, new ScanOptions
        {
            Snapshot = letters.Head,
            Schema = letters.Table.Metadata.CurrentSchema,
            Columns = Columns,
            Where = request.Where is { } where ? open & where : open,
        });
        await foreach (var task in scan.PlanAsync(cancellationToken).ConfigureAwait(false))
        {
            if (Good >= request.RowsPerCommit || _files.Values.Sum(static files => files.BufferedBytes) >= request.BytesPerCommit)
            {
                IsLast = false;
                return;
            }

            var positions = new List<long>();
            await foreach (var batch in scan.ReadAsync(task, cancellationToken).ConfigureAwait(false))
            {
                cancellationToken.ThrowIfCancellationRequested();
                Read(batch, positions);
            }

            if (positions.Count > 0)
            {
                Chosen.Add(new ChosenRows(task, positions));
            }
        }
    }

    /// <summary>The files, durable.</summary>
    public async Task<IReadOnlyList<DataFile>> CompleteAsync(CancellationToken cancellationToken)
    {
        var complete = new List<DataFile>();
        foreach (var files in _files.Values)
        {
            complete.AddRange(await files.CompleteAsync(cancellationToken).ConfigureAwait(false));
        }

        return complete;
    }

    /// <summary>Deletes the files: only as long as no swap was tried with them.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var files in _files.Values)
        {
            await files.DisposeAsync().ConfigureAwait(false);
        }
    }

    private void Read(ColumnBatch batch, List<long> positions)
    {
        LeafReader topic = Reader(0), partition = Reader(1), offset = Reader(2), timestamp = Reader(3), key = Reader(4), value = Reader(5), headers = Reader(6), pipeline = Reader(7), generation = Reader(8);
        var at = batch.Columns[9].Longs;
        (string Pipeline, string Generation, TopicPartition TopicPartition) last = ("", "", default);
        for (int row = 0; row < batch.RowCount; row++)
        {
            bool isThere = topic.Next(row) & partition.Next(row) & offset.Next(row) & pipeline.Next(row);
            bool hasTimestamp = timestamp.Next(row), hasKey = key.Next(row), hasValue = value.Next(row), hasHeaders = headers.Next(row), hasGeneration = generation.Next(row);
            if (!isThere)
            {
                throw new InvalidDataException($"{letters.Table.Identifier}: row {at[row]} of a file does not say which record it is");
            }

            var whose = (Text(ref pipeline, last.Pipeline), hasGeneration ? Text(ref generation, last.Generation) : "", new TopicPartition(Text(ref topic, last.TopicPartition.Topic), (int)partition.Long));
            if (whose != last || _batch.SizeBytes > BatchBytes || _batch.Count >= BatchRecords)
            {
                Decode(last.Pipeline, last.TopicPartition, positions);
                last = whose;
            }

            // The rows of a backfill that is not published are not of this branch, nor are those of its dead letters.
            bool isElsewhere = BackfillPlan.IsReader(whose.Item1) && rows.Offsets.FindTopic(whose.Item1, whose.Item2, whose.Item3.Topic) is null;
            if (isElsewhere || rows.Offsets.IsRetired(whose.Item1, whose.Item2))
            {
                OfEndedGenerations++;
                continue;
            }

            _batch.Add(
                offset.Long,
                hasTimestamp ? Math.DivRem(timestamp.Long, 1000).Quotient : -1,
                hasKey ? key.Bytes.ToArray() : null,
                hasValue ? value.Bytes.ToArray() : null,
                hasHeaders ? headers.Bytes.ToArray() : null);
            _batchPositions.Add(at[row]);
        }

        Decode(last.Pipeline, last.TopicPartition, positions);

        LeafReader Reader(int column) => new(batch.Columns[column]);
    }

    private void Decode(string pipeline, TopicPartition topicPartition, List<long> positions)
    {
        if (_batch.Count == 0)
        {
            return;
        }

        if (!_files.TryGetValue(pipeline, out var files))
        {
            _files.Add(pipeline, files = writersOf(pipeline).OpenReplay(rows.Table));
        }

        using var batch = _batch.Take(topicPartition);
        _rejected.Clear();
        files.Append(batch, _rejected);
        var bad = _rejected.Select(static reject => reject.RecordIndex).ToHashSet();
        foreach (var reject in _rejected)
        {
            string reason = reject.Reason.ErrorClass();
            Because[reason] = Because.GetValueOrDefault(reason) + 1;
        }

        for (int record = 0; record < batch.Count; record++)
        {
            if (!bad.Contains(record))
            {
                positions.Add(_batchPositions[record]);
            }
        }

        Good += batch.Count - bad.Count;
        Bad += bad.Count;
        _batchPositions.Clear();
    }

    /// <summary>Most rows have the text of the one before.</summary>
    private static string Text(ref LeafReader reader, string? before)
    {
        var bytes = reader.Bytes;
        return before is not null && Encoding.UTF8.GetByteCount(before) == bytes.Length && Ascii.Equals(bytes, before) ? before : Encoding.UTF8.GetString(bytes);
    }
}
