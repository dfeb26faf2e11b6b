using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Testing.Commit;
using static OrleansLake.Ingest.Tests.Commit.World;

namespace OrleansLake.Ingest.Tests.Commit;

/// <summary>What commits leave in the metadata, and when they are made: rules 15, 19 and 20, and the cadence.</summary>
public sealed class GrowthTests
{
    private static TableCommitterOptions Short(TableCommitterOptions options) => options with { History = TimeSpan.FromMinutes(1), KeptSnapshots = 5 };

    private static async Task CommitManyAsync(World world, TableCommitter committer, long from, int commits, TimeSpan every)
    {
        for (int n = 0; n < commits; n++)
        {
            await world.CommittedAsync(committer, from + n, from + n + 1);
            world.Time.Set(every);
        }
    }

    [Fact]
    public void Own_snapshots_that_are_old_go_with_the_next_commit() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter(Short);
        await CommitManyAsync(world, committer, 0, 30, TimeSpan.FromSeconds(10));

        TableMetadata metadata = (await world.TableAsync()).Metadata;
        Assert.Equal(7, metadata.Snapshots.Count);
        Assert.Equal(metadata.Snapshots.Select(snapshot => snapshot.ManifestList!).Order(), world.Objects.Locations.Where(location => location.Contains("/db/events/metadata/snap-", StringComparison.Ordinal)).Order());
        AuditResult audit = await world.AuditAsync();
        Assert.Equal((AuditVerdict.Proved, false, 30L), (audit.Verdict, audit.SinceBeginning, audit.Rows));
    });

    [Fact]
    public void Newest_snapshots_stay_however_old_they_are() => Run(async world =>
    {
        await CommitManyAsync(world, world.NewCommitter(Short), 0, 12, TimeSpan.FromHours(2));
        Assert.Equal(5, (await world.TableAsync()).Metadata.Snapshots.Count);
    });

    [Fact]
    public void Summaries_that_are_many_go_though_they_are_young() => Run(async world =>
    {
        await CommitManyAsync(world, world.NewCommitter(options => options with { HistoryCharacters = 8_000, KeptSnapshots = 3 }), 0, 30, TimeSpan.FromSeconds(1));
        Assert.InRange((await world.TableAsync()).Metadata.Snapshots.Count, 5, 20);
    });

    [Fact]
    public void Tags_branches_foreign_snapshots_and_bases_of_rewrites_stay_and_refs_are_asserted() => Run(async world =>
    {
        List<long> running = [];
        TableCommitter committer = world.NewCommitter(options => Short(options) with { ProtectedSnapshots = () => running });
        long tagged = (await world.CommittedAsync(committer, 0, 1)).SnapshotId;
        long branched = (await world.CommittedAsync(committer, 1, 2)).SnapshotId;
        long rewriting = (await world.CommittedAsync(committer, 2, 3)).SnapshotId;
        running.Add(rewriting);
        long foreign = await world.ForeignAppendAsync();
        await world.ChangeAsync(Events, new TableUpdate.SetSnapshotRef("audit", new SnapshotRef(branched, IsTag: false)), new TableUpdate.SetSnapshotRef("v1", new SnapshotRef(tagged, IsTag: true)));
        await CommitManyAsync(world, committer, 3, 20, TimeSpan.FromMinutes(2));

        TableMetadata metadata = (await world.TableAsync()).Metadata;
        Assert.All([tagged, branched, rewriting, foreign], id => Assert.NotNull(metadata.FindSnapshot(id)));
        Assert.Equal(9, metadata.Snapshots.Count);
        Assert.Contains(new TableRequirement.AssertRefSnapshotId("audit", branched), world.Catalog.Asked[^1].Requirements);
        Assert.Contains(new TableRequirement.AssertRefSnapshotId("v1", tagged), world.Catalog.Asked[^1].Requirements);
    });

    [Fact]
    public void Old_report_is_not_judged_by_a_history_that_we_expired_ourselves() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter(Short);
        DataWritten old = await world.ReportAsync(Reports.Range(new("events", 0), 0, 10));
        await CommitManyAsync(world, committer, 0, 30, TimeSpan.FromSeconds(10));

        Refused(RefusalReason.Rewound, await CommitAsync(committer, old));
        Assert.IsType<ReportAnswer.Committed>(await CommitAsync(committer, await world.ReportAsync(Reports.Range(new("events", 0), 0, 10))));
    });

    [Fact]
    public void Offsets_of_thousands_of_partitions_stand_in_the_manifest_list_and_metadata_stay_small() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        long first = 0;
        long size = 0;
        for (int commit = 0; commit < 12; commit++)
        {
            DataWritten report = await world.ReportAsync([.. Enumerable.Range(0, 3000).Select(n => Reports.Range(new("events", n), 1_000_000L + commit, 1_000_001L + commit))]);
            Assert.IsType<ReportAnswer.Committed>(await CommitAsync(committer, report));
            world.Time.Set(TimeSpan.FromSeconds(10));
            LoadedTable table = await world.TableAsync();
            long now = await world.Objects.GetSizeAsync(table.MetadataLocation, CancellationToken.None);
            (first, size) = (first == 0 ? now : first, now);
        }

        // All partitions gained a digit of their count once, at the tenth; beside that a commit adds a snapshot and its log entries.
        Assert.InRange((size - first - 3_000) / 11, 300, 1_500);
        Assert.InRange(size, 30_000, 60_000);
        Snapshot head = (await world.LineageAsync()).Head!;
        Assert.True(head.Summary.ContainsKey(SummaryKeys.OffsetsSha256));
        Assert.Equal(1_000_012, (await world.NewCommitter().ResumeAsync("p", "g1", [new("events", 2999)], CancellationToken.None)).Partitions[0].Next);
        Assert.Equal(AuditVerdict.Proved, (await world.AuditAsync()).Verdict);
    });

    [Fact]
    public void Manifest_list_that_is_not_the_one_that_was_vouched_for_stops_the_pipeline() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        DataWritten report = await world.ReportAsync([.. Enumerable.Range(0, 3000).Select(n => Reports.Range(new("events", n), 1_000_000L, 1_000_001L))]);
        Assert.IsType<ReportAnswer.Committed>(await CommitAsync(committer, report));
        TableMetadata metadata = (await world.TableAsync()).Metadata;
        Snapshot head = metadata.Snapshots[0];
        await world.ForeignAppendAsync([], new(head.Summary) { [SummaryKeys.OffsetsSha256] = new string('0', 64) });

        string message = (await Assert.ThrowsAsync<PipelineStoppedException>(() => committer.ResumeAsync("p", "g1", [], CancellationToken.None))).Message;
        Assert.Contains("its header has no orleanslake.offsets", message, StringComparison.Ordinal);
    });

    [Fact]
    public void Manifest_list_that_is_gone_is_replaced_by_the_property_of_its_snapshot() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        DataWritten report = await world.ReportAsync([.. Enumerable.Range(0, 3000).Select(n => Reports.Range(new("events", n), 1_000_000L, 1_000_001L))]);
        Assert.IsType<ReportAnswer.Committed>(await CommitAsync(committer, report));
        await world.Objects.DeleteAsync([(await world.LineageAsync()).Head!.ManifestList!], CancellationToken.None);

        Assert.Equal(1_000_001, (await committer.ResumeAsync("p", "g1", [new("events", 7)], CancellationToken.None)).Partitions[0].Next);
    });

    [Fact]
    public void No_file_named_before_the_tables_limit_is_committed_and_the_limit_is_carried_on() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        DataWritten old = await world.ReportAsync(0, 10);
        world.Time.Set(TimeSpan.FromMinutes(5));
        string limit = world.Time.GetUtcNow().ToUnixTimeMilliseconds().ToString();
        await world.ForeignAppendAsync([], new() { [SummaryKeys.NoFileBefore] = limit });

        Refused(RefusalReason.TooOld, await CommitAsync(committer, old));
        world.Time.Set(TimeSpan.FromSeconds(1));
        await world.CommittedAsync(committer, 0, 10);
        Assert.Equal(limit, (await world.LineageAsync()).Head!.Summary[SummaryKeys.NoFileBefore]);
    });

    [Fact]
    public void Limit_of_file_names_outlives_a_rollback_of_the_snapshot_that_set_it() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        long first = (await world.CommittedAsync(committer, 0, 10)).SnapshotId;
        DataWritten old = await world.ReportAsync(10, 20);
        world.Time.Set(TimeSpan.FromMinutes(5));
        await world.ForeignAppendAsync([], new() { [SummaryKeys.NoFileBefore] = world.Time.GetUtcNow().ToUnixTimeMilliseconds().ToString() });
        await world.RollBackAsync(first);

        Refused(RefusalReason.TooOld, await CommitAsync(committer, old));
    });

    [Fact]
    public void Freshness_is_the_age_of_the_oldest_record_of_any_partition() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        long now = world.Time.GetUtcNow().ToUnixTimeMilliseconds();
        DataWritten report = await world.ReportAsync(
            Reports.Range(new("events", 0), 0, 10) with { OldestTimestampMs = now - 1_000 },
            Reports.Range(new("events", 1), 0, 10) with { OldestTimestampMs = now - 90_000 },
            Reports.Range(new("events", 2), 0, 0));
        Assert.IsType<ReportAnswer.Committed>(await CommitAsync(committer, report));

        Assert.Equal(TimeSpan.FromSeconds(90), committer.Status.Freshness);
        Assert.Equal("90000", (await world.LineageAsync()).Head!.Summary[SummaryKeys.FreshnessMs]);
    });

    [Fact]
    public void Self_driven_committer_waits_for_active_writers_and_never_long_for_idle_ones() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        using CancellationTokenSource stop = new();
        Task run = committer.RunAsync(stop.Token);
        DateTimeOffset start = world.Time.GetUtcNow();
        List<TimeSpan> answered = [];
        for (int round = 0; round < 4; round++)
        {
            DataWritten[] reports =
            [
                await world.ReportAsync(Reports.Range(new("events", 0), round, round + 1)) with { WriterId = "a" },
                await world.ReportAsync(Reports.Range(new("events", 1), round, round + 1)) with { WriterId = "b" },
            ];
            await committer.EnqueueAsync(reports[0], CancellationToken.None);
            if (round < 2)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(500), world.Time);
                await committer.EnqueueAsync(reports[1], CancellationToken.None);
            }

            while (await committer.OutcomeAsync(reports[0].ReportId, CancellationToken.None) is not ReportAnswer.Committed)
            {
            }

            answered.Add(world.Time.GetUtcNow() - start);
            await Task.Delay(start + TimeSpan.FromSeconds(10 * (round + 1)) - world.Time.GetUtcNow(), world.Time);
        }

        stop.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);

        // The first report of all is committed at once, since nobody else is known, the late one soon after; then both are
        // waited for; then one is idle, and waited for once.
        Assert.Equal([0.5, 10.5, 22.5, 30], answered.Select(at => at.TotalSeconds));
        Assert.Equal(5, (await world.TableAsync()).Metadata.Snapshots.Count);
        await world.AssertWholeAsync(6);
    });

    [Fact]
    public void Self_driven_committer_goes_on_after_trouble() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        using CancellationTokenSource stop = new();
        Task run = committer.RunAsync(stop.Token);
        int failures = 8;
        world.Store.Next = (call, _) => call == StoreCall.Write && failures-- > 0 ? StoreFault.FailBefore : StoreFault.None;
        DataWritten report = await world.ReportAsync(0, 10);
        await committer.EnqueueAsync(report, CancellationToken.None);
        while (await committer.OutcomeAsync(report.ReportId, CancellationToken.None) is ReportAnswer.Pending)
        {
        }

        Assert.Null(committer.Status.Trouble);
        stop.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        await world.AssertWholeAsync(10);
    });
}
