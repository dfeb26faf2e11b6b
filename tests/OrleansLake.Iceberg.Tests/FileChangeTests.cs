using OrleansLake.Testing.Iceberg;
using static OrleansLake.Iceberg.Tests.TestTables;

namespace OrleansLake.Iceberg.Tests;

/// <summary>Rewrite, delete, row delta and overwrite: what they leave in manifests and summaries, and what they refuse.</summary>
public sealed class FileChangeTests
{
    private const string A = "memory://a.parquet", B = "memory://b.parquet", C = "memory://c.parquet";

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_rewrite_keeps_data_sequence_numbers_row_ids_and_the_entries_beside(int version)
    {
        var (catalog, _, table) = await InMemoryAsync(Creation(version));
        table = await AppendAsync(catalog, table, 1, File(A), File(B, records: 5));
        var read = table.Metadata.FindRef("main")!;
        var rewrite = new RewriteFiles("main", read, Ids(9), TimeProvider.System);
        rewrite.Remove(File(A));
        rewrite.Add(File(C, records: 10));
        table = await CommitAsync(catalog, table, rewrite);

        var snapshot = table.Metadata.FindRef("main")!;
        var entries = await EntriesAsync(table);
        var gone = entries.Single(entry => entry.Status == ManifestEntryStatus.Deleted);
        Assert.Equal((A, 1L, 1L, snapshot.SnapshotId), (gone.DataFile.FilePath, gone.SequenceNumber, gone.FileSequenceNumber, gone.SnapshotId));
        var kept = entries.Single(entry => entry.Status == ManifestEntryStatus.Existing);
        Assert.Equal((B, 1L, 1L, read.SnapshotId), (kept.DataFile.FilePath, kept.SequenceNumber, kept.FileSequenceNumber, kept.SnapshotId));
        var come = entries.Single(entry => entry.Status == ManifestEntryStatus.Added);
        Assert.Equal((C, 1L, 2L, snapshot.SnapshotId), (come.DataFile.FilePath, come.SequenceNumber, come.FileSequenceNumber, come.SnapshotId));
        if (version == 3)
        {
            Assert.Equal((0L, 10L, 15L), (gone.DataFile.FirstRowId, kept.DataFile.FirstRowId, come.DataFile.FirstRowId));
            Assert.Equal(15, snapshot.FirstRowId);
            Assert.Equal(table.Metadata.NextRowId, snapshot.FirstRowId + snapshot.AddedRows);
        }

        AssertSummary(snapshot, "replace", new()
        {
            ["added-data-files"] = 1, ["added-records"] = 10, ["added-files-size"] = 1000,
            ["deleted-data-files"] = 1, ["deleted-records"] = 10, ["removed-files-size"] = 1000, ["changed-partition-count"] = 1,
            ["total-records"] = 15, ["total-files-size"] = 1500, ["total-data-files"] = 2,
        });
    }

    [Fact]
    public async Task Removed_entries_are_seen_in_their_snapshot_and_gone_from_the_next()
    {
        var (catalog, _, table) = await InMemoryAsync();
        table = await AppendAsync(catalog, table, 1, File(A));
        table = await CommitAsync(catalog, table, Deleting(A));
        Assert.Equal(ManifestEntryStatus.Deleted, Assert.Single(await EntriesAsync(table)).Status);
        Assert.Equal("0", table.Metadata.FindRef("main")!.Summary["total-data-files"]);
        table = await AppendAsync(catalog, table, 3, File(B));
        Assert.Equal([B], (await EntriesAsync(table)).Select(entry => entry.DataFile.FilePath));
    }

    [Fact]
    public async Task Merging_keeps_what_its_own_snapshot_removes()
    {
        var (catalog, _, table) = await InMemoryAsync(Creation(properties: new Dictionary<string, string> { ["commit.manifest.min-count-to-merge"] = "2" }));
        table = await AppendAsync(catalog, table, 1, File(A));
        table = await AppendAsync(catalog, table, 2, File(B));
        var overwrite = new OverwriteFiles("main", table.Metadata.FindRef("main"), Ids(9), TimeProvider.System);
        overwrite.Remove(File(A));
        overwrite.Add(File(C));
        table = await CommitAsync(catalog, table, overwrite);

        Assert.Single(await SnapshotFiles.ManifestsAsync(table, table.Metadata.FindRef("main")!, default));
        Assert.Equal(
            [(A, ManifestEntryStatus.Deleted), (B, ManifestEntryStatus.Existing), (C, ManifestEntryStatus.Added)],
            (await EntriesAsync(table)).Select(entry => (entry.DataFile.FilePath, entry.Status)).Order());
    }

