using System.Globalization;
using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Commit;

// One round of commits: judge what waits, dead letters first, then the rows; and again, until every report of the round is
// answered or waits for another one.
public sealed partial class TableCommitter
{
    private Prepared? _prepared;

    private async Task<CommitRound> RoundAsync(CancellationToken cancellationToken)
    {
        List<WaitingReport> batch = [.. _waiting.Values];
        int snapshots = 0;
        Exception? trouble = null;
        if (batch.Count > 0)
        {
            _pace.Committing(_time.GetUtcNow());
            try
            {
                foreach (var ofBranch in batch.GroupBy(static waiting => waiting.Report.Branch).ToList())
                {
                    var (added, failure) = await CommitGroupAsync(ofBranch.Key, [.. ofBranch], cancellationToken);
                    snapshots += added;
                    trouble ??= failure;
                }
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                trouble = e;
            }

            SetTrouble(trouble);
            if (trouble is not null)
            {
                _rows.Forget();
                _deadLetters?.Forget();
            }
        }

        return new CommitRound(snapshots, batch.Count(waiting => !_waiting.ContainsKey(waiting.Report.ReportId)), trouble);
    }

    /// <summary>All at once; where something in a report itself cannot be written, one by one, so that it holds up only itself.</summary>
    private async Task<(int Snapshots, Exception? Trouble)> CommitGroupAsync(string branch, List<WaitingReport> batch, CancellationToken cancellationToken)
    {
        try
        {
            return (await CommitBranchAsync(branch, [.. batch], cancellationToken), null);
        }
        catch (Exception e) when (batch.Count > 1 && (e is ArgumentException or FormatException or InvalidCastException or OverflowException or NotSupportedException))
        {
            LogOneByOne(e, _options.Table, batch.Count);
        }

        int snapshots = 0;
        Exception? trouble = null;
        foreach (WaitingReport waiting in batch)
        {
            try
            {
                snapshots += await CommitBranchAsync(branch, [waiting], cancellationToken);
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                trouble = new InvalidOperationException($"report {waiting.Report.ReportId} of {waiting.Report.WriterId} cannot be committed: {e.Message}", e);
            }
        }

        return (snapshots, trouble);
    }

    private async Task<int> CommitBranchAsync(string branch, List<WaitingReport> batch, CancellationToken cancellationToken)
    {
        int snapshots = 0;
        int lost = 0;
        bool isFresh = _rows.Known is null;
        Lineage lineage = await _rows.ReadLineageAsync(_rows.Known ?? await _rows.LoadAsync(cancellationToken), branch, cancellationToken);
        while (true)
        {
            Judgement judgement = Judge(lineage, batch);

            // Nothing is refused, and no dead letter committed, for what the table may no longer be.
            if (!isFresh && (judgement.Refused.Count > 0 || judgement.Accepted.Any(static waiting => Rejects(waiting.Report))))
            {
                lineage = await _rows.ReadLineageAsync(await _rows.LoadAsync(cancellationToken), branch, cancellationToken);
                isFresh = true;
                continue;
            }

            Settle(judgement, lineage);
            if (judgement.Accepted.Count == 0)
            {
                return snapshots;
            }

            long started = _time.GetTimestamp();
            if (_rules.HasFlag(ProtocolRules.DeadLettersFirst) && await CommitDeadLettersAsync(lineage, judgement.Accepted, cancellationToken) is { } changed)
            {
                isFresh |= !ReferenceEquals(changed, lineage);
                lineage = changed;
                continue;
            }

            SwapEnd end = await CommitRowsAsync(lineage, judgement, cancellationToken);
            lineage = end.Lineage;
            isFresh = true;
            if (end is SwapEnd.Landed landed)
            {
                if (!_rules.HasFlag(ProtocolRules.DeadLettersFirst))
                {
                    await CommitDeadLettersAsync(lineage, judgement.Accepted, cancellationToken);
                }

                snapshots++;
                lost = 0;
                _prepared = null;
                SetTrouble(null);
                SettleLanded(judgement.Accepted, landed, _time.GetElapsedTime(started));
            }
            else
            {
                await _pauses.WaitAsync(lost++, cancellationToken);
            }

            batch.RemoveAll(waiting => !_waiting.ContainsKey(waiting.Report.ReportId));
            if (batch.Count == 0)
            {
                return snapshots;
            }
        }
    }

