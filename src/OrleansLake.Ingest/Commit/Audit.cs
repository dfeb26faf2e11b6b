using System.Globalization;
using System.Text.Json;
using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Commit;

/// <summary>
/// Proves from a table alone that each record is in it once: the offsets of each commit begin where those of the one before
/// end, their counts are the rows that the commit added, and no file is listed twice.
/// </summary>
public static class Audit
{
    /// <summary>
    /// Audits one branch of a table as it was loaded; with its dead-letter table also that one, and that no rejected record is
    /// missing there.
    /// </summary>
    public static async Task<AuditResult> RunAsync(LoadedTable table, LoadedTable? deadLetters = null, string branch = SnapshotRef.Main, CancellationToken cancellationToken = default)
    {
        var reader = new LineageReader();
        Lineage lineage = await reader.ReadAsync(table, branch, long.MaxValue, cancellationToken);
        var run = new AuditRun(lineage);
        await run.CompareCommitsAsync(cancellationToken);
        await run.CountFilesAsync(cancellationToken);
        if (deadLetters is not null)
        {
            await run.CompareDeadLettersAsync(await reader.ReadAsync(deadLetters, SnapshotRef.Main, long.MaxValue, cancellationToken), cancellationToken);
        }

        return run.Result();
    }
}

/// <summary>One audit under way.</summary>
internal sealed class AuditRun(Lineage lineage)
{
    private readonly TableMetadata _metadata = lineage.Table.Metadata;
    private readonly List<AuditFinding> _refuted = [];
    private readonly List<AuditFinding> _missing = [];
    private readonly List<AuditFinding> _remarks = [];
    private readonly Dictionary<long, long> _addedRows = [];
    private CommittedOffsets _offsets = CommittedOffsets.Empty;
    private Snapshot? _since;
    private bool _sinceBeginning;
    private bool _othersAdded;
    private bool _filesWereReplaced;
    private bool _upkeepReplacedFiles;
    private long _rowsTakenByUpkeep;
    private int _commits;
    private int _files;
    private long _rows;
    private long _replayed;

    /// <summary>Walks the listed snapshots from the oldest to the newest.</summary>
    public async Task CompareCommitsAsync(CancellationToken cancellationToken)
    {
        List<Snapshot> snapshots = [.. lineage.Snapshots.Reverse()];
        var reports = new Dictionary<string, long>();
        bool hasBaseline = snapshots.Count > 0 && snapshots[0].ParentSnapshotId is null;
        _sinceBeginning = hasBaseline;
        _since = hasBaseline ? snapshots[0] : null;
        foreach (Snapshot snapshot in snapshots)
        {
            NoteOthers(snapshot);
            if (!LineageReader.IsOurs(snapshot))
            {
                continue;
            }

            CommittedOffsets offsets;
            try
            {
                offsets = await LineageReader.OffsetsOfAsync(lineage.Table, snapshot, cancellationToken);
            }
            catch (Exception e) when (e is CorruptOffsetsException or ObjectNotFoundException)
            {
                _missing.Add(new AuditFinding(snapshot.SnapshotId, $"its offsets cannot be read: {e.Message}"));
                (_offsets, hasBaseline, _since, _sinceBeginning) = (CommittedOffsets.Empty, false, null, false);
                continue;
            }

            foreach (string report in snapshot.Summary.GetValueOrDefault(SummaryKeys.Reports, "").Split(',', StringSplitOptions.RemoveEmptyEntries))
            {
                if (!reports.TryAdd(report, snapshot.SnapshotId))
                {
                    _refuted.Add(new AuditFinding(snapshot.SnapshotId, $"report {report} is in snapshot {reports[report]} already"));
                }
            }

            if (hasBaseline)
            {
                Compare(snapshot, _offsets, offsets);
                _commits++;
            }

            (_offsets, hasBaseline) = (offsets, true);
            _since ??= snapshot;
        }

        if (lineage.Stop is { } stop)
        {
            _missing.Add(new AuditFinding(null, stop.Message));
        }
        else if (_since is null || _offsets.Pipelines.IsEmpty)
        {
            _missing.Add(new AuditFinding(lineage.Head?.SnapshotId, lineage.Head is null ? "the table has no snapshot" : "no listed snapshot carries offsets"));
        }
    }

