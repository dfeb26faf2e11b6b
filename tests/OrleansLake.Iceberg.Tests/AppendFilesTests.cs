using System.Globalization;
using static OrleansLake.Iceberg.Tests.TestTables;

namespace OrleansLake.Iceberg.Tests;

public sealed class AppendFilesTests
{
    [Fact]
    public async Task Files_come_back_as_they_were_given()
    {
        var (catalog, _, table) = await InMemoryAsync();
        var files = new[] { File("memory://a.parquet"), File("memory://b.parquet", day: null, records: 5) };

        table = await AppendAsync(catalog, table, 1, files);

        var live = await LiveAsync(table);
        Assert.Equal(2, live.Count);
        Assert.All(live, entry => Assert.Equal((ManifestEntryStatus.Added, 1L, 1L, table.Metadata.CurrentSnapshotId), (entry.Status, entry.SequenceNumber, entry.FileSequenceNumber, entry.SnapshotId)));
        for (int i = 0; i < files.Length; i++)
        {
            var (expected, got) = (files[i], live[i].DataFile);
            Assert.Equal(expected.FilePath, got.FilePath);
            Assert.Equal("parquet", got.FileFormat);
            Assert.Equal(expected.Partition, got.Partition);
            Assert.Equal((expected.RecordCount, expected.FileSizeBytes, expected.SortOrderId), (got.RecordCount, got.FileSizeBytes, got.SortOrderId));
            Assert.Equal(expected.ColumnSizes, got.ColumnSizes);
            Assert.Equal(expected.ValueCounts, got.ValueCounts);
            Assert.Equal(expected.NullValueCounts, got.NullValueCounts);
            Assert.Null(got.NanValueCounts);
            Assert.Equal(expected.LowerBounds, got.LowerBounds);
            Assert.Equal(expected.UpperBounds, got.UpperBounds);
            Assert.Equal(expected.SplitOffsets, got.SplitOffsets);
        }
    }

    [Fact]
    public async Task The_summary_has_every_counter_of_Java_and_totals_add_up()
    {
        var (catalog, _, table) = await InMemoryAsync();
        table = await AppendAsync(catalog, table, 1, File("memory://a.parquet"), File("memory://b.parquet", day: 19001, records: 5));
        table = await AppendAsync(catalog, table, 2, File("memory://c.parquet", records: 1));

        var summary = table.Metadata.Snapshots[1].Summary;
        var expected = new Dictionary<string, string>
        {
            ["operation"] = "append",
            ["added-data-files"] = "1",
            ["added-records"] = "1",
            ["added-files-size"] = "100",
            ["changed-partition-count"] = "1",
            ["total-records"] = "16",
            ["total-files-size"] = "1600",
            ["total-data-files"] = "3",
            ["total-delete-files"] = "0",
            ["total-position-deletes"] = "0",
            ["total-equality-deletes"] = "0",
        };
        Assert.Equal(expected.OrderBy(pair => pair.Key), summary.OrderBy(pair => pair.Key));
        Assert.Equal("2", table.Metadata.Snapshots[0].Summary["changed-partition-count"]);
    }

    [Fact]
    public async Task An_empty_append_is_a_snapshot_without_manifests_of_its_own()
    {
        var (catalog, _, table) = await InMemoryAsync();
        table = await AppendAsync(catalog, table, 1, File("memory://a.parquet"));
        table = await AppendAsync(catalog, table, 2);

        Assert.Equal(2, table.Metadata.Snapshots.Count);
        Assert.Single(await LiveAsync(table));
        Assert.Single(await SnapshotFiles.ManifestsAsync(table, table.Metadata.Snapshots[1], default));
    }

    [Fact]
    public async Task Append_retried_after_conflict_writes_each_manifest_once()
    {
        var (catalog, store, table) = await InMemoryAsync();
        var append = new AppendFiles(SnapshotRef.Main, Ids(1), TimeProvider.System);
        append.Add(File("memory://mine.parquet"));
        var first = await append.StageAsync(table, new SnapshotExtras(), default);
        var moved = await AppendAsync(catalog, table, 2, File("memory://other.parquet"));
        Assert.IsType<CommitResult.Conflict>(await catalog.CommitTableAsync(new TableCommit(table, first.Requirements, first.Updates), default));

        var second = await append.StageAsync(moved, new SnapshotExtras(), default);
        var result = await catalog.CommitTableAsync(new TableCommit(moved, second.Requirements, second.Updates), default);

        var committed = Assert.IsType<CommitResult.Committed>(result).Table;
        Assert.Equal(first.Snapshot.SnapshotId, second.Snapshot.SnapshotId);
        Assert.Equal(2, store.Locations.Count(location => location.Contains("-m")));
        Assert.Equal(["memory://mine.parquet", "memory://other.parquet"], (await LiveAsync(committed)).Select(entry => entry.DataFile.FilePath));
        Assert.Equal([2L, 1L], (await LiveAsync(committed)).Select(entry => entry.SequenceNumber!.Value));
    }

