using System.Diagnostics.Metrics;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Pump;
using OrleansLake.Ingest.Read;
using OrleansLake.Ingest.Replay;
using OrleansLake.Ingest.Tests.Write;
using OrleansLake.Ingest.Write;
using OrleansLake.Testing.Commit;
using OrleansLake.Testing.Iceberg;

namespace OrleansLake.Ingest.Tests.Replay;

/// <summary>A table with dead letters in memory; catalog and store die when they are told to.</summary>
internal sealed class ReplayStand
{
    public static readonly TableIdentifier Events = TableIdentifier.Parse("db.events");
    public static readonly TableIdentifier Letters = DeadLetterSchema.Of(Events);

    private readonly FaultyStore _store;
    private readonly FaultyCatalog _catalog;
    private readonly List<TableCommitter> _committers = [];
    private long _next;

    private ReplayStand()
    {
        _store = new FaultyStore(new InMemoryObjectStore());
        _catalog = new FaultyCatalog(new InMemoryCatalog(_store, TimeProvider.System, Ids));
    }

    public IdSource Ids { get; } = new(TimeProvider.System, new Random(1));

    /// <summary>Pipelines whose dead letters are to be sent to a topic.</summary>
    public HashSet<string> Forwarded { get; } = [];

    public FaultyCatalog Catalog => _catalog;

    public FaultyStore Store => _store;

    public static async Task<ReplayStand> CreateAsync()
    {
        var stand = new ReplayStand();
        var schema = new Schema { SchemaId = 0, Fields = [new NestedField(1, "id", true, new LongType()), new NestedField(2, "price", false, new IntegerType())] };
        await stand._catalog.CreateTableAsync(Events, new TableCreation { Schema = schema, Properties = TableCommitterOptions.TableProperties }, default);
        await stand._catalog.CreateTableAsync(Letters, DeadLetterSchema.Creation() with { Properties = TableCommitterOptions.TableProperties }, default);
        return stand;
    }

    /// <summary>A committer of its own, as another process has one.</summary>
    public TableCommitter NewCommitter(string branch = SnapshotRef.Main, TimeSpan? interval = null)
    {
        var options = new TableCommitterOptions { Table = Events, DeadLetters = Letters, Branch = branch, ForwardedPipelines = Forwarded, Interval = interval ?? TimeSpan.FromSeconds(10), FirstPause = TimeSpan.FromMilliseconds(1), LongestPause = TimeSpan.FromMilliseconds(5) };
        var committer = new TableCommitter(options, _catalog, Ids, TimeProvider.System, new CommitMetrics(new Meter("test")), NullLogger.Instance, new DeadLetterOffsets(), ProtocolRules.All);
        _committers.Add(committer);
        return committer;
    }

    public RowWriterFactory NewWriters(string pipeline, string generation = "g1") => new(new RowWriterOptions { Pipeline = pipeline, Generation = generation }, TimeProvider.System, Ids);

    public DeadLetterReplay NewReplay() => new(NewCommitter(), pipeline => NewWriters(pipeline), Ids, TimeProvider.System, NullLogger<DeadLetterReplay>.Instance);

    public Task<ReplayResult> ReplayAsync(string? where = null, bool dryRun = false, CancellationToken cancellationToken = default) =>
        NewReplay().RunAsync(new ReplayRequest { Where = where is null ? null : Expression.Parse(where), DryRun = dryRun }, cancellationToken);

    /// <summary>Reads documents as a pump would, and commits them.</summary>
    public Task IngestAsync(params string[] documents) => IngestAsync("g1", documents);

    /// <summary>Likewise, by an earlier schema of the table.</summary>
    public Task IngestWithSchemaAsync(int schemaId, params string[] documents) => IngestAsync("g1", documents, schemaId);

