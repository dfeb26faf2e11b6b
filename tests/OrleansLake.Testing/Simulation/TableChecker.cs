using System.Globalization;
using OrleansLake.Iceberg;
using OrleansLake.Ingest;
using OrleansLake.Ingest.Commit;

namespace OrleansLake.Testing.Simulation;

/// <summary>
/// Knows nothing of how the tables came about: reads them as a stranger would, and holds them against what the topics hold.
/// <list type="bullet">
/// <item>Every record below a topic-partition's committed offset is there exactly once, as a row or as a dead letter.</item>
/// <item>No row is there at or above it, and no dead letter twice.</item>
/// <item>A row is no dead letter too, also where two owners race with schemas of which only one takes it.</item>
/// <item>The cumulative counts beside the offset are those of the rows.</item>
/// <item>Every live file is there, listed once.</item>
/// <item>A report whose rows are in the table, by a snapshot that is still listed, is not refused because of them (unless the table went back since).</item>
/// <item>A file enters the table only while the schema that its committer knew has every field of it.</item>
/// </list>
/// </summary>
internal sealed class TableChecker(SimulationWorld world)
{
    public const string ForeignPrefix = "memory://foreign/";

    private readonly Dictionary<string, IReadOnlyList<ManifestEntry>> _manifests = [];
    private readonly HashSet<RecordId> _seen = [];
    private readonly SortedDictionary<Line, long> _ends = [];
    private int _living;
    private long? _checkedRows;
    private long? _checkedDead;

    /// <summary>Records of each topic-partition that are in the tables, below its committed offset.</summary>
    public Dictionary<TopicPartition, long> Next { get; } = [];

    /// <summary>Why the tables' offsets cannot be told; null when they can.</summary>
    public string? Stop { get; private set; }

    public void AfterSwap(TableCommit commit, LoadedTable after)
    {
        RememberEnds(after);
        HashSet<int>? fields = null;
        foreach (TableUpdate update in commit.Updates)
        {
            // What others pick or append is theirs to answer for.
            if (update is not TableUpdate.AddSnapshot(var snapshot) || !LineageReader.IsOurs(snapshot))
            {
                continue;
            }

            foreach (ManifestFile manifest in SimulationWorld.Sync(SnapshotFiles.ManifestsAsync(after, snapshot, default)))
            {
                if (manifest.AddedSnapshotId != snapshot.SnapshotId)
                {
                    continue;
                }

                foreach (ManifestEntry entry in EntriesOf(after, manifest))
                {
                    if (entry.Status == ManifestEntryStatus.Added && world.Files.Files.TryGetValue(entry.DataFile.FilePath, out ModelFile? file) && !file.IsDeadLetters && file.Table == after.Metadata.TableUuid)
                    {
                        fields ??= FieldIds.Of(commit.Base.Metadata.CurrentSchema);
                        int living = GenerationsOf(SimulationWorld.Sync(new LineageReader().ReadAsync(commit.Base with { Store = world.Store }, SnapshotRef.Main, 0, default))).LastOrDefault();
                        if (file.Rows.Any(record => record.Generation < living))
                        {
                            world.Fail($"{file.Path} of an earlier generation was committed after generation {living} had begun");
                        }

                        HashSet<int> written = FieldIds.Of(after.Metadata.Schemas.First(schema => schema.SchemaId == file.SchemaId));
                        if (!written.IsSubsetOf(fields))
                        {
                            world.Fail($"{file.Path} of schema {file.SchemaId} was committed though a field of it had left the schema");
                        }
                    }
                }
            }
        }
    }

    /// <summary>A report that is in the table is never called stale because of its own ranges (rule 2).</summary>
    public void AfterAnswer(Guid reportId, ReportAnswer answer)
    {
        if (answer is not ReportAnswer.Refused { Reason: RefusalReason.Stale } refused)
        {
            return;
        }

        DataWritten report = world.Reports[reportId];
        LoadedTable table = world.Load(SimulationWorld.Rows)!;
        if (report.Files.Count > 0 && !world.WentBackSince(reportId)
            && refused.Ranges.All(refusedRange => report.Ranges.Any(range => range.TopicPartition == refusedRange.TopicPartition && range.Range.Next == refusedRange.CommittedNext))
            && table.Metadata.Snapshots.Any(listed => listed.Summary.GetValueOrDefault(SummaryKeys.Reports)?.Contains($"{reportId:N}", StringComparison.Ordinal) ?? false)
            && table.Metadata.FindRef(SnapshotRef.Main) is { } snapshot
            && PathsOf(table, snapshot).Contains(report.Files[0].FilePath))
        {
            world.Fail($"report {reportId} was refused as stale, and its rows are in the table: {refused.Message}");
        }
    }

