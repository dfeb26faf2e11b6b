using OrleansLake.Iceberg;
using OrleansLake.Ingest.Forward;

namespace OrleansLake.Ingest.Commit;

// The dead letters of a round. No swap spans two tables, so what keeps a record from being a row and a dead letter, where two
// owners of its topic-partition race with different schemas, is a claim. Invariants:
//
// 1. A dead letter is committed only while the main table's offsets say that its writer has claimed its topic-partition, and
//    that was read after the state of the dead-letter table on which the swap is based.
// 2. Whoever commits anything of a topic-partition, rows or dead letters, claims it first where anyone may have, and then moves
//    the dead-letter table on, by dead letters of its own or by an empty snapshot (a fence). Dead letters of an earlier claim
//    either came in before that, and are seen, or their swap finds the table moved.
//
// A writer claims once in its life, so a round costs no more swaps than without. A table that never had a dead letter has
// neither claims nor fences.
public sealed partial class TableCommitter
{
    private readonly Fences _fences = new();

    /// <summary>
    /// Commits the dead letters of reports that are about to be committed. Null: they are in, the rows may follow. Else the
    /// lineage on which the reports must be judged again.
    /// </summary>
    private async Task<Lineage?> CommitDeadLettersAsync(Lineage rows, List<WaitingReport> accepted, CancellationToken cancellationToken)
    {
        if (_deadLetters is null)
        {
            List<WaitingReport> homeless = [.. accepted.Where(static waiting => waiting.Report.DeadLetterFiles.Count > 0)];
            foreach (WaitingReport waiting in homeless)
            {
                Answer(waiting, new ReportAnswer.Refused(RefusalReason.Malformed, [], $"it has dead letters, and {_options.Table} has no dead-letter table"));
            }

            return homeless.Count > 0 ? rows : null;
        }

        // Looked at anew each time, since also a report that rejects nothing may hold as rows what is a dead letter already.
        Lineage lineage = await _deadLetters.ReadLineageAsync(await _deadLetters.LoadAsync(cancellationToken), SnapshotRef.Main, cancellationToken);
        if (await BeginAsync(rows, lineage, accepted, cancellationToken) is { } begun)
        {
            return begun;
        }

        // A table that went back may have lost a claim whose dead letters are on their way. That there may be any shows by a
        // snapshot of the dead-letter table, from before the first claim of all on.
        while (AreClaimsKept && lineage.Head is null && accepted.Exists(static waiting => Rejects(waiting.Report)))
        {
            lineage = (await FenceAsync(lineage, cancellationToken)).Lineage;
        }

        if (await ClaimAsync(rows, lineage, accepted, cancellationToken) is { } claimed)
        {
            return claimed;
        }

        while (true)
        {
            var (missing, refused, offsets) = JudgeDeadLetters(rows, lineage, accepted);
            foreach (var (waiting, refuse) in refused)
            {
                Answer(waiting, new ReportAnswer.Refused(refuse.Reason, refuse.Ranges, refuse.Message));
            }

            if (refused.Count > 0)
            {
                return rows;
            }

            bool isFence = missing.Count == 0;
            if (isFence && (!AreClaimsKept || accepted.TrueForAll(waiting => !IsClaimed(rows, waiting.Report) || _fences.Stands(waiting.Report, rows))))
            {
                return null;
            }

            // Claims are believed if they hold after the dead-letter table was read.
            if (AreClaimsKept && await ChangedSinceAsync(rows, cancellationToken) is { } changed)
            {
                return changed;
            }

            SwapEnd end = isFence
                ? await FenceAsync(lineage, cancellationToken)
                : await AddDeadLettersAsync(lineage, [.. missing.Select(static waiting => waiting.Report)], offsets, cancellationToken);
            if (end is SwapEnd.Landed)
            {
                _fences.Passed(accepted.Select(static waiting => waiting.Report), rows);
                return null;
            }

            lineage = end.Lineage;
        }
    }

