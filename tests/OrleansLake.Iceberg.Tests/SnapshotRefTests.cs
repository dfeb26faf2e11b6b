using OrleansLake.Testing.Iceberg;
using static OrleansLake.Iceberg.Tests.TestTables;

namespace OrleansLake.Iceberg.Tests;

/// <summary>Branches, tags, rollback, cherry-pick and expiry.</summary>
public sealed class SnapshotRefTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Branches_and_tags_are_made_moved_renamed_and_removed()
    {
        var (catalog, table, ids) = await HistoryAsync(3);
        table = await ChangeAsync(catalog, table, metadata => new ManageSnapshots(metadata)
            .CreateTag("v1", ids[0]).CreateBranch("audit", ids[1]).SetRetention("audit", 2, TimeSpan.FromDays(1), TimeSpan.FromDays(7)).Rename("v1", "first"));
        Assert.Equal(["audit", "first", "main"], table.Metadata.Refs.Keys.Order());
        Assert.Equal((true, ids[0]), (table.Metadata.Refs["first"].IsTag, table.Metadata.Refs["first"].SnapshotId));
        var audit = table.Metadata.Refs["audit"];
        Assert.Equal((2, 86_400_000L, 604_800_000L), (audit.MinSnapshotsToKeep, audit.MaxSnapshotAgeMs, audit.MaxRefAgeMs));

        table = await ChangeAsync(catalog, table, metadata => new ManageSnapshots(metadata).FastForward("audit", "main").Replace("first", ids[1]));
        Assert.Equal((ids[2], ids[1]), (table.Metadata.Refs["audit"].SnapshotId, table.Metadata.Refs["first"].SnapshotId));
        Assert.Equal(2, table.Metadata.Refs["audit"].MinSnapshotsToKeep);
        table = await ChangeAsync(catalog, table, metadata => new ManageSnapshots(metadata).Remove("audit").Remove("first"));
        Assert.Equal(["main"], table.Metadata.Refs.Keys);
        Assert.Equal(3, table.Metadata.Snapshots.Count);
    }

    [Fact]
    public async Task What_makes_no_sense_of_refs_is_refused()
    {
        var (catalog, table, ids) = await HistoryAsync(3);
        table = await ChangeAsync(catalog, table, metadata => new ManageSnapshots(metadata).CreateTag("v1", ids[0]).CreateBranch("old", ids[0]));
        var refused = new Action<ManageSnapshots>[]
        {
            change => change.CreateTag("v1"),
            change => change.CreateBranch("x", 5),
            change => change.Remove("main"),
            change => change.Remove("nowhere"),
            change => change.Rename("v1", "old"),
            change => change.SetRetention("v1", minSnapshotsToKeep: 3),
            change => change.SetRetention("main", maxRefAge: TimeSpan.FromDays(1)),
            change => change.SetRetention("old", minSnapshotsToKeep: 0),
            change => change.FastForward("main", "old"),
            change => change.RollBackTo(ids[2], "old"),
            change => change.RollBackTo(ids[0], "v1"),
            change => change.RollBackToTime(Start.AddYears(-1)),
        };
        foreach (var change in refused)
        {
            Assert.Throws<ArgumentException>(() => change(new ManageSnapshots(table.Metadata)));
        }
    }

    [Fact]
    public async Task A_rollback_goes_to_an_ancestor_by_id_or_time_and_the_log_shows_it()
    {
        var (catalog, table, ids) = await HistoryAsync(3);
        table = await ChangeAsync(catalog, table, metadata => new ManageSnapshots(metadata).RollBackTo(ids[1]));
        Assert.Equal(ids[1], table.Metadata.CurrentSnapshotId);
        table = await ChangeAsync(catalog, table, metadata => new ManageSnapshots(metadata).RollBackToTime(DateTimeOffset.FromUnixTimeMilliseconds(metadata.FindSnapshot(ids[1])!.TimestampMs)));
        Assert.Equal(ids[0], table.Metadata.CurrentSnapshotId);
        table = await ChangeAsync(catalog, table, metadata => new ManageSnapshots(metadata).SetCurrent(ids[2]));
        Assert.Equal([.. ids, ids[1], ids[0], ids[2]], table.Metadata.SnapshotLog.Select(entry => entry.SnapshotId));
        Assert.Equal(3, (await LiveAsync(table)).Count);
    }

    [Fact]
    public async Task A_ref_that_moved_meanwhile_is_a_conflict()
    {
        var (catalog, table, ids) = await HistoryAsync(2);
        var change = new ManageSnapshots(table.Metadata).RollBackTo(ids[0]);
        var moved = await AppendAsync(catalog, table, 9, File("memory://9.parquet"));
        var result = await catalog.CommitTableAsync(new TableCommit(moved, change.Requirements, change.Updates), default);
        Assert.Contains("main", Assert.IsType<CommitResult.Conflict>(result).Reason);
    }

    [Fact]
    public async Task A_cherry_pick_moves_the_branch_where_it_can_and_else_appends_the_same_files_once()
    {
        var (catalog, table, _) = await HistoryAsync(1);
        table = await ChangeAsync(catalog, table, metadata => new ManageSnapshots(metadata).CreateBranch("audit"));
        var append = new AppendFiles("audit", Ids(30), TimeProvider.System);
        append.Add(File("memory://picked.parquet"));
        var staged = await append.StageAsync(table, new SnapshotExtras { Summary = new Dictionary<string, string> { ["wap.id"] = "w1" } }, default);
        table = Committed(await catalog.CommitTableAsync(new TableCommit(table, staged.Requirements, staged.Updates), default));
        long picked = staged.Snapshot.SnapshotId;

        var forward = await new CherryPick("main", picked, Ids(31), TimeProvider.System).StageAsync(table, default);
        Assert.Equal(picked, Assert.IsType<TableUpdate.SetSnapshotRef>(Assert.Single(forward.Updates)).Reference.SnapshotId);

        table = await AppendAsync(catalog, table, 32, File("memory://between.parquet"));
        var pick = new CherryPick("main", picked, Ids(33), TimeProvider.System);
        var made = await pick.StageAsync(table, default);
        table = Committed(await catalog.CommitTableAsync(new TableCommit(table, made.Requirements, made.Updates), default));
        var snapshot = table.Metadata.FindRef("main")!;
        Assert.Equal(
            ("append", picked.ToString(System.Globalization.CultureInfo.InvariantCulture), "w1", "1"),
            (snapshot.Summary["operation"], snapshot.Summary["source-snapshot-id"], snapshot.Summary["published-wap-id"], snapshot.Summary["added-data-files"]));
        Assert.Equal(["memory://0.parquet", "memory://between.parquet", "memory://picked.parquet"], (await LiveAsync(table)).Select(entry => entry.DataFile.FilePath).Order());
        var again = await Assert.ThrowsAsync<ArgumentException>(() => new CherryPick("main", picked, Ids(34), TimeProvider.System).StageAsync(table, default));
        Assert.Contains("already", again.Message);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_cherry_picked_overwrite_of_partitions_replaces_them_where_nobody_touched_them(int version)
    {
        var (catalog, _, table) = await InMemoryAsync(Creation(version));
        table = await AppendAsync(catalog, table, 1, File("memory://a.parquet"), File("memory://other.parquet", day: 1));
        (table, long staged) = await StageOverwriteAsync(catalog, table, new Dictionary<string, string> { ["replace-partitions"] = "true", ["wap.id"] = "w" });
        table = await AppendAsync(catalog, table, 3, File("memory://b.parquet", day: 2));

        var made = await new CherryPick("main", staged, Ids(4), TimeProvider.System).StageAsync(table, default);
        var picked = Committed(await catalog.CommitTableAsync(new TableCommit(table, made.Requirements, made.Updates), default));
        Assert.Equal(["memory://a2.parquet", "memory://b.parquet", "memory://other.parquet"], (await LiveAsync(picked)).Select(entry => entry.DataFile.FilePath).Order());
        var summary = picked.Metadata.FindRef("main")!.Summary;
        Assert.Equal(
            ("overwrite", staged.ToString(System.Globalization.CultureInfo.InvariantCulture), "w", "true", "1", "1", "3"),
            (summary["operation"], summary["source-snapshot-id"], summary["published-wap-id"], summary["replace-partitions"], summary["added-data-files"], summary["deleted-data-files"], summary["total-data-files"]));
        if (version == 3)
        {
            // Of the rows that the snapshot staged, those on main have ids of their own.
            var rowIds = (await LiveAsync(picked)).ToDictionary(entry => entry.DataFile.FilePath, entry => entry.DataFile.FirstRowId);
            Assert.Equal(picked.Metadata.FindRef("main")!.FirstRowId, rowIds["memory://a2.parquet"]);
        }

        Assert.Contains("already", (await Assert.ThrowsAsync<ArgumentException>(() => new CherryPick("main", staged, Ids(5), TimeProvider.System).StageAsync(picked, default))).Message, StringComparison.Ordinal);

        // A file came to the partition.
        var touched = await AppendAsync(catalog, picked, 6, File("memory://late.parquet"));
        (touched, staged) = await StageOverwriteAsync(catalog, touched, new Dictionary<string, string> { ["replace-partitions"] = "true" }, "memory://a2.parquet", "memory://a3.parquet");
        touched = await AppendAsync(catalog, touched, 7, File("memory://later.parquet"));
        var conflict = await Assert.ThrowsAsync<ChangeConflictException>(() => new CherryPick("main", staged, Ids(8), TimeProvider.System).StageAsync(touched, default));
        Assert.Equal(ChangeConflictKind.NewDataFiles, conflict.Kind);
        Assert.Contains("memory://later.parquet", conflict.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cherry_pick_of_what_rests_on_files_that_are_gone_or_on_another_history_is_refused()
    {
        var (catalog, _, table) = await InMemoryAsync();
        table = await AppendAsync(catalog, table, 1, File("memory://a.parquet"), File("memory://c.parquet"));
        long first = table.Metadata.CurrentSnapshotId!.Value;

        // No overwrite of whole partitions: nobody knows what it depends on.
        (table, long plain) = await StageOverwriteAsync(catalog, table, []);
        (table, long replaced) = await StageOverwriteAsync(catalog, table, new Dictionary<string, string> { ["replace-partitions"] = "true" });
        var moved = await AppendAsync(catalog, table, 3, File("memory://b.parquet", day: 2));
        var refused = await Assert.ThrowsAsync<ArgumentException>(() => new CherryPick("main", plain, Ids(4), TimeProvider.System).StageAsync(moved, default));
        Assert.Contains("neither an append nor an overwrite of whole partitions", refused.Message, StringComparison.Ordinal);

        // On the tip it is the state itself.
        var forward = await new CherryPick("main", plain, Ids(5), TimeProvider.System).StageAsync(table, default);
        Assert.Equal(plain, Assert.IsType<TableUpdate.SetSnapshotRef>(Assert.Single(forward.Updates)).Reference.SnapshotId);

        // What it took out is gone already.
        var delete = new DeleteFiles("main", Ids(6), TimeProvider.System);
        delete.Remove(File("memory://a.parquet"));
        var without = await CommitAsync(catalog, moved, delete);
        var missing = await Assert.ThrowsAsync<ChangeConflictException>(() => new CherryPick("main", replaced, Ids(7), TimeProvider.System).StageAsync(without, default));
        Assert.Equal(ChangeConflictKind.MissingFiles, missing.Kind);

        // Made on a state that the branch has been rolled back behind.
        (without, long late) = await StageOverwriteAsync(catalog, without, new Dictionary<string, string> { ["replace-partitions"] = "true" }, "memory://c.parquet");
        var rolled = await ChangeAsync(catalog, without, metadata => new ManageSnapshots(metadata).RollBackTo(first));
        var unknown = await Assert.ThrowsAsync<ChangeConflictException>(() => new CherryPick("main", late, Ids(8), TimeProvider.System).StageAsync(rolled, default));
        Assert.Equal(ChangeConflictKind.UnknownHistory, unknown.Kind);
    }

    /// <summary>A snapshot that stands in the table and on no branch: one file in place of another.</summary>
    private static async Task<(LoadedTable Table, long SnapshotId)> StageOverwriteAsync(
        ICatalog catalog, LoadedTable table, Dictionary<string, string> summary, string removed = "memory://a.parquet", string added = "memory://a2.parquet")
    {
        var overwrite = new OverwriteFiles("main", table.Metadata.FindRef("main"), Ids(2 + table.Metadata.Snapshots.Count * 10), TimeProvider.System);
        overwrite.Remove(File(removed));
        overwrite.Add(File(added));
        var staged = await overwrite.StageAsync(table, new SnapshotExtras { Summary = summary }, default);
        var updates = staged.Updates.Where(update => update is TableUpdate.AddSnapshot).ToList();
        return (Committed(await catalog.CommitTableAsync(new TableCommit(table, staged.Requirements, updates), default)), staged.Snapshot.SnapshotId);
    }

    [Fact]
    public async Task Expiry_keeps_by_age_count_branch_and_tag()
    {
        var (_, table, ids) = await HistoryAsync(6);
        var metadata = table.Metadata.Apply(
            [
                new TableUpdate.SetSnapshotRef("tag", new SnapshotRef(ids[0], IsTag: true)),
                new TableUpdate.SetSnapshotRef("branch", new SnapshotRef(ids[3], IsTag: false) { MinSnapshotsToKeep = 2 }),
                new TableUpdate.SetSnapshotRef("old-tag", new SnapshotRef(ids[1], IsTag: true) { MaxRefAgeMs = 1000 }),
            ],
            TimeProvider.System);
        // Snapshot i was made on day i; five days are kept.
        Assert.Equal([], Plan(metadata, new ExpireSnapshots(At(6))).SnapshotIds);
        Assert.Equal([ids[1]], Plan(metadata, new ExpireSnapshots(At(7))).SnapshotIds);
        var plan = Plan(metadata, new ExpireSnapshots(At(6)) { OlderThan = Start.AddDays(100) });
        Assert.Equal([ids[1], ids[4]], plan.SnapshotIds);
        Assert.Equal(["old-tag"], plan.Refs);
        Assert.Equal([ids[1]], Plan(metadata, new ExpireSnapshots(At(6)) { OlderThan = Start.AddDays(100), RetainLast = 3 }).SnapshotIds);
        Assert.Equal([ids[1]], Plan(metadata, new ExpireSnapshots(At(6)) { OlderThan = Start.AddDays(100), Keep = new HashSet<long> { ids[4] } }).SnapshotIds);
        Assert.Equal([], Plan(metadata, new ExpireSnapshots(At(6)) { OlderThan = Start.AddDays(-1) }).SnapshotIds);
        Assert.Throws<ArgumentException>(() => Plan(metadata, new ExpireSnapshots(At(6)) { Expire = new HashSet<long> { ids[5] } }));

        var properties = metadata with { Properties = new Dictionary<string, string> { ["history.expire.max-snapshot-age-ms"] = "86400000", ["history.expire.min-snapshots-to-keep"] = "2" } };
        Assert.Equal([ids[1]], Plan(properties, new ExpireSnapshots(At(6))).SnapshotIds);
    }

    [Fact]
    public async Task Expiry_finds_just_the_files_that_nothing_reaches()
    {
        var (catalog, store, table) = await InMemoryAsync(Creation(properties: new Dictionary<string, string> { ["commit.manifest.min-count-to-merge"] = "3" }));
        for (int i = 0; i < 5; i++)
        {
            table = await AppendAsync(catalog, table, i, File($"memory://{i}.parquet"), File($"memory://{i}b.parquet", day: 7));
        }

        long tagged = table.Metadata.CurrentSnapshotId!.Value;
        var delete = new DeleteFiles("main", Ids(20), TimeProvider.System);
        delete.Remove(File("memory://0.parquet"));
        table = await CommitAsync(catalog, table, delete);
        var rewrite = new RewriteFiles("main", table.Metadata.FindRef("main")!, Ids(21), TimeProvider.System);
        rewrite.Remove(File("memory://1.parquet"));
        rewrite.Add(File("memory://1new.parquet"));
        table = await CommitAsync(catalog, table, rewrite);
        table = await ChangeAsync(catalog, table, metadata => new SetStatistics(metadata)
            .Set(new StatisticsFile { SnapshotId = metadata.Snapshots[0].SnapshotId, StatisticsPath = "memory://old.stats", FileSizeBytes = 1, FileFooterSizeBytes = 1 })
            .Set(new PartitionStatisticsFile(metadata.CurrentSnapshotId!.Value, "memory://new.stats", 1)));
        var tagged5 = await ChangeAsync(catalog, table, metadata => new ManageSnapshots(metadata).CreateTag("five", tagged));

        foreach (var (start, expectGone) in new[] { (tagged5, new[] { "memory://old.stats" }), (table, ["memory://0.parquet", "memory://1.parquet", "memory://old.stats"]) })
        {
            var staged = await new ExpireSnapshots(TimeProvider.System) { OlderThan = DateTimeOffset.UtcNow.AddDays(1) }.StageAsync(start, default);
            var after = start.Metadata.Apply(staged.Updates, TimeProvider.System);
            var listed = new List<string>();
            await foreach (UnreachableFile file in staged.Files.ListAsync(default))
            {
                listed.Add(file.Location);
                if (file.Location.Contains("/metadata/"))
                {
                    Assert.Equal(await store.GetSizeAsync(file.Location, default), file.SizeBytes);
                }
            }

            Assert.Equal(listed.Count, listed.Distinct().Count());
            var before = await ReachableAsync(start, start.Metadata);
            var reachable = await ReachableAsync(start, after);
            Assert.Equal(before.Except(reachable).Order(), listed.Order());
            Assert.Equal(expectGone, listed.Where(location => !location.Contains("/metadata/")).Order());
        }

        // Swapped, deleted: the table stands whole.
        var expiry = await new ExpireSnapshots(TimeProvider.System) { OlderThan = DateTimeOffset.UtcNow.AddDays(1) }.StageAsync(tagged5, default);
        var end = Committed(await catalog.CommitTableAsync(new TableCommit(tagged5, expiry.Requirements, expiry.Updates), default));
        int objects = store.Locations.Count;
        long deleted = await expiry.Files.DeleteAsync(default);
        Assert.True(deleted > 5 && store.Locations.Count < objects);
        Assert.Equal(9, (await LiveAsync(end)).Count);
        Assert.Equal(2, end.Metadata.Snapshots.Count);
    }

    [Fact]
    public async Task Expiry_refuses_where_files_are_not_the_tables_own()
    {
        var (_, table, _) = await HistoryAsync(2);
        table = table with { Metadata = table.Metadata with { Properties = new Dictionary<string, string> { ["gc.enabled"] = "false" } } };
        await Assert.ThrowsAsync<InvalidOperationException>(() => new ExpireSnapshots(TimeProvider.System).StageAsync(table, default));
    }

    [Fact]
    public async Task A_ref_made_meanwhile_on_a_branch_keeps_an_expiry_from_being_swapped_in()
    {
        var (catalog, table, _) = await HistoryAsync(3);
        var staged = await new ExpireSnapshots(At(100)).StageAsync(table, default);
        var moved = await AppendAsync(catalog, table, 9, File("memory://9.parquet"));
        Assert.IsType<CommitResult.Conflict>(await catalog.CommitTableAsync(new TableCommit(moved, staged.Requirements, staged.Updates), default));
    }

    [Fact]
    public async Task Schemas_and_specs_that_nothing_uses_go_when_asked()
    {
        var (catalog, table, _) = await HistoryAsync(1);
        table = await ChangeAsync(catalog, table, metadata => new UpdateSpec(metadata).AddField("name", new Transform.Truncate(2)));
        table = await ChangeAsync(catalog, table, metadata => new UpdateSpec(metadata).RemoveField("name_trunc_2"));
        table = await ChangeAsync(catalog, table, metadata => new UpdateSchema(metadata).AddColumn(null, "a", new LongType()));
        table = await ChangeAsync(catalog, table, metadata => new UpdateSchema(metadata).AddColumn(null, "b", new LongType()));
        var staged = await new ExpireSnapshots(TimeProvider.System) { RemoveUnusedSchemasAndSpecs = true }.StageAsync(table, default);
        table = Committed(await catalog.CommitTableAsync(new TableCommit(table, staged.Requirements, staged.Updates), default));
        Assert.Equal([0, 2], table.Metadata.Schemas.Select(schema => schema.SchemaId));
        Assert.Equal([0], table.Metadata.PartitionSpecs.Select(spec => spec.SpecId));
    }

    private static Expiry Plan(TableMetadata metadata, ExpireSnapshots expire) => expire.Plan(metadata);

    private static async Task<HashSet<string>> ReachableAsync(LoadedTable table, TableMetadata metadata)
    {
        var reachable = metadata.Statistics.Select(file => file.StatisticsPath).Concat(metadata.PartitionStatistics.Select(file => file.StatisticsPath)).ToHashSet();
        foreach (var snapshot in metadata.Snapshots)
        {
            reachable.Add(snapshot.ManifestList!);
            foreach (var manifest in await SnapshotFiles.ManifestsAsync(table, snapshot, default))
            {
                reachable.Add(manifest.ManifestPath);
            }

            await foreach (var entry in SnapshotFiles.LiveAsync(table, snapshot, default))
            {
                reachable.Add(entry.DataFile.FilePath);
            }
        }

        return reachable;
    }

    private static async Task<LoadedTable> ChangeAsync(ICatalog catalog, LoadedTable table, Func<TableMetadata, IMetadataChange> change)
    {
        var made = change(table.Metadata);
        return Committed(await catalog.CommitTableAsync(new TableCommit(table, made.Requirements, made.Updates), default));
    }

    private static LoadedTable Committed(CommitResult result) => Assert.IsType<CommitResult.Committed>(result).Table;

    private static FixedTime At(int day) => new(Start.AddDays(day));

    /// <summary>A table with a snapshot a day.</summary>
    private static async Task<(InMemoryCatalog Catalog, LoadedTable Table, long[] Ids)> HistoryAsync(int days)
    {
        var catalog = new InMemoryCatalog(new InMemoryObjectStore(), At(0), Ids(7));
        var table = await catalog.CreateTableAsync(Events, Creation(), default);
        for (int i = 0; i < days; i++)
        {
            var append = new AppendFiles("main", Ids(i), At(i));
            append.Add(File($"memory://{i}.parquet"));
            table = await CommitAsync(catalog, table, append);
        }

        return (catalog, table, [.. table.Metadata.Snapshots.Select(snapshot => snapshot.SnapshotId)]);
    }

    private sealed class FixedTime(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
