using OrleansLake.Iceberg;
using OrleansLake.Ingest;
using OrleansLake.Ingest.Commit;

namespace OrleansLake.Testing.Simulation;

/// <summary>
/// Knows nothing of how the tables came about: reads them as a stranger would, and holds them against what the topics hold.
/// <list type="bullet">
/// <item>Every record below a topic-partition's committed offset is there exactly once, as a row or as a dead letter.</item>
/// <item>No row is there at or above it, and no dead letter twice.</item>
/// <item>A row is no dead letter too, but for a record that one schema takes and another rejects: where two owners with
/// different schemas race, the one that loses may have committed it as a dead letter before the other's row, since no swap
/// spans two tables.</item>
/// <item>The cumulative counts beside the offset are those of the rows.</item>
/// <item>Every live file is there, listed once.</item>
/// <item>A report whose rows are in the table, by a snapshot that is still listed, is not refused because of them.</item>
/// <item>A file enters the table only while the schema that its committer knew has every field of it.</item>
/// </list>
/// </summary>
internal sealed class TableChecker(SimulationWorld world)
{
    public const string ForeignPrefix = "memory://foreign/";

    private readonly Dictionary<string, IReadOnlyList<ManifestEntry>> _manifests = [];
    private readonly HashSet<RecordId> _seen = [];
    private long? _checkedRows;
    private long? _checkedDead;

    /// <summary>Records of each topic-partition that are in the tables, below its committed offset.</summary>
    public Dictionary<TopicPartition, long> Next { get; } = [];

    /// <summary>Why the tables' offsets cannot be told; null when they can.</summary>
    public string? Stop { get; private set; }

    public void AfterSwap(TableCommit commit, LoadedTable after)
    {
        HashSet<int>? fields = null;
        foreach (TableUpdate update in commit.Updates)
        {
            if (update is not TableUpdate.AddSnapshot(var snapshot))
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
                    if (entry.Status == ManifestEntryStatus.Added && world.Files.Files.TryGetValue(entry.DataFile.FilePath, out ModelFile? file) && !file.IsDeadLetters)
                    {
                        fields ??= FieldIds.Of(commit.Base.Metadata.CurrentSchema);
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
        if (report.Files.Count > 0
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

        _seen.Clear();
        var rowCounts = new Dictionary<TopicPartition, long>();
        var deadCounts = new Dictionary<TopicPartition, long>();
        foreach (RecordId record in RecordsOf(rows))
        {
            if (!_seen.Add(record))
            {
                world.Fail($"{record.TopicPartition}@{record.Offset} is in the table twice");
            }

            rowCounts[record.TopicPartition] = rowCounts.GetValueOrDefault(record.TopicPartition) + 1;
            if (NextOf(lineage, record.TopicPartition) is not { } next || record.Offset >= next.Next)
            {
                world.Fail($"{record.TopicPartition}@{record.Offset} is in the table, whose next offset is {NextOf(lineage, record.TopicPartition)?.Next}");
            }
        }

        var deadOnly = new HashSet<RecordId>();
        foreach (RecordId record in RecordsOf(dead))
        {
            if (!deadOnly.Add(record))
            {
                world.Fail($"{record.TopicPartition}@{record.Offset} is among the dead letters twice");
            }

            if (NextOf(lineage, record.TopicPartition) is { } next && record.Offset < next.Next)
            {
                if (_seen.Add(record))
                {
                    deadCounts[record.TopicPartition] = deadCounts.GetValueOrDefault(record.TopicPartition) + 1;
                }
                else if (world.Broker.LogOf(record.TopicPartition)[record.Offset] != ModelRecord.Moody)
                {
                    world.Fail($"{record.TopicPartition}@{record.Offset} is a row and a dead letter");
                }
            }
        }

        Next.Clear();
        foreach (ModelLog log in world.Broker.Logs)
        {
            if (NextOf(lineage, log.TopicPartition) is not { } offset)
            {
                continue;
            }

            Next[log.TopicPartition] = offset.Next;
            long records = log.Records(0, offset.Next);
            for (long at = 0; at < offset.Next; at++)
            {
                if (log[at] != ModelRecord.Gap && !_seen.Contains(new RecordId(log.TopicPartition, at)))
                {
                    world.Fail($"{log.TopicPartition}@{at} is missing, the table's next offset is {offset.Next}");
                    break;
                }
            }

            var told = (offset.Rows, offset.Rejected, offset.Gap);
            var found = (rowCounts.GetValueOrDefault(log.TopicPartition), deadCounts.GetValueOrDefault(log.TopicPartition), offset.Next - records);
            if (told != found)
            {
                world.Fail($"{log.TopicPartition}: the table tells (rows, rejected, gap) {told} below {offset.Next}, and has {found}");
            }
        }
    }

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

    /// <summary>The dead letters of a topic-partition that a table holds.</summary>
    public IReadOnlyList<long> DeadLettersOf(LoadedTable deadLetters, TopicPartition topicPartition, long from) =>
        RecordsOf(deadLetters).Where(record => record.TopicPartition == topicPartition && record.Offset >= from).Select(record => record.Offset).Order().ToList();

    private static PartitionOffset? NextOf(Lineage lineage, TopicPartition topicPartition) =>
        lineage.Offsets.Find(SimulationWorld.Pipeline, SimulationWorld.Generation, topicPartition);

    private IEnumerable<RecordId> RecordsOf(LoadedTable table)
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

            foreach (RecordId record in file.Rows)
            {
                yield return record;
            }
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
}