    private Task<SwapEnd> AddDeadLettersAsync(Lineage lineage, List<DataWritten> reports, CommittedOffsets offsets, CancellationToken cancellationToken)
    {
        AppendFiles append = NewAppend(SnapshotRef.Main, reports.SelectMany(static report => report.DeadLetterFiles));
        HashSet<Guid> ids = [.. reports.Select(static report => report.ReportId)];
        Dictionary<string, string> summary = new() { [SummaryKeys.DeadLetters] = "true" };
        List<DataWritten> forwarded = reports.FindAll(report => _options.ForwardedPipelines.Contains(report.Pipeline));
        return AddSnapshotAsync(
            _deadLetters!, lineage, append, _ids.NewUuid(), offsets, ids, summary, cancellationToken,
            snapshot => forwarded.Count == 0 ? [] : [new TableUpdate.SetProperties(ForwardNote.Write(forwarded.Select(static report => (report.Pipeline, report.DeadLetterFiles)), snapshot.SequenceNumber))]);
    }

    private Task<SwapEnd> FenceAsync(Lineage lineage, CancellationToken cancellationToken)
    {
        Dictionary<string, string> summary = new() { [SummaryKeys.DeadLetters] = "true", [SummaryKeys.Reason] = "fence" };
        return AddSnapshotAsync(_deadLetters!, lineage, NewAppend(SnapshotRef.Main, []), _ids.NewUuid(), lineage.Offsets, [], summary, cancellationToken);
    }

    private (List<WaitingReport> Missing, List<(WaitingReport Waiting, Verdict.Refuse Refuse)> Refused, CommittedOffsets Offsets) JudgeDeadLetters(Lineage rows, Lineage lineage, List<WaitingReport> accepted)
    {
        List<WaitingReport> missing = [];
        List<(WaitingReport Waiting, Verdict.Refuse Refuse)> refused = [];
        CommittedOffsets offsets = lineage.Offsets;
        CommittedOffsets ahead = rows.Offsets;
        foreach (WaitingReport waiting in accepted)
        {
            switch ((Rejects(waiting.Report) ? FirstBehind(rows, lineage, waiting.Report) : null) ?? ReportJudge.JudgeDeadLetters(waiting.Report, lineage, offsets, _rules))
            {
                case Verdict.Accept when Rejects(waiting.Report):
                    missing.Add(waiting);
                    offsets = offsets.AdvanceDeadLetters(waiting.Report, ahead);
                    break;
                case Verdict.Refuse refuse:
                    refused.Add((waiting, refuse));
                    break;
                default:
                    break;
            }

            ahead = ahead.Advance(waiting.Report);
        }

        return (missing, refused, offsets);
    }

    private static bool Rejects(DataWritten report) => report.DeadLetterFiles.Count > 0 || report.Ranges.Any(static range => range.Rejected > 0);

    private bool AreClaimsKept => _rules.HasFlag(ProtocolRules.DeadLettersClaimed) && _rules.HasFlag(ProtocolRules.DeadLettersFirst);

    private static bool IsClaimed(Lineage rows, DataWritten report) =>
        report.Ranges.Any(range => rows.Offsets.ClaimedBy(report.Pipeline, report.Generation, range.TopicPartition) is not null);

    /// <summary>Null: the main table is as it was.</summary>
    private async Task<Lineage?> ChangedSinceAsync(Lineage rows, CancellationToken cancellationToken)
    {
        LoadedTable table = await _rows.LoadAsync(cancellationToken);
        TableMetadata metadata = table.Metadata;
        bool isSame = metadata.TableUuid == rows.Table.Metadata.TableUuid
            && metadata.CurrentSchemaId == rows.Table.Metadata.CurrentSchemaId
            && metadata.FindRef(rows.Branch)?.SnapshotId == rows.Head?.SnapshotId;
        return isSame ? null : await _rows.ReadLineageAsync(table, rows.Branch, cancellationToken);
    }

