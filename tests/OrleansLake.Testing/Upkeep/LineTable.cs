using System.Buffers;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansLake.Iceberg;
using OrleansLake.Ingest;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Upkeep;
using OrleansLake.Ingest.Write;

namespace OrleansLake.Testing.Upkeep;

/// <summary>A local table that the line writes to, from JSON to a committed snapshot, with many small files.</summary>
public sealed class LineTable : IDisposable
{
    /// <summary>The table.</summary>
    public static readonly TableIdentifier Name = TableIdentifier.Parse("db.events");

    private static readonly TopicPartition Topic = new("events", 0);

    private readonly IdSource _ids = new(TimeProvider.System, new Random(11));
    private readonly RowWriterFactory _writers;
    private readonly TableCommitter _committer;
    private readonly LoadedTable _letters;
    private long _next;

    private LineTable(string warehouse, ICatalog catalog, LoadedTable table, LoadedTable letters)
    {
        Warehouse = warehouse;
        Catalog = catalog;
        Table = table;
        _letters = letters;
        _writers = new RowWriterFactory(new RowWriterOptions { Pipeline = "p", Generation = "g1" }, TimeProvider.System, _ids);
        _committer = new TableCommitter(
            new TableCommitterOptions { Table = Name, FirstPause = TimeSpan.FromMilliseconds(2) }, catalog, _ids, TimeProvider.System, new CommitMetrics(new Meter("line")), NullLogger<TableCommitter>.Instance);
    }

    /// <summary>The directory of the warehouse.</summary>
    public string Warehouse { get; }

    /// <summary>Its catalog.</summary>
    public ICatalog Catalog { get; }

    /// <summary>The table as it was made.</summary>
    public LoadedTable Table { get; }

    /// <summary>Rows committed so far: their ids are the numbers below.</summary>
    public long Rows => Interlocked.Read(ref _next);

    /// <summary>A table with one partition a day.</summary>
    /// <param name="elsewhere">A catalog that has the namespace; otherwise one in a directory of its own.</param>
    public static async Task<LineTable> CreateAsync(ICatalog? elsewhere = null)
    {
        string warehouse = Directory.CreateTempSubdirectory("orleanslake-line-").FullName;
        ICatalog catalog = elsewhere ?? new LocalCatalog(warehouse, TimeProvider.System, new IdSource(TimeProvider.System, new Random(12)));
        var creation = new TableCreation
        {
            Schema = new Schema { SchemaId = 0, Fields = [new NestedField(1, "id", true, new LongType()), new NestedField(2, "ts", true, new TimestampType(true)), new NestedField(3, "name", false, new StringType())] },
            PartitionSpec = new PartitionSpec { SpecId = 0, Fields = [new PartitionField(1000, "ts_day", [2], new Transform.Day())] },
            Properties = new Dictionary<string, string>(TableCommitterOptions.TableProperties) { ["commit.retry.num-retries"] = "100" },
        };
        var table = await catalog.CreateTableAsync(Name, creation, CancellationToken.None);
        var letters = await catalog.CreateTableAsync(DeadLetterSchema.Of(Name), DeadLetterSchema.Creation(), CancellationToken.None);
        return new LineTable(warehouse, catalog, table, letters);
    }

    /// <summary>Commits so many times; each commit adds a file to each of so many days.</summary>
    public async Task IngestAsync(int commits, int days, int rowsEach, CancellationToken cancellationToken)
    {
        for (int commit = 0; commit < commits; commit++)
        {
            long first = _next;
            using var batch = BatchOf(first, days * rowsEach, days);
            var resume = await _committer.ResumeAsync("p", "g1", [Topic], new Dictionary<string, string>(), cancellationToken);
            // Not disposed of: that deletes what it has written.
            var writer = _writers.Open(Table, _letters);
            writer.Append(batch);
            var files = await writer.CloseAsync(cancellationToken);
            var report = new DataWritten
            {
                ReportId = _ids.NewUuid(),
                WriterId = "line",
                Pipeline = "p",
                Generation = "g1",
                TableUuid = Table.Metadata.TableUuid,
                SchemaId = Table.Metadata.CurrentSchemaId,
                FieldIds = [1, 2, 3],
                LastSequenceNumber = resume.LastSequenceNumber,
                FirstSentMs = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(),
                Files = files.Files,
                DeadLetterFiles = files.DeadLetterFiles,
                Ranges = [new WrittenRange { TopicPartition = Topic, Range = new OffsetRange(first, first + batch.Count), Rows = batch.Count, Rejected = 0, Gap = 0, ContinuesTable = first > 0 }],
            };
            await _committer.EnqueueAsync(report, cancellationToken);
            await _committer.CommitAsync(cancellationToken);
            if (await _committer.OutcomeAsync(report.ReportId, cancellationToken) is not ReportAnswer.Committed)
            {
                throw new InvalidOperationException($"the report of [{first}, {first + batch.Count}) was not committed");
            }

            Interlocked.Exchange(ref _next, first + batch.Count);
        }
    }

    /// <summary>The compaction of the table, straight to its catalog.</summary>
    public Compaction Compaction() => new(Catalog, new DirectUpkeepCommitter(Catalog, _ids, TimeProvider.System), _ids, TimeProvider.System);

    /// <summary>The table as it is now.</summary>
    public async Task<LoadedTable> LoadAsync() => (await Catalog.LoadTableAsync(Name, CancellationToken.None))!;

    /// <inheritdoc />
    public void Dispose() => Directory.Delete(Warehouse, recursive: true);

    private static KafkaBatch BatchOf(long first, int count, int days)
    {
        var text = new StringBuilder();
        var records = ArrayPool<KafkaRecord>.Shared.Rent(count);
        for (int i = 0; i < count; i++)
        {
            int start = text.Length;
            var time = DateTime.UnixEpoch.AddDays(20_000 + ((first + i) % days)).AddSeconds((first + i) % 86_400);
            text.Append(CultureInfo.InvariantCulture, $$"""{"id":{{first + i}},"ts":"{{time:yyyy-MM-ddTHH:mm:ss}}Z","name":"name {{(first + i) % 1000}}"}""");
            records[i] = new KafkaRecord { Offset = first + i, ValueStart = start, ValueLength = text.Length - start, KeyLength = -1 };
            text.Append('\0');
        }

        byte[] bytes = ArrayPool<byte>.Shared.Rent(text.Length + KafkaBatch.Padding);
        Encoding.ASCII.GetBytes(text.ToString(), bytes);
        return new KafkaBatch(Topic, new OffsetRange(first, first + count), -1, bytes, records, count);
    }
}