    /// <summary>Looks at the tables as they are now.</summary>
    public void Check()
    {
        LoadedTable rows = world.Load(SimulationWorld.Rows)!;
        LoadedTable dead = world.Load(SimulationWorld.Dead)!;
        if (rows.Metadata.CurrentSnapshotId == _checkedRows && dead.Metadata.CurrentSnapshotId == _checkedDead)
        {
            return;
        }

        (_checkedRows, _checkedDead) = (rows.Metadata.CurrentSnapshotId, dead.Metadata.CurrentSnapshotId);
        Lineage lineage = SimulationWorld.Sync(new LineageReader().ReadAsync(rows, SnapshotRef.Main, 0, default));
        Stop = lineage.Stop?.Message;
        if (Stop is not null)
        {
            return;
        }

        if (GenerationsOf(lineage) is { Count: > 1 } several)
        {
            world.Fail($"the table has offsets of generations {string.Join(" and ", several)} of the pipeline");
        }

        _living = GenerationsOf(lineage).LastOrDefault();
        _seen.Clear();
        SortedDictionary<Line, long> ends = EndsOf(lineage);
        var rowCounts = new Dictionary<TopicPartition, long>();
        var deadCounts = new Dictionary<TopicPartition, long>();
        foreach (RecordId record in RecordsOf(rows))
        {
            if (!_seen.Add(record))
            {
                world.Fail($"{Name(record)} is in the table twice");
            }

            rowCounts[record.TopicPartition] = rowCounts.GetValueOrDefault(record.TopicPartition) + (record.Generation == _living ? 1 : 0);
            if (!IsBelow(ends, record))
            {
                world.Fail($"{Name(record)} is in the table, whose next offset is {NextOf(lineage, record.TopicPartition)?.Next} of {LifeOf(lineage, record.TopicPartition.Topic)} ({_living})");
            }
        }

        var deadOnly = new HashSet<RecordId>();
        foreach (RecordId record in RecordsOf(dead))
        {
            if (!deadOnly.Add(record))
            {
                world.Fail($"{Name(record)} is among the dead letters twice");
            }

            // Above the end: committed before rows that never came, of a life that is over or of one that goes on.
            if (!IsBelow(ends, record))
            {
                continue;
            }

            if (_seen.Add(record))
            {
                deadCounts[record.TopicPartition] = deadCounts.GetValueOrDefault(record.TopicPartition) + (record.Generation == _living ? 1 : 0);
            }
            else
            {
                world.Fail($"{Name(record)} is a row and a dead letter");
            }
        }

        Next.Clear();
        foreach (ModelLog newest in world.Broker.Logs)
        {
            if (NextOf(lineage, newest.TopicPartition) is { } offset && LifeOf(lineage, newest.TopicPartition.Topic) == newest.Life && _living == world.GenerationNumber)
            {
                Next[newest.TopicPartition] = offset.Next;
            }
        }

        var gaps = new Dictionary<TopicPartition, long>();
        foreach ((Line line, long end) in ends)
        {
            ModelLog log = world.Broker.LogOf(line.TopicPartition, line.Life);
            if (end > log.End)
            {
                world.Fail($"{log.TopicPartition}: the table's next offset is {end}, the topic ends at {log.End}");
                return;
            }

            FindMissing(log, line.Generation, end);
            gaps[line.TopicPartition] = gaps.GetValueOrDefault(line.TopicPartition) + (line.Generation == _living ? end - log.Records(0, end) : 0);
        }

        foreach ((TopicPartition topicPartition, long gap) in gaps)
        {
            if (NextOf(lineage, topicPartition) is { } offset)
            {
                var told = (offset.Rows, offset.Rejected, offset.Gap);
                var found = (rowCounts.GetValueOrDefault(topicPartition), deadCounts.GetValueOrDefault(topicPartition), gap);
                if (told != found)
                {
                    world.Fail($"{topicPartition}: the table tells (rows, rejected, gap) {told} below {offset.Next}, and has {found}");
                }
            }
        }
    }

