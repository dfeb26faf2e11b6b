using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Pump;
using OrleansLake.Testing.Iceberg;
using OrleansLake.Testing.Simulation;

namespace OrleansLake.Ingest.Tests.Pump;

/// <summary>A pump's loop on a simulated clock, with a model broker, model files and a committer that does as it is told.</summary>
internal sealed class PumpStand
{
    public static readonly TopicPartition A = new("events", 0);
    public static readonly TopicPartition B = new("events", 1);

    private bool _turning;

    public PumpStand(PumpOptions? options = null, MemoryBudget? memory = null, SimulatedScheduler? scheduler = null)
    {
        Scheduler = scheduler ?? new SimulatedScheduler(1);
        Ids = new IdSource(Scheduler.Time, new Random(2));
        Broker = new ModelBroker();
        Source = new ModelSource(Broker, new Random(3));
        Writers = new ModelWriters(Files, Scheduler, Ids);
        Committer = new ToldCommitter(Scheduler) { TableUuid = Table.TableUuid };
        Loop = new PumpLoop(
            options ?? Options,
            Source,
            Writers,
            Committer,
            new ModelBroker.Facts(Broker, Scheduler),
            cancellationToken => Scheduler.Later(TimeSpan.FromMilliseconds(10), () => LoadFailure is { } failure ? throw failure : Tables),
            memory ?? new MemoryBudget(1 << 30),
            Scheduler.Time,
            Ids,
            Events.Add,
            new PumpRules(),
            null);
    }

    public static PumpOptions Options => new() { Pipeline = "p", Generation = "g", Silo = "silo" };

    public SimulatedScheduler Scheduler { get; }

    public IdSource Ids { get; }

    public ModelBroker Broker { get; }

    public ModelSource Source { get; }

    public ModelFiles Files { get; } = new();

    public ModelWriters Writers { get; }

    public ToldCommitter Committer { get; }

    public List<PumpEvent> Events { get; } = [];

    public PumpLoop Loop { get; }

    public Exception? LoadFailure { get; set; }

    public TableMetadata Table { get; set; } = MetadataOf("events", 0);

    private PumpTables Tables => new(
        new LoadedTable(TableIdentifier.Parse("db.events"), Table, "m", new InMemoryObjectStore(Scheduler.Time)),
        new LoadedTable(TableIdentifier.Parse("db.events_dead"), MetadataOf("dead", 0), "m", new InMemoryObjectStore(Scheduler.Time)));

    public PartitionStatus this[TopicPartition topicPartition] =>
        Loop.PublishStatus().Partitions.Single(partition => partition.TopicPartition == topicPartition);

    public static TableMetadata MetadataOf(string name, int schemaId) => new()
    {
        FormatVersion = 2,
        TableUuid = new Guid(1, 2, 3, [1, 2, 3, 4, 5, 6, 7, (byte)name.Length]),
        Location = $"/warehouse/db/{name}",
        LastUpdatedMs = 0,
        LastColumnId = 1 + schemaId,
        Schemas = [new Schema { SchemaId = schemaId, Fields = [new NestedField(1, "a", false, new LongType())] }],
        CurrentSchemaId = schemaId,
        PartitionSpecs = [new PartitionSpec { SpecId = 0, Fields = [] }],
        DefaultSpecId = 0,
        LastPartitionId = 999,
        SortOrders = [],
        DefaultSortOrderId = 0,
    };

    public void Publish(TopicPartition topicPartition, int count, ModelRecord record = ModelRecord.Row)
    {
        for (int i = 0; i < count; i++)
        {
            Broker.LogOf(topicPartition).Append(record, Scheduler.Time.GetUtcNow());
        }
    }

    public void Attach(TopicPartition topicPartition, StartPosition? start = null) =>
        Loop.Post(() => Loop.Attach(topicPartition, start ?? StartPosition.Earliest));

    public Task<T> Ask<T>(Action<TaskCompletionSource<T>> command)
    {
        var answer = new TaskCompletionSource<T>();
        Loop.Post(() => command(answer));
        return answer.Task;
    }

    public void Run(TimeSpan time) => RunUntil(static () => false, time);

    public bool RunUntil(Func<bool> until, TimeSpan? limit = null)
    {
        if (!_turning)
        {
            _turning = true;
            Scheduler.After(TimeSpan.Zero, Turn);
        }

        return Scheduler.Run(until, limit ?? TimeSpan.FromMinutes(2));
    }

