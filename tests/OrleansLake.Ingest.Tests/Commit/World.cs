using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Pump;
using OrleansLake.Testing.Commit;
using OrleansLake.Testing.Iceberg;

namespace OrleansLake.Ingest.Tests.Commit;

/// <summary>A table and its dead-letter table in memory, with faults, and what others may do to them.</summary>
internal sealed class World
{
    public static readonly TableIdentifier Events = TableIdentifier.Parse("db.events");
    public static readonly TableIdentifier Letters = TableIdentifier.Parse("db.events_dead_letters");

    private readonly ICatalog _inner;
    private readonly Random _random;

    private World(OneThread time, int seed, bool comparesBase)
    {
        Time = time;
        _random = new Random(seed);
        Ids = new IdSource(time, _random);
        Objects = new InMemoryObjectStore(time);
        Store = new FaultyStore(Objects);
        _inner = new InMemoryCatalog(Store, time, Ids, comparesBase: comparesBase);
        Catalog = new FaultyCatalog(_inner);
    }

    public OneThread Time { get; }

    public IdSource Ids { get; }

    public InMemoryObjectStore Objects { get; }

    public FaultyStore Store { get; }

    public FaultyCatalog Catalog { get; }

    public static void Run(Func<World, Task> test, int seed = 1, bool comparesBase = true) => OneThread.Run(async time =>
    {
        World world = new(time, seed, comparesBase);
        await world.CreateAsync(Events);
        await world.CreateAsync(Letters);
        await test(world);
    });

    public TableCommitter NewCommitter(Func<TableCommitterOptions, TableCommitterOptions>? change = null, ProtocolRules rules = ProtocolRules.All, IDeadLetterOffsets? deadLetters = null)
    {
        TableCommitterOptions options = new() { Table = Events, DeadLetters = Letters };
        return new TableCommitter(change?.Invoke(options) ?? options, Catalog, Ids, Time, new CommitMetrics(new Meter("test")), NullLogger.Instance, deadLetters, rules);
    }

    public Task<LoadedTable> CreateAsync(TableIdentifier name) => _inner.CreateTableAsync(
        name, new TableCreation { Schema = Reports.Schema, Properties = TableCommitterOptions.TableProperties }, CancellationToken.None);

    public async Task<LoadedTable> TableAsync(TableIdentifier? name = null) => (await _inner.LoadTableAsync(name ?? Events, CancellationToken.None))!;

    /// <summary>A report as a writer would send it now.</summary>
    public async Task<DataWritten> ReportAsync(params WrittenRange[] ranges)
    {
        TableMetadata metadata = (await TableAsync()).Metadata;
        return Reports.Report(ranges) with
        {
            ReportId = Ids.NewUuid(),
            TableUuid = metadata.TableUuid,
            LastSequenceNumber = metadata.LastSequenceNumber,
            FirstSentMs = Time.GetUtcNow().ToUnixTimeMilliseconds(),
            Files = ranges.Sum(range => range.Rows) is > 0 and var rows ? [Reports.File(rows, $"memory://warehouse/db/events/data/{Ids.NewUuid()}.parquet")] : [],
            DeadLetterFiles = ranges.Sum(range => range.DeadLetters ?? range.Rejected) is > 0 and var letters ? [Reports.File(letters, $"memory://warehouse/db/events_dead_letters/data/{Ids.NewUuid()}.parquet")] : [],
        };
    }

    public Task<DataWritten> ReportAsync(long first, long next, long rejected = 0, long gap = 0) => ReportAsync(Reports.Range(Reports.Events3, first, next, rejected, gap));