    [Fact]
    public async Task A_rewrite_whose_file_is_gone_names_it()
    {
        var (catalog, _, table) = await InMemoryAsync();
        table = await AppendAsync(catalog, table, 1, File(A), File(B));
        var rewrite = Rewriting(table, A);
        await rewrite.StageAsync(table, new SnapshotExtras(), default);
        table = await CommitAsync(catalog, table, Deleting(A));
        var e = await Assert.ThrowsAsync<ChangeConflictException>(() => rewrite.StageAsync(table, new SnapshotExtras(), default));
        Assert.Equal(ChangeConflictKind.MissingFiles, e.Kind);
        Assert.Equal([A], e.Files);
    }

    [Fact]
    public async Task A_rewrite_goes_on_top_of_an_append_and_writes_its_manifests_once()
    {
        var (catalog, store, table) = await InMemoryAsync();
        table = await AppendAsync(catalog, table, 1, File(A));
        var rewrite = Rewriting(table, A);
        await rewrite.StageAsync(table, new SnapshotExtras(), default);
        table = await AppendAsync(catalog, table, 2, File(B));
        int manifests = store.Locations.Count(location => location.Contains("-m"));
        table = await CommitAsync(catalog, table, rewrite);
        Assert.Equal(manifests, store.Locations.Count(location => location.Contains("-m")));
        Assert.Equal([B, C], (await LiveAsync(table)).Select(entry => entry.DataFile.FilePath).Order());
        Assert.Equal(1, (await LiveAsync(table)).Single(entry => entry.DataFile.FilePath == C).SequenceNumber);
    }

    [Fact]
    public async Task A_rewrite_fails_on_a_new_position_delete_of_its_file_but_not_on_another_nor_on_equality_deletes()
    {
        foreach (var (delete, conflicts) in new[]
        {
            (Positions("memory://d1.parquet") with { ReferencedDataFile = A }, true),
            (Positions("memory://d2.parquet") with { ReferencedDataFile = B }, false),
            (Positions("memory://d3.parquet"), true),
            (Positions("memory://d4.parquet", day: 7), false),
            (Equalities("memory://d5.parquet"), false),
        })
        {
            var (catalog, _, table) = await InMemoryAsync();
            table = await AppendAsync(catalog, table, 1, File(A), File(B), File("memory://x.parquet", day: 7));
            var rewrite = Rewriting(table, A);
            var delta = new RowDelta("main", table.Metadata.FindRef("main"), Ids(33), TimeProvider.System);
            delta.AddDeletes(delete);
            table = await CommitAsync(catalog, table, delta);
            if (conflicts)
            {
                var e = await Assert.ThrowsAsync<ChangeConflictException>(() => rewrite.StageAsync(table, new SnapshotExtras(), default));
                Assert.Equal(ChangeConflictKind.NewDeletes, e.Kind);
                Assert.Equal([A], e.Files);
                Assert.Contains(delete.FilePath, e.Message);
            }
            else
            {
                table = await CommitAsync(catalog, table, rewrite);
                Assert.Contains(C, (await LiveAsync(table)).Select(entry => entry.DataFile.FilePath));
            }
        }
    }

    [Fact]
    public async Task A_change_made_on_a_state_that_was_rolled_back_or_expired_is_refused()
    {
        var (catalog, _, table) = await InMemoryAsync();
        table = await AppendAsync(catalog, table, 1, File(A));
        var first = table.Metadata.FindRef("main")!;
        table = await AppendAsync(catalog, table, 2, File(B));
        var rewrite = Rewriting(table, A);
        var back = Assert.IsType<CommitResult.Committed>(await catalog.CommitTableAsync(new TableCommit(table, [], [new TableUpdate.SetSnapshotRef("main", new SnapshotRef(first.SnapshotId, false))]), default)).Table;
        var e = await Assert.ThrowsAsync<ChangeConflictException>(() => rewrite.StageAsync(back, new SnapshotExtras(), default));
        Assert.Equal(ChangeConflictKind.UnknownHistory, e.Kind);
    }

