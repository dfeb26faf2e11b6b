using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Commit;

/// <summary>What the committer shall do with a report.</summary>
internal abstract record Verdict
{
    private Verdict() { }

    /// <summary>It follows on the committed offsets.</summary>
    public sealed record Accept : Verdict;

    /// <summary>It is in already.</summary>
    public sealed record AlreadyIn(SnapshotPlace Place) : Verdict;

    /// <summary>It will not be committed.</summary>
    public sealed record Refuse(RefusalReason Reason, IReadOnlyList<RefusedRange> Ranges, string Message) : Verdict;
}

/// <summary>
/// Says whether a report may be committed on one state of the table. Pure: the same arguments, the same verdict.
/// </summary>
/// <remarks>
/// In this order, so that the first reason that holds is also the one that the writer must act on:
/// <list type="number">
/// <item>The id: a report that is in the lineage is answered with its snapshot, whatever its ranges say.</item>
/// <item>Whose it is: another table, another topic, another generation. Its offsets cannot be compared with ours.</item>
/// <item>The ranges: equal to the committed offsets, behind (Stale) or ahead (NotYet, Rewound, Gap).</item>
/// <item>History: had the report been committed and undone, someone's expiry may have deleted its files.</item>
/// <item>Fields and files: a field has left the schema, a file may have been taken by orphan removal.</item>
/// </list>
/// A refusal is final only on freshly loaded metadata; <c>TableCommitter</c> sees to that.
/// </remarks>
internal static class ReportJudge
{
    /// <summary>Reports older than this are refused: someone else's orphan removal may have taken their files.</summary>
    public static readonly TimeSpan OldestReport = TimeSpan.FromHours(1);

    /// <param name="report">The report.</param>
    /// <param name="lineage">The table's word.</param>
    /// <param name="offsets">The committed offsets, or what they will be after the reports that were accepted before this one.</param>
    /// <param name="waiting">Reports that are not decided.</param>
    /// <param name="nowMs">The time in milliseconds since 1970.</param>
    /// <param name="rules">The rules that hold.</param>
    public static Verdict Judge(DataWritten report, Lineage lineage, CommittedOffsets offsets, IEnumerable<DataWritten> waiting, long nowMs, ProtocolRules rules)
    {
        if (rules.HasFlag(ProtocolRules.IdsBeforeRanges) && lineage.Reports.TryGetValue(report.ReportId, out SnapshotPlace place))
        {
            return new Verdict.AlreadyIn(place);
        }

        if (ReportCheck.FirstFault(report, lineage.Table.Metadata) is { } fault)
        {
            return new Verdict.Refuse(RefusalReason.Malformed, [], $"report {report.ReportId} of {report.WriterId}: {fault}");
        }

        Verdict? refusal = JudgeIdentity(report, lineage, offsets, rules)
            ?? JudgeRanges(report, lineage, offsets, waiting, rules)
            ?? JudgeHistory(report, lineage, rules)
            ?? JudgeFiles(report, lineage, nowMs, rules);
        return refusal ?? new Verdict.Accept();
    }

    /// <summary>
    /// Says whether a report's dead letters may be committed: not when another writer's have come in since this writer
    /// learned which the table holds: the same record could then be there twice, or be a row and a dead letter.
    /// </summary>
    public static Verdict JudgeDeadLetters(DataWritten report, Lineage deadLetters, CommittedOffsets offsets, ProtocolRules rules)
    {
        if (deadLetters.Reports.TryGetValue(report.ReportId, out SnapshotPlace place))
        {
            return new Verdict.AlreadyIn(place);
        }

        if (deadLetters.Stop is { } stop)
        {
            return Refuse(RefusalReason.Rewound, stop.Message);
        }

        if (rules.HasFlag(ProtocolRules.NoFileBefore) && FirstTooOld(report.DeadLetterFiles, deadLetters) is { } tooOld)
        {
            return tooOld;
        }

        if (!rules.HasFlag(ProtocolRules.DeadLettersOnce))
        {
            return new Verdict.Accept();
        }

        IReadOnlyList<RefusedRange> taken = RangesOf(report, offsets, range =>
            offsets.Find(report.Pipeline, report.Generation, range.TopicPartition) is { } known
            && (known.Next > Math.Max(range.Range.First, range.DeadLettersNext ?? 0)
                || (known.Next > range.Range.First && range.DeadLettersRows is { } had && known.Rows != had)));
        return taken.Count == 0
            ? new Verdict.Accept()
            : new Verdict.Refuse(RefusalReason.Rewound, taken, $"the dead-letter table has taken in others since: {Describe(taken[0])}");
    }