    /// <summary>
    /// Gives an offset to topic-partitions that have none and whose first records were rejected, now or before the table was
    /// rolled back: without it nobody who replays them would ask which dead letters are in.
    /// </summary>
    private async Task<Lineage?> BeginAsync(Lineage rows, Lineage deadLetters, List<WaitingReport> accepted, CancellationToken cancellationToken)
    {
        foreach (WaitingReport waiting in accepted)
        {
            DataWritten report = waiting.Report;
            List<MovedPosition> positions = [.. report.Ranges
                .Where(range => rows.Offsets.Find(report.Pipeline, report.Generation, range.TopicPartition) is null
                    && (range.Rejected > 0 || deadLetters.Offsets.Find(report.Pipeline, report.Generation, range.TopicPartition)?.Next > range.Range.First))
                .Select(static range => new MovedPosition(range.TopicPartition, range.Range.First))];
            if (positions.Count > 0)
            {
                OffsetMove begin = new()
                {
                    MoveId = _ids.NewUuid(),
                    Pipeline = report.Pipeline,
                    Generation = report.Generation,
                    Reason = MoveReason.Begin,
                    ClusterId = report.ClusterId,
                    TopicIds = report.TopicIds,
                    Branch = rows.Branch,
                    Positions = positions,
                };
                return (await AddMoveAsync(rows, begin, cancellationToken)).Lineage;
            }
        }

        return null;
    }

    /// <summary>Claims topic-partitions for the writers of the reports, where dead letters may be on their way.</summary>
    private async Task<Lineage?> ClaimAsync(Lineage rows, Lineage deadLetters, List<WaitingReport> accepted, CancellationToken cancellationToken)
    {
        if (!AreClaimsKept)
        {
            return null;
        }

        CommittedOffsets offsets = rows.Offsets;
        foreach (WaitingReport waiting in accepted)
        {
            if (MustClaim(rows, deadLetters, waiting.Report))
            {
                offsets = offsets.Claim(waiting.Report);
            }
        }

        if (ReferenceEquals(offsets, rows.Offsets))
        {
            return null;
        }

        Dictionary<string, string> summary = new() { [SummaryKeys.Reason] = "claim" };
        return (await AddSnapshotAsync(_rows, rows, NewAppend(rows.Branch, []), _ids.NewUuid(), offsets, [], summary, cancellationToken)).Lineage;
    }

    /// <summary>
    /// Where nobody has claimed, dead letters may still be on their way by a claim that is no longer seen: the table has some,
    /// or went back.
    /// </summary>
    private static bool MustClaim(Lineage rows, Lineage deadLetters, DataWritten report)
    {
        bool mayBeUnseen = Rejects(report) || deadLetters.Head is not null || rows.WentBack;
        return report.Ranges.Any(range => rows.Offsets.ClaimedBy(report.Pipeline, report.Generation, range.TopicPartition) is var writer
            && (writer is null ? mayBeUnseen : writer != report.WriterId));
    }

    /// <summary>Refuses where the dead-letter table lacks what the main one counts; whoever resumes is told the command.</summary>
    private Verdict? FirstBehind(Lineage rows, Lineage deadLetters, DataWritten report)
    {
        foreach (WrittenRange range in report.Ranges)
        {
            long expected = rows.Offsets.Find(report.Pipeline, report.Generation, range.TopicPartition)?.Rejected ?? 0;
            long found = deadLetters.Offsets.Find(report.Pipeline, report.Generation, range.TopicPartition)?.Rejected ?? 0;
            if (found < expected && _rules.HasFlag(ProtocolRules.DeadLettersFirst))
            {
                return new Verdict.Refuse(RefusalReason.Rewound, [], OffsetResume.BehindMessage(rows, deadLetters, report.Pipeline, range.TopicPartition, expected, found));
            }
        }

        return null;
    }
}