    private Judgement Judge(Lineage lineage, List<WaitingReport> batch)
    {
        DateTimeOffset now = _time.GetUtcNow();
        var judgement = new Judgement { Offsets = lineage.Offsets };
        List<DataWritten> all = [.. _waiting.Values.Select(static waiting => waiting.Report)];
        List<WaitingReport> left = [.. batch
            .Where(waiting => _waiting.ContainsKey(waiting.Report.ReportId))
            .OrderBy(static waiting => waiting.Report.Ranges.Select(static range => range.Range.First).DefaultIfEmpty().Min())];
        for (int before = -1; before != left.Count;)
        {
            before = left.Count;
            foreach (WaitingReport waiting in left.ToList())
            {
                switch (ReportJudge.Judge(waiting.Report, lineage, judgement.Offsets, all, now.ToUnixTimeMilliseconds(), _rules))
                {
                    // The offsets of one commit are of one generation: with those of an earlier one its rows would go uncounted.
                    // And one writer's for each topic-partition, since it has one claim.
                    case Verdict.Accept when judgement.Accepted.Exists(other => other.Report.Pipeline == waiting.Report.Pipeline
                        && (other.Report.Generation != waiting.Report.Generation || (other.Report.WriterId != waiting.Report.WriterId && Share(other.Report, waiting.Report)))):
                        break;
                    case Verdict.Accept:
                        judgement.Accepted.Add(waiting);
                        judgement.Offsets = judgement.Offsets.Advance(waiting.Report);
                        left.Remove(waiting);
                        break;
                    case Verdict.AlreadyIn(var place):
                        judgement.AlreadyIn.Add((waiting, place));
                        left.Remove(waiting);
                        break;
                    default:
                        break;
                }
            }
        }

        // A refusal counts only against what is committed: what was accepted a moment ago may not land.
        foreach (WaitingReport waiting in left)
        {
            if (ReportJudge.Judge(waiting.Report, lineage, lineage.Offsets, all, now.ToUnixTimeMilliseconds(), _rules) is Verdict.Refuse refuse)
            {
                if (refuse.Reason == RefusalReason.NotYet && now - waiting.Since < _options.Patience)
                {
                    judgement.Refused.Add((waiting, null));
                    continue;
                }

                bool waitedForOthers = refuse.Reason == RefusalReason.NotYet && lineage.Table.Metadata.LastSequenceNumber >= waiting.Report.LastSequenceNumber;
                judgement.Refused.Add((waiting, new ReportAnswer.Refused(waitedForOthers ? RefusalReason.Rewound : refuse.Reason, refuse.Ranges, refuse.Message)));
            }
        }

        return judgement;
    }

    private static bool Share(DataWritten one, DataWritten other) => one.Ranges.Any(range => other.Ranges.Any(its => its.TopicPartition == range.TopicPartition));

    private void Settle(Judgement judgement, Lineage lineage)
    {
        foreach (var (waiting, place) in judgement.AlreadyIn)
        {
            Answer(waiting, new ReportAnswer.Committed(place.SnapshotId, place.SequenceNumber, lineage.Table.Metadata.CurrentSchemaId));
        }

        foreach (var (waiting, refused) in judgement.Refused)
        {
            if (refused is not null)
            {
                Answer(waiting, WithDuel(waiting.Report, refused));
            }
        }
    }

    private ReportAnswer.Refused WithDuel(DataWritten report, ReportAnswer.Refused refused)
    {
        if (refused.Reason == RefusalReason.Stale)
        {
            foreach (RefusedRange range in refused.Ranges)
            {
                if (_duels.Stale(report.Pipeline, range.TopicPartition, report.WriterId, _time.GetUtcNow()) is { } other)
                {
                    LogDuel(_options.Table, range.TopicPartition, other, report.WriterId);
                    refused = refused with { Message = $"{refused.Message}; {other} reports {range.TopicPartition} too: a topic-partition must have one owner" };
                }
            }
        }

        return refused;
    }