    private static Verdict.Refuse? JudgeIdentity(DataWritten report, Lineage lineage, CommittedOffsets offsets, ProtocolRules rules)
    {
        TableMetadata metadata = lineage.Table.Metadata;
        if (rules.HasFlag(ProtocolRules.SameTable) && report.TableUuid != metadata.TableUuid)
        {
            return Refuse(RefusalReason.OtherTable, $"written for table {report.TableUuid}, {lineage.Table.Identifier} is {metadata.TableUuid} now");
        }

        if (lineage.Stop is { } stop)
        {
            return Refuse(RefusalReason.Rewound, stop.Message);
        }

        if (rules.HasFlag(ProtocolRules.GenerationsApart) && offsets.IsRetired(report.Pipeline, report.Generation))
        {
            return Refuse(RefusalReason.OtherTopic, $"pipeline {report.Pipeline} was made anew: generation {report.Generation} of it has ended");
        }

        if (!rules.HasFlag(ProtocolRules.SameTopic))
        {
            return null;
        }

        foreach (WrittenRange range in report.Ranges)
        {
            string name = range.TopicPartition.Topic;
            if (offsets.FindTopic(report.Pipeline, report.Generation, name) is not { } topic)
            {
                continue;
            }

            string? finding =
                Differ(topic.ClusterId, report.ClusterId) ? $"topic {name}: the table's offsets are of cluster {topic.ClusterId}, the records of cluster {report.ClusterId}" :
                Differ(topic.TopicId, report.TopicIds.GetValueOrDefault(name)) ? $"topic {name} was made anew: the table's offsets are of topic id {topic.TopicId}, the records of {report.TopicIds[name]}" :
                topic.Find(range.TopicPartition.Partition) is { } known && range.LeaderEpoch >= 0 && range.LeaderEpoch < known.LeaderEpoch
                    ? $"{range.TopicPartition} was truncated or made anew: the table has leader epoch {known.LeaderEpoch}, the records have {range.LeaderEpoch}" : null;
            if (finding is not null)
            {
                return new Verdict.Refuse(RefusalReason.OtherTopic, RangesOf(report, offsets, other => other.TopicPartition == range.TopicPartition), $"{finding}; {Remedy.Reset(report.Pipeline)}");
            }
        }

        return null;
    }

    private static Verdict.Refuse? JudgeRanges(DataWritten report, Lineage lineage, CommittedOffsets offsets, IEnumerable<DataWritten> waiting, ProtocolRules rules)
    {
        if (!rules.HasFlag(ProtocolRules.RangesStartAtCommitted))
        {
            return null;
        }

        IReadOnlyList<RefusedRange> behind = RangesOf(report, offsets, range => NextOf(range) is { } next && range.Range.First < next);
        if (behind.Count > 0)
        {
            return new Verdict.Refuse(RefusalReason.Stale, behind, $"someone else has committed {Describe(behind[0])}");
        }

        IReadOnlyList<RefusedRange> ahead = RangesOf(report, offsets, range => NextOf(range) is { } next ? range.Range.First > next : range.ContinuesTable ?? HistoryIsOther(report, lineage));
        if (ahead.Count == 0)
        {
            return null;
        }

        TableMetadata metadata = lineage.Table.Metadata;
        if (metadata.LastSequenceNumber < report.LastSequenceNumber)
        {
            return new Verdict.Refuse(RefusalReason.NotYet, ahead, $"the writer knew sequence number {report.LastSequenceNumber}, the catalog still shows {metadata.LastSequenceNumber}");
        }

        if (waiting.Any(other => FillsTheWay(other, report, ahead)))
        {
            return new Verdict.Refuse(RefusalReason.NotYet, ahead, $"what lies between may still be on its way: {Describe(ahead[0])}");
        }

        return LineageChangedUnder(report, lineage) || ahead.Any(static range => range.CommittedNext is null)
            ? new Verdict.Refuse(RefusalReason.Rewound, ahead, $"the table went back: {Describe(ahead[0])}")
            : new Verdict.Refuse(RefusalReason.Gap, ahead, $"records are missing between the table and the report: {Describe(ahead[0])}");

        long? NextOf(WrittenRange range) => offsets.Find(report.Pipeline, report.Generation, range.TopicPartition)?.Next;
    }

    private static Verdict.Refuse? JudgeHistory(DataWritten report, Lineage lineage, ProtocolRules rules)
    {
        if (!rules.HasFlag(ProtocolRules.HistoryIsListed))
        {
            return null;
        }

        if (lineage.ReportsOutside.TryGetValue(report.ReportId, out SnapshotPlace outside))
        {
            return Refuse(RefusalReason.Rewound, $"snapshot {outside.SnapshotId} had taken it in and is no longer part of {lineage.Branch}");
        }

        return lineage.LastUnlistedSequenceNumber > report.LastSequenceNumber
            ? Refuse(RefusalReason.Rewound, $"sequence number {lineage.LastUnlistedSequenceNumber}, later than {report.LastSequenceNumber} when it was sent, is no longer listed")
            : null;
    }

