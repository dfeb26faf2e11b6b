using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Testing.Iceberg;

namespace OrleansLake.Testing.Simulation;

/// <summary>What every part of one run shares: the clock, the truth about topics, tables and files, and the dice.</summary>
internal sealed class SimulationWorld
{
    public const string Pipeline = "p";
    public static readonly TableIdentifier Rows = TableIdentifier.Parse("db.events");
    public static readonly TableIdentifier Dead = TableIdentifier.Parse("db.events_dead_letters");

    private static readonly Schema FirstSchema = new() { SchemaId = 0, Fields = [new NestedField(1, "a", false, new LongType())] };

    private readonly List<string> _trace = [];
    private readonly InMemoryCatalog _catalog;
    private readonly Dictionary<Guid, TimeSpan> _reportedAt = [];
    private TimeSpan _wentBackAt = TimeSpan.MinValue;
    private readonly Dictionary<string, Guid> _reportOf = [];

    public SimulationWorld(SimulationOptions options)
    {
        Options = options;
        Scheduler = new SimulatedScheduler(options.Seed);
        Ids = new IdSource(Scheduler.Time, new Random(options.Seed + 1));
        Store = new InMemoryObjectStore(Scheduler.Time);
        _catalog = new InMemoryCatalog(Store, Scheduler.Time, Ids, "memory://warehouse", comparesBase: Random.Next(3) == 0);
        foreach (TableIdentifier name in new[] { Rows, Dead })
        {
            Sync(_catalog.CreateTableAsync(name, new TableCreation { Schema = FirstSchema }, default));
        }

        Checker = new TableChecker(this);
    }

    public SimulationOptions Options { get; }

    /// <summary>The pipeline's, which it gets anew when it is made anew.</summary>
    public int GenerationNumber { get; set; } = 1;

    public string Generation => $"g{GenerationNumber}";

    /// <summary>Someone is about to repair the table, and keeps its history until then.</summary>
    public bool IsUnderRepair { get; set; }

    public SimulatedScheduler Scheduler { get; }

    public Random Random => Scheduler.Random;

    public IdSource Ids { get; }

    public InMemoryObjectStore Store { get; }

    public ModelBroker Broker { get; } = new();

    public ModelFiles Files { get; } = new();

    public TableChecker Checker { get; }

    public TableCommitter?[] Committers { get; } = new TableCommitter?[2];

    public SortedDictionary<string, int> Faults { get; } = new(StringComparer.Ordinal);

    public string? Violation { get; private set; }

    public IReadOnlyList<string> TraceLines => _trace;

    /// <summary>Faults still happen.</summary>
    public bool IsFaulty => Scheduler.Now < Options.FaultsUntil;

    /// <summary>Every report that was ever sent, as it was first sent.</summary>
    public Dictionary<Guid, DataWritten> Reports { get; } = [];

    public Action<SimulatedProcess> Kill { get; set; } = static process => process.Kill();

    public bool Happens(double probability, string fault)
    {
        if (!IsFaulty || Random.NextDouble() >= probability)
        {
            return false;
        }

        Count(fault);
        return true;
    }

    public void Count(string fault)
    {
        Faults[fault] = Faults.GetValueOrDefault(fault) + 1;
        Trace(() => $"* {fault}");
    }

    public TimeSpan Latency() => TimeSpan.FromMilliseconds(Random.Next(1, 150));

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

    /// <summary>A report is on its way: under one id there is one report (rule 1).</summary>
    public void Record(DataWritten report)
    {
        _reportedAt.TryAdd(report.ReportId, Scheduler.Now);
        if (!Reports.TryAdd(report.ReportId, report) && Reports[report.ReportId] != report)
        {
            Fail($"report {report.ReportId} was changed after it was first sent");
        }

        foreach (DataFile file in report.Files)
        {
            if (!_reportOf.TryAdd(file.FilePath, report.ReportId) && _reportOf[file.FilePath] != report.ReportId)
            {
                Fail($"{file.FilePath} is in two reports, {_reportOf[file.FilePath]} and {report.ReportId}");
            }
        }
    }