    private void SettleLanded(List<WaitingReport> accepted, SwapEnd.Landed landed, TimeSpan took)
    {
        DateTimeOffset now = _time.GetUtcNow();
        List<WrittenRange> ranges = [.. accepted.SelectMany(static waiting => waiting.Report.Ranges)];
        long? oldest = ranges.Min(static range => range.OldestTimestampMs);
        (_lastSnapshotId, _lastCommit, _freshness) = (landed.Place.SnapshotId, now, oldest is { } ms ? now - DateTimeOffset.FromUnixTimeMilliseconds(ms) : null);
        long rows = ranges.Sum(static range => range.Rows);
        int files = accepted.Sum(static waiting => waiting.Report.Files.Count);
        _metrics.Committed(_options.Table, took, rows, files, _freshness);
        LogCommitted(landed.Place.SnapshotId, _options.Table, files, rows, Describe(ranges, static range => $"{range.TopicPartition} {range.Range}"), (long)took.TotalMilliseconds);
        foreach (WaitingReport waiting in accepted)
        {
            foreach (WrittenRange range in waiting.Report.Ranges)
            {
                _duels.Committed(waiting.Report.Pipeline, range.TopicPartition, waiting.Report.WriterId, now);
            }

            Answer(waiting, new ReportAnswer.Committed(landed.Place.SnapshotId, landed.Place.SequenceNumber, landed.Lineage.Table.Metadata.CurrentSchemaId));
        }
    }

    private async Task<SwapEnd> CommitRowsAsync(Lineage lineage, Judgement judgement, CancellationToken cancellationToken)
    {
        List<DataWritten> reports = [.. judgement.Accepted.Select(static waiting => waiting.Report)];
        while (true)
        {
            // Manifests are written once for the same reports, and again where orphan removal may have taken them.
            HashSet<Guid> ids = [.. reports.Select(static report => report.ReportId)];
            if (_prepared is null || !_prepared.Reports.SetEquals(ids) || _prepared.Branch != lineage.Branch || _prepared.MadeMs < lineage.NoFileBeforeMs)
            {
                _prepared = new Prepared(lineage.Branch, ids, NewAppend(lineage.Branch, reports.SelectMany(static report => report.Files)), _ids.NewUuid(), _time.GetUtcNow().ToUnixTimeMilliseconds());
            }

            SwapEnd end = await AddSnapshotAsync(_rows, lineage, _prepared.Append, _prepared.CommitId, judgement.Offsets, ids, FreshnessOf(reports), cancellationToken);
            if (end is SwapEnd.Landed || _rules.HasFlag(ProtocolRules.FailedSwapsAreLookedUp))
            {
                return end;
            }

            lineage = end.Lineage;
            judgement.Offsets = reports.Aggregate(lineage.Offsets, static (offsets, report) => offsets.Advance(report));
            _prepared = null;
        }
    }

    private AppendFiles NewAppend(string branch, IEnumerable<DataFile> files)
    {
        var append = new AppendFiles(branch, _ids, _time);
        foreach (DataFile file in files)
        {
            append.Add(file);
        }

        return append;
    }

    private Dictionary<string, string> FreshnessOf(List<DataWritten> reports)
    {
        long? oldest = reports.SelectMany(static report => report.Ranges).Min(static range => range.OldestTimestampMs);
        return oldest is { } ms ? new() { [SummaryKeys.FreshnessMs] = Text(Math.Max(0, _time.GetUtcNow().ToUnixTimeMilliseconds() - ms)) } : [];
    }

