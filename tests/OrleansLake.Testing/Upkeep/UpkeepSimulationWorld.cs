using OrleansLake.Iceberg;
using OrleansLake.Ingest.Read;
using OrleansLake.Ingest.Write;
using OrleansLake.Parquet;
using OrleansLake.Testing.Iceberg;
using OrleansLake.Testing.Simulation;

namespace OrleansLake.Testing.Upkeep;

/// <summary>What a swap may do to the rows of the table.</summary>
internal abstract record Expected
{
    /// <summary>The records between the offsets before and after come, no other.</summary>
    public sealed record Ingest : Expected;

    /// <summary>The rows stay.</summary>
    public sealed record Same : Expected;

    /// <summary>Rows of before a time go, some or all.</summary>
    public sealed record Retention : Expected;

    /// <summary>These come.</summary>
    public sealed record Added(IReadOnlyCollection<long> Ids) : Expected;

    /// <summary>These go.</summary>
    public sealed record Deleted(IReadOnlyCollection<long> Ids) : Expected;
}

/// <summary>One table with real files in memory, one clock, one seed.</summary>
internal sealed class UpkeepSimulationWorld
{
    public const string Pipeline = "p";
    public const string Generation = "g1";
    public static readonly TableIdentifier Rows = TableIdentifier.Parse("db.events");
    public static readonly DateTimeOffset OldTime = SimulatedTime.Epoch - TimeSpan.FromDays(9);
    public static readonly DateTimeOffset NewTime = SimulatedTime.Epoch - TimeSpan.FromDays(1);

    private readonly InMemoryCatalog _catalog;
    private readonly SortedDictionary<string, int> _events = new(StringComparer.Ordinal);
    private readonly List<string> _trace = [];
    private LoadedTable? _current;
    private int _files;

    public UpkeepSimulationWorld(UpkeepSimulationOptions options)
    {
        Options = options;
        Scheduler = new SimulatedScheduler(options.Seed);
        Random = Scheduler.Random;
        Ids = new IdSource(Scheduler.Time, new Random(Random.Next()));
        Store = new InMemoryObjectStore(Scheduler.Time);
        _catalog = new InMemoryCatalog(Store, Scheduler.Time, Ids, comparesBase: Random.Next(2) == 0);
        bool isPartitioned = Random.Next(2) == 0;
        Sync(_catalog.CreateTableAsync(
            Rows,
            new TableCreation
            {
                FormatVersion = 2 + Random.Next(2),
                Schema = new Schema { SchemaId = 0, Fields = [new NestedField(1, "id", true, new LongType()), new NestedField(2, "ts", true, new TimestampType(true)), new NestedField(3, "part", true, new IntegerType())] },
                PartitionSpec = isPartitioned ? new PartitionSpec { SpecId = 0, Fields = [new PartitionField(1000, "part", [3], new Transform.Identity())] } : null,
                Properties = new Dictionary<string, string>
                {
                    ["write.metadata.delete-after-commit.enabled"] = "true",
                    ["write.metadata.previous-versions-max"] = Random.Next(2) == 0 ? "3" : "12",
                    ["commit.manifest.min-count-to-merge"] = Random.Next(2) == 0 ? "3" : "100",
                },
            },
            default));
        Checker = new UpkeepChecker(this);
    }

    public UpkeepSimulationOptions Options { get; }

    public SimulatedScheduler Scheduler { get; }

    public Random Random { get; }

    public IdSource Ids { get; }

    public InMemoryObjectStore Store { get; }

    public UpkeepChecker Checker { get; }

    /// <summary>Whether anything goes wrong now.</summary>
    public bool IsFaulty { get; set; } = true;

    public string? Violation { get; private set; }

    public IReadOnlyList<string> TraceLines => _trace;

    public IReadOnlyDictionary<string, int> Events => _events;

    public long Swaps { get; private set; }

    /// <summary>Bases of running rewrites, by process, and since when they are known.</summary>
    public Dictionary<UpkeepProcess, (long SnapshotId, TimeSpan Since)> Bases { get; } = [];