    /// <summary>A committer takes in a report's dead letters and dies before its rows.</summary>
    public async Task DieBetweenTheTablesAsync(TableCommitter dying, DataWritten report)
    {
        using CancellationTokenSource killed = new();
        Catalog.Next = commit => IsRowsOf(commit, report) ? SwapFault.HangBefore : SwapFault.None;
        Catalog.BeforeSwap = commit =>
        {
            if (IsRowsOf(commit, report))
            {
                killed.Cancel();
            }

            return Task.CompletedTask;
        };
        await dying.EnqueueAsync(report, CancellationToken.None);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => dying.CommitAsync(killed.Token));
        Catalog.Next = static _ => SwapFault.None;
        Catalog.BeforeSwap = static _ => Task.CompletedTask;
    }

    private static bool IsRowsOf(TableCommit commit, DataWritten report) => commit.Base.Identifier.Equals(Events)
        && commit.Updates.OfType<TableUpdate.AddSnapshot>().Any(added => added.Snapshot.Summary.GetValueOrDefault(SummaryKeys.Reports, "").Contains($"{report.ReportId:N}", StringComparison.Ordinal));

    /// <summary>Hands in, commits, asks.</summary>
    public static async Task<ReportAnswer> CommitAsync(TableCommitter committer, DataWritten report)
    {
        await committer.EnqueueAsync(report, CancellationToken.None);
        CommitRound round = await committer.CommitAsync(CancellationToken.None);
        Assert.True(round.Trouble is null, round.Trouble?.ToString());
        return await committer.OutcomeAsync(report.ReportId, CancellationToken.None);
    }

    public async Task<ReportAnswer.Committed> CommittedAsync(TableCommitter committer, long first, long next, long rejected = 0) =>
        Assert.IsType<ReportAnswer.Committed>(await CommitAsync(committer, await ReportAsync(first, next, rejected)));

    public static ReportAnswer.Refused Refused(RefusalReason reason, ReportAnswer answer)
    {
        var refused = Assert.IsType<ReportAnswer.Refused>(answer);
        Assert.Equal(reason, refused.Reason);
        return refused;
    }

    public async Task<long?> NextAsync(TableIdentifier? table = null) =>
        (await LineageAsync(table)).Offsets.Find("p", "g1", Reports.Events3)?.Next;

    public async Task<Lineage> LineageAsync(TableIdentifier? table = null) =>
        await new LineageReader().ReadAsync(await TableAsync(table), "main", long.MaxValue, CancellationToken.None);

    public async Task<List<DataFile>> FilesAsync(TableIdentifier? table = null)
    {
        LoadedTable loaded = await TableAsync(table);
        List<DataFile> files = [];
        if (loaded.Metadata.FindRef("main") is { } head)
        {
            await foreach (ManifestEntry entry in SnapshotFiles.LiveAsync(loaded, head, CancellationToken.None))
            {
                files.Add(entry.DataFile);
            }
        }

        return files;
    }

    /// <summary>Each offset of the partition is in the table once, up to its next, and the audit says so.</summary>
    public async Task AssertWholeAsync(long rows)
    {
        List<DataFile> files = await FilesAsync();
        Assert.Equal(rows, files.Sum(file => file.RecordCount));
        Assert.Equal(files.Count, files.Select(file => file.FilePath).Distinct().Count());
        AuditResult audit = await AuditAsync();
        Assert.True(audit.Verdict == AuditVerdict.Proved, audit.ToString());
    }

    public async Task<AuditResult> AuditAsync(TableIdentifier? table = null) =>
        await Audit.RunAsync(await TableAsync(table), table is null ? await TableAsync(Letters) : null);

    // What others do.

    public async Task<LoadedTable> ChangeAsync(TableIdentifier table, params TableUpdate[] updates) =>
        Assert.IsType<CommitResult.Committed>(await _inner.CommitTableAsync(new TableCommit(await TableAsync(table), [], updates), CancellationToken.None)).Table;

    public Task<long> ForeignAppendAsync(long rows = 5, string? cherryPicked = null) =>
        ForeignAppendAsync([Reports.File(rows, $"memory://foreign/{Ids.NewUuid()}.parquet")], cherryPicked is null ? [] : new() { [SummaryKeys.SourceSnapshotId] = cherryPicked });

    public async Task<long> ForeignAppendAsync(IEnumerable<DataFile> files, Dictionary<string, string> summary, string branch = "main")
    {
        AppendFiles append = new(branch, Ids, Time);
        foreach (DataFile file in files)
        {
            append.Add(file);
        }

        LoadedTable table = await TableAsync();
        StagedSnapshot staged = await append.StageAsync(table, new SnapshotExtras { Summary = summary }, CancellationToken.None);
        Assert.IsType<CommitResult.Committed>(await _inner.CommitTableAsync(new TableCommit(table, staged.Requirements, staged.Updates), CancellationToken.None));
        return staged.Snapshot.SnapshotId;
    }

    public Task RollBackAsync(long snapshotId, TableIdentifier? table = null) =>
        ChangeAsync(table ?? Events, new TableUpdate.SetSnapshotRef("main", new SnapshotRef(snapshotId, IsTag: false)));

    public Task ForeignExpiryAsync(params long[] snapshots) => ChangeAsync(Events, new TableUpdate.RemoveSnapshots(snapshots));

    /// <summary>CREATE OR REPLACE TABLE: a new root; uuid, properties and old snapshots stay.</summary>
    public async Task ReplaceAsync()
    {
        LoadedTable table = await TableAsync();
        StagedSnapshot staged = await new AppendFiles("replacement", Ids, Time).StageAsync(table, new SnapshotExtras(), CancellationToken.None);
        await ChangeAsync(Events, new TableUpdate.AddSnapshot(staged.Snapshot), new TableUpdate.SetSnapshotRef("main", new SnapshotRef(staged.Snapshot.SnapshotId, IsTag: false)));
    }

    public async Task RecreateAsync()
    {
        TableMetadata old = (await TableAsync()).Metadata;
        await _inner.DropTableAsync(Events, purge: false, CancellationToken.None);
        await _inner.CreateTableAsync(Events, new TableCreation { Schema = Reports.Schema, Properties = old.Properties, Location = "memory://warehouse/db/events2" }, CancellationToken.None);
    }
}

/// <summary>Dead letters by the offsets that a test says are in, whosever they are.</summary>
internal sealed class KnownOffsets(params long[] offsets) : IDeadLetterOffsets
{
    public Task<IReadOnlyList<long>> ReadAsync(LoadedTable deadLetters, DeadLetterQuery query, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<long>>([.. offsets.Where(offset => offset >= query.From)]);
}

/// <summary>Dead letters by what their rows tell.</summary>
internal sealed class LettersOf(params (string Generation, string? TopicId, long Offset)[] letters) : IDeadLetterOffsets
{
    public Task<IReadOnlyList<long>> ReadAsync(LoadedTable deadLetters, DeadLetterQuery query, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<long>>([.. letters
            .Where(letter => letter.Generation == query.Generation && letter.TopicId == query.TopicId && letter.Offset >= query.From)
            .Select(static letter => letter.Offset)]);
}

internal static class CommitterCalls
{
    /// <summary>Of topics whose ids the broker does not tell.</summary>
    public static Task<ResumePoint> ResumeAsync(this TableCommitter committer, string pipeline, string generation, IReadOnlyList<TopicPartition> topicPartitions, CancellationToken cancellationToken) =>
        committer.ResumeAsync(pipeline, generation, topicPartitions, new Dictionary<string, string>(), cancellationToken);
}