    [Fact]
    public async Task Deletes_of_every_kind_are_counted_coming_and_going()
    {
        var (catalog, _, table) = await InMemoryAsync();
        table = await AppendAsync(catalog, table, 1, File(A), File(B, day: 19001));
        var delta = new RowDelta("main", table.Metadata.FindRef("main"), Ids(2), TimeProvider.System);
        delta.AddRows(File(C, records: 2));
        delta.AddDeletes(Positions("memory://p.parquet", records: 3));
        delta.AddDeletes(Equalities("memory://e.parquet", records: 4));
        table = await CommitAsync(catalog, table, delta);
        AssertSummary(table.Metadata.FindRef("main")!, "overwrite", new()
        {
            ["added-data-files"] = 1, ["added-records"] = 2, ["added-files-size"] = 900, ["added-delete-files"] = 2,
            ["added-position-delete-files"] = 1, ["added-equality-delete-files"] = 1, ["added-position-deletes"] = 3, ["added-equality-deletes"] = 4,
            ["changed-partition-count"] = 1, ["total-records"] = 22, ["total-files-size"] = 2900, ["total-data-files"] = 3,
            ["total-delete-files"] = 2, ["total-position-deletes"] = 3, ["total-equality-deletes"] = 4,
        });

        var rewrite = new RewriteFiles("main", table.Metadata.FindRef("main")!, Ids(3), TimeProvider.System);
        rewrite.Remove(File(A));
        rewrite.RemoveDeletes(Positions("memory://p.parquet", records: 3));
        rewrite.RemoveDeletes(Equalities("memory://e.parquet", records: 4));
        rewrite.Add(File("memory://a2.parquet", records: 3));
        table = await CommitAsync(catalog, table, rewrite);
        AssertSummary(table.Metadata.FindRef("main")!, "replace", new()
        {
            ["added-data-files"] = 1, ["added-records"] = 3, ["added-files-size"] = 300,
            ["deleted-data-files"] = 1, ["deleted-records"] = 10, ["removed-files-size"] = 1700, ["removed-delete-files"] = 2,
            ["removed-position-delete-files"] = 1, ["removed-equality-delete-files"] = 1, ["removed-position-deletes"] = 3, ["removed-equality-deletes"] = 4,
            ["changed-partition-count"] = 1, ["total-records"] = 15, ["total-files-size"] = 1500, ["total-data-files"] = 3,
        });
    }

    [Fact]
    public async Task A_deletion_vector_is_replaced_not_doubled_and_goes_with_its_data_file()
    {
        var (catalog, _, table) = await InMemoryAsync(Creation(3));
        table = await AppendAsync(catalog, table, 1, File(A), File(B));
        var read = table.Metadata.FindRef("main");
        var first = new RowDelta("main", read, Ids(2), TimeProvider.System);
        first.AddDeletes(Vector(A, 4, records: 1));
        first.AddDeletes(Vector(B, 60, records: 2));
        table = await CommitAsync(catalog, table, first);
        AssertSummary(table.Metadata.FindRef("main")!, "delete", new()
        {
            ["added-delete-files"] = 2, ["added-dvs"] = 2, ["added-position-deletes"] = 3, ["added-files-size"] = 80, ["changed-partition-count"] = 1,
            ["total-records"] = 20, ["total-files-size"] = 2080, ["total-data-files"] = 2, ["total-delete-files"] = 2, ["total-position-deletes"] = 3,
        });

        var second = new RowDelta("main", table.Metadata.FindRef("main"), Ids(3), TimeProvider.System);
        second.AddDeletes(Vector(A, 100, records: 5));
        var e = await Assert.ThrowsAsync<ChangeConflictException>(() => second.StageAsync(table, new SnapshotExtras(), default));
        Assert.Equal(ChangeConflictKind.NewDeletes, e.Kind);
        Assert.Equal([A], e.Files);

        second = new RowDelta("main", table.Metadata.FindRef("main"), Ids(3), TimeProvider.System);
        second.AddDeletes(Vector(A, 100, records: 5));
        second.RemoveDeletes(Vector(A, 4, records: 1));
        table = await CommitAsync(catalog, table, second);
        Assert.Equal(("1", "1", "7"), (table.Metadata.FindRef("main")!.Summary["removed-dvs"], table.Metadata.FindRef("main")!.Summary["added-dvs"], table.Metadata.FindRef("main")!.Summary["total-position-deletes"]));

        table = await CommitAsync(catalog, table, Deleting(A));
        Assert.Equal([(B, (long?)null), ("memory://dv.puffin", 60)], (await LiveAsync(table)).Select(entry => (entry.DataFile.FilePath, entry.DataFile.ContentPosition)));
        Assert.Equal(("1", "2"), (table.Metadata.FindRef("main")!.Summary["total-delete-files"], table.Metadata.FindRef("main")!.Summary["total-position-deletes"]));
    }

