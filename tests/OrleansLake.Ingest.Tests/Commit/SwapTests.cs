using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Testing.Commit;
using static OrleansLake.Ingest.Tests.Commit.World;

namespace OrleansLake.Ingest.Tests.Commit;

/// <summary>Rules 1, 2 and 6 to 8: reports that are sent again, and swaps that fail.</summary>
public sealed class SwapTests
{
    [Fact]
    public void Reports_of_one_round_are_one_snapshot() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        for (int partition = 0; partition < 5; partition++)
        {
            await committer.EnqueueAsync(await world.ReportAsync(Reports.Range(new("events", partition), 0, 10)), CancellationToken.None);
        }

        CommitRound round = await committer.CommitAsync(CancellationToken.None);

        Assert.Equal(new CommitRound(1, 5, null), round);
        Assert.Single((await world.TableAsync()).Metadata.Snapshots);
        await world.AssertWholeAsync(50);
    });

    [Fact]
    public void Reports_that_follow_each_other_are_one_snapshot_whatever_their_order() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        DataWritten first = await world.ReportAsync(0, 10);
        DataWritten second = await world.ReportAsync(Reports.Range(Reports.Events3, 10, 25) with { ContinuesTable = true });
        await committer.EnqueueAsync(second, CancellationToken.None);
        await committer.EnqueueAsync(first, CancellationToken.None);
        await committer.CommitAsync(CancellationToken.None);

        Assert.Equal(await committer.OutcomeAsync(first.ReportId, CancellationToken.None), await committer.OutcomeAsync(second.ReportId, CancellationToken.None));
        Assert.Equal(25, await world.NextAsync());
        await world.AssertWholeAsync(25);
    });

    [Fact]
    public void Nothing_to_commit_makes_no_snapshot() => Run(async world =>
    {
        await world.NewCommitter().CommitAsync(CancellationToken.None);
        Assert.Empty(world.Catalog.Asked);
    });

    [Fact]
    public void Report_sent_twice_is_answered_with_its_first_snapshot() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        DataWritten report = await world.ReportAsync(0, 10);
        ReportAnswer first = await CommitAsync(committer, report);
        await world.CommittedAsync(committer, 10, 20);

        Assert.Equal(first, await CommitAsync(committer, report));
        Assert.Equal(first, await CommitAsync(world.NewCommitter(), report));
        await world.AssertWholeAsync(20);
    });

    [Fact]
    public void Report_that_a_new_committer_does_not_know_is_asked_for_again() => Run(async world =>
        Assert.IsType<ReportAnswer.NotKnown>(await world.NewCommitter().OutcomeAsync(Guid.NewGuid(), CancellationToken.None)));

    [Fact]
    public void Outcome_that_is_not_decided_in_time_is_pending() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        DataWritten report = await world.ReportAsync(0, 10);
        await committer.EnqueueAsync(report, CancellationToken.None);
        Assert.IsType<ReportAnswer.Pending>(await committer.OutcomeAsync(report.ReportId, CancellationToken.None));
    });

    [Theory]
    [InlineData(SwapFault.FailAfter)]
    [InlineData(SwapFault.HangAfter)]
    [InlineData(SwapFault.ConflictAfter)]
    public void Swap_that_failed_after_applying_is_found_and_not_repeated(SwapFault fault) => Run(async world =>
    {
        world.Catalog.Swaps.Enqueue(fault);
        ReportAnswer.Committed answer = await world.CommittedAsync(world.NewCommitter(), 0, 10);

        Assert.Single(world.Catalog.Asked);
        Assert.Equal(answer.SnapshotId, (await world.TableAsync()).Metadata.CurrentSnapshotId);
        await world.AssertWholeAsync(10);
    });

    [Theory]
    [InlineData(SwapFault.FailBefore)]
    [InlineData(SwapFault.HangBefore)]
    [InlineData(SwapFault.Conflict)]
    [InlineData(SwapFault.Throw)]
    public void Swap_that_failed_before_applying_is_repeated(SwapFault fault) => Run(async world =>
    {
        world.Catalog.Swaps.Enqueue(fault);
        await world.CommittedAsync(world.NewCommitter(), 0, 10);

        Assert.Equal(2, world.Catalog.Asked.Count);
        await world.AssertWholeAsync(10);
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Swap_that_lands_after_it_was_repeated_changes_nothing(bool comparesBase) => Run(async world =>
    {
        world.Catalog.Swaps.Enqueue(SwapFault.Late);
        TableCommitter committer = world.NewCommitter();
        await world.CommittedAsync(committer, 0, 10);

        Assert.All(await world.Catalog.ApplyLateAsync(), result => Assert.IsType<CommitResult.Conflict>(result));
        await world.CommittedAsync(committer, 10, 20);
        await world.AssertWholeAsync(20);
    }, comparesBase: comparesBase);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Swap_that_lands_before_it_is_repeated_is_found(bool comparesBase) => Run(async world =>
    {
        world.Catalog.Swaps.Enqueue(SwapFault.Late);
        world.Catalog.BeforeSwap = async _ => await world.Catalog.ApplyLateAsync();
        await world.CommittedAsync(world.NewCommitter(), 0, 10);

        Assert.Equal(2, world.Catalog.Asked.Count);
        Assert.Single((await world.TableAsync()).Metadata.Snapshots);
        await world.AssertWholeAsync(10);
    }, comparesBase: comparesBase);

    [Fact]
    public void Unknown_swap_is_waited_for_as_long_as_the_catalog_is_away_and_shown() => Run(async world =>
    {
        world.Catalog.Swaps.Enqueue(SwapFault.FailAfter);
        for (int n = 0; n < 30; n++)
        {
            world.Catalog.Loads.Enqueue(new HttpRequestException("no route to host"));
        }

        TableCommitter committer = world.NewCommitter(options => options with { DeadLetters = null });
        await committer.KnowTableAsync(world);
        DataWritten report = await world.ReportAsync(0, 10);
        await committer.EnqueueAsync(report, CancellationToken.None);
        Task<CommitRound> round = committer.CommitAsync(CancellationToken.None);

        Assert.IsType<ReportAnswer.Pending>(await committer.OutcomeAsync(report.ReportId, CancellationToken.None));
        Assert.Equal("no route to host", committer.Status.Trouble);
        Assert.NotNull(committer.Status.InDoubt);

        Assert.Null((await round).Trouble);
        Assert.IsType<ReportAnswer.Committed>(await committer.OutcomeAsync(report.ReportId, CancellationToken.None));
        Assert.Null(committer.Status.Trouble);
        Assert.Null(committer.Status.InDoubt);
        Assert.Single(world.Catalog.Asked);
        await world.AssertWholeAsync(10);
    });

    [Fact]
    public void Report_that_grew_old_while_its_swap_was_unknown_is_refused_and_written_again() => Run(async world =>
    {
        DateTimeOffset back = world.Time.GetUtcNow() + TimeSpan.FromHours(1.5);
        world.Catalog.Next = _ => world.Time.GetUtcNow() < back ? SwapFault.FailBefore : SwapFault.None;
        TableCommitter committer = world.NewCommitter();
        Refused(RefusalReason.TooOld, await CommitAsync(committer, await world.ReportAsync(0, 10)));
        await world.CommittedAsync(committer, 0, 10);
        await world.AssertWholeAsync(10);
    });

    [Fact]
    public void Store_that_fails_while_staging_leaves_the_reports_waiting() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        DataWritten report = await world.ReportAsync(0, 10);
        world.Store.Kinds.IntersectWith([StoreCall.Write]);
        world.Store.Script.Enqueue(StoreFault.FailBefore);
        await committer.EnqueueAsync(report, CancellationToken.None);

        CommitRound round = await committer.CommitAsync(CancellationToken.None);
        Assert.Contains("No space left on device", round.Trouble!.Message, StringComparison.Ordinal);
        Assert.Equal(1, committer.Status.WaitingReports);
        Assert.Contains("No space left on device", committer.Status.Trouble, StringComparison.Ordinal);
        Assert.Empty(world.Catalog.Asked);

        Assert.Null((await committer.CommitAsync(CancellationToken.None)).Trouble);
        Assert.Null(committer.Status.Trouble);
        await world.AssertWholeAsync(10);
    });

    [Fact]
    public void Report_that_cannot_be_written_holds_up_only_itself() => Run(async world =>
    {
        await world.ChangeAsync(
            Events,
            new TableUpdate.AddPartitionSpec(new PartitionSpec { SpecId = 1, Fields = [new PartitionField(-1, "id_bucket", [1], new Transform.Bucket(4))] }),
            new TableUpdate.SetDefaultSpec(-1));
        TableCommitter committer = world.NewCommitter();
        DataWritten bad = await world.ReportAsync(Reports.Range(new("events", 0), 0, 10));
        bad = bad with { Files = [bad.Files[0] with { SpecId = 1, Partition = new PartitionKey(["no number"]) }] };
        DataWritten good = await world.ReportAsync(Reports.Range(new("events", 1), 0, 10));
        await committer.EnqueueAsync(bad, CancellationToken.None);
        await committer.EnqueueAsync(good, CancellationToken.None);
        CommitRound round = await committer.CommitAsync(CancellationToken.None);

        Assert.Contains($"report {bad.ReportId} of silo-a cannot be committed", round.Trouble!.Message, StringComparison.Ordinal);
        Assert.IsType<ReportAnswer.Committed>(await committer.OutcomeAsync(good.ReportId, CancellationToken.None));
        Assert.Equal(1, committer.Status.WaitingReports);
        await world.AssertWholeAsync(10);
    });

    [Fact]
    public void Append_retried_after_conflicts_writes_its_manifest_once() => Run(async world =>
    {
        int foreign = 0;
        world.Catalog.BeforeSwap = async _ =>
        {
            if (foreign++ < 4)
            {
                await world.ForeignAppendAsync(1);
            }
        };
        await world.CommittedAsync(world.NewCommitter(), 0, 10);

        Assert.Equal(5, world.Catalog.Asked.Count);
        Assert.Equal(14, (await world.FilesAsync()).Sum(file => file.RecordCount));
        Assert.Equal(5, world.Objects.Locations.Count(location => location.Contains("-m", StringComparison.Ordinal)));
    });

    [Fact]
    public void Two_committers_of_one_table_commit_each_report_once() => Run(async world =>
    {
        TableCommitter one = world.NewCommitter();
        TableCommitter two = world.NewCommitter();
        for (int n = 0; n < 20; n++)
        {
            DataWritten left = await world.ReportAsync(Reports.Range(new("events", 0), n * 10, (n * 10) + 10));
            DataWritten right = await world.ReportAsync(Reports.Range(new("events", 1), n * 10, (n * 10) + 10));
            Task<ReportAnswer> first = CommitAsync(one, left);
            Task<ReportAnswer> second = CommitAsync(two, right);
            Assert.IsType<ReportAnswer.Committed>(await first);
            Assert.IsType<ReportAnswer.Committed>(await second);
        }

        await world.AssertWholeAsync(400);
    });

    [Fact]
    public void Same_report_at_two_committers_is_committed_once() => Run(async world =>
    {
        TableCommitter one = world.NewCommitter();
        TableCommitter two = world.NewCommitter();
        DataWritten report = await world.ReportAsync(0, 10);
        Task<ReportAnswer> first = CommitAsync(one, report);
        Task<ReportAnswer> second = CommitAsync(two, report);

        Assert.Equal(await first, await second);
        await world.AssertWholeAsync(10);
    });

    [Fact]
    public void Second_owner_of_a_partition_is_stale_and_then_named() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        ReportAnswer.Refused refused = null!;
        for (int n = 0; n < 3; n++)
        {
            await world.CommittedAsync(committer, n * 10, (n * 10) + 10);
            refused = Refused(RefusalReason.Stale, await CommitAsync(committer, await world.ReportAsync(n * 10, (n * 10) + 5) with { WriterId = "silo-b" }));
            Assert.Equal(Reports.Events3, Assert.Single(refused.Ranges).TopicPartition);
        }

        Assert.Contains("silo-a reports events-3 too", refused.Message, StringComparison.Ordinal);
        Assert.Equal("p: events-3 is reported by silo-a and by silo-b", Assert.Single(committer.Status.Duels));
        await world.AssertWholeAsync(30);
    });

    [Fact]
    public void Refusal_is_only_of_freshly_loaded_metadata() => Run(async world =>
    {
        TableCommitter behind = world.NewCommitter();
        await world.CommittedAsync(behind, 0, 10);
        await world.CommittedAsync(world.NewCommitter(), 10, 20);

        // By what it knows this is a gap.
        await world.CommittedAsync(behind, 20, 30);
        await world.AssertWholeAsync(30);
    });

    [Fact]
    public void Report_ahead_waits_for_the_one_before_it_and_is_rewound_when_that_never_comes() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await world.CommittedAsync(committer, 0, 10);
        DataWritten before = await world.ReportAsync(Reports.Range(Reports.Events3, 10, 20), Reports.Range(new("events", 4), 5, 6) with { ContinuesTable = true });
        DataWritten ahead = await world.ReportAsync(20, 30);
        await committer.EnqueueAsync(ahead, CancellationToken.None);
        await committer.EnqueueAsync(before with { LastSequenceNumber = 99 }, CancellationToken.None);

        await committer.CommitAsync(CancellationToken.None);
        Assert.IsType<ReportAnswer.Pending>(await committer.OutcomeAsync(ahead.ReportId, CancellationToken.None));
        world.Time.Set(TimeSpan.FromMinutes(2));
        await committer.CommitAsync(CancellationToken.None);
        Refused(RefusalReason.NotYet, await committer.OutcomeAsync(before.ReportId, CancellationToken.None));
        Assert.IsType<ReportAnswer.Refused>(await committer.OutcomeAsync(ahead.ReportId, CancellationToken.None));
        await world.AssertWholeAsync(10);
    });

    [Fact]
    public void Snapshot_times_never_go_back_with_the_clock() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await world.CommittedAsync(committer, 0, 10);
        world.Time.Set(TimeSpan.FromMinutes(-30));
        await world.CommittedAsync(committer, 10, 20);

        IReadOnlyList<Snapshot> snapshots = (await world.TableAsync()).Metadata.Snapshots;
        Assert.True(snapshots[1].TimestampMs > snapshots[0].TimestampMs);
    });

    [Fact]
    public void Every_swap_asserts_the_table_and_its_branch() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await world.CommittedAsync(committer, 0, 10);
        ReportAnswer.Committed second = await world.CommittedAsync(committer, 10, 20);

        Guid uuid = (await world.TableAsync()).Metadata.TableUuid;
        Assert.All(world.Catalog.Asked, commit => Assert.Contains(new TableRequirement.AssertTableUuid(uuid), commit.Requirements));
        Assert.Contains(new TableRequirement.AssertRefSnapshotId("main", null), world.Catalog.Asked[0].Requirements);
        Assert.DoesNotContain(new TableRequirement.AssertRefSnapshotId("main", second.SnapshotId), world.Catalog.Asked[1].Requirements);
        Assert.Contains(world.Catalog.Asked[1].Requirements, requirement => requirement is TableRequirement.AssertRefSnapshotId { SnapshotId: not null });
    });

    [Fact]
    public void Random_faults_on_swaps_and_store_lose_and_double_nothing()
    {
        for (int seed = 1; seed <= 12; seed++)
        {
            Run(async world =>
            {
                Random random = new(seed);
                world.Catalog.Next = FaultyCatalog.Seeded(random, 3);
                world.Store.Next = FaultyStore.Seeded(random, 40);
                TableCommitter[] committers = [world.NewCommitter(), world.NewCommitter()];
                for (long next = 0; next < 200;)
                {
                    DataWritten report = await world.ReportAsync(next, next + 10);
                    TableCommitter committer = committers[random.Next(2)];
                    await committer.EnqueueAsync(report, CancellationToken.None);
                    while (await committer.OutcomeAsync(report.ReportId, CancellationToken.None) is ReportAnswer.Pending)
                    {
                        await committer.CommitAsync(CancellationToken.None);
                        if (random.Next(3) == 0)
                        {
                            await world.Catalog.ApplyLateAsync();
                        }
                    }

                    Assert.True(await committer.OutcomeAsync(report.ReportId, CancellationToken.None) is ReportAnswer.Committed, $"seed {seed}: {await committer.OutcomeAsync(report.ReportId, CancellationToken.None)}");
                    next += 10;
                }

                world.Store.Next = static (_, _) => StoreFault.None;
                await world.AssertWholeAsync(200);
            }, seed);
        }
    }
}

internal static class CommitterExtensions
{
    /// <summary>Lets it know the table although loads fail: the first one is taken off the script.</summary>
    public static async Task KnowTableAsync(this TableCommitter committer, World world)
    {
        Exception?[] script = [.. world.Catalog.Loads];
        world.Catalog.Loads.Clear();
        await committer.ReloadSchemaAsync(CancellationToken.None);
        foreach (Exception? fault in script)
        {
            world.Catalog.Loads.Enqueue(fault);
        }
    }
}