    /// <summary>Reads what the newest snapshot lists.</summary>
    public async Task CountFilesAsync(CancellationToken cancellationToken)
    {
        if (lineage.Head is not { } head)
        {
            return;
        }

        var paths = new HashSet<string>(StringComparer.Ordinal);
        var bySnapshot = new Dictionary<long, long>();
        bool hasDeletes = false;
        await foreach (ManifestEntry entry in SnapshotFiles.LiveAsync(lineage.Table, head, cancellationToken))
        {
            if (entry.DataFile.Content != DataFileContent.Data)
            {
                hasDeletes = true;
                continue;
            }

            _files++;
            _rows += entry.DataFile.RecordCount;
            if (entry.SnapshotId is { } addedBy)
            {
                bySnapshot[addedBy] = bySnapshot.GetValueOrDefault(addedBy) + entry.DataFile.RecordCount;
            }

            if (!paths.Add(entry.DataFile.FilePath))
            {
                _refuted.Add(new AuditFinding(head.SnapshotId, $"{entry.DataFile.FilePath} is listed twice"));
            }
        }

        // What others append is told apart by its snapshot; where files were rewritten or deleted, nobody can tell whose they were.
        if (_filesWereReplaced || hasDeletes)
        {
            return;
        }

        foreach (var (snapshotId, rows) in _addedRows)
        {
            if (!_upkeepReplacedFiles && bySnapshot.GetValueOrDefault(snapshotId) != rows)
            {
                _refuted.Add(new AuditFinding(snapshotId, $"expected {rows} rows in its files by its offsets, got {bySnapshot.GetValueOrDefault(snapshotId)}"));
            }
        }

        if (_sinceBeginning && !_othersAdded && !HasRetired && _rows + _rowsTakenByUpkeep != RowsByOffsets + _replayed)
        {
            string others = (_replayed > 0 ? $" and {_replayed} replayed ones" : "") + (_rowsTakenByUpkeep > 0 ? $", less {_rowsTakenByUpkeep} that the upkeep took" : "");
            _refuted.Add(new AuditFinding(head.SnapshotId, $"expected {RowsByOffsets} rows in the table by its offsets{others}, got {_rows}"));
        }
    }

    /// <summary>No record may count as rejected that the dead-letter table never heard of, nor may that one contradict itself.</summary>
    public async Task CompareDeadLettersAsync(Lineage deadLetters, CancellationToken cancellationToken)
    {
        if (deadLetters.Stop is { } stop)
        {
            _missing.Add(new AuditFinding(null, stop.Message));
            return;
        }

        var ofLetters = new AuditRun(deadLetters);
        await ofLetters.CompareCommitsAsync(cancellationToken);
        await ofLetters.CountFilesAsync(cancellationToken);
        _refuted.AddRange(ofLetters._refuted.Select(finding => finding with { Message = $"dead-letter table {deadLetters.Table.Identifier}: {finding.Message}" }));
        foreach (AuditedPartition partition in Partitions())
        {
            long found = deadLetters.Offsets.Find(partition.Pipeline, partition.Generation, new TopicPartition(partition.Topic, partition.Partition))?.Rejected ?? 0;
            if (found < partition.Rejected)
            {
                _refuted.Add(new AuditFinding(deadLetters.Head?.SnapshotId, $"dead-letter table {deadLetters.Table.Identifier}: {partition.Topic}-{partition.Partition} had {partition.Rejected} records rejected, it knows of {found}"));
            }
        }
    }

    public AuditResult Result() => new()
    {
        Table = lineage.Table.Identifier.ToString(),
        Branch = lineage.Branch,
        Verdict = _refuted.Count > 0 ? AuditVerdict.Refuted : _missing.Count > 0 ? AuditVerdict.CannotTell : AuditVerdict.Proved,
        SinceSnapshotId = _since?.SnapshotId,
        SinceBeginning = _sinceBeginning,
        SnapshotId = lineage.Head?.SnapshotId,
        Commits = _commits,
        Files = _files,
        Rows = _rows,
        RowsByOffsets = RowsByOffsets,
        Partitions = [.. Partitions()],
        Findings = _refuted.Count > 0 ? _refuted : _missing,
        Remarks = _remarks,
    };

    private long RowsByOffsets => Partitions().Sum(static partition => partition.Rows);

    private bool HasRetired => _offsets.Pipelines.Values.Any(static topics => topics.IsEmpty);