    [Fact]
    public async Task Position_delete_files_belong_to_v2_and_deletion_vectors_to_v3()
    {
        foreach (var (version, delete) in new[] { (2, Vector(A, 4)), (3, Positions("memory://p.parquet")) })
        {
            var (catalog, _, table) = await InMemoryAsync(Creation(version));
            table = await AppendAsync(catalog, table, 1, File(A));
            var delta = new RowDelta("main", table.Metadata.FindRef("main"), Ids(2), TimeProvider.System);
            delta.AddDeletes(delete);
            await Assert.ThrowsAsync<ArgumentException>(() => delta.StageAsync(table, new SnapshotExtras(), default));
        }
    }

    [Fact]
    public async Task A_row_delta_fails_when_a_file_that_it_refers_to_is_gone()
    {
        var (catalog, _, table) = await InMemoryAsync(Creation(3));
        table = await AppendAsync(catalog, table, 1, File(A));
        var delta = new RowDelta("main", table.Metadata.FindRef("main"), Ids(2), TimeProvider.System) { Isolation = null };
        delta.AddDeletes(Vector(A, 4));
        table = await CommitAsync(catalog, table, Rewriting(table, A));
        var e = await Assert.ThrowsAsync<ChangeConflictException>(() => delta.StageAsync(table, new SnapshotExtras(), default));
        Assert.Equal((ChangeConflictKind.MissingFiles, A), (e.Kind, e.Files.Single()));
    }

    [Theory]
    [InlineData(IsolationLevel.Serializable, null, true)]
    [InlineData(IsolationLevel.Serializable, "ts < TIMESTAMP '1970-01-05 00:00:00 UTC'", false)]
    [InlineData(IsolationLevel.Snapshot, null, false)]
    public async Task An_append_meanwhile_concerns_serializable_changes_that_read_its_rows(IsolationLevel level, string? filter, bool conflicts)
    {
        var (catalog, _, table) = await InMemoryAsync();
        table = await AppendAsync(catalog, table, 1, File(A));
        var read = table.Metadata.FindRef("main");
        var delta = new RowDelta("main", read, Ids(2), TimeProvider.System) { Isolation = level, ConflictFilter = filter is null ? null : Expression.Parse(filter) };
        delta.AddDeletes(Equalities("memory://e.parquet"));
        var overwrite = new OverwriteFiles("main", read, Ids(3), TimeProvider.System) { Isolation = level, ConflictFilter = filter is null ? null : Expression.Parse(filter) };
        overwrite.Add(File(C));
        table = await AppendAsync(catalog, table, 4, File(B));
        foreach (SnapshotChange change in new SnapshotChange[] { delta, overwrite })
        {
            if (conflicts)
            {
                var e = await Assert.ThrowsAsync<ChangeConflictException>(() => change.StageAsync(table, new SnapshotExtras(), default));
                Assert.Equal((ChangeConflictKind.NewDataFiles, B), (e.Kind, e.Files.Single()));
            }
            else
            {
                await change.StageAsync(table, new SnapshotExtras(), default);
            }
        }
    }

    [Theory]
    [InlineData(IsolationLevel.Serializable)]
    [InlineData(IsolationLevel.Snapshot)]
    public async Task A_delete_meanwhile_concerns_changes_of_every_level(IsolationLevel level)
    {
        var (catalog, _, table) = await InMemoryAsync();
        table = await AppendAsync(catalog, table, 1, File(A));
        var read = table.Metadata.FindRef("main");
        var delta = new RowDelta("main", read, Ids(2), TimeProvider.System) { Isolation = level };
        delta.AddDeletes(Equalities("memory://e.parquet"));
        var overwrite = new OverwriteFiles("main", read, Ids(3), TimeProvider.System) { Isolation = level };
        overwrite.Remove(File(A));
        overwrite.Add(File(C));
        var other = new RowDelta("main", read, Ids(4), TimeProvider.System);
        other.AddDeletes(Positions("memory://p.parquet"));
        table = await CommitAsync(catalog, table, other);
        foreach (SnapshotChange change in new SnapshotChange[] { delta, overwrite })
        {
            Assert.Equal(ChangeConflictKind.NewDeletes, (await Assert.ThrowsAsync<ChangeConflictException>(() => change.StageAsync(table, new SnapshotExtras(), default))).Kind);
        }
    }

