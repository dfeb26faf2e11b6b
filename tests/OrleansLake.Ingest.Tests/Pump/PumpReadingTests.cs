using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Pump;
using OrleansLake.Testing.Simulation;
using static OrleansLake.Ingest.Tests.Pump.PumpStand;

namespace OrleansLake.Ingest.Tests.Pump;

public sealed class PumpReadingTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    [Fact]
    public void A_topic_partition_is_read_from_the_tables_offset()
    {
        var stand = new PumpStand();
        stand.Publish(A, 100);
        stand.Committer.Next[A] = 40;
        stand.Attach(A);
        Assert.True(stand.RunUntil(() => stand.Committer.Taken.Count == 1));

        WrittenRange range = Assert.Single(stand.Committer.Taken[0].Ranges);
        Assert.Equal(new OffsetRange(40, 100), range.Range);
        Assert.Equal(Enumerable.Range(40, 60).Select(i => (long)i), RowsOf(stand, stand.Committer.Taken[0]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(25)]
    public void Where_the_table_knows_nothing_the_start_position_counts(long logStart)
    {
        var stand = new PumpStand();
        stand.Publish(A, 50);
        stand.Broker.LogOf(A).LogStart = logStart;
        stand.Publish(B, 50);
        stand.Attach(A, StartPosition.Earliest);
        stand.Attach(B, StartPosition.At(30));
        Assert.True(stand.RunUntil(() => stand.Committer.Taken.Count == 1));

        Assert.Equal(new OffsetRange(logStart, 50), RangeOf(stand.Committer.Taken[0], A).Range);
        Assert.Equal(new OffsetRange(30, 50), RangeOf(stand.Committer.Taken[0], B).Range);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void A_start_at_the_latest_or_at_a_time_is_in_the_table_before_the_first_record(bool isTime)
    {
        var stand = new PumpStand();
        stand.Publish(A, 50);
        // Every record is older: what comes is read from here on, whatever time its producer gives it.
        stand.Attach(A, isTime ? StartPosition.AtTime(DateTimeOffset.MaxValue) : StartPosition.Latest);
        Assert.True(stand.RunUntil(() => stand.Committer.Next.ContainsKey(A), Interval * 2));

        Assert.Equal(50, stand.Committer.Next[A]);
        Assert.Empty(stand.Committer.Taken[0].Files);
        stand.Publish(A, 3);
        stand.Run(Interval * 2);
        Assert.Equal(53, stand.Committer.Next[A]);
    }

    [Fact]
    public void A_start_at_the_latest_stays_where_it_was_when_its_report_is_refused()
    {
        var stand = new PumpStand();
        stand.Publish(A, 50);
        stand.Committer.Tell = _ => new ReportAnswer.Refused(RefusalReason.Rewound, [], "the table went back");
        stand.Attach(A, StartPosition.Latest);
        Assert.True(stand.RunUntil(() => stand.Committer.Received.Count == 1));
        stand.Publish(A, 9);
        stand.Committer.Tell = null;
        Assert.True(stand.RunUntil(() => stand.Committer.Next.GetValueOrDefault(A) == 59));
        Assert.Equal(50, stand.Committer.Taken[0].Ranges[0].Range.First);
    }

    [Fact]
    public void Rows_rejected_and_gap_add_up_to_the_range()
    {
        var stand = new PumpStand();
        stand.Publish(A, 5, ModelRecord.Gap);
        stand.Publish(A, 11);
        stand.Publish(A, 3, ModelRecord.Bad);
        stand.Publish(A, 2, ModelRecord.Gap);
        stand.Attach(A);
        Assert.True(stand.RunUntil(() => stand.Committer.Taken.Count == 1));

        DataWritten report = stand.Committer.Taken[0];
        WrittenRange range = report.Ranges[0];
        Assert.Equal((11, 3, 7, 21), (range.Rows, range.Rejected, range.Gap, range.Range.Length));
        Assert.Equal(11, report.Files.Sum(file => file.RecordCount));
        Assert.Equal(3, report.DeadLetterFiles.Sum(file => file.RecordCount));
        Assert.Equal(stand.Broker.LogOf(A).TimestampOf(5), range.OldestTimestampMs);
    }

    [Fact]
    public void A_batch_that_does_not_start_where_the_last_one_ended_is_not_written()
    {
        var stand = new PumpStand();
        stand.Publish(A, 10);
        stand.Attach(A);
        Assert.True(stand.RunUntil(() => stand.Source.PositionOf(A) == 10));
        stand.Publish(A, 90);
        stand.Source.Displace(A, 30);
        Assert.True(stand.RunUntil(() => stand.Committer.Next.GetValueOrDefault(A) == 100));

        Assert.Equal(Enumerable.Range(0, 100).Select(i => (long)i), stand.Committer.Taken.SelectMany(report => RowsOf(stand, report)).Order());
    }

    [Fact]
    public void One_set_of_files_holds_the_records_of_all_topic_partitions()
    {
        var stand = new PumpStand();
        for (int partition = 0; partition < 50; partition++)
        {
            stand.Publish(new TopicPartition("events", partition), 20);
            stand.Attach(new TopicPartition("events", partition));
        }

        Assert.True(stand.RunUntil(() => stand.Committer.Taken.Sum(report => report.Ranges.Sum(range => range.Rows)) == 1000));
        Assert.All(stand.Committer.Taken, report => Assert.Single(report.Files));
    }

    [Fact]
    public void Dead_letters_that_the_table_holds_already_are_counted_and_not_written_again()
    {
        var stand = new PumpStand();
        stand.Publish(A, 10, ModelRecord.Bad);
        stand.Committer.Next[A] = 2;
        stand.Committer.Resumes[A] = new ResumePosition(A, 2, -1, 7, [2, 3, 5]);
        stand.Attach(A);
        Assert.True(stand.RunUntil(() => stand.Committer.Taken.Count == 1));

        DataWritten report = stand.Committer.Taken[0];
        Assert.Equal(8, report.Ranges[0].Rejected);
        Assert.Equal([4, 6, 7, 8, 9], report.DeadLetterFiles.SelectMany(file => stand.Files.Files[file.FilePath].Rows).Select(row => row.Offset).Order());
    }

    [Fact]
    public void Idle_topic_partitions_are_in_no_report_and_hold_none_up()
    {
        var stand = new PumpStand();
        stand.Publish(A, 10);
        stand.Publish(B, 10);
        stand.Committer.Next[B] = 10;
        stand.Attach(A);
        stand.Attach(B);
        Assert.True(stand.RunUntil(() => stand.Committer.Taken.Count == 1, Interval * 1.2));
        stand.Run(Interval * 20);

        Assert.Equal([A], Assert.Single(stand.Committer.Received).Ranges.Select(range => range.TopicPartition));
        Assert.Equal(PartitionState.Idle, stand[B].State);
        Assert.Empty(stand.Events.OfType<PumpEvent.Trouble>());
    }

    [Fact]
    public void A_position_that_moved_over_gaps_only_is_reported_with_rows_or_later()
    {
        var stand = new PumpStand();
        stand.Publish(A, 10, ModelRecord.Gap);
        stand.Attach(A);
        stand.Run(Interval * 3);
        Assert.Empty(stand.Committer.Received);
        Assert.True(stand.RunUntil(() => stand.Committer.Next.GetValueOrDefault(A) == 10, TimeSpan.FromSeconds(75)));
        Assert.Empty(stand.Committer.Taken[0].Files);

        stand.Publish(A, 4, ModelRecord.Gap);
        stand.Publish(B, 1);
        stand.Attach(B);
        Assert.True(stand.RunUntil(() => stand.Committer.Next.GetValueOrDefault(A) == 14, Interval * 1.5));
    }

    [Fact]
    public void A_topic_partition_that_the_source_stops_stops_alone()
    {
        var stand = new PumpStand();
        stand.Publish(A, 10);
        stand.Publish(B, 10);
        stand.Attach(A);
        stand.Attach(B);
        Assert.True(stand.RunUntil(() => stand.Committer.Next.GetValueOrDefault(A) == 10));
        stand.Source.Fail(new SourceStoppedException(A, "events-0@10: truncated; run: lake pipeline reset p"));
        stand.Publish(A, 5);
        stand.Publish(B, 5);
        Assert.True(stand.RunUntil(() => stand.Committer.Next.GetValueOrDefault(B) == 15));

        Assert.Equal(PartitionState.Stopped, stand[A].State);
        Assert.Equal("events-0@10: truncated; run: lake pipeline reset p", stand[A].Reason);
        Assert.Equal(A, Assert.Single(stand.Events.OfType<PumpEvent.Stopped>()).TopicPartition);
        Assert.Equal(10, stand.Committer.Next[A]);

        stand.Attach(A);
        Assert.True(stand.RunUntil(() => stand.Committer.Next[A] == 15));
    }

    /// <summary>What was read of the old topic would else be reported under the id of the new one, whose records nobody reads then.</summary>
    [Fact]
    public void Records_of_a_topic_that_is_made_anew_before_the_report_are_given_up_and_read_again()
    {
        var stand = new PumpStand();
        stand.Publish(A, 10);
        stand.Attach(A);
        Assert.True(stand.RunUntil(() => stand.Loop.PublishStatus().Partitions.Any(partition => partition.Position == 10)));
        Assert.Empty(stand.Committer.Received);
        stand.Broker.Recreate("events");
        stand.Publish(A, 12);
        Assert.True(stand.RunUntil(() => stand.Committer.Next.GetValueOrDefault(A) == 12));

        Assert.All(stand.Committer.Received, report => Assert.Equal("id 1 of events", report.TopicIds["events"]));
        Assert.Equal(0, stand.Committer.Received[0].Ranges[0].Range.First);
        Assert.All(stand.Committer.Received.SelectMany(report => report.Files), file => Assert.All(stand.Files.Files[file.FilePath].Rows, row => Assert.Equal(1, row.Life)));
    }

    [Fact]
    public void Paused_means_held_back_and_resumed_goes_on()
    {
        var stand = new PumpStand();
        stand.Publish(A, 10);
        stand.Attach(A);
        Assert.True(stand.RunUntil(() => stand.Committer.Next.GetValueOrDefault(A) == 10));
        stand.Loop.Post(() => stand.Loop.SetPaused(A, true));
        stand.Publish(A, 10);
        stand.Run(Interval * 3);
        Assert.Equal(10, stand.Committer.Next[A]);
        Assert.Equal(PartitionState.Paused, stand[A].State);
        stand.Loop.Post(() => stand.Loop.SetPaused(A, false));
        Assert.True(stand.RunUntil(() => stand.Committer.Next[A] == 20));
    }

    [Fact]
    public void Status_tells_position_commit_lag_state_and_age()
    {
        var stand = new PumpStand();
        stand.Publish(A, 30);
        stand.Attach(A);
        Assert.True(stand.RunUntil(() => stand.Events.OfType<PumpEvent.Committed>().Any()));
        stand.Committer.IsUndecided = true;
        stand.Publish(A, 12);
        stand.Run(TimeSpan.FromSeconds(25));

        PartitionStatus status = stand[A];
        Assert.Equal((42L, 30L, 12L, PartitionState.Idle), (status.Position, status.CommittedNext, status.Lag, status.State));
        Assert.InRange(status.OldestUncommittedAge!.Value.TotalSeconds, 24, 26);
        Assert.Equal(status.OldestUncommittedAge, stand.Loop.PublishStatus().Freshness);
        Assert.Equal(1, stand.Loop.PublishStatus().UnansweredReports);
        Assert.Equal(42, stand.Loop.PublishStatus().Rows);

        stand.Broker.LogOf(A).LastStable = 42;
        stand.Publish(A, 3);
        Assert.Equal(PartitionState.BlockedByTransaction, stand[A].State);
    }

    [Fact]
    public void Reading_allocates_per_batch_and_not_per_record()
    {
        long small = BytesPerTurn(10);
        long large = BytesPerTurn(1000);
        Assert.True(large - small < 500, $"{small} bytes a turn of 10 records, {large} of 1000");

        static long BytesPerTurn(int records)
        {
            var state = new PumpState();
            PartitionTrack track = state.Attach(A, StartPosition.Earliest)!;
            state.Resume(track, null, 0, DateTimeOffset.UnixEpoch);
            long before = 0;
            for (int i = 0; i < 20; i++)
            {
                before = i == 10 ? GC.GetAllocatedBytesForCurrentThread() : before;
                var range = new OffsetRange((long)i * records, (long)(i + 1) * records);
                state.Appended(track, range, 0, records, new AppendedRecords(records, 0), 0, 5, DateTimeOffset.UnixEpoch);
            }

            return (GC.GetAllocatedBytesForCurrentThread() - before) / 10;
        }
    }

    internal static IEnumerable<long> RowsOf(PumpStand stand, DataWritten report) =>
        report.Files.SelectMany(file => stand.Files.Files[file.FilePath].Rows).Select(row => row.Offset).Order();

    internal static WrittenRange RangeOf(DataWritten report, TopicPartition topicPartition) => report.Ranges.Single(range => range.TopicPartition == topicPartition);
}