    private static Verdict.Refuse? JudgeFiles(DataWritten report, Lineage lineage, long nowMs, ProtocolRules rules)
    {
        TableMetadata metadata = lineage.Table.Metadata;
        if (rules.HasFlag(ProtocolRules.FieldsAreThere))
        {
            HashSet<int> fields = FieldIds.Of(metadata.CurrentSchema);
            foreach (int fieldId in report.FieldIds)
            {
                if (!fields.Contains(fieldId))
                {
                    return Refuse(RefusalReason.FieldGone, $"field id {fieldId}, written by schema {report.SchemaId}, is not in the current schema {metadata.CurrentSchemaId}");
                }
            }
        }

        if (!rules.HasFlag(ProtocolRules.NoFileBefore))
        {
            return null;
        }

        if (nowMs - report.FirstSentMs > OldestReport.TotalMilliseconds)
        {
            return Refuse(RefusalReason.TooOld, $"first sent {TimeSpan.FromMilliseconds(nowMs - report.FirstSentMs).TotalMinutes:F0} minutes ago, older than {OldestReport.TotalMinutes:F0}");
        }

        return FirstTooOld(report.Files, lineage);
    }

    /// <summary>Orphan removal may have taken a file that was named before the table's limit.</summary>
    private static Verdict.Refuse? FirstTooOld(IReadOnlyList<DataFile> files, Lineage lineage)
    {
        foreach (DataFile file in lineage.NoFileBeforeMs > 0 ? files : [])
        {
            if (FileNameTime.Of(file.FilePath) is { } madeMs && madeMs < lineage.NoFileBeforeMs)
            {
                return Refuse(RefusalReason.TooOld, $"{file.FilePath} is older than the table's no-file-before");
            }
        }

        return null;
    }

    /// <summary>
    /// A writer that starts at an offset had it from the table, at the sequence number that its report carries or before. So
    /// if the table does not have that offset, its history up to there is another now; only a writer's fault leaves it as it was.
    /// </summary>
    private static bool LineageChangedUnder(DataWritten report, Lineage lineage)
    {
        bool moved = lineage.LastMoves.TryGetValue(CommittedOffsets.KeyOf(report.Pipeline, report.Generation), out long sequenceNumber) && sequenceNumber > report.LastSequenceNumber;
        return lineage.WentBack || moved || HistoryIsOther(report, lineage);
    }

    /// <summary>True when a sequence number that the writer knew is not that of a snapshot of the branch, or of someone else.</summary>
    private static bool HistoryIsOther(DataWritten report, Lineage lineage)
    {
        long newest = 0;
        foreach (long sequenceNumber in lineage.SequenceNumbers)
        {
            newest = sequenceNumber <= report.LastSequenceNumber ? Math.Max(newest, sequenceNumber) : newest;
        }

        for (long sequenceNumber = newest + 1; sequenceNumber <= report.LastSequenceNumber; sequenceNumber++)
        {
            if (!lineage.SequenceNumbersElsewhere.Contains(sequenceNumber))
            {
                return true;
            }
        }

        return false;
    }

    private static bool FillsTheWay(DataWritten other, DataWritten report, IReadOnlyList<RefusedRange> ahead)
    {
        if (other.ReportId == report.ReportId || other.Pipeline != report.Pipeline || other.Generation != report.Generation)
        {
            return false;
        }

        foreach (WrittenRange range in other.Ranges)
        {
            foreach (RefusedRange refused in ahead)
            {
                if (refused.TopicPartition == range.TopicPartition && range.Range.First < refused.Reported.First)
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static List<RefusedRange> RangesOf(DataWritten report, CommittedOffsets offsets, Func<WrittenRange, bool> condition) =>
        report.Ranges.Where(condition)
            .Select(range => new RefusedRange(range.TopicPartition, range.Range, offsets.Find(report.Pipeline, report.Generation, range.TopicPartition)?.Next))
            .ToList();

    private static string Describe(RefusedRange range) => $"{range.TopicPartition} was reported as {range.Reported}, the table's next offset is {range.CommittedNext?.ToString() ?? "none"}";

    private static bool Differ(string? known, string? reported) => known is not null && reported is not null && known != reported;

    private static Verdict.Refuse Refuse(RefusalReason reason, string message) => new(reason, [], message);
}