    private IEnumerable<AuditedPartition> Partitions() =>
        from pipeline in _offsets.Pipelines
        from topic in pipeline.Value
        from place in topic.Value.Partitions.ToArray().Index()
        where place.Item.Next >= 0
        select new AuditedPartition(
            CommittedOffsets.PipelineOf(pipeline.Key), pipeline.Key[(pipeline.Key.LastIndexOf('#') + 1)..], topic.Key, place.Index, place.Item.Next, place.Item.Rows, place.Item.Rejected, place.Item.Gap);

    private static long NumberOf(Snapshot snapshot, string name) => long.TryParse(snapshot.Summary.GetValueOrDefault(name), CultureInfo.InvariantCulture, out long number) ? number : 0;

    private void NoteOthers(Snapshot snapshot)
    {
        string operation = snapshot.Summary.GetValueOrDefault("operation", "unknown");
        if (snapshot.Summary.GetValueOrDefault(SummaryKeys.SourceSnapshotId) is { } source)
        {
            Snapshot? picked = long.TryParse(source, CultureInfo.InvariantCulture, out long id) ? _metadata.FindSnapshot(id) : null;
            if (picked is null || picked.Summary.ContainsKey(SummaryKeys.CommitId))
            {
                bool isTwice = picked is not null && lineage.Snapshots.Any(ancestor => ancestor.SnapshotId == id);
                (isTwice ? _refuted : _missing).Add(new AuditFinding(snapshot.SnapshotId, $"cherry-picked from snapshot {source}, {(isTwice ? "whose rows are in the table already" : "which may hold rows of ours")}"));
            }

            _othersAdded = true;
            _filesWereReplaced |= operation != "append";
        }
        else if (!LineageReader.IsOurs(snapshot) && snapshot.Summary.GetValueOrDefault(SummaryKeys.Upkeep) is { } upkeep)
        {
            // Rewrites put the same rows into other files; what retention and applied deletes take is counted.
            long went = NumberOf(snapshot, "deleted-records") - NumberOf(snapshot, SummaryKeys.AddedRecords);
            _upkeepReplacedFiles = true;
            _rowsTakenByUpkeep += went;
            _remarks.Add(new AuditFinding(snapshot.SnapshotId, $"{upkeep}: {went} rows went"));
        }
        else if (!LineageReader.IsOurs(snapshot))
        {
            _othersAdded = true;
            _filesWereReplaced |= operation != "append";
            _remarks.Add(new AuditFinding(snapshot.SnapshotId, $"{operation} by someone else: {snapshot.Summary.GetValueOrDefault(SummaryKeys.AddedRecords, "0")} rows added, {snapshot.Summary.GetValueOrDefault("deleted-records", "0")} deleted"));
        }
        else if (operation != "append")
        {
            _filesWereReplaced = true;
        }
    }

    private void Compare(Snapshot snapshot, CommittedOffsets before, CommittedOffsets after)
    {
        bool isDeadLetters = snapshot.Summary.ContainsKey(SummaryKeys.DeadLetters);
        Dictionary<(string Key, TopicPartition TopicPartition), (long From, long To)> moved = MovedIn(snapshot);
        long rows = 0;
        foreach (var (key, topics) in after.Pipelines)
        {
            if (!topics.IsEmpty)
            {
                rows += CompareTopics(snapshot, key, before.Pipelines.GetValueOrDefault(key) ?? CommittedOffsets.NoTopics, topics, moved, isDeadLetters);
            }
        }

        foreach (string lost in before.Pipelines.Keys.Where(key => !after.Pipelines.ContainsKey(key)))
        {
            _refuted.Add(new AuditFinding(snapshot.SnapshotId, $"the offsets of {lost} are gone"));
        }

        long replayed = 0;
        if (snapshot.Summary.GetValueOrDefault(SummaryKeys.Replayed) is { } text)
        {
            replayed = long.TryParse(text, CultureInfo.InvariantCulture, out long count) ? count : -1;
            rows += replayed;
            _replayed += replayed;
            _remarks.Add(new AuditFinding(snapshot.SnapshotId, $"replay: {replayed} dead letters became rows"));
        }

        long added = long.TryParse(snapshot.Summary.GetValueOrDefault(SummaryKeys.AddedRecords, "0"), CultureInfo.InvariantCulture, out long number) ? number : -1;
        bool isAppend = snapshot.Summary.GetValueOrDefault("operation") == "append";
        if (isAppend ? added != rows : rows != 0)
        {
            _refuted.Add(new AuditFinding(snapshot.SnapshotId, $"its offsets{(replayed > 0 ? " and its replay" : "")} count {rows} rows, it added {added}"));
        }

        if (isAppend)
        {
            _addedRows[snapshot.SnapshotId] = rows;
        }
    }