    [Fact]
    public async Task Ten_writers_under_contention_write_ten_manifests()
    {
        var (catalog, store, _) = await InMemoryAsync();
        await Parallel.ForEachAsync(Enumerable.Range(0, 10), new ParallelOptions { MaxDegreeOfParallelism = 10 }, async (writer, _) =>
        {
            var append = new AppendFiles(SnapshotRef.Main, Ids(100 + writer), TimeProvider.System);
            append.Add(File($"memory://{writer}.parquet"));
            for (; ; )
            {
                var table = (await catalog.LoadTableAsync(Events, default))!;
                var staged = await append.StageAsync(table, new SnapshotExtras(), default);
                if (await catalog.CommitTableAsync(new TableCommit(table, staged.Requirements, staged.Updates), default) is CommitResult.Committed)
                {
                    return;
                }
            }
        });

        var end = (await catalog.LoadTableAsync(Events, default))!;
        Assert.Equal(10, (await LiveAsync(end)).Select(entry => entry.DataFile.FilePath).Distinct().Count());
        Assert.Equal(10, store.Locations.Count(location => location.Contains("-m")));
        Assert.Equal("10", end.Metadata.Snapshots[^1].Summary["total-data-files"]);
    }

    [Fact]
    public async Task Small_manifests_are_merged_and_entries_keep_their_sequence_numbers()
    {
        var (catalog, _, table) = await InMemoryAsync(Creation(properties: new Dictionary<string, string> { ["commit.manifest.min-count-to-merge"] = "4" }));
        for (int i = 0; i < 9; i++)
        {
            table = await AppendAsync(catalog, table, i, File($"memory://{i}.parquet"));
        }

        var manifests = await SnapshotFiles.ManifestsAsync(table, table.Metadata.Snapshots[^1], default);
        Assert.True(manifests.Count < 4, $"{manifests.Count} manifests");
        var live = await LiveAsync(table);
        Assert.Equal(9, live.Count);
        Assert.All(live, entry => Assert.Equal(long.Parse(entry.DataFile.FilePath[9..^8], CultureInfo.InvariantCulture) + 1, entry.SequenceNumber));
        Assert.All(live, entry => Assert.Equal(table.Metadata.Snapshots[(int)entry.SequenceNumber! - 1].SnapshotId, entry.SnapshotId));
        Assert.Equal(1, manifests.Min(manifest => manifest.MinSequenceNumber));
    }

    [Fact]
    public async Task Merging_can_be_switched_off()
    {
        var properties = new Dictionary<string, string> { ["commit.manifest.min-count-to-merge"] = "2", ["commit.manifest-merge.enabled"] = "false" };
        var (catalog, _, table) = await InMemoryAsync(Creation(properties: properties));
        for (int i = 0; i < 5; i++)
        {
            table = await AppendAsync(catalog, table, i, File($"memory://{i}.parquet"));
        }

        Assert.Equal(5, (await SnapshotFiles.ManifestsAsync(table, table.Metadata.Snapshots[^1], default)).Count);
    }

    [Fact]
    public async Task The_manifest_list_carries_the_header_keys_of_the_caller()
    {
        var (_, store, table) = await InMemoryAsync();
        var append = new AppendFiles(SnapshotRef.Main, Ids(), TimeProvider.System);
        var extras = new SnapshotExtras
        {
            Summary = new Dictionary<string, string> { ["x"] = "1", ["operation"] = "mine" },
            ManifestListHeader = new Dictionary<string, string> { ["orleanslake.offsets"] = "{\"ü\":1}" },
        };

        var staged = await append.StageAsync(table, extras, default);

        var list = await ManifestList.ReadAsync(store, staged.Snapshot.ManifestList!, default);
        Assert.Equal("{\"ü\":1}", list.Header["orleanslake.offsets"]);
        Assert.Equal("null", list.Header["parent-snapshot-id"]);
        Assert.Equal(("1", "append"), (staged.Snapshot.Summary["x"], staged.Snapshot.Summary["operation"]));
    }

    [Fact]
    public async Task Row_lineage_of_v3_is_counted_on()
    {
        var (catalog, _, table) = await InMemoryAsync(Creation(formatVersion: 3));
        table = await AppendAsync(catalog, table, 1, File("memory://a.parquet", records: 10), File("memory://b.parquet", records: 5));
        table = await AppendAsync(catalog, table, 2, File("memory://c.parquet", records: 7));

        Assert.Equal(22, table.Metadata.NextRowId);
        Assert.Equal((15L, 7L), (table.Metadata.Snapshots[1].FirstRowId, table.Metadata.Snapshots[1].AddedRows));
        var rows = (await LiveAsync(table)).ToDictionary(entry => entry.DataFile.FilePath, entry => entry.DataFile.FirstRowId);
        Assert.Equal((0, 10, 15), (rows["memory://a.parquet"], rows["memory://b.parquet"], rows["memory://c.parquet"]));
    }

    [Fact]
    public void A_file_added_twice_is_refused()
    {
        var append = new AppendFiles(SnapshotRef.Main, Ids(), TimeProvider.System);
        append.Add(File("memory://a.parquet"));
        Assert.Throws<ArgumentException>(() => append.Add(File("memory://a.parquet")));
    }
}