    public async Task IngestAsync(string generation, string[] documents, int? schemaId = null)
    {
        var table = await TableAsync(Events);
        table = schemaId is { } id ? table with { Metadata = table.Metadata with { CurrentSchemaId = id } } : table;
        using KafkaBatch batch = At(TableFixture.Batch(documents), new TopicPartition("events", 0), generation == "g1" ? _next : 0);
        IRowWriter writer = NewWriters("events", generation).Open(table, await TableAsync(Letters));
        AppendedRecords appended = writer.Append(batch, "topic-1");
        WrittenFiles files = await writer.CloseAsync(default);
        long first = batch.Range.First;
        var report = new DataWritten
        {
            ReportId = Ids.NewUuid(),
            WriterId = "silo",
            Pipeline = "events",
            Generation = generation,
            TableUuid = table.Metadata.TableUuid,
            SchemaId = table.Metadata.CurrentSchemaId,
            FieldIds = [.. FieldIds.Of(table.Metadata.CurrentSchema)],
            LastSequenceNumber = table.Metadata.LastSequenceNumber,
            FirstSentMs = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(),
            TopicIds = new Dictionary<string, string> { [batch.TopicPartition.Topic] = "topic-1" },
            Files = files.Files,
            DeadLetterFiles = files.DeadLetterFiles,
            Ranges = [new WrittenRange { TopicPartition = batch.TopicPartition, Range = batch.Range, Rows = appended.Rows, Rejected = appended.Rejected, Gap = 0 }],
        };
        TableCommitter committer = NewCommitter();
        await committer.EnqueueAsync(report, default);
        CommitRound round = await committer.CommitAsync(default);
        Assert.Null(round.Trouble);
        Assert.IsType<ReportAnswer.Committed>(await committer.OutcomeAsync(report.ReportId, default));
        _next = generation == "g1" ? first + documents.Length : _next;
    }

    /// <summary>ALTER TABLE … ALTER COLUMN price TYPE bigint: what was out of range fits.</summary>
    public async Task WidenAsync()
    {
        var table = await TableAsync(Events);
        var change = new UpdateSchema(table.Metadata).PromoteColumn("price", new LongType());
        Assert.IsType<CommitResult.Committed>(await _catalog.CommitTableAsync(new TableCommit(table, change.Requirements, change.Updates), default));
    }

    public async Task RollBackAsync(TableIdentifier name, long snapshotId)
    {
        var update = new TableUpdate.SetSnapshotRef(SnapshotRef.Main, new SnapshotRef(snapshotId, IsTag: false));
        Assert.IsType<CommitResult.Committed>(await _catalog.CommitTableAsync(new TableCommit(await TableAsync(name), [], [update]), default));
    }

    public async Task<LoadedTable> TableAsync(TableIdentifier name) => (await _catalog.LoadTableAsync(name, default))!;

    /// <summary>Ids of the rows, in order.</summary>
    public async Task<List<long>> IdsAsync() => [.. (await RowsAsync(Events)).Select(row => row.GetProperty("id").GetInt64()).Order()];

    public async Task<List<JsonElement>> RowsAsync(TableIdentifier name, string? where = null)
    {
        var table = await TableAsync(name);
        var rows = new List<JsonElement>();
        var scan = new TableScan(table, new ScanOptions { Where = where is null ? null : Expression.Parse(where) });
        await foreach (var row in scan.ReadJsonAsync())
        {
            rows.Add(JsonSerializer.Deserialize<JsonElement>(row.Span));
        }

        return rows;
    }

    public async Task<int> CountAsync(string where) => (await RowsAsync(Letters, where)).Count;

    public async Task AssertProvedAsync()
    {
        AuditResult audit = await Audit.RunAsync(await TableAsync(Events), await TableAsync(Letters));
        Assert.True(audit.Verdict == AuditVerdict.Proved, string.Join("; ", audit.Findings));
    }

    /// <summary>Each of ids 0 to n-1 is a row once.</summary>
    public async Task AssertRowsAsync(int count) => Assert.Equal(Enumerable.Range(0, count).Select(static id => (long)id), await IdsAsync());

    /// <summary>The batch as one of another place.</summary>
    internal static KafkaBatch At(KafkaBatch batch, TopicPartition topicPartition, long offset)
    {
        byte[] buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(batch.Buffer.Length);
        batch.Buffer.CopyTo(buffer, 0);
        KafkaRecord[] records = System.Buffers.ArrayPool<KafkaRecord>.Shared.Rent(batch.Count);
        for (int i = 0; i < batch.Count; i++)
        {
            records[i] = batch.Records[i];
            records[i].Offset = offset + i;
        }

        var moved = new KafkaBatch(topicPartition, new OffsetRange(offset, offset + batch.Count), -1, buffer, records, batch.Count);
        batch.Dispose();
        return moved;
    }
}