    /// <summary>
    /// What the audit says must agree, both ways: it never refutes a table that is right, and never calls one proved that was
    /// tampered with. (What it cannot judge it may say so of.)
    /// </summary>
    public AuditVerdict Audit()
    {
        LoadedTable rows = world.Load(SimulationWorld.Rows)!;
        LoadedTable dead = world.Load(SimulationWorld.Dead)!;
        AuditResult result = AuditOf(rows, dead);
        if (world.Violation is null && result.Verdict == AuditVerdict.Refuted)
        {
            world.Fail($"the audit refutes a table that is right: {result}");
        }

        if (world.Violation is null && result.Verdict == AuditVerdict.Proved)
        {
            foreach (var (what, spoiledRows, spoiledDead, isWrong) in new Tampering(rows, dead, world.Options.Seed).All())
            {
                world.Count($"tampered: {what}");
                if (AuditOf(spoiledRows, spoiledDead) is var spoiled && (spoiled.Verdict == AuditVerdict.Proved) == isWrong)
                {
                    world.Fail($"{what}, and the audit says: {spoiled}");
                }
            }
        }

        return result.Verdict;
    }

    private static AuditResult AuditOf(LoadedTable rows, LoadedTable dead) => SimulationWorld.Sync(OrleansLake.Ingest.Commit.Audit.RunAsync(rows, dead));

    /// <summary>Every record is in.</summary>
    public bool IsComplete()
    {
        Check();
        return Stop is null && world.Broker.Logs.All(log => log.Records(Next.GetValueOrDefault(log.TopicPartition), log.End) == 0);
    }

    /// <summary>Files of every listed snapshot are there, not only of the current one.</summary>
    public void CheckHistory()
    {
        foreach (TableIdentifier name in new[] { SimulationWorld.Rows, SimulationWorld.Dead })
        {
            LoadedTable table = world.Load(name)!;
            foreach (Snapshot snapshot in table.Metadata.Snapshots)
            {
                foreach (string path in PathsOf(table, snapshot))
                {
                    if (!path.StartsWith(ForeignPrefix, StringComparison.Ordinal) && !world.Files.Files.ContainsKey(path))
                    {
                        world.Fail($"{path} is listed by snapshot {snapshot.SequenceNumber} of {name} and was deleted");
                    }
                }
            }
        }
    }

    public IEnumerable<string> PathsOf(LoadedTable table, Snapshot snapshot) => SimulationWorld.Sync(SnapshotFiles.ManifestsAsync(table, snapshot, default))
        .SelectMany(manifest => EntriesOf(table, manifest)).Where(entry => entry.Status != ManifestEntryStatus.Deleted).Select(entry => entry.DataFile.FilePath);

    /// <summary>The files that a snapshot brought in.</summary>
    public IEnumerable<DataFile> AddedBy(LoadedTable table, Snapshot snapshot) => SimulationWorld.Sync(SnapshotFiles.ManifestsAsync(table, snapshot, default))
        .Where(manifest => manifest.AddedSnapshotId == snapshot.SnapshotId)
        .SelectMany(manifest => EntriesOf(table, manifest)).Where(static entry => entry.Status == ManifestEntryStatus.Added).Select(static entry => entry.DataFile);

    /// <summary>The dead letters that a table holds, by what its rows tell.</summary>
    public IReadOnlyList<long> DeadLettersOf(LoadedTable deadLetters, DeadLetterQuery query) =>
        [.. FilesOf(deadLetters)
            .SelectMany(static file => file.Rows.Zip(file.TopicIds))
            .Where(letter => letter.First.TopicPartition == query.TopicPartition && letter.First.Offset >= query.From
                && (!world.Options.DeadLettersApart || ($"g{letter.First.Generation}" == query.Generation && letter.Second == query.TopicId)))
            .Select(static letter => letter.First.Offset).Distinct().Order()];

    /// <summary>Generations of the pipeline that the table has offsets of: one at most, or something is wrong.</summary>
    public static List<int> GenerationsOf(Lineage lineage) =>
        [.. lineage.Offsets.Pipelines.Where(static pipeline => !pipeline.Value.IsEmpty).Select(static pipeline => int.Parse(pipeline.Key.AsSpan(SimulationWorld.Pipeline.Length + 2), CultureInfo.InvariantCulture)).Order()];

    /// <summary>Which life of a topic the table's offsets are of.</summary>
    public int LifeOf(Lineage lineage, string topic)
    {
        string? id = lineage.Offsets.FindTopic(SimulationWorld.Pipeline, $"g{_living}", topic)?.TopicId;
        int life = 0;
        while (id is not null && id != ModelBroker.IdOf(topic, life))
        {
            life++;
        }

        return life;
    }

    private void FindMissing(ModelLog log, int generation, long next)
    {
        for (long at = 0; at < next; at++)
        {
            if (log[at] != ModelRecord.Gap && !_seen.Contains(new RecordId(log.TopicPartition, at, log.Life, generation)))
            {
                world.Fail($"{Name(new RecordId(log.TopicPartition, at, log.Life, generation))} is missing, the next offset is {next}");
                break;
            }
        }
    }

