using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Pump;
using OrleansLake.Testing.Commit;
using static OrleansLake.Ingest.Tests.Commit.World;

namespace OrleansLake.Ingest.Tests.Commit;

/// <summary>Rule 18.</summary>
public sealed class DeadLetterTests
{
    [Fact]
    public void Dead_letters_are_committed_before_the_rows() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await world.CommittedAsync(committer, 0, 10);
        world.Catalog.Asked.Clear();
        await world.CommittedAsync(committer, 10, 20, rejected: 2);

        // The first swap says that there may be dead letters from now on, the second is the writer's claim, once in its life.
        Assert.Equal([Letters, Events, Letters, Events], world.Catalog.Asked.Select(commit => commit.Base.Identifier));
        Assert.Equal(2, (await world.FilesAsync(Letters)).Sum(file => file.RecordCount));
        await world.AssertWholeAsync(18);
        Assert.Equal(AuditVerdict.Proved, (await world.AuditAsync(Letters)).Verdict);
        world.Catalog.Asked.Clear();
        await world.CommittedAsync(committer, 20, 30, rejected: 1);
        await world.CommittedAsync(committer, 30, 40);
        Assert.Equal([Letters, Events, Events], world.Catalog.Asked.Select(commit => commit.Base.Identifier));
    });

    [Fact]
    public void Next_writer_claims_and_moves_the_dead_letter_table_on_before_its_first_rows() => Run(async world =>
    {
        await world.CommittedAsync(world.NewCommitter(), 0, 10, rejected: 1);
        TableCommitter committer = world.NewCommitter();
        world.Catalog.Asked.Clear();
        Assert.IsType<ReportAnswer.Committed>(await CommitAsync(committer, await world.ReportAsync(10, 20) with { WriterId = "silo-b" }));
        Assert.Equal([Events, Letters, Events], world.Catalog.Asked.Select(commit => commit.Base.Identifier));
        Assert.Equal("silo-b", (await world.LineageAsync()).Offsets.ClaimedBy("p", "g1", Reports.Events3));
        await world.AssertWholeAsync(19);

        // What the committer did for this writer it need not do again; another committer does, since it cannot know.
        world.Catalog.Asked.Clear();
        Assert.IsType<ReportAnswer.Committed>(await CommitAsync(committer, await world.ReportAsync(20, 30) with { WriterId = "silo-b" }));
        Assert.IsType<ReportAnswer.Committed>(await CommitAsync(world.NewCommitter(), await world.ReportAsync(30, 40) with { WriterId = "silo-b" }));
        Assert.Equal([Events, Letters, Events], world.Catalog.Asked.Select(commit => commit.Base.Identifier));
        await world.AssertWholeAsync(39);
    });

    /// <summary>The first dead letters of all are on their way when the table goes back to before their claim (seed 4514).</summary>
    [Fact]
    public void Claim_that_was_rolled_back_and_expired_leaves_a_trace_in_the_dead_letter_table() => Run(async world =>
    {
        await world.CommittedAsync(world.NewCommitter(), 0, 10);
        long before = (await world.TableAsync()).Metadata.CurrentSnapshotId!.Value;
        DataWritten old = await world.ReportAsync(10, 20, rejected: 2);
        DataWritten young = await world.ReportAsync(10, 20) with { WriterId = "silo-b" };
        bool isOvertaken = false;
        world.Catalog.BeforeSwap = async commit =>
        {
            if (!isOvertaken && commit.Base.Identifier.Equals(Letters) && (await world.LineageAsync()).Offsets.ClaimedBy("p", "g1", Reports.Events3) is not null)
            {
                isOvertaken = true;
                long claim = (await world.TableAsync()).Metadata.CurrentSnapshotId!.Value;
                await world.RollBackAsync(before);
                await world.ForeignExpiryAsync(claim);
                young = young with { LastSequenceNumber = (await world.TableAsync()).Metadata.LastSequenceNumber };
                Assert.IsType<ReportAnswer.Committed>(await CommitAsync(world.NewCommitter(), young));
            }
        };
        Assert.IsType<ReportAnswer.Refused>(await CommitAsync(world.NewCommitter(), old));
        Assert.True(isOvertaken);
        Assert.Empty(await world.FilesAsync(Letters));
        await world.AssertWholeAsync(20);
    });

    [Fact]
    public void Commits_without_rejected_records_leave_the_dead_letter_table_alone() => Run(async world =>
    {
        await world.CommittedAsync(world.NewCommitter(), 0, 10);
        Assert.Empty((await world.TableAsync(Letters)).Metadata.Snapshots);
    });

    [Fact]
    public void Partition_that_begins_with_dead_letters_has_an_offset_before_they_are_in() => Run(async world =>
    {
        world.Catalog.Next = commit => commit.Base.Identifier.Equals(Letters) ? throw new OperationCanceledException("killed") : SwapFault.None;
        TableCommitter committer = world.NewCommitter();
        DataWritten report = await world.ReportAsync(100, 120, rejected: 3);
        await committer.EnqueueAsync(report, CancellationToken.None);
        using CancellationTokenSource killed = new();
        world.Catalog.BeforeSwap = commit =>
        {
            if (commit.Base.Identifier.Equals(Letters))
            {
                killed.Cancel();
            }

            return Task.CompletedTask;
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => committer.CommitAsync(killed.Token));

        Assert.Equal(100, (await world.NewCommitter().ResumeAsync("p", "g1", [Reports.Events3], CancellationToken.None)).Partitions[0].Next);
    });

    [Fact]
    public void Crash_between_the_tables_writes_no_dead_letter_twice() => Run(async world =>
    {
        TableCommitter first = world.NewCommitter();
        await world.CommittedAsync(first, 0, 100);
        DataWritten report = await world.ReportAsync(100, 120, rejected: 3);
        await world.DieBetweenTheTablesAsync(first, report);
        Assert.Equal(3, (await world.FilesAsync(Letters)).Sum(file => file.RecordCount));
        Assert.Equal(100, await world.NextAsync());

        // The same report again: its dead letters are in, its rows follow.
        TableCommitter second = world.NewCommitter();
        DataWritten blind = await world.ReportAsync(100, 125, rejected: 4);
        ResumePoint point = await world.NewCommitter(deadLetters: new KnownOffsets(101, 105, 119)).ResumeAsync("p", "g1", [Reports.Events3], CancellationToken.None);
        Assert.Equal((100L, 120L), (point.Partitions[0].Next, point.Partitions[0].DeadLettersNext));
        Assert.Equal([101L, 105, 119], point.Partitions[0].DeadLetterOffsets);

        // Another writer that did not look which are in is refused.
        Refused(RefusalReason.Rewound, await CommitAsync(second, blind));
        WrittenRange knowing = Reports.Range(Reports.Events3, 100, 125, rejected: 4) with { DeadLetters = 1, DeadLettersNext = 120 };
        Assert.IsType<ReportAnswer.Committed>(await CommitAsync(second, await world.ReportAsync(knowing)));
        Assert.Equal(4, (await world.FilesAsync(Letters)).Sum(file => file.RecordCount));
        await world.AssertWholeAsync(121);
        Assert.Equal(AuditVerdict.Proved, (await world.AuditAsync(Letters)).Verdict);
    });

    [Fact]
    public void Same_report_after_a_crash_between_the_tables_takes_its_dead_letters_as_they_are() => Run(async world =>
    {
        TableCommitter first = world.NewCommitter();
        await world.CommittedAsync(first, 0, 100);
        DataWritten report = await world.ReportAsync(100, 120, rejected: 3);
        world.Catalog.Only = Events;
        world.Catalog.Swaps.Enqueue(SwapFault.Conflict);
        Assert.IsType<ReportAnswer.Committed>(await CommitAsync(first, report));

        Assert.Single((await world.TableAsync(Letters)).Metadata.Snapshots, static snapshot => snapshot.Summary.GetValueOrDefault(SummaryKeys.Reason) != "fence");
        Assert.Equal(3, (await world.FilesAsync(Letters)).Sum(file => file.RecordCount));
        await world.AssertWholeAsync(117);
    });

    [Fact]
    public void Record_that_is_a_dead_letter_already_does_not_become_a_row_of_a_writer_that_does_not_know() => Run(async world =>
    {
        // Rolled back to before the partition had an offset, with a schema by which nothing is rejected any more.
        TableCommitter committer = world.NewCommitter(deadLetters: new KnownOffsets(2, 3));
        long empty = await world.ForeignAppendAsync(0);
        await world.CommittedAsync(committer, 0, 10, rejected: 2);
        await world.RollBackAsync(empty);

        Refused(RefusalReason.Rewound, await CommitAsync(committer, await world.ReportAsync(Reports.Range(Reports.Events3, 0, 10) with { ContinuesTable = false })));
        ResumePosition position = (await committer.ResumeAsync("p", "g1", [Reports.Events3], CancellationToken.None)).Partitions[0];
        Assert.Equal((0L, 10L), (position.Next, position.DeadLettersNext));
        WrittenRange knowing = Reports.Range(Reports.Events3, 0, 10, rejected: 2) with { ContinuesTable = true, DeadLetters = 0, DeadLettersNext = 10 };
        Assert.IsType<ReportAnswer.Committed>(await CommitAsync(committer, await world.ReportAsync(knowing)));
        Assert.Equal(2, (await world.FilesAsync(Letters)).Sum(file => file.RecordCount));
    });

    [Theory]
    [InlineData(SwapFault.FailAfter)]
    [InlineData(SwapFault.HangAfter)]
    [InlineData(SwapFault.FailBefore)]
    [InlineData(SwapFault.Late)]
    public void Dead_letters_whose_swap_is_unknown_hold_the_rows_back_until_it_is_known(SwapFault fault) => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await world.CommittedAsync(committer, 0, 100);
        world.Catalog.Only = Letters;
        world.Catalog.Swaps.Enqueue(fault);
        await world.CommittedAsync(committer, 100, 110, rejected: 1);
        await world.Catalog.ApplyLateAsync();

        Assert.Equal(1, (await world.FilesAsync(Letters)).Sum(file => file.RecordCount));
        await world.AssertWholeAsync(109);
    });

    [Fact]
    public void Dead_letter_table_behind_the_main_one_is_an_error_until_it_is_accepted() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await world.CommittedAsync(committer, 0, 10, rejected: 1);
        long early = (await world.TableAsync(Letters)).Metadata.CurrentSnapshotId!.Value;
        await world.CommittedAsync(committer, 10, 20, rejected: 2);
        await world.RollBackAsync(early, Letters);

        PipelineStoppedException stopped = await Assert.ThrowsAsync<PipelineStoppedException>(() => committer.ResumeAsync("p", "g1", [Reports.Events3], CancellationToken.None));
        Assert.Contains("db.events_dead_letters is behind db.events: events-3 had 3 records rejected, it knows of 1", stopped.Message, StringComparison.Ordinal);
        Assert.Equal(AuditVerdict.Refuted, (await world.AuditAsync()).Verdict);
        Refused(RefusalReason.Rewound, await CommitAsync(committer, await world.ReportAsync(20, 30, rejected: 1)));

        OffsetMove accept = new() { MoveId = Guid.NewGuid(), Pipeline = "p", Generation = "g1", Reason = MoveReason.Accept, Positions = [] };
        Assert.IsType<ReportAnswer.Committed>(await committer.MoveAsync(accept, CancellationToken.None));
        Assert.Equal(20, (await committer.ResumeAsync("p", "g1", [Reports.Events3], CancellationToken.None)).Partitions[0].Next);
        await world.CommittedAsync(committer, 20, 30, rejected: 1);
    });

    [Fact]
    public void Dead_letters_of_a_topics_earlier_life_hide_no_record_of_the_later_one() => Run(async world =>
    {
        Dictionary<string, string> old = new() { ["events"] = "old" };
        Dictionary<string, string> young = new() { ["events"] = "young" };
        TableCommitter committer = world.NewCommitter(deadLetters: new LettersOf(("g1", "old", 12), ("g1", "old", 14), ("g1", "young", 14)));
        await CommitAsync(committer, await world.ReportAsync(0, 10) with { TopicIds = old });
        await world.DieBetweenTheTablesAsync(world.NewCommitter(), await world.ReportAsync(10, 20, rejected: 2) with { TopicIds = old });
        Assert.Equal([12L, 14], await KnownAsync(old));

        // The topic is made anew: 12 is another record now, and so is 14, which was rejected before. Who reads it knows before the
        // table does, which hears of it when someone seeks.
        Assert.Equal([14L], await KnownAsync(young));
        OffsetMove seek = new() { MoveId = Guid.NewGuid(), Pipeline = "p", Generation = "g1", Reason = MoveReason.Seek, TopicIds = young, Positions = [new(Reports.Events3, 0)] };
        Assert.IsType<ReportAnswer.Committed>(await committer.MoveAsync(seek, CancellationToken.None));
        Assert.Equal([14L], await KnownAsync(young));

        async Task<IReadOnlyList<long>> KnownAsync(Dictionary<string, string> ids) =>
            (await committer.ResumeAsync("p", "g1", [Reports.Events3], ids, CancellationToken.None)).Partitions[0].DeadLetterOffsets;
    });

    [Fact]
    public void Dead_letters_of_a_table_that_was_rolled_back_are_known_by_the_topic_that_the_broker_has() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter(deadLetters: new LettersOf(("g1", "old", 2), ("g1", "young", 3)));
        long empty = await world.ForeignAppendAsync(0);
        await CommitAsync(committer, await world.ReportAsync(0, 10, rejected: 1) with { TopicIds = new Dictionary<string, string> { ["events"] = "old" } });
        await world.RollBackAsync(empty);

        foreach (var (id, known) in new[] { ("old", 2L), ("young", 3L) })
        {
            ResumePoint point = await committer.ResumeAsync("p", "g1", [Reports.Events3], new Dictionary<string, string> { ["events"] = id }, CancellationToken.None);
            Assert.Equal([known], Assert.Single(point.Partitions).DeadLetterOffsets);
        }
    });

    [Fact]
    public void Dead_letters_of_an_earlier_generation_hide_no_record_of_the_later_one() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter(deadLetters: new LettersOf(("g1", null, 2), ("g2", null, 4)));
        await CommitAsync(committer, await world.ReportAsync(0, 10, rejected: 1));
        await CommitAsync(committer, await world.ReportAsync(0, 1) with { Generation = "g2" });
        await world.DieBetweenTheTablesAsync(world.NewCommitter(), await world.ReportAsync(1, 10, rejected: 1) with { Generation = "g2" });
        Assert.Equal([4L], (await committer.ResumeAsync("p", "g2", [Reports.Events3], CancellationToken.None)).Partitions[0].DeadLetterOffsets);
    });

    [Fact]
    public void Dead_letters_without_a_table_for_them_are_refused() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter(options => options with { DeadLetters = null });
        Refused(RefusalReason.Malformed, await CommitAsync(committer, await world.ReportAsync(0, 10, rejected: 1)));
        await world.CommittedAsync(committer, 0, 10);
    });
}