    [Fact]
    public async Task Files_are_deleted_by_a_filter_on_metadata_alone()
    {
        var (catalog, store, table) = await InMemoryAsync();
        table = await AppendAsync(catalog, table, 1, File(A, day: 18000), File(B, day: 18001));
        table = await AppendAsync(catalog, table, 2, File(C, day: 19000));
        var delete = new DeleteFiles("main", Ids(3), TimeProvider.System) { RowFilter = Expression.Parse("ts < TIMESTAMP '2020-01-01 00:00:00 UTC'") };
        table = await CommitAsync(catalog, table, delete);
        Assert.Equal([C], (await LiveAsync(table)).Select(entry => entry.DataFile.FilePath));
        AssertSummary(table.Metadata.FindRef("main")!, "delete", new()
        {
            ["deleted-data-files"] = 2, ["deleted-records"] = 20, ["removed-files-size"] = 2000, ["changed-partition-count"] = 2,
            ["total-records"] = 10, ["total-files-size"] = 1000, ["total-data-files"] = 1,
        });
        var partly = new DeleteFiles("main", Ids(4), TimeProvider.System) { RowFilter = Expression.Parse("id = 5") };
        Assert.Contains(C, (await Assert.ThrowsAsync<ArgumentException>(() => partly.StageAsync(table, new SnapshotExtras(), default))).Message);
        Assert.Equal(C, (await LiveAsync(table)).Single().DataFile.FilePath);
        Assert.NotEmpty(store.Locations);
    }

    [Fact]
    public async Task An_overwrite_by_filter_replaces_a_partition_and_checks_what_comes()
    {
        var (catalog, _, table) = await InMemoryAsync();
        table = await AppendAsync(catalog, table, 1, File(A, day: 18000), File(B, day: 18001));
        var filter = Expression.Parse("ts >= TIMESTAMP '2019-04-14 00:00:00 UTC' AND ts < TIMESTAMP '2019-04-15 00:00:00 UTC'");
        var overwrite = new OverwriteFiles("main", table.Metadata.FindRef("main"), Ids(3), TimeProvider.System) { RowFilter = filter, AddedFilesMustMatch = true };
        overwrite.Add(File(C, day: 18000));
        table = await CommitAsync(catalog, table, overwrite);
        Assert.Equal([B, C], (await LiveAsync(table)).Select(entry => entry.DataFile.FilePath).Order());
        Assert.Equal("overwrite", table.Metadata.FindRef("main")!.Summary["operation"]);

        var outside = new OverwriteFiles("main", table.Metadata.FindRef("main"), Ids(4), TimeProvider.System) { RowFilter = filter, AddedFilesMustMatch = true };
        outside.Add(File("memory://d.parquet", day: 18001));
        Assert.Contains("memory://d.parquet", (await Assert.ThrowsAsync<ArgumentException>(() => outside.StageAsync(table, new SnapshotExtras(), default))).Message);
    }