    /// <summary>Where each line of records ends by the table: those it reads now, and those that ended when it went over to another life or generation.</summary>
    private SortedDictionary<Line, long> EndsOf(Lineage lineage)
    {
        var ends = new SortedDictionary<Line, long>();
        foreach ((Line line, long end) in _ends)
        {
            if (line.Generation < _living || (line.Generation == _living && line.Life < LifeOf(lineage, line.TopicPartition.Topic)))
            {
                ends[line] = end;
            }
        }

        foreach (ModelLog log in world.Broker.Logs)
        {
            if (NextOf(lineage, log.TopicPartition) is { } offset)
            {
                ends[new Line(log.TopicPartition, LifeOf(lineage, log.TopicPartition.Topic), _living)] = offset.Next;
            }
        }

        return ends;
    }

    private void RememberEnds(LoadedTable after)
    {
        if (!after.Identifier.Equals(SimulationWorld.Rows))
        {
            return;
        }

        Lineage lineage = SimulationWorld.Sync(new LineageReader().ReadAsync(after with { Store = world.Store }, SnapshotRef.Main, 0, default));
        if (lineage.Stop is not null)
        {
            return;
        }

        // What the table no longer tells of never was: it may have been rolled back to before a life or a generation began.
        _living = GenerationsOf(lineage).LastOrDefault();
        foreach (Line line in _ends.Keys.Where(line => line.Generation > _living || (line.Generation == _living && line.Life >= LifeOf(lineage, line.TopicPartition.Topic))).ToList())
        {
            _ends.Remove(line);
        }

        foreach (ModelLog log in world.Broker.Logs)
        {
            if (NextOf(lineage, log.TopicPartition) is { } offset)
            {
                _ends[new Line(log.TopicPartition, LifeOf(lineage, log.TopicPartition.Topic), _living)] = offset.Next;
            }
        }
    }

    private static bool IsBelow(SortedDictionary<Line, long> ends, RecordId record) =>
        ends.TryGetValue(new Line(record.TopicPartition, record.Life, record.Generation), out long end) && record.Offset < end;

    private static string Name(RecordId record) =>
        $"{record.TopicPartition}@{record.Offset}{(record.Life > 0 ? $" (life {record.Life})" : "")}{(record.Generation > 1 ? $" of generation {record.Generation}" : "")}";

    private PartitionOffset? NextOf(Lineage lineage, TopicPartition topicPartition) =>
        lineage.Offsets.Find(SimulationWorld.Pipeline, $"g{_living}", topicPartition);

    private IEnumerable<RecordId> RecordsOf(LoadedTable table) => FilesOf(table).SelectMany(static file => file.Rows);

    private IEnumerable<ModelFile> FilesOf(LoadedTable table)
    {
        if (table.Metadata.FindRef(SnapshotRef.Main) is not { } snapshot)
        {
            yield break;
        }

        var paths = new HashSet<string>();
        foreach (string path in PathsOf(table, snapshot))
        {
            if (!paths.Add(path))
            {
                world.Fail($"{path} is listed twice");
            }

            if (path.StartsWith(ForeignPrefix, StringComparison.Ordinal))
            {
                continue;
            }

            if (!world.Files.Files.TryGetValue(path, out ModelFile? file))
            {
                world.Fail($"{path} is live and was deleted");
                continue;
            }

            if (file.Table != table.Metadata.TableUuid)
            {
                world.Fail($"{path} was written for table {file.Table}, and is live in {table.Metadata.TableUuid}");
            }

            yield return file;
        }
    }

    private IReadOnlyList<ManifestEntry> EntriesOf(LoadedTable table, ManifestFile manifest)
    {
        if (!_manifests.TryGetValue(manifest.ManifestPath, out IReadOnlyList<ManifestEntry>? entries))
        {
            var read = new List<ManifestEntry>();
            IAsyncEnumerator<ManifestEntry> reader = ManifestReader.ReadAsync(world.Store, manifest, table.Metadata, default).GetAsyncEnumerator();
            while (SimulationWorld.Sync(reader.MoveNextAsync().AsTask()))
            {
                read.Add(reader.Current);
            }

            _manifests[manifest.ManifestPath] = entries = read;
        }

        return entries;
    }

    /// <summary>Records that follow each other: of one topic-partition, in one life of its topic, as one generation of the pipeline reads them.</summary>
    private readonly record struct Line(TopicPartition TopicPartition, int Life, int Generation) : IComparable<Line>
    {
        public int CompareTo(Line other) =>
            (TopicPartition.Topic, TopicPartition.Partition, Life, Generation).CompareTo((other.TopicPartition.Topic, other.TopicPartition.Partition, other.Life, other.Generation));
    }
}
