using OrleansLake.Iceberg;
using OrleansLake.Ingest;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Pump;

namespace OrleansLake.Testing.Simulation;

/// <summary>One record by its place in Kafka.</summary>
/// <param name="TopicPartition">Where.</param>
/// <param name="Offset">At which offset.</param>
/// <param name="Life">How often its topic had been made anew.</param>
/// <param name="Generation">Of the pipeline that read it: one that is made anew reads all of it again.</param>
public readonly record struct RecordId(TopicPartition TopicPartition, long Offset, int Life = 0, int Generation = 1);

/// <summary>What the files hold, by path: the rows of a model are the places of their records.</summary>
public sealed class ModelFiles
{
    public Dictionary<string, ModelFile> Files { get; } = [];

    public HashSet<string> Deleted { get; } = [];
}

/// <summary>One file, and the table that its columns are those of.</summary>
public sealed record ModelFile(string Path, int SchemaId, IReadOnlyList<RecordId> Rows, bool IsDeadLetters, Guid Table)
{
    /// <summary>What the rows of dead letters tell of their topic: the pump may have learned its id before it was made anew.</summary>
    public IReadOnlyList<string?> TopicIds { get; init; } = [];
}

/// <summary>Writes into <see cref="ModelFiles"/>.</summary>
public sealed class ModelWriters(ModelFiles files, SimulatedScheduler scheduler, IdSource ids) : IRowWriterFactory
{
    /// <summary>Whether a record that is no row stops its topic-partition.</summary>
    public bool HaltOnReject { get; set; }

    /// <summary>Thrown by the next append.</summary>
    public Exception? AppendFailure { get; set; }

    /// <summary>Thrown by the next close.</summary>
    public Exception? CloseFailure { get; set; }

    public long BytesOfRecord { get; set; } = 100;

    /// <summary>Of the pipeline that writes.</summary>
    public int Generation { get; init; } = 1;

    public TimeSpan CloseTime { get; set; } = TimeSpan.FromMilliseconds(5);

    /// <summary>Runs before each step of the outside world; may refuse it for ever (a crash).</summary>
    public Func<bool> IsAlive { get; set; } = static () => true;

    public List<ModelWriter> Opened { get; } = [];

    public IRowWriter Open(LoadedTable table, LoadedTable deadLetters)
    {
        var writer = new ModelWriter(this, table.Metadata, deadLetters.Metadata);
        Opened.Add(writer);
        return writer;
    }

    public sealed class ModelWriter(ModelWriters owner, TableMetadata table, TableMetadata deadLetters) : IRowWriter
    {
        private readonly List<RecordId> _rows = [];
        private readonly List<RecordId> _rejected = [];
        private readonly List<string?> _topicIds = [];
        private readonly List<string> _paths = [];

        public bool IsClosed { get; private set; }

        public bool IsDisposed { get; private set; }

        public int SchemaId => table.CurrentSchemaId;

        public long BufferedBytes => IsClosed ? 0 : (_rows.Count + _rejected.Count) * owner.BytesOfRecord;

        public long LargestFileBytes => BufferedBytes;

        public AppendedRecords Append(KafkaBatch batch, string? topicId = null)
        {
            if (owner.AppendFailure is { } failure)
            {
                owner.AppendFailure = null;
                throw failure;
            }

            if (IsClosed || IsDisposed)
            {
                throw new InvalidOperationException("append to a writer that is closed");
            }

            int rows = 0;
            foreach (KafkaRecord record in batch.Records)
            {
                var kind = (ModelRecord)batch.ValueOf(record)[0];
                bool isRow = kind == ModelRecord.Row || (kind == ModelRecord.Moody && SchemaId % 2 == 1);
                if (!isRow && owner.HaltOnReject)
                {
                    return new AppendedRecords(rows, 0) { Halted = new HaltedRecord(record.Offset, "a bad record") };
                }

                (isRow ? _rows : _rejected).Add(new RecordId(batch.TopicPartition, record.Offset, batch.ValueOf(record)[1], owner.Generation));
                if (!isRow)
                {
                    _topicIds.Add(topicId);
                }

                rows += isRow ? 1 : 0;
            }

            return new AppendedRecords(rows, batch.Count - rows);
        }

        public async Task<WrittenFiles> CloseAsync(CancellationToken cancellationToken)
        {
            IsClosed = true;
            if (owner.CloseFailure is { } failure)
            {
                owner.CloseFailure = null;
                throw failure;
            }

            DataFile[] rows = Put(table, _rows, false);
            DataFile[] rejected = Put(deadLetters, _rejected, true);
            await owner.Scheduler.Later(owner.CloseTime, () => true);
            if (!owner.IsAlive())
            {
                await new TaskCompletionSource().Task;
            }

            return new WrittenFiles(rows, rejected);
        }

        public ValueTask DisposeAsync()
        {
            IsDisposed = true;
            foreach (string path in _paths)
            {
                owner.Files.Deleted.Add(path);
                owner.Files.Files.Remove(path);
            }

            return ValueTask.CompletedTask;
        }

        private DataFile[] Put(TableMetadata metadata, List<RecordId> rows, bool isDeadLetters)
        {
            if (rows.Count == 0)
            {
                return [];
            }

            string path = $"{metadata.Location}/data/{owner.Ids.NewUuid()}.parquet";
            _paths.Add(path);
            owner.Files.Files.Add(path, new ModelFile(path, metadata.CurrentSchemaId, rows, isDeadLetters, metadata.TableUuid) { TopicIds = isDeadLetters ? _topicIds : [] });
            return [new DataFile
            {
                FilePath = path,
                SpecId = metadata.DefaultSpecId,
                Partition = PartitionKey.None,
                RecordCount = rows.Count,
                FileSizeBytes = rows.Count * owner.BytesOfRecord,
            }];
        }
    }

    private ModelFiles Files => files;

    private SimulatedScheduler Scheduler => scheduler;

    private IdSource Ids => ids;
}
