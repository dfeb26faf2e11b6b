using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Testing.Commit;
using static OrleansLake.Ingest.Tests.Upkeep.UpkeepStand;

namespace OrleansLake.Ingest.Tests.Upkeep;

/// <summary>Small files become large ones, and nothing else changes.</summary>
public sealed class CompactionTests
{
    [Fact]
    public async Task Small_files_of_each_quiet_partition_become_one_and_the_rows_stay()
    {
        await using var stand = await UpkeepStand.CreateAsync(partitions: ByDay);
        await FillAsync(stand, files: 5, days: 2);
        var before = await stand.RowsAsync();
        var bare = await stand.PlanAsync();
        Assert.Equal(2, bare.Steps.Count);
        Assert.Contains("ts_day=2025-05-02: 5 files", string.Join('\n', bare.Lines()), StringComparison.Ordinal);
        Assert.Equal(10, (await stand.EntriesAsync()).Count);

        var result = await stand.CompactAsync();
        Assert.Null(result.Error);
        Assert.Equal((2, 0, 10L, 2L, 0L), (result.StepsDone, result.StepsLeft, result.FilesRemoved, result.FilesAdded, result.RowsRemoved));
        Assert.Equal((10L, 2L, 100L), (result.Before!.DataFiles, result.After!.DataFiles, result.After.Rows));
        Assert.Equal(before, await stand.RowsAsync());
        var head = await stand.HeadAsync();
        Assert.Equal([head.SnapshotId], result.SnapshotsCommitted);
        Assert.Equal(("replace", "compaction"), (head.Summary["operation"], head.Summary[SummaryKeys.Upkeep]));
        Assert.True((await stand.PlanAsync()).IsEmpty);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Every_kind_of_delete_is_applied_and_goes(int version)
    {
        await using var stand = await UpkeepStand.CreateAsync(version);
        await FillAsync(stand, files: 4, days: 1);
        await stand.DeletePositionsAsync(file => file.FilePath.Contains("w-00002", StringComparison.Ordinal), 1, 4);
        await stand.DeleteIdsAsync(PartitionKey.None, 3, 25);
        if (version == 2)
        {
            await stand.DeletePositionsTogetherAsync(7);
        }

        var before = await stand.RowsAsync();
        int expected = version == 2 ? 32 : 36;
        Assert.Equal(expected, before.Count);
        stand.Time.Now += TimeSpan.FromHours(2);
        var result = await stand.CompactAsync();
        Assert.Equal(before, await stand.RowsAsync());
        Assert.Equal(40 - expected, result.RowsRemoved);
        Assert.Single(await stand.EntriesAsync());
        Assert.Equal("0", (await stand.HeadAsync()).Summary["total-delete-files"]);
    }

    [Fact]
    public async Task A_file_of_deletes_stays_while_it_is_of_a_file_that_stays()
    {
        await using var stand = await UpkeepStand.CreateAsync(partitions: ByDay);
        await FillAsync(stand, files: 4, days: 1);
        await stand.AppendAsync(Numbered(500, 1000));
        await stand.DeletePositionsTogetherAsync(0);
        var before = await stand.RowsAsync();
        stand.Options = stand.Options with { TargetFileSizeBytes = (await stand.EntriesAsync(DataFileContent.Data)).Max(entry => entry.DataFile.FileSizeBytes) };
        stand.Time.Now += TimeSpan.FromHours(2);
        var result = await stand.CompactAsync();
        Assert.Equal(4, result.FilesRemoved);
        Assert.Equal(before, await stand.RowsAsync());
        Assert.Single(await stand.EntriesAsync(DataFileContent.PositionDeletes));

        stand.Options = stand.Options with { RewriteAll = true };
        await stand.CompactAsync();
        Assert.Equal(before, await stand.RowsAsync());
        Assert.Empty(await stand.EntriesAsync(DataFileContent.PositionDeletes));
    }

    [Fact]
    public async Task Deletes_that_apply_to_nothing_any_more_go()
    {
        await using var stand = await UpkeepStand.CreateAsync();
        await stand.AppendAsync(Numbered(0, 10));
        await stand.DeleteIdsAsync(PartitionKey.None, 3);
        await stand.RemoveAsync((await stand.EntriesAsync(DataFileContent.Data))[0].DataFile);
        await stand.AppendAsync(Numbered(0, 10));
        Assert.Single(await stand.EntriesAsync(DataFileContent.EqualityDeletes));
        var result = await stand.CompactAsync();
        Assert.Equal((1, 1L), (result.StepsDone, result.FilesRemoved));
        Assert.Empty(await stand.EntriesAsync(DataFileContent.EqualityDeletes));
        Assert.Equal(10, (await stand.RowsAsync()).Count);
    }

    [Fact]
    public async Task Rows_of_v3_keep_their_ids_and_the_number_of_their_last_change()
    {
        await using var stand = await UpkeepStand.CreateAsync(3, ByDay);
        await FillAsync(stand, files: 4, days: 2);
        await stand.DeletePositionsAsync(file => file.FilePath.Contains("w-00001", StringComparison.Ordinal), 2);
        var before = await stand.RowsAsync(null, "id", "_row_id", "_last_updated_sequence_number");
        stand.Time.Now += TimeSpan.FromHours(2);
        await stand.CompactAsync();
        Assert.Equal(before, await stand.RowsAsync(null, "id", "_row_id", "_last_updated_sequence_number"));

        // And through a second rewrite, whose files carry them in columns.
        stand.Options = stand.Options with { RewriteAll = true, MinInputFiles = 2 };
        await FillAsync(stand, files: 1, days: 2, first: 900);
        before = await stand.RowsAsync(null, "id", "_row_id", "_last_updated_sequence_number");
        await stand.CompactAsync();
        Assert.Equal(2, (await stand.EntriesAsync()).Count);
        Assert.Equal(before, await stand.RowsAsync(null, "id", "_row_id", "_last_updated_sequence_number"));
    }

    [Fact]
    public async Task A_delete_that_comes_while_files_are_written_makes_its_partition_alone_be_written_again()
    {
        await using var stand = await UpkeepStand.CreateAsync(3, ByDay);
        await FillAsync(stand, files: 4, days: 3);
        stand.BeforeNextSwap(() => stand.DeletePositionsAsync(file => file.FilePath.Contains("ts_day=2025-05-02/w-00001", StringComparison.Ordinal), 0));
        var result = await stand.CompactAsync();
        Assert.Equal((3, 0), (result.StepsDone, result.StepsLeft));
        Assert.Equal(3, (await stand.EntriesAsync()).Count);
        Assert.Equal(119, (await stand.RowsAsync()).Count);
        // Four partitions' worth was read in all: three, and the one that was hit again.
        Assert.InRange(result.BytesRead, result.BytesRemoved * 5 / 4, result.BytesRemoved * 3 / 2);
        Assert.Contains("others were faster", string.Join('\n', result.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_equality_delete_that_comes_while_files_are_written_hits_the_new_file()
    {
        await using var stand = await UpkeepStand.CreateAsync();
        await FillAsync(stand, files: 4, days: 1);
        stand.BeforeNextSwap(() => stand.DeleteIdsAsync(PartitionKey.None, 5, 17));
        var result = await stand.CompactAsync();
        Assert.Equal(1, result.StepsDone);
        Assert.Equal(38, (await stand.RowsAsync()).Count);
        var file = Assert.Single(await stand.EntriesAsync(DataFileContent.Data));
        var deletes = Assert.Single(await stand.EntriesAsync(DataFileContent.EqualityDeletes));
        Assert.True(file.SequenceNumber < deletes.SequenceNumber);
    }

    [Fact]
    public async Task A_partition_whose_file_went_is_given_up_and_the_others_are_committed()
    {
        await using var stand = await UpkeepStand.CreateAsync(partitions: ByDay);
        await FillAsync(stand, files: 4, days: 2);
        stand.BeforeNextSwap(async () => await stand.RemoveAsync((await stand.EntriesAsync()).First(entry => entry.DataFile.FilePath.Contains("ts_day=2025-05-01", StringComparison.Ordinal)).DataFile));
        var result = await stand.CompactAsync();
        Assert.Equal((1, 1), (result.StepsDone, result.StepsLeft));
        Assert.Equal(70, (await stand.RowsAsync()).Count);
        Assert.Equal(4, (await stand.EntriesAsync()).Count);
    }

    [Fact]
    public async Task Appends_that_come_while_files_are_written_are_no_conflict()
    {
        await using var stand = await UpkeepStand.CreateAsync();
        await FillAsync(stand, files: 4, days: 1);
        stand.BeforeNextSwap(() => stand.AppendAsync(Numbered(1000, 10)));
        var result = await stand.CompactAsync();
        Assert.Equal((1, 4L), (result.StepsDone, result.FilesRemoved));
        Assert.Equal(2, (await stand.EntriesAsync()).Count);
        Assert.Equal(50, (await stand.RowsAsync()).Count);
        Assert.DoesNotContain(result.Notes, note => note.Contains("faster", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_partition_that_still_receives_waits_until_its_debt_is_large()
    {
        await using var stand = await UpkeepStand.CreateAsync();
        stand.Options = stand.Options with { HotFiles = 8 };
        for (int i = 0; i < 7; i++)
        {
            await stand.AppendAsync(Numbered(i * 10, 10));
        }

        var plan = await stand.PlanAsync();
        Assert.True(plan.IsEmpty);
        Assert.Contains("still receive", plan.Lines().Last(), StringComparison.Ordinal);
        await stand.AppendAsync(Numbered(70, 10));
        Assert.Equal(1, (await stand.CompactAsync()).StepsDone);
        Assert.Single(await stand.EntriesAsync());

        // What was merged is left alone until the new ones weigh as much.
        for (int i = 0; i < 8; i++)
        {
            await stand.AppendAsync(Numbered(1000 + i, 1));
        }

        stand.Options = stand.Options with { HotFiles = 9 };
        string merged = (await stand.EntriesAsync()).MaxBy(entry => entry.DataFile.RecordCount)!.DataFile.FilePath;
        Assert.Equal(9, (await stand.EntriesAsync()).Count);
        var step = Assert.Single((await stand.PlanAsync()).Groups).Bins.Single();
        bool isLarger = (await stand.EntriesAsync()).Where(entry => entry.DataFile.FilePath != merged).Sum(entry => entry.DataFile.FileSizeBytes)
            < (await stand.EntriesAsync()).Single(entry => entry.DataFile.FilePath == merged).DataFile.FileSizeBytes;
        Assert.Equal(isLarger ? 8 : 9, step.Tasks.Count);
    }

    [Fact]
    public async Task Groups_are_bounded_and_each_is_a_commit()
    {
        await using var stand = await UpkeepStand.CreateAsync(partitions: ByDay);
        await FillAsync(stand, files: 4, days: 4);
        long each = (await stand.EntriesAsync()).Sum(entry => entry.DataFile.FileSizeBytes) / 4;
        stand.Options = stand.Options with { GroupSizeBytes = each + 100 };
        var plan = await stand.PlanAsync();
        Assert.Equal(4, plan.Groups.Count);
        var result = await stand.CompactAsync();
        Assert.Equal(4, result.SnapshotsCommitted.Count);
        Assert.Equal(4, (await stand.EntriesAsync()).Count);
    }

    [Theory]
    [InlineData(SwapFault.FailAfter, true)]
    [InlineData(SwapFault.FailBefore, false)]
    public async Task A_swap_whose_end_is_not_known_is_looked_up_and_nothing_is_deleted(SwapFault fault, bool isIn)
    {
        await using var stand = await UpkeepStand.CreateAsync();
        await FillAsync(stand, files: 4, days: 1);
        var before = await stand.RowsAsync();
        stand.Catalog.Swaps.Enqueue(fault);
        var result = await stand.CompactAsync();
        Assert.Equal(isIn, result.Error is null);
        Assert.Equal(isIn ? 1 : 0, result.StepsDone);
        Assert.Equal(before, await stand.RowsAsync());
        Assert.Equal(isIn ? 1 : 4, (await stand.EntriesAsync()).Count);
        if (!isIn)
        {
            Assert.Equal(1, (await stand.CompactAsync()).StepsDone);
            Assert.Equal(before, await stand.RowsAsync());
        }
    }

    [Fact]
    public async Task Files_that_an_orphan_removal_may_have_taken_are_written_again()
    {
        await using var stand = await UpkeepStand.CreateAsync();
        await FillAsync(stand, files: 4, days: 1);
        var before = await stand.RowsAsync();
        long line = 0;
        stand.BeforeNextSwap(async () =>
        {
            stand.Time.Now += TimeSpan.FromSeconds(1);
            line = stand.Time.Now.ToUnixTimeMilliseconds();
            var fence = new AppendFiles(SnapshotRef.Main, stand.Ids, stand.Time);
            await stand.ChangeAsync(fence, new SnapshotExtras { Summary = new Dictionary<string, string> { [SummaryKeys.NoFileBefore] = $"{line}" } });
            stand.Time.Now += TimeSpan.FromSeconds(1);
        });
        var result = await stand.CompactAsync();
        Assert.Equal(1, result.StepsDone);
        Assert.Equal(before, await stand.RowsAsync());
        var file = Assert.Single(await stand.EntriesAsync()).DataFile;
        Assert.True(FileNameTime.Of(file.FilePath) >= line);
        Assert.Equal($"{line}", (await stand.HeadAsync()).Summary[SummaryKeys.NoFileBefore]);
    }

    [Fact]
    public async Task Columns_that_were_dropped_or_added_since_are_as_the_table_has_them()
    {
        await using var stand = await UpkeepStand.CreateAsync(partitions: ByDay);
        await stand.AppendAsync(Numbered(0, 10));
        await stand.ChangeAsync(metadata => new UpdateSchema(metadata).DropColumn("tags").AddColumn(null, "more", new IntegerType()));
        await stand.AppendAsync(Numbered(10, 10).Select(row => new object?[] { row[0], row[1], row[2], 7 }));
        await stand.ChangeAsync(metadata => new UpdateSpec(metadata).AddField("id", new Transform.Bucket(4)));
        await stand.AppendAsync(Numbered(20, 10).Select(row => new object?[] { row[0], row[1], row[2], 8 }));
        await stand.AppendAsync(Numbered(30, 10).Select(row => new object?[] { row[0], row[1], row[2], 9 }));
        var before = await stand.RowsAsync();
        stand.Options = stand.Options with { MinInputFiles = 2 };
        stand.Time.Now += TimeSpan.FromHours(2);
        await stand.CompactAsync();
        Assert.Equal(before, await stand.RowsAsync());
        var entries = await stand.EntriesAsync();
        Assert.Equal([0, 1, 1, 1, 1], entries.Select(entry => entry.DataFile.SpecId).Order());
        Assert.All(entries, entry => Assert.Contains(entry.DataFile.SpecId == 0 ? "/ts_day=2025-05-01/rewrite-" : "id_bucket", entry.DataFile.FilePath, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_table_that_cannot_be_written_here_is_left_alone_and_the_plan_says_why()
    {
        await using var stand = await UpkeepStand.CreateAsync(3);
        await FillAsync(stand, files: 4, days: 1);
        await stand.ChangeAsync(metadata => new UpdateSchema(metadata).AddColumn(null, "nothing", new StructType([new NestedField(1, "u", false, new UnknownType())])));
        var plan = await stand.PlanAsync();
        Assert.True(plan.IsEmpty);
        Assert.Contains("field nothing (id 6): a struct without columns", plan.Lines().Last(), StringComparison.Ordinal);
        Assert.Null((await stand.CompactAsync()).Error);
    }

    [Fact]
    public async Task Files_are_closed_at_the_target_size()
    {
        await using var stand = await UpkeepStand.CreateAsync();
        for (int i = 0; i < 6; i++)
        {
            await stand.AppendAsync(Enumerable.Range(0, 20_000).Select(n => Row((i * 20_000L) + n, n, $"{(i * 7919L) + (n * 104_729L):X}")));
        }

        stand.Options = stand.Options with { TargetFileSizeBytes = 300_000 };
        stand.Time.Now += TimeSpan.FromHours(2);
        long total = (await stand.EntriesAsync()).Sum(entry => entry.DataFile.FileSizeBytes);
        await stand.CompactAsync();
        var sizes = (await stand.EntriesAsync()).Select(entry => entry.DataFile.FileSizeBytes).OrderDescending().ToList();
        Assert.InRange(sizes.Count, (int)(total / 500_000), (int)(total / 300_000) + 2);
        // An open file's size is a guess until its first pages are compressed.
        Assert.All(sizes, size => Assert.InRange(size, 1, 450_000));
        Assert.InRange(sizes[sizes.Count / 2], 150_000, 450_000);
        Assert.Equal(120_000, (await stand.RowsAsync()).Distinct().Count());
        var left = await stand.PlanAsync();
        Assert.True(left.IsEmpty, string.Join('\n', left.Lines()));
    }

    /// <summary>Files of ten rows, then two hours of quiet.</summary>
    private static async Task FillAsync(UpkeepStand stand, int files, int days, long first = 0)
    {
        for (int file = 0; file < files; file++)
        {
            long start = first + (file * days * 10);
            await stand.AppendAsync(Enumerable.Range(0, days).SelectMany(day => Numbered(start + (day * 10), 10, day * 24)));
        }

        stand.Time.Now += TimeSpan.FromHours(2);
    }
}