    public bool Happens(double probability, string what)
    {
        if (!IsFaulty || Random.NextDouble() >= probability)
        {
            return false;
        }

        Count(what);
        return true;
    }

    public void Count(string what) => _events[what] = _events.GetValueOrDefault(what) + 1;

    public TimeSpan Latency() => TimeSpan.FromMilliseconds(Random.Next(1, 120));

    public TimeSpan UpTo(int seconds) => TimeSpan.FromMilliseconds(Random.Next(1, seconds * 1000));

    public void Trace(Func<string> line)
    {
        if (Options.IsTraced)
        {
            _trace.Add($"{Scheduler.Now.TotalSeconds,8:F3} {line()}");
        }
    }

    public void Fail(string violation)
    {
        if (Violation is null)
        {
            Violation = $"at {Scheduler.Now.TotalSeconds:F3} s: {violation}";
            Trace(() => $"VIOLATION {violation}");
        }
    }

    public LoadedTable Load() => _current ??= Sync(_catalog.LoadTableAsync(Rows, default))!;

    /// <summary>The one place where the table changes.</summary>
    public CommitResult Swap(TableCommit commit, string who, Expected expected)
    {
        LoadedTable before = Load();
        CommitResult result;
        try
        {
            result = Sync(_catalog.CommitTableAsync(commit with { Base = commit.Base with { Store = Store } }, default));
        }
        catch (ArgumentException e)
        {
            // What lands twice makes no sense to a catalog.
            result = new CommitResult.Conflict(e.Message);
        }

        Trace(() => $"{who} swaps: {string.Join(", ", commit.Updates.Select(Describe))}: {(result is CommitResult.Conflict(var why) ? $"conflict, {why}" : result.GetType().Name)}");
        if (result is CommitResult.Committed(var after))
        {
            Swaps++;
            _current = after;
            Count($"swap: {who}");
            Checker.AfterSwap(before, after, who, expected);
        }

        return result;
    }

    /// <summary>Rows into new files, one a partition: ids of records, every third of them old.</summary>
    public async Task<IReadOnlyList<DataFile>> WriteAsync(LoadedTable table, IEnumerable<long> ids)
    {
        var plan = new WritePlan(table);
        var written = new List<DataFile>();
        foreach (var group in ids.GroupBy(id => plan.Spec.Fields.Count == 0 ? -1 : PartOf(id)))
        {
            var batch = new ColumnBatch(plan.Columns);
            var shredder = new RowShredder(plan.Schema.Fields, batch);
            foreach (long id in group)
            {
                object?[] row = new object?[plan.Schema.Fields.Count];
                (row[0], row[1], row[2]) = (id, (IsOld(id) ? OldTime : NewTime).ToUnixTimeMilliseconds() * 1000, PartOf(id));
                shredder.Append(row);
            }

            string location = $"{table.Metadata.Location}/data/w-{++_files:D5}-{Ids.NewUuid()}.parquet";
            PartitionKey partition = group.Key < 0 ? PartitionKey.None : new PartitionKey([group.Key]);
            var writer = new DataFileWriter(plan, table.Store, partition, () => location);
            writer.Append(batch, 0, batch.RowCount);
            written.AddRange(await writer.CompleteAsync(default));
        }

        return written;
    }

    private static int PartOf(long id) => (int)(id / 7 % 2);

    public static bool IsOld(long id) => id % 3 == 0;

    public static T Sync<T>(Task<T> task) => task.IsCompleted ? task.GetAwaiter().GetResult() : throw new InvalidOperationException("expected an answer at once");

    private static string Describe(TableUpdate update) => update switch
    {
        TableUpdate.AddSnapshot(var snapshot) => $"snapshot {snapshot.SequenceNumber} {snapshot.Summary.GetValueOrDefault("operation")} (…{snapshot.SnapshotId % 10000})",
        TableUpdate.RemoveSnapshots(var ids) => $"expires {string.Join(' ', ids.Select(id => id % 10000))}",
        _ => update.GetType().Name,
    };
}
