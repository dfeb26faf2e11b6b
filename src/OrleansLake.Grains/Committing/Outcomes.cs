using OrleansLake.Contracts;
using OrleansLake.Ingest;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Pump;

namespace OrleansLake.Grains;

/// <summary>The committer's answers, and the form in which they cross from grain to grain.</summary>
internal static class Outcomes
{
    /// <summary>As it crosses.</summary>
    public static ReportOutcome ToContract(ReportAnswer answer) => answer switch
    {
        ReportAnswer.Committed committed => new ReportOutcome
        {
            Kind = ReportOutcomeKind.Committed,
            SnapshotId = committed.SnapshotId,
            SequenceNumber = committed.SequenceNumber,
            CurrentSchemaId = committed.CurrentSchemaId,
        },
        ReportAnswer.Refused refused => new ReportOutcome
        {
            Kind = ReportOutcomeKind.Refused,
            Reason = refused.Reason.ToString(),
            Ranges =
            [
                .. refused.Ranges.Select(range => new RefusedPosition(
                    range.TopicPartition.Topic, range.TopicPartition.Partition, range.Reported.First, range.Reported.Next, range.CommittedNext)),
            ],
            Message = refused.Message,
        },
        ReportAnswer.Pending => new ReportOutcome { Kind = ReportOutcomeKind.Pending },
        ReportAnswer.NotKnown => new ReportOutcome { Kind = ReportOutcomeKind.NotKnown },
        _ => throw new ArgumentOutOfRangeException(nameof(answer), answer, "an answer of a kind that cannot cross"),
    };

    /// <summary>As it was. What a newer silo says and this one does not know is pending: asked again, never guessed.</summary>
    public static ReportAnswer FromContract(ReportOutcome outcome) => outcome.Kind switch
    {
        ReportOutcomeKind.Committed => new ReportAnswer.Committed(outcome.SnapshotId, outcome.SequenceNumber, outcome.CurrentSchemaId),
        ReportOutcomeKind.Refused when Enum.TryParse(outcome.Reason, out RefusalReason reason) => new ReportAnswer.Refused(
            reason,
            [.. outcome.Ranges.Select(range => new RefusedRange(new TopicPartition(range.Topic, range.Partition), new OffsetRange(range.First, range.Next), range.CommittedNext))],
            outcome.Message ?? ""),
        ReportOutcomeKind.NotKnown => new ReportAnswer.NotKnown(),
        _ => new ReportAnswer.Pending(),
    };

    /// <summary>As it crosses.</summary>
    public static ResumeAnswer ToContract(ResumePoint point) => new(
        point.TableUuid, point.LastSequenceNumber, point.SchemaId,
        [
            .. point.Partitions.Select(position => new ResumeAt(
                position.TopicPartition.Topic, position.TopicPartition.Partition, position.Next, position.LeaderEpoch, position.DeadLettersNext,
                [.. position.DeadLetterOffsets], position.DeadLettersRows)),
        ]);

    /// <summary>As it was.</summary>
    public static ResumePoint FromContract(ResumeAnswer answer) => new(
        answer.TableUuid, answer.LastSequenceNumber, answer.SchemaId,
        [
            .. answer.TopicPartitions.Select(at => new ResumePosition(
                new TopicPartition(at.Topic, at.Partition), at.Next, at.LeaderEpoch, at.DeadLettersNext, at.DeadLetterOffsets, at.DeadLettersRows)),
        ]);
}
