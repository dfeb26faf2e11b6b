using OrleansLake.Contracts;
using OrleansLake.Ingest;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Pump;

namespace OrleansLake.Grains.Tests;

public sealed class OutcomesTests
{
    [Fact]
    public void Answers_cross_and_come_back_as_they_were()
    {
        Assert.Equal(new ReportAnswer.Committed(7, 3, 1), Outcomes.FromContract(Outcomes.ToContract(new ReportAnswer.Committed(7, 3, 1))));
        Assert.Equal(new ReportAnswer.Pending(), Outcomes.FromContract(Outcomes.ToContract(new ReportAnswer.Pending())));
        Assert.Equal(new ReportAnswer.NotKnown(), Outcomes.FromContract(Outcomes.ToContract(new ReportAnswer.NotKnown())));
    }

    [Theory]
    [MemberData(nameof(Reasons))]
    public void Every_refusal_crosses_with_its_ranges(RefusalReason reason)
    {
        RefusedRange[] ranges = [new(new TopicPartition("events", 3), new OffsetRange(5, 9), 7), new(new TopicPartition("events", 4), new OffsetRange(0, 1), null)];
        var answer = Assert.IsType<ReportAnswer.Refused>(Outcomes.FromContract(Outcomes.ToContract(new ReportAnswer.Refused(reason, ranges, "why"))));
        Assert.Equal(reason, answer.Reason);
        Assert.Equal(ranges, answer.Ranges);
        Assert.Equal("why", answer.Message);
    }

    public static TheoryData<RefusalReason> Reasons => [.. Enum.GetValues<RefusalReason>()];

    [Fact]
    public void A_refusal_for_a_reason_that_this_release_does_not_know_is_asked_again_not_guessed() =>
        Assert.IsType<ReportAnswer.Pending>(Outcomes.FromContract(new ReportOutcome { Kind = ReportOutcomeKind.Refused, Reason = "FromTheFuture" }));

    [Fact]
    public void Resume_points_cross_and_come_back_as_they_were()
    {
        var point = new ResumePoint(Guid.NewGuid(), 12, 2, [new ResumePosition(new TopicPartition("events", 1), 100, 4, 110, [101, 105], 33)]);
        ResumePoint back = Outcomes.FromContract(Outcomes.ToContract(point));
        Assert.Equal(point.TableUuid, back.TableUuid);
        Assert.Equal((12, 2), (back.LastSequenceNumber, back.SchemaId));
        ResumePosition position = Assert.Single(back.Partitions);
        Assert.Equal((new TopicPartition("events", 1), 100, 4, 110, 33), (position.TopicPartition, position.Next, position.LeaderEpoch, position.DeadLettersNext, position.DeadLettersRows));
        Assert.Equal([101, 105], position.DeadLetterOffsets);
    }
}