    public T Result<T>(Task<T> task, TimeSpan? limit = null)
    {
        Assert.True(RunUntil(() => task.IsCompleted, limit), "no answer came");
        return task.GetAwaiter().GetResult();
    }

    private void Turn()
    {
        if (!Loop.Stopped.IsCompleted)
        {
            Loop.Turn(TimeSpan.Zero);
            Scheduler.After(TimeSpan.FromMilliseconds(20), Turn);
        }
    }
}

/// <summary>Keeps the protocol over plain dictionaries, and fails in the way a test says.</summary>
internal sealed class ToldCommitter(SimulatedScheduler scheduler) : ICommitter
{
    private readonly Dictionary<Guid, ReportAnswer> _answers = [];

    public required Guid TableUuid { get; set; }

    public int SchemaId { get; set; }

    public long SequenceNumber { get; set; } = 7;

    public Dictionary<TopicPartition, long> Next { get; } = [];

    public Dictionary<TopicPartition, ResumePosition> Resumes { get; } = [];

    /// <summary>Every report as it came, repeats included.</summary>
    public List<DataWritten> Received { get; } = [];

    public List<IReadOnlyList<TopicPartition>> Resumed { get; } = [];

    public List<DataWritten> Taken { get; } = [];

    /// <summary>Answers instead of the table.</summary>
    public Func<DataWritten, ReportAnswer?>? Tell { get; set; }

    public bool IsOut { get; set; }

    /// <summary>Decides nothing while set.</summary>
    public bool IsUndecided { get; set; }

    /// <summary>Takes this many reports in and loses the answer to the caller.</summary>
    public int LoseAnswers { get; set; }

    public int ForgetReports { get; set; }

    public TimeSpan Delay { get; set; } = TimeSpan.FromMilliseconds(30);

    public Task EnqueueAsync(DataWritten report, CancellationToken cancellationToken) => scheduler.Later(Delay, () =>
    {
        ThrowWhenOut();
        Received.Add(report);
        if (ForgetReports > 0)
        {
            ForgetReports--;
            return true;
        }

        if (!_answers.TryGetValue(report.ReportId, out ReportAnswer? answer) || answer is ReportAnswer.Refused { Reason: RefusalReason.NotYet })
        {
            _answers[report.ReportId] = Tell?.Invoke(report) ?? Judge(report);
        }

        return true;
    });

    public Task<ReportAnswer> OutcomeAsync(Guid reportId, CancellationToken cancellationToken) => scheduler.Later(Delay, () =>
    {
        ThrowWhenOut();
        if (LoseAnswers > 0)
        {
            LoseAnswers--;
            throw new TimeoutException("the answer was lost");
        }

        return IsUndecided ? new ReportAnswer.Pending() : _answers.GetValueOrDefault(reportId) ?? new ReportAnswer.NotKnown();
    });

    public Task<ResumePoint> ResumeAsync(string pipeline, string generation, IReadOnlyList<TopicPartition> topicPartitions, IReadOnlyDictionary<string, string> topicIds, CancellationToken cancellationToken) =>
        scheduler.Later(Delay, () =>
        {
            ThrowWhenOut();
            Resumed.Add(topicPartitions);
            return new ResumePoint(TableUuid, SequenceNumber, SchemaId, topicPartitions.Where(Next.ContainsKey)
                .Select(tp => Resumes.GetValueOrDefault(tp) ?? new ResumePosition(tp, Next[tp], -1, Next[tp], [])).ToList());
        });

    private void ThrowWhenOut()
    {
        if (IsOut)
        {
            throw new TimeoutException("the committer is out of reach");
        }
    }

    private ReportAnswer Judge(DataWritten report)
    {
        foreach (WrittenRange range in report.Ranges)
        {
            long? next = Next.TryGetValue(range.TopicPartition, out long known) ? known : null;
            if (next is not null && range.Range.First != next)
            {
                return new ReportAnswer.Refused(range.Range.First < next ? RefusalReason.Stale : RefusalReason.Gap,
                    [new RefusedRange(range.TopicPartition, range.Range, next)], $"{range.TopicPartition} was reported as {range.Range}, the table's next is {next}");
            }
        }

        foreach (WrittenRange range in report.Ranges)
        {
            Next[range.TopicPartition] = range.Range.Next;
        }

        Taken.Add(report);
        return new ReportAnswer.Committed(1000 + Taken.Count, ++SequenceNumber, SchemaId);
    }
}
