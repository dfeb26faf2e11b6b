using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Pump;
using OrleansLake.Testing.Simulation;
using static OrleansLake.Ingest.Tests.Pump.PumpStand;

namespace OrleansLake.Ingest.Tests.Pump;

public sealed class PumpReportingTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    [Fact]
    public void Pumps_report_together_when_the_wall_clock_passes_the_interval()
    {
        var scheduler = new SimulatedScheduler(1);
        var first = new PumpStand(scheduler: scheduler);
        scheduler.Run(static () => false, TimeSpan.FromSeconds(3.3));
        var second = new PumpStand(scheduler: scheduler);
        foreach (PumpStand stand in new[] { first, second })
        {
            stand.Publish(A, 10);
            stand.Attach(A);
            stand.RunUntil(static () => true);
        }

        Assert.True(first.RunUntil(() => first.Committer.Received.Count == 1 && second.Committer.Received.Count == 1));
        Assert.InRange(scheduler.Now, Interval, Interval + TimeSpan.FromMilliseconds(300));
    }

    [Fact]
    public void Files_are_closed_at_their_target_size()
    {
        var stand = new PumpStand(Options with { TargetFileSizeBytes = 5_000 });
        stand.Publish(A, 230);
        stand.Attach(A);
        Assert.True(stand.RunUntil(() => stand.Committer.Next.GetValueOrDefault(A) == 230, Interval * 3));
        Assert.All(stand.Committer.Taken, report => Assert.InRange(report.Files[0].RecordCount, 1, 57));
    }

    [Fact]
    public void A_flush_is_done_when_its_answer_is_there()
    {
        var stand = new PumpStand();
        stand.Publish(A, 10);
        stand.Attach(A);
        Assert.True(stand.RunUntil(() => stand.Source.PositionOf(A) == 10, Interval / 2));
        var result = (FlushResult.Committed)stand.Result(stand.Ask<FlushResult>(stand.Loop.Flush), Interval / 4);
        Assert.Equal(1001, result.SnapshotId);
        Assert.Equal(10, stand.Committer.Next[A]);
        Assert.IsType<FlushResult.Nothing>(stand.Result(stand.Ask<FlushResult>(stand.Loop.Flush)));
    }

    [Fact]
    public void While_a_report_is_in_flight_the_next_file_is_written_and_not_reported()
    {
        var stand = new PumpStand();
        stand.Publish(A, 10);
        stand.Attach(A);
        stand.Committer.IsUndecided = true;
        Assert.True(stand.RunUntil(() => stand.Committer.Received.Count == 1));
        stand.Publish(A, 10);
        Assert.True(stand.RunUntil(() => stand.Source.PositionOf(A) == 20));
        Task<FlushResult> flush = stand.Ask<FlushResult>(stand.Loop.Flush);
        stand.Run(Interval * 4);
        Assert.Equal(20, stand.Source.PositionOf(A));
        Assert.Single(stand.Committer.Received.Select(report => report.ReportId).Distinct());
        Assert.False(flush.IsCompleted);

        stand.Committer.IsUndecided = false;
        Assert.IsType<FlushResult.Committed>(stand.Result(flush));
        Assert.Equal([new OffsetRange(0, 10), new OffsetRange(10, 20)], stand.Committer.Taken.Select(report => report.Ranges[0].Range));
    }

    [Fact]
    public void A_report_whose_answer_is_lost_is_sent_again_as_it_is()
    {
        var stand = new PumpStand();
        stand.Publish(A, 10);
        stand.Attach(A);
        stand.Committer.LoseAnswers = 6;
        Assert.True(stand.RunUntil(() => stand.Events.OfType<PumpEvent.Committed>().Any()));
        Assert.True(stand.Committer.Received.Count > 1);
        Assert.Single(stand.Committer.Received.Distinct());
        Assert.Single(stand.Committer.Taken);
        Assert.Contains(stand.Events, e => e is PumpEvent.Trouble { Message: { } message } && message.Contains("no answer"));
        stand.Run(TimeSpan.FromSeconds(1));
        Assert.Null(stand.Loop.PublishStatus().Trouble);
    }

    [Fact]
    public void A_report_that_the_committer_does_not_know_is_sent_again_as_it_is()
    {
        var stand = new PumpStand();
        stand.Publish(A, 10);
        stand.Attach(A);
        stand.Committer.ForgetReports = 2;
        Assert.True(stand.RunUntil(() => stand.Committer.Taken.Count == 1));
        Assert.Equal(3, stand.Committer.Received.Count);
        Assert.Single(stand.Committer.Received.Distinct());
    }

    [Fact]
    public void A_committer_out_of_reach_is_trouble_and_nothing_is_lost()
    {
        var stand = new PumpStand();
        stand.Publish(A, 10);
        stand.Attach(A);
        Assert.True(stand.RunUntil(() => stand.Committer.Taken.Count == 1));
        stand.Committer.IsOut = true;
        stand.Publish(A, 10);
        stand.Run(Interval * 12);
        Assert.Contains("out of reach", stand.Loop.PublishStatus().Trouble);
        stand.Committer.IsOut = false;
        Assert.True(stand.RunUntil(() => stand.Committer.Next[A] == 20));
    }

    [Fact]
    public void A_stale_report_gives_up_what_follows_and_everything_is_read_again_from_the_table()
    {
        var stand = new PumpStand();
        stand.Publish(A, 10);
        stand.Publish(B, 10);
        stand.Attach(A);
        stand.Attach(B);
        Assert.True(stand.RunUntil(() => stand.Events.OfType<PumpEvent.Committed>().Any()));
        stand.Committer.Next[A] = 14; // another owner was quicker
        stand.Publish(A, 10);
        stand.Publish(B, 10);
        stand.Committer.IsUndecided = true;
        Assert.True(stand.RunUntil(() => stand.Committer.Received.Count == 2));
        stand.Publish(A, 10);
        stand.Publish(B, 10);
        Assert.True(stand.RunUntil(() => stand.Source.PositionOf(B) == 30));
        ModelWriters.ModelWriter following = stand.Writers.Opened[^1];
        stand.Committer.IsUndecided = false;
        Assert.True(stand.RunUntil(() => stand.Committer.Next[A] == 30 && stand.Committer.Next[B] == 30));

        DataWritten refused = stand.Committer.Received[1];
        Assert.True(following.IsDisposed);
        Assert.All(refused.Files, file => Assert.DoesNotContain(file.FilePath, stand.Files.Deleted));
        Assert.Equal(RefusalReason.Stale, Assert.Single(stand.Events.OfType<PumpEvent.Refused>()).Reason);
        Assert.Equal(new OffsetRange(14, 30), PumpReadingTests.RangeOf(stand.Committer.Taken[^1], A).Range);
        Assert.Equal(new OffsetRange(10, 30), PumpReadingTests.RangeOf(stand.Committer.Taken[^1], B).Range);
        Assert.Empty(stand.Events.OfType<PumpEvent.Stopped>());
        stand.Run(TimeSpan.FromSeconds(1));
        Assert.Null(stand.Loop.PublishStatus().Trouble);
    }

    [Fact]
    public void Two_owners_of_a_topic_partition_are_an_error_by_name()
    {
        var stand = new PumpStand();
        stand.Attach(A);
        stand.Attach(B);
        stand.Committer.Tell = report =>
        {
            stand.Committer.Next[A] = stand.Broker.LogOf(A).End - 1;
            return null;
        };
        for (int i = 0; i < 200 && !stand.Events.OfType<PumpEvent.Stopped>().Any(); i++)
        {
            stand.Publish(A, 5);
            stand.Publish(B, 5);
            stand.Run(TimeSpan.FromSeconds(1));
        }

        PumpEvent.Stopped stopped = Assert.Single(stand.Events.OfType<PumpEvent.Stopped>());
        Assert.Equal((A, RefusalReason.Stale), (stopped.TopicPartition, stopped.Reason));
        Assert.StartsWith("events-0: another writer commits it for pipeline p too", stopped.Message, StringComparison.Ordinal);
        Assert.Equal(stopped.Message, stand[A].Reason);
        Assert.True(stand.RunUntil(() => stand.Committer.Next.GetValueOrDefault(B) == stand.Broker.LogOf(B).End));
    }

    [Theory]
    [InlineData(RefusalReason.Rewound)]
    [InlineData(RefusalReason.TooOld)]
    [InlineData(RefusalReason.FieldGone)]
    [InlineData(RefusalReason.Gap)]
    public void Refused_rows_are_written_again_under_new_names(RefusalReason reason)
    {
        var stand = new PumpStand();
        stand.Publish(A, 10);
        stand.Attach(A);
        bool refused = false;
        stand.Committer.Tell = _ => refused ? null : new ReportAnswer.Refused(reason, [], "because");
        Assert.True(stand.RunUntil(() => stand.Events.OfType<PumpEvent.Refused>().Any()));
        refused = true;
        Assert.True(stand.RunUntil(() => stand.Committer.Taken.Count == 1));
        Assert.NotEqual(stand.Committer.Received[0].Files[0].FilePath, stand.Committer.Taken[0].Files[0].FilePath);
        Assert.NotEqual(stand.Committer.Received[0].ReportId, stand.Committer.Taken[0].ReportId);
        Assert.Empty(stand.Files.Deleted);
    }

    [Fact]
    public void A_table_that_was_rolled_back_takes_idle_topic_partitions_with_it()
    {
        var stand = new PumpStand();
        stand.Publish(A, 10);
        stand.Attach(A);
        Assert.True(stand.RunUntil(() => stand.Events.OfType<PumpEvent.Committed>().Any()));
        stand.Committer.Next[A] = 4;
        Assert.True(stand.RunUntil(() => stand.Committer.Next[A] == 10, TimeSpan.FromSeconds(80)));
        Assert.Empty(stand.Events.OfType<PumpEvent.Refused>());
    }

    [Fact]
    public void Not_yet_sends_the_same_report_again()
    {
        var stand = new PumpStand();
        stand.Publish(A, 10);
        stand.Attach(A);
        int times = 0;
        stand.Committer.Tell = _ => times++ < 3 ? new ReportAnswer.Refused(RefusalReason.NotYet, [], "on its way") : null;
        Assert.True(stand.RunUntil(() => stand.Committer.Taken.Count == 1));
        Assert.Single(stand.Committer.Received.Distinct());
        Assert.Empty(stand.Events.OfType<PumpEvent.Refused>());
    }

    [Theory]
    [InlineData(RefusalReason.OtherTable)]
    [InlineData(RefusalReason.OtherTopic)]
    public void What_needs_a_person_stops(RefusalReason reason)
    {
        var stand = new PumpStand();
        stand.Publish(A, 10);
        stand.Attach(A);
        stand.Committer.Tell = _ => new ReportAnswer.Refused(reason, [], "made anew; run: lake pipeline reset p");
        Assert.True(stand.RunUntil(() => stand.Events.OfType<PumpEvent.Stopped>().Any()));
        stand.Run(Interval * 5);
        Assert.Single(stand.Committer.Received);
        Assert.Equal("made anew; run: lake pipeline reset p", stand[A].Reason);
    }

    [Fact]
    public void A_report_carries_a_sequence_number_that_is_not_old()
    {
        var stand = new PumpStand();
        stand.Publish(A, 10);
        stand.Attach(A);
        Assert.True(stand.RunUntil(() => stand.Committer.Taken.Count == 1));
        stand.Run(TimeSpan.FromMinutes(30));
        stand.Committer.SequenceNumber = 500;
        stand.Run(TimeSpan.FromMinutes(1));
        stand.Publish(A, 1);
        Assert.True(stand.RunUntil(() => stand.Committer.Taken.Count == 2));
        Assert.Equal(500, stand.Committer.Taken[1].LastSequenceNumber);
    }

    /// <summary>Orphan removal may have taken its files while it waited, and been undone since.</summary>
    [Fact]
    public void A_report_that_waits_behind_another_carries_the_sequence_number_of_when_its_files_were_made()
    {
        var stand = new PumpStand();
        stand.Publish(A, 10);
        stand.Attach(A);
        stand.Committer.SequenceNumber = 7;
        stand.Committer.IsUndecided = true;
        Assert.True(stand.RunUntil(() => stand.Committer.Received.Count > 0));
        long known = stand.Committer.Received[0].LastSequenceNumber;
        stand.Publish(A, 10);
        stand.Run(Interval / 2);
        stand.Committer.SequenceNumber = 500;
        stand.Committer.IsUndecided = false;
        Assert.True(stand.RunUntil(() => stand.Committer.Taken.Count == 2));
        Assert.Equal(known, stand.Committer.Taken[1].LastSequenceNumber);
    }

    [Fact]
    public void A_newer_schema_ends_the_file_and_the_answer_names_the_first_offsets()
    {
        var stand = new PumpStand();
        stand.Publish(A, 10, ModelRecord.Moody);
        stand.Attach(A);
        Assert.True(stand.RunUntil(() => stand.Source.PositionOf(A) == 10));
        stand.Table = MetadataOf("events", 1);
        stand.Committer.SchemaId = 1;
        PumpEvent.SchemaApplied applied = stand.Result(stand.Ask<PumpEvent.SchemaApplied>(stand.Loop.ReloadSchema));
        stand.Publish(A, 10, ModelRecord.Moody);
        Assert.True(stand.RunUntil(() => stand.Committer.Next.GetValueOrDefault(A) == 20));

        Assert.Equal((1, 10L), (applied.SchemaId, applied.FirstOffsets[A]));
        Assert.Equal([0, 1], stand.Committer.Taken.Select(report => report.SchemaId));
        Assert.Equal((0, 10), (stand.Committer.Taken[0].Ranges[0].Rows, stand.Committer.Taken[1].Ranges[0].Rows));
        PumpEvent.SchemaApplied again = stand.Result(stand.Ask<PumpEvent.SchemaApplied>(stand.Loop.ReloadSchema));
        Assert.Equal((1, 10L), (again.SchemaId, again.FirstOffsets[A]));
    }

    [Fact]
    public void An_answer_that_names_a_newer_schema_has_it_loaded()
    {
        var stand = new PumpStand();
        stand.Publish(A, 10);
        stand.Attach(A);
        stand.Run(Interval / 2);
        stand.Table = MetadataOf("events", 1);
        stand.Committer.SchemaId = 1;
        Assert.True(stand.RunUntil(() => stand.Loop.PublishStatus().SchemaId == 1));
        stand.Publish(A, 10);
        Assert.True(stand.RunUntil(() => stand.Committer.Next.GetValueOrDefault(A) == 20));
        Assert.Equal(1, stand.Committer.Taken[^1].SchemaId);
        Assert.Equal(1, stand.Events.OfType<PumpEvent.SchemaApplied>().Single().SchemaId);
    }

    [Fact]
    public void A_writer_that_fails_to_append_loses_nothing()
    {
        var stand = new PumpStand();
        stand.Publish(A, 20);
        stand.Attach(A);
        Assert.True(stand.RunUntil(() => stand.Source.PositionOf(A) == 20));
        stand.Writers.AppendFailure = new IOException("No space left on device");
        stand.Publish(A, 5);
        Assert.True(stand.RunUntil(() => stand.Events.Any(e => e is PumpEvent.Trouble { Message: not null })));
        Assert.Contains("No space left on device", stand.Loop.PublishStatus().Trouble);
        Assert.True(stand.Writers.Opened[0].IsDisposed);
        Assert.True(stand.RunUntil(() => stand.Committer.Next.GetValueOrDefault(A) == 25));
        Assert.Equal(Enumerable.Range(0, 25).Select(i => (long)i), stand.Committer.Taken.SelectMany(report => PumpReadingTests.RowsOf(stand, report)));
        Assert.Null(stand.Loop.PublishStatus().Trouble);
    }

    [Fact]
    public void A_file_that_cannot_be_closed_loses_nothing()
    {
        var stand = new PumpStand();
        stand.Publish(A, 20);
        stand.Attach(A);
        stand.Writers.CloseFailure = new IOException("Read-only file system");
        Assert.True(stand.RunUntil(() => stand.Events.Any(e => e is PumpEvent.Trouble { Message: not null })));
        Assert.Empty(stand.Committer.Received);
        stand.Publish(A, 20);
        Assert.True(stand.RunUntil(() => stand.Committer.Next.GetValueOrDefault(A) == 40));
        Assert.Equal(Enumerable.Range(0, 40).Select(i => (long)i), stand.Committer.Taken.SelectMany(report => PumpReadingTests.RowsOf(stand, report)).Order());
        Assert.Null(stand.Loop.PublishStatus().Trouble);
    }

    [Fact]
    public void A_table_that_cannot_be_loaded_is_trouble_until_it_can()
    {
        var stand = new PumpStand { LoadFailure = new IOException("Permission denied: /warehouse") };
        stand.Publish(A, 20);
        stand.Attach(A);
        stand.Run(Interval);
        Assert.Equal("table: Permission denied: /warehouse", stand.Loop.PublishStatus().Trouble);
        stand.LoadFailure = null;
        Assert.True(stand.RunUntil(() => stand.Committer.Next.GetValueOrDefault(A) == 20));
    }
}