    /// <summary>Stages one snapshot with its offsets and swaps it in: the only way in which anything of ours enters a table.</summary>
    private async Task<SwapEnd> AddSnapshotAsync(
        SwapTable table, Lineage lineage, SnapshotChange change, Guid commitId, CommittedOffsets offsets, IReadOnlyCollection<Guid> reports, Dictionary<string, string> summary, CancellationToken cancellationToken,
        Func<Snapshot, TableUpdate[]>? alongside = null, TableRequirement? alsoRequired = null)
    {
        TableMetadata metadata = lineage.Table.Metadata;
        string text = CommittedOffsetsJson.Write(offsets);
        bool fits = text.Length <= CommittedOffsetsJson.LongestInSummary;
        summary[SummaryKeys.CommitId] = commitId.ToString("N");
        summary[SummaryKeys.Branch] = lineage.Branch;
        summary[SummaryKeys.Reports] = string.Join(',', reports.Select(static id => id.ToString("N")));
        summary[fits ? SummaryKeys.Offsets : SummaryKeys.OffsetsSha256] = fits ? text : CommittedOffsetsJson.Sha256(text);
        if (lineage.NoFileBeforeMs > 0)
        {
            summary[SummaryKeys.NoFileBefore] = Text(lineage.NoFileBeforeMs);
        }

        var extras = new SnapshotExtras
        {
            Summary = summary,
            ManifestListHeader = fits ? new Dictionary<string, string>() : new() { [SummaryKeys.Offsets] = text },
        };
        StagedSnapshot staged = await Timed.CallAsync(token => change.StageAsync(lineage.Table, extras, token), _options.CallTimeout, _time, cancellationToken);
        OwnHistory history = OwnHistory.Choose(lineage, staged.Snapshot, _options);
        var (set, remove) = OffsetsProperty.Write(lineage.Branch, metadata.TableUuid, staged.Snapshot.SnapshotId, staged.Snapshot.SequenceNumber, offsets, metadata.Properties);
        List<TableUpdate> updates = [.. staged.Updates, .. alongside?.Invoke(staged.Snapshot) ?? []];
        if (set.Count > 0)
        {
            updates.Add(new TableUpdate.SetProperties(set));
        }

        if (remove.Count > 0)
        {
            updates.Add(new TableUpdate.RemoveProperties(remove));
        }

        if (history.Snapshots.Count > 0)
        {
            updates.Add(new TableUpdate.RemoveSnapshots(history.Snapshots));
        }

        IEnumerable<TableRequirement> requirements = staged.Requirements.Concat(history.Requirements);
        if (!_rules.HasFlag(ProtocolRules.SwapsAssertRefs))
        {
            requirements = requirements.Where(static requirement => requirement is not TableRequirement.AssertRefSnapshotId);
        }

        if (alsoRequired is not null)
        {
            requirements = requirements.Append(alsoRequired);
        }

        SwapEnd end = await table.SwapAsync(new TableCommit(lineage.Table, [.. requirements], updates), staged.Snapshot, lineage.Branch, commitId, cancellationToken);
        if (end is SwapEnd.Landed && history.Snapshots.Count > 0)
        {
            await DeleteManifestListsAsync(lineage.Table, end.Lineage.Table.Metadata, history.Snapshots, cancellationToken);
        }

        return end;
    }

    /// <summary>
    /// A manifest list is its snapshot's alone: with the snapshot out of the metadata nothing names it any more. Manifests and
    /// data files are shared with later snapshots and stay.
    /// </summary>
    private async Task DeleteManifestListsAsync(LoadedTable before, TableMetadata after, IReadOnlyList<long> expired, CancellationToken cancellationToken)
    {
        List<string> lists = [.. expired.Where(id => after.FindSnapshot(id) is null).Select(id => before.Metadata.FindSnapshot(id)?.ManifestList).OfType<string>()];
        try
        {
            await Timed.CallAsync(
                async token =>
                {
                    await before.Store.DeleteAsync(lists, token);
                    return true;
                },
                _options.CallTimeout,
                _time,
                cancellationToken);
            LogExpired(before.Identifier, lists.Count);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            // The commit is in, and orphan removal will find them.
            LogNotDeleted(e, before.Identifier, lists.Count);
        }
    }

    private static string Describe<T>(IReadOnlyList<T> items, Func<T, string> describe) =>
        string.Join(", ", items.Take(3).Select(describe)) + (items.Count > 3 ? $" and {items.Count - 3} more" : "");

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>One logical commit: its manifests are written once, however many attempts it takes.</summary>
    private sealed record Prepared(string Branch, HashSet<Guid> Reports, AppendFiles Append, Guid CommitId, long MadeMs);

    private sealed class Judgement
    {
        public List<WaitingReport> Accepted { get; } = [];

        public List<(WaitingReport Waiting, SnapshotPlace Place)> AlreadyIn { get; } = [];

        /// <summary>Null: it stays, for now.</summary>
        public List<(WaitingReport Waiting, ReportAnswer.Refused? Answer)> Refused { get; } = [];

        public required CommittedOffsets Offsets { get; set; }
    }
}
