using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Tests.Commit;
using OrleansLake.Ingest.Upkeep;
using static OrleansLake.Ingest.Tests.Commit.World;

namespace OrleansLake.Ingest.Tests.Upkeep;

/// <summary>Orphan removal deletes what nothing refers to and nothing will refer to: rule 19.</summary>
public sealed class OrphanRemovalTests
{
    private static readonly TimeSpan MinAge = TimeSpan.FromMinutes(30);

    [Fact]
    public void Old_files_that_nothing_refers_to_go_and_all_others_stay() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await world.IngestAsync(committer, 0, 5);
        DataFile[] dead = [.. Enumerable.Range(0, 3).Select(_ => Reports.File(1, $"memory://warehouse/db/events/data/{world.Ids.NewUuid()}.parquet"))];
        await world.PutAsync(dead);
        world.Time.Set(TimeSpan.FromHours(1));
        DataFile young = Reports.File(1, $"memory://warehouse/db/events/data/{world.Ids.NewUuid()}.parquet");
        await world.PutAsync([young]);
        await world.Objects.TryCreateAsync("memory://warehouse/db/other/data/x.parquet", new byte[1], CancellationToken.None);
        world.Time.Set(TimeSpan.FromMinutes(1));

        OrphanPlan plan = await world.Orphans().PlanAsync(await world.TableAsync(), new OrphanOptions { MinAge = MinAge }, CancellationToken.None);
        Assert.Equal((3, 303, 1), (plan.Files, plan.Bytes, plan.YoungFiles));
        Assert.Equal(dead.Select(file => file.FilePath).Order(), plan.Examples.Order());
        var before = world.Objects.Locations.ToHashSet();
        Assert.Equal(before.Count, world.Objects.Locations.Count);

        UpkeepResult result = await world.RemoveOrphansAsync(MinAge);
        Assert.Equal((3, 303, 1), (result.FilesRemoved, result.BytesRemoved, result.SnapshotsCommitted.Count));
        Assert.Equal(dead.Select(file => file.FilePath).Order(), before.Except(world.Objects.Locations).Order());
        await world.AssertWholeAsync();
        await world.IngestAsync(committer, 5, 1);
        Assert.Equal(AuditVerdict.Proved, (await world.AuditAsync()).Verdict);
    });

    [Fact]
    public void A_report_whose_files_were_taken_is_refused_and_its_records_come_in_under_new_names() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await world.IngestAsync(committer, 0, 5);
        DataWritten late = await world.ReportAsync(5, 6);
        await world.PutAsync(late.Files);
        world.Time.Set(TimeSpan.FromMinutes(40));
        Assert.Equal(1, (await world.RemoveOrphansAsync(MinAge)).FilesRemoved);

        Assert.Equal(RefusalReason.TooOld, Assert.IsType<ReportAnswer.Refused>(await CommitAsync(world.NewCommitter(), late)).Reason);
        await world.IngestAsync(committer, 5, 1);
        await world.AssertWholeAsync();
    });

    [Fact]
    public void Files_that_came_in_just_before_the_table_was_told_stay() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await world.IngestAsync(committer, 0, 5);
        DataWritten late = await world.ReportAsync(5, 6);
        await world.PutAsync(late.Files);
        world.Time.Set(TimeSpan.FromMinutes(40));
        await world.RetryAtOnceAsync();
        bool came = false; // by another committer, on its way for as long
        world.Catalog.BeforeSwap = async commit =>
        {
            if (!came && commit.Updates.OfType<TableUpdate.AddSnapshot>().Any(added => LineageReader.NoFileBeforeOf(added.Snapshot) > 0))
            {
                came = true;
                await world.ForeignAppendAsync(late.Files, []);
            }
        };
        Assert.Equal(0, (await world.RemoveOrphansAsync(MinAge)).FilesRemoved);
        Assert.True(came);
        await world.AssertWholeAsync();
    });

    [Fact]
    public void Dead_letters_that_are_too_old_for_their_table_are_refused_too() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await world.CommittedAsync(committer, 0, 10, rejected: 1);
        DataWritten late = await world.ReportAsync(10, 20, rejected: 1);
        world.Time.Set(TimeSpan.FromMinutes(40));
        await world.PutAsync([Reports.File(1, $"memory://warehouse/db/events_dead_letters/data/{Guid.CreateVersion7(world.Time.GetUtcNow().AddHours(-1))}.parquet")]);
        world.Time.Set(MinAge + TimeSpan.FromSeconds(1));
        OrphanRemoval orphans = world.Orphans();
        OrphanPlan plan = await orphans.PlanAsync(await world.TableAsync(Letters), new OrphanOptions { MinAge = MinAge }, CancellationToken.None);
        Assert.Equal(1, (await orphans.ExecuteAsync(plan, CancellationToken.None)).FilesRemoved);
        Assert.Equal(RefusalReason.TooOld, Assert.IsType<ReportAnswer.Refused>(await CommitAsync(world.NewCommitter(), late with { FirstSentMs = world.Time.GetUtcNow().ToUnixTimeMilliseconds() })).Reason);
    });

    [Fact]
    public void What_earlier_metadata_files_in_the_log_refer_to_stays() => Run(async world =>
    {
        await world.IngestAsync(world.NewCommitter(), 0, 5);
        await world.CompactAsync();
        IReadOnlyList<long> old = [.. (await world.TableAsync()).Metadata.Snapshots.Take(5).Select(snapshot => snapshot.SnapshotId)];
        await world.ForeignExpiryAsync([.. old]); // lists only: the files were another's to delete
        world.Time.Set(TimeSpan.FromHours(1));
        Assert.Equal(0, (await world.RemoveOrphansAsync(MinAge)).FilesRemoved);
        Assert.Empty(await world.GarbageAsync());
    });

    [Fact]
    public void Schemes_authorities_and_slashes_that_differ_are_the_same_file()
    {
        var set = new LocationSet();
        Assert.True(set.Add("s3a://bucket/db/t/data/ä b%20.parquet"));
        Assert.True(set.Contains("s3://bucket/db/t/data/ä b%20.parquet"));
        Assert.True(set.Contains("s3n://other//db/t//data/ä b%20.parquet"));
        Assert.False(set.Contains("s3://bucket/db/t/data/ä b .parquet"));
        Assert.True(set.Add("file:/w/db/t/x"));
        Assert.True(set.Contains("/w/db/t/x") && set.Contains("file:///w/db/t/x") && set.Contains("file://localhost/w/db/t/x"));
        Assert.False(set.Add("/w/db//t/x"));
        Assert.Equal(2, set.Count);
    }

    [Theory]
    [InlineData("memory://warehouse/db/events/inner/metadata/v1.metadata.json")]
    [InlineData("memory://warehouse/db/events/metadata/dropped-1-v3.metadata.json")]
    public void Metadata_of_another_table_below_it_stop_the_removal(string location) => Run(async world =>
    {
        await world.IngestAsync(world.NewCommitter(), 0, 5);
        await world.Objects.TryCreateAsync(location, new byte[1], CancellationToken.None);
        world.Time.Set(TimeSpan.FromDays(9));
        Assert.Contains("another table", (await Assert.ThrowsAsync<InvalidOperationException>(() => world.RemoveOrphansAsync(MinAge))).Message, StringComparison.Ordinal);
        await world.AssertWholeAsync();
    });
}