    [Fact]
    public async Task Manifests_are_rewritten_by_partition_and_nothing_of_their_entries_changes()
    {
        var (catalog, _, table) = await InMemoryAsync(Creation(3));
        for (int i = 0; i < 6; i++)
        {
            table = await AppendAsync(catalog, table, i, File($"memory://{i}.parquet", day: i % 2 == 0 ? 5 : null), File($"memory://{i}b.parquet", day: 4));
        }

        var before = (await LiveAsync(table)).OrderBy(entry => entry.DataFile.FilePath).ToList();
        var rewrite = new RewriteManifests("main", Ids(50), TimeProvider.System);
        await rewrite.StageAsync(table, new SnapshotExtras(), default);
        table = await AppendAsync(catalog, table, 7, File("memory://later.parquet"));
        table = await CommitAsync(catalog, table, rewrite);

        var snapshot = table.Metadata.FindRef("main")!;
        Assert.Equal(
            ("replace", "1", "7", "0", "13"),
            (snapshot.Summary["operation"], snapshot.Summary["manifests-created"], snapshot.Summary["manifests-replaced"], snapshot.Summary["manifests-kept"], snapshot.Summary["entries-processed"]));
        var manifest = Assert.Single(await SnapshotFiles.ManifestsAsync(table, snapshot, default));
        Assert.Equal((0, 13, 0), (manifest.AddedFilesCount, manifest.ExistingFilesCount, manifest.DeletedFilesCount));
        var entries = await LiveAsync(table);
        Assert.Equal([null, 4, 5, 19000], entries.Select(entry => (int?)entry.DataFile.Partition.Values[0]).Distinct());
        foreach (var (one, other) in before.Zip(entries.Where(entry => !entry.DataFile.FilePath.Contains("later")).OrderBy(entry => entry.DataFile.FilePath)))
        {
            Assert.Equal(
                (one.DataFile.FilePath, one.SequenceNumber, one.FileSequenceNumber, one.SnapshotId, one.DataFile.FirstRowId),
                (other.DataFile.FilePath, other.SequenceNumber, other.FileSequenceNumber, other.SnapshotId, other.DataFile.FirstRowId));
        }

        Assert.Equal("13", snapshot.Summary["total-data-files"]);
    }

    [Fact]
    public async Task A_commit_reads_only_the_manifests_that_may_hold_what_it_removes()
    {
        var store = new CountingStore(new InMemoryObjectStore());
        var catalog = new InMemoryCatalog(store, TimeProvider.System, Ids(7));
        var table = await catalog.CreateTableAsync(Events, Creation(properties: new Dictionary<string, string> { ["commit.manifest-merge.enabled"] = "false" }), default);
        for (int i = 0; i < 20; i++)
        {
            table = await AppendAsync(catalog, table, i, [.. Enumerable.Range(0, 50).Select(j => File($"memory://{i}-{j}.parquet", day: i))]);
        }

        store.Reads.Clear();
        var delete = new DeleteFiles("main", Ids(99), TimeProvider.System);
        delete.Remove(File("memory://7-3.parquet", day: 7));
        await delete.StageAsync(table, new SnapshotExtras(), default);
        Assert.Single(store.Reads, location => location.Contains("-m"));

        store.Reads.Clear();
        await AppendAsync(catalog, table, 100, File("memory://new.parquet"));
        Assert.DoesNotContain(store.Reads, location => location.Contains("-m"));
    }

    private static DeleteFiles Deleting(string path)
    {
        var delete = new DeleteFiles("main", Ids(77), TimeProvider.System);
        delete.Remove(File(path));
        return delete;
    }

    private static RewriteFiles Rewriting(LoadedTable table, string path)
    {
        var rewrite = new RewriteFiles("main", table.Metadata.FindRef("main")!, Ids(78), TimeProvider.System);
        rewrite.Remove(File(path));
        rewrite.Add(File(C));
        return rewrite;
    }

    private static DataFile Positions(string path, int? day = 19000, long records = 1) => Bare(path, day, records) with { Content = DataFileContent.PositionDeletes };

    private static DataFile Equalities(string path, int? day = 19000, long records = 1) => Bare(path, day, records) with { Content = DataFileContent.EqualityDeletes, EqualityIds = [1] };

    private static DataFile Vector(string dataFile, long position, long records = 1) => Bare("memory://dv.puffin", 19000, records) with
    {
        Content = DataFileContent.PositionDeletes, FileFormat = "puffin", ReferencedDataFile = dataFile, ContentPosition = position, ContentSizeBytes = 40, FileSizeBytes = 400,
    };

    private static DataFile Bare(string path, int? day, long records) =>
        new() { FilePath = path, SpecId = 0, Partition = new PartitionKey([day]), RecordCount = records, FileSizeBytes = records * 100 };

    private static void AssertSummary(Snapshot snapshot, string operation, Dictionary<string, int> counters)
    {
        var expected = counters.ToDictionary(pair => pair.Key, pair => pair.Value.ToString(System.Globalization.CultureInfo.InvariantCulture));
        foreach (string total in new[] { "total-delete-files", "total-position-deletes", "total-equality-deletes" })
        {
            expected.TryAdd(total, "0");
        }

        expected["operation"] = operation;
        Assert.Equal(expected.OrderBy(pair => pair.Key), snapshot.Summary.OrderBy(pair => pair.Key));
    }
}