    private long CompareTopics(
        Snapshot snapshot,
        string key,
        IReadOnlyDictionary<string, TopicOffsets> before,
        IReadOnlyDictionary<string, TopicOffsets> after,
        Dictionary<(string Key, TopicPartition TopicPartition), (long From, long To)> moved,
        bool isDeadLetters)
    {
        long rows = 0;
        foreach (string topic in before.Keys.Union(after.Keys))
        {
            int partitions = Math.Max(before.GetValueOrDefault(topic)?.Partitions.Length ?? 0, after.GetValueOrDefault(topic)?.Partitions.Length ?? 0);
            for (int partition = 0; partition < partitions; partition++)
            {
                TopicPartition topicPartition = new(topic, partition);
                PartitionOffset? old = before.GetValueOrDefault(topic)?.Find(partition);
                if (after.GetValueOrDefault(topic)?.Find(partition) is not { } now)
                {
                    if (old is not null)
                    {
                        _refuted.Add(new AuditFinding(snapshot.SnapshotId, $"{topicPartition}: its offset is gone, it was {old.Value.Next}"));
                    }

                    continue;
                }

                PartitionOffset was = old ?? TopicOffsets.None;
                (long Rows, long Rejected, long Gap) more = (now.Rows - was.Rows, now.Rejected - was.Rejected, now.Gap - was.Gap);
                rows += more.Rows;
                if (moved.TryGetValue((key, topicPartition), out var move))
                {
                    if (more != (0, 0, 0) || now.Next != move.To || (old?.Next ?? -1) != move.From)
                    {
                        _refuted.Add(new AuditFinding(snapshot.SnapshotId, $"{topicPartition}: it says that it moved from {move.From} to {move.To}, its offsets from {old?.Next ?? -1} to {now.Next}"));
                    }
                }
                else if (more.Rows < 0 || more.Rejected < 0 || (!isDeadLetters && more.Gap < 0) || (old is not null && isDeadLetters && now.Next < was.Next))
                {
                    _refuted.Add(new AuditFinding(snapshot.SnapshotId, $"{topicPartition}: a count went back"));
                }
                else if (!isDeadLetters && old is not null && now.Next - was.Next != more.Rows + more.Rejected + more.Gap)
                {
                    _refuted.Add(new AuditFinding(snapshot.SnapshotId, $"{topicPartition}: [{was.Next}, {now.Next}) holds {now.Next - was.Next} offsets, {more.Rows} rows + {more.Rejected} rejected + {more.Gap} gaps were counted"));
                }
            }
        }

        return rows;
    }

    private Dictionary<(string Key, TopicPartition TopicPartition), (long From, long To)> MovedIn(Snapshot snapshot)
    {
        var moved = new Dictionary<(string, TopicPartition), (long, long)>();
        if (snapshot.Summary.GetValueOrDefault(SummaryKeys.Moved) is not { } text)
        {
            return moved;
        }

        try
        {
            using var document = JsonDocument.Parse(text);
            foreach (JsonProperty pipeline in document.RootElement.EnumerateObject())
            {
                foreach (JsonProperty topic in pipeline.Value.EnumerateObject())
                {
                    foreach (JsonProperty partition in topic.Value.EnumerateObject())
                    {
                        TopicPartition topicPartition = new(topic.Name, int.Parse(partition.Name, CultureInfo.InvariantCulture));
                        (long From, long To) move = (partition.Value[0].GetInt64(), partition.Value[1].GetInt64());
                        moved[(pipeline.Name, topicPartition)] = move;
                        _remarks.Add(new AuditFinding(snapshot.SnapshotId, $"{snapshot.Summary.GetValueOrDefault(SummaryKeys.Reason, "moved")}: {topicPartition} went from {(move.From < 0 ? "none" : move.From)} to {move.To}"));
                    }
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or IndexOutOfRangeException or OverflowException)
        {
            _missing.Add(new AuditFinding(snapshot.SnapshotId, $"{SummaryKeys.Moved} cannot be read: {e.Message}"));
        }

        return moved;
    }
}