    /// <summary>A table was rolled back since a report was first sent: an answer may be of the time before, when other rows were in.</summary>
    public bool WentBackSince(Guid reportId) => _wentBackAt >= _reportedAt[reportId];

    /// <summary>The network brings a report once more.</summary>
    public void Redeliver(DataWritten report, TimeSpan delay)
    {
        int target = Random.Next(2);
        Scheduler.After(delay, () =>
        {
            Trace(() => $"report {report.ReportId.ToString("N")[^6..]} comes to committer {target} again");
            _ = Committers[target]?.EnqueueAsync(report, CancellationToken.None);
        });
    }

    /// <summary>Swaps of the dead-letter table take long.</summary>
    public bool SlowDeadLetters { get; set; }

    /// <summary>What happens in that time.</summary>
    public Action WhileDeadLettersAreOnTheirWay { get; set; } = static () => { };

    /// <summary>Reports of a generation that is about to end, which the network keeps until the next one has begun.</summary>
    public Dictionary<Guid, DataWritten> Held { get; } = [];

    /// <summary>The generation whose first reports of a topic-partition are held; 0: none.</summary>
    public int HeldGeneration { get; set; }

    /// <summary>True: it does not arrive now.</summary>
    public bool Holds(DataWritten report)
    {
        bool isHeld = report.Generation == $"g{HeldGeneration}" && report.Ranges.Any(static range => range.ContinuesTable == false);
        if (isHeld && Held.TryAdd(report.ReportId, report))
        {
            Count("first report held");
        }

        return isHeld;
    }

    /// <summary>Among others one of the last few, just when its ranges may fit again.</summary>
    public void RedeliverSome()
    {
        foreach (DataWritten report in Reports.Values.TakeLast(6).ToList())
        {
            if (Happens(0.4, "report repeated after a rollback"))
            {
                Redeliver(report, UpTo(4));
            }
        }
    }

    /// <summary>Another table under the same name.</summary>
    public void Recreate(TableIdentifier name)
    {
        LoadedTable old = Load(name)!;
        Sync(_catalog.DropTableAsync(name, purge: false, default));
        Sync(_catalog.CreateTableAsync(name, new TableCreation { Schema = FirstSchema, Location = $"memory://warehouse/db/{Ids.NewUuid():N}", Properties = old.Metadata.Properties }, default));
    }

    public LoadedTable? Load(TableIdentifier identifier) => Sync(_catalog.LoadTableAsync(identifier, default));

    /// <summary>The one place where a table changes.</summary>
    public CommitResult Swap(TableCommit commit, string who)
    {
        CommitResult result;
        try
        {
            result = Sync(_catalog.CommitTableAsync(commit with { Base = commit.Base with { Store = Store } }, default));
        }
        catch (ArgumentException e)
        {
            // What lands twice, or after a rollback to its base, makes no sense to a catalog.
            result = new CommitResult.Conflict(e.Message);
        }

        string what = string.Join(", ", commit.Updates.Select(static update => update switch
        {
            TableUpdate.AddSnapshot(var snapshot) => $"snapshot {snapshot.SequenceNumber} ({snapshot.Summary.GetValueOrDefault("orleanslake.offsets") ?? "no offsets"})",
            TableUpdate.SetSnapshotRef(var name, var reference) => $"{name} → {reference.SnapshotId % 10000}",
            TableUpdate.RemoveSnapshots(var ids) => $"expires {ids.Count}",
            _ => update.GetType().Name,
        }));
        Trace(() => $"{who} swaps {commit.Base.Identifier.Name}: {what}: {(result is CommitResult.Conflict(var why) ? $"conflict, {why}" : result.GetType().Name)}");
        if (result is CommitResult.Committed(var table))
        {
            Checker.AfterSwap(commit, table);
            if (commit.Updates is [TableUpdate.SetSnapshotRef])
            {
                _wentBackAt = Scheduler.Now;
            }
        }

        return result;
    }

    public static T Sync<T>(Task<T> task) => task.IsCompleted ? task.GetAwaiter().GetResult() : throw new InvalidOperationException("expected an answer at once");
}
