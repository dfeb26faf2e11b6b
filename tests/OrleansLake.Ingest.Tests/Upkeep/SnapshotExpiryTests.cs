using System.Globalization;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Tests.Commit;
using OrleansLake.Ingest.Upkeep;
using OrleansLake.Testing.Commit;
using static OrleansLake.Ingest.Tests.Commit.World;

namespace OrleansLake.Ingest.Tests.Upkeep;

/// <summary>Expiry takes history and files that only it reaches, and never more: rules 11, 19 and 20.</summary>
public sealed class SnapshotExpiryTests
{
    private static readonly ExpiryOptions Short = new() { MaxSnapshotAge = TimeSpan.FromMinutes(5), KeepNewest = 3 };

    [Fact]
    public void Files_that_only_expired_snapshots_reach_are_deleted_and_no_others() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await world.IngestAsync(committer, 0, 10);
        IReadOnlyList<string> replaced = [.. (await world.FilesAsync()).Select(file => file.FilePath)];
        await world.CompactAsync();
        await world.IngestAsync(committer, 10, 8);

        Dictionary<string, long> sizes = await world.SizesAsync();
        UpkeepResult result = await world.ExpireAsync(Short);
        Assert.Null(result.Error);
        List<string> gone = [.. sizes.Keys.Except(world.Objects.Locations)];
        Assert.Equal((gone.Count, gone.Sum(location => sizes[location])), (result.FilesRemoved, result.BytesRemoved));
        Assert.Equal((19, 6), (result.Before!.Snapshots, result.After!.Snapshots));
        Assert.DoesNotContain(world.Objects.Locations, replaced.Contains);
        Assert.DoesNotContain(world.Objects.Locations, location => location.Contains("/expiry/", StringComparison.Ordinal));
        await world.AssertWholeAsync();
        Assert.Equal(9, (await world.FilesAsync()).Count);
        Assert.Equal(18, (await world.LineageAsync()).Offsets.Find("p", "g1", Reports.Events3)!.Value.Next);
        await world.IngestAsync(committer, 18, 1);
    });

    [Fact]
    public void A_plan_changes_nothing_and_says_what_and_why() => Run(async world =>
    {
        await world.IngestAsync(world.NewCommitter(), 0, 10);
        var before = world.Objects.Locations.ToHashSet();
        ExpiryPlan plan = await world.Expiry().PlanAsync(await world.TableAsync(), Short, CancellationToken.None);
        Assert.Equal(4, plan.SnapshotIds.Count);
        Assert.Contains("4 snapshots from 2026-11-22", string.Join('\n', plan.Lines()), StringComparison.Ordinal);
        Assert.Contains("the newest offsets of main", string.Join('\n', plan.Lines()), StringComparison.Ordinal);
        Assert.True(before.SetEquals(world.Objects.Locations));
    });

    [Fact]
    public void A_dry_run_tells_the_files_and_bytes_that_the_run_deletes() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await world.IngestAsync(committer, 0, 10);
        await world.CompactAsync();
        await world.IngestAsync(committer, 10, 8);

        Dictionary<string, long> before = await world.SizesAsync();
        ExpiryPlan plan = await world.Expiry().PlanFilesAsync(await world.TableAsync(), Short, CancellationToken.None);
        Assert.Equal(before, await world.SizesAsync());
        UpkeepResult result = await world.ExpireAsync(Short);
        Assert.Equal((result.FilesRemoved, result.BytesRemoved), (plan.Steps.Sum(step => step.Files), plan.Steps.Sum(step => step.Bytes)));
        Assert.Equal(UpkeepPlan.MostExamples, plan.Examples.Count);
        Assert.Empty(plan.Examples.Intersect(world.Objects.Locations));
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"{result.FilesRemoved} files, {result.BytesRemoved:N0} bytes"), plan.Lines().First(), StringComparison.Ordinal);
    });

    [Fact]
    public void Newest_with_offsets_tagged_branched_the_limit_and_bases_of_rewrites_stay() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await world.IngestAsync(committer, 0, 4);
        IReadOnlyList<Snapshot> made = (await world.TableAsync()).Metadata.Snapshots;
        await world.ChangeAsync(Events, new TableUpdate.SetSnapshotRef("b", new SnapshotRef(made[0].SnapshotId, IsTag: false)), new TableUpdate.SetSnapshotRef("t", new SnapshotRef(made[1].SnapshotId, IsTag: true)));
        long limit = await world.ForeignAppendAsync([], new() { [SummaryKeys.NoFileBefore] = "1" });
        List<long> above = [];
        for (int n = 0; n < 5; n++)
        {
            world.Time.Set(TimeSpan.FromHours(1));
            above.Add(await world.ForeignAppendAsync());
        }

        await world.ExpireAsync(Short with { KeepNewest = 1 }, running: made[2].SnapshotId);
        // What stands above the newest with offsets stays as the way to it, until an ingestion or an anchor takes its place.
        Assert.Equal([.. made.Select(snapshot => snapshot.SnapshotId), limit, .. above], (await world.TableAsync()).Metadata.Snapshots.Select(snapshot => snapshot.SnapshotId));
        await world.AssertWholeAsync();
        Assert.Equal(4, (await world.LineageAsync()).Offsets.Find("p", "g1", Reports.Events3)!.Value.Next);

        await world.IngestAsync(committer, 4, 1);
        await world.ExpireAsync(Short with { KeepNewest = 1 }, running: made[2].SnapshotId);
        long head = (await world.TableAsync()).Metadata.CurrentSnapshotId!.Value;
        Assert.Equal([made[0].SnapshotId, made[1].SnapshotId, made[2].SnapshotId, above[^1], head], (await world.TableAsync()).Metadata.Snapshots.Select(snapshot => snapshot.SnapshotId));
        Assert.Equal("1", (await world.LineageAsync()).Head!.Summary[SummaryKeys.NoFileBefore]);
    });

    [Fact]
    public void Branches_and_tags_have_ages_and_counts_of_their_own_counted_from_the_newest_snapshot() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await world.IngestAsync(committer, 0, 10);
        IReadOnlyList<Snapshot> made = (await world.TableAsync()).Metadata.Snapshots;
        await world.ChangeAsync(
            Events,
            new TableUpdate.SetSnapshotRef("b", new SnapshotRef(made[5].SnapshotId, IsTag: false) { MinSnapshotsToKeep = 4, MaxSnapshotAgeMs = 1 }),
            new TableUpdate.SetSnapshotRef("old", new SnapshotRef(made[0].SnapshotId, IsTag: true) { MaxRefAgeMs = 60_000 }));

        // A table at rest keeps what it has.
        world.Time.Set(TimeSpan.FromDays(400));
        ExpiryPlan plan = await world.Expiry().PlanAsync(await world.TableAsync(), Short with { KeepNewest = 1 }, CancellationToken.None);
        Assert.Equal(["old"], plan.Refs);
        Assert.Equal([made[0].SnapshotId, made[1].SnapshotId], plan.SnapshotIds);
    });

    [Fact]
    public void Table_properties_of_iceberg_and_of_ours_come_before_settings_of_a_pipeline() => Run(async world =>
    {
        Dictionary<string, string> pipeline = new() { ["expiry.max-snapshot-age"] = "1h", ["expiry.min-snapshots"] = "7", ["orphans.min-age"] = "9d" };
        await world.ChangeAsync(Events, new TableUpdate.SetProperties(new Dictionary<string, string> { ["history.expire.max-snapshot-age-ms"] = "60000", ["orleanslake.expiry.min-snapshots"] = "3" }));
        UpkeepOptions options = UpkeepOptions.Read((await world.TableAsync()).Metadata, pipeline);
        Assert.Equal((TimeSpan.FromMinutes(1), 3, TimeSpan.FromDays(9)), (options.Expiry.MaxSnapshotAge, options.Expiry.MinSnapshots, options.Orphans.MinAge));
        await world.ChangeAsync(Events, new TableUpdate.SetProperties(new Dictionary<string, string> { ["history.expire.min-snapshots-to-keep"] = "many" }));
        await world.ChangeAsync(Events, new TableUpdate.RemoveProperties(["orleanslake.expiry.min-snapshots"]));
        string message = Assert.Throws<FormatException>(() => UpkeepOptions.Read((world.TableAsync().GetAwaiter().GetResult()).Metadata)).Message;
        Assert.Equal("table property history.expire.min-snapshots-to-keep: expected a number, got \"many\"", message);
    });

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    public void What_an_expiry_that_died_left_the_next_one_deletes(int deletions) => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await world.IngestAsync(committer, 0, 10);
        await world.CompactAsync();
        await world.IngestAsync(committer, 10, 8);

        // Dies at one of its deletions, of which each takes a file here.
        int left = deletions;
        var dying = new DyingStore(world.Objects, () => left-- > 0);
        var catalog = new StoreCatalog(world.Catalog, dying);
        var expiry = new SnapshotExpiry(catalog, new DirectUpkeepCommitter(catalog, world.Ids, world.Time), world.Ids, world.Time);
        ExpiryPlan plan = await expiry.PlanAsync(await world.TableAsync(), Short, CancellationToken.None);
        await Assert.ThrowsAsync<IOException>(() => expiry.ExecuteAsync(plan, CancellationToken.None));
        Assert.Equal(6, (await world.TableAsync()).Metadata.Snapshots.Count);
        await world.AssertWholeAsync();
        Assert.Contains(world.Objects.Locations, location => location.Contains("/expiry/", StringComparison.Ordinal));

        // Also when there is nothing to expire.
        UpkeepResult result = await world.ExpireAsync(Short);
        Assert.True(result.FilesRemoved > 20, $"{result.FilesRemoved} files");
        Assert.DoesNotContain(world.Objects.Locations, location => location.Contains("/expiry/", StringComparison.Ordinal));
        await world.AssertWholeAsync();
        Assert.Equal(9, world.Objects.Locations.Count(location => location.EndsWith(".parquet", StringComparison.Ordinal)));
    });

    [Theory]
    [InlineData(SwapFault.FailAfter, true)]
    [InlineData(SwapFault.ConflictAfter, true)]
    [InlineData(SwapFault.FailBefore, false)]
    public void Nothing_is_deleted_unless_the_swap_is_seen_to_be_in(SwapFault fault, bool isIn) => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await world.IngestAsync(committer, 0, 10);
        await world.CompactAsync();
        await world.IngestAsync(committer, 10, 8);
        await world.RetryAtOnceAsync();
        world.Catalog.Swaps.Enqueue(fault);
        UpkeepResult result = await world.ExpireAsync(Short);
        await world.AssertWholeAsync();
        Assert.Equal(isIn ? 9 : 19, world.Objects.Locations.Count(location => location.EndsWith(".parquet", StringComparison.Ordinal)));
        if (!isIn)
        {
            Assert.Contains("not known", result.Error, StringComparison.Ordinal);
            Assert.Null((await world.ExpireAsync(Short)).Error);
            Assert.Equal(9, world.Objects.Locations.Count(location => location.EndsWith(".parquet", StringComparison.Ordinal)));
        }
    });

    [Fact]
    public void A_file_that_came_back_after_the_note_was_made_is_spared() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await world.IngestAsync(committer, 0, 10);
        DataFile replaced = (await world.FilesAsync())[0];
        await world.CompactAsync();
        await world.IngestAsync(committer, 10, 8);
        int left = 0;
        var catalog = new StoreCatalog(world.Catalog, new DyingStore(world.Objects, () => left-- > 0));
        var expiry = new SnapshotExpiry(catalog, new DirectUpkeepCommitter(catalog, world.Ids, world.Time), world.Ids, world.Time);
        ExpiryPlan plan = await expiry.PlanAsync(await world.TableAsync(), Short, CancellationToken.None);
        await Assert.ThrowsAsync<IOException>(() => expiry.ExecuteAsync(plan, CancellationToken.None));

        await world.ForeignAppendAsync([replaced], []);
        await world.ExpireAsync(Short);
        await world.AssertWholeAsync();
        Assert.Contains(replaced.FilePath, world.Objects.Locations);
    });

    [Fact]
    public void History_that_commits_expire_themselves_leaves_no_file_of_a_compaction_behind() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter(options => options with { History = TimeSpan.FromMinutes(1), KeptSnapshots = 3 });
        await world.IngestAsync(committer, 0, 10);
        await world.CompactAsync();
        await world.IngestAsync(committer, 10, 10);
        Assert.True((await world.TableAsync()).Metadata.Snapshots.Count < 10);
        Assert.Equal(21, world.Objects.Locations.Count(location => location.EndsWith(".parquet", StringComparison.Ordinal)));

        await world.ExpireAsync(Short);
        await world.AssertWholeAsync();
        Assert.Equal(11, world.Objects.Locations.Count(location => location.EndsWith(".parquet", StringComparison.Ordinal)));
    });

    [Fact]
    public void A_table_whose_files_are_not_its_own_is_refused() => Run(async world =>
    {
        await world.IngestAsync(world.NewCommitter(), 0, 10);
        await world.ChangeAsync(Events, new TableUpdate.SetProperties(new Dictionary<string, string> { ["gc.enabled"] = "false" }));
        Assert.Contains("gc.enabled", (await Assert.ThrowsAsync<InvalidOperationException>(() => world.ExpireAsync(Short))).Message, StringComparison.Ordinal);
        Assert.Contains("gc.enabled", (await Assert.ThrowsAsync<InvalidOperationException>(() => world.RemoveOrphansAsync(TimeSpan.Zero))).Message, StringComparison.Ordinal);
    });
}
