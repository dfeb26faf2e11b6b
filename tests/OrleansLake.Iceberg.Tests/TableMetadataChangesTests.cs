namespace OrleansLake.Iceberg.Tests;

public sealed class TableMetadataChangesTests
{
    [Fact]
    public void Removed_snapshots_take_their_refs_history_and_statistics_with_them()
    {
        var metadata = WithSnapshots(1, 2, 3) with
        {
            Statistics = [Statistics(1), Statistics(3)],
            PartitionStatistics = [new PartitionStatisticsFile(2, "p", 1), new PartitionStatisticsFile(3, "q", 1)],
        };
        metadata = Apply(metadata, new TableUpdate.SetSnapshotRef("old", new SnapshotRef(1, IsTag: true)));

        var after = Apply(metadata, new TableUpdate.RemoveSnapshots([1, 2]));

        Assert.Equal([3L], after.Snapshots.Select(snapshot => snapshot.SnapshotId));
        Assert.Equal([3L], after.SnapshotLog.Select(entry => entry.SnapshotId));
        Assert.Equal(["main"], after.Refs.Keys);
        Assert.Equal((3L, 3L), (after.CurrentSnapshotId, after.LastSequenceNumber));
        Assert.Equal([3L], after.Statistics.Select(file => file.SnapshotId));
        Assert.Equal([3L], after.PartitionStatistics.Select(file => file.SnapshotId));
        AssertReadable(after);
    }

    [Fact]
    public void History_before_a_gap_is_dropped()
    {
        var after = Apply(WithSnapshots(1, 2, 3), new TableUpdate.RemoveSnapshots([2]));
        Assert.Equal([3L], after.SnapshotLog.Select(entry => entry.SnapshotId));
        Assert.Equal(2, after.Snapshots.Count);
    }

    [Fact]
    public void A_rollback_is_a_new_entry_of_the_history()
    {
        var before = WithSnapshots(1, 2);
        var after = Apply(before, new TableUpdate.SetSnapshotRef("main", new SnapshotRef(1, IsTag: false)));
        Assert.Equal(1, after.CurrentSnapshotId);
        Assert.Equal([1L, 2L, 1L], after.SnapshotLog.Select(entry => entry.SnapshotId));
        Assert.True(after.SnapshotLog[^1].TimestampMs > before.SnapshotLog[^1].TimestampMs);
        AssertReadable(after);
    }

    [Fact]
    public void A_clock_that_steps_back_never_dates_a_change_before_the_last()
    {
        var metadata = WithSnapshots(1) with { LastUpdatedMs = 9_999_999_999_999 };
        Assert.Equal(10_000_000_000_000, Apply(metadata, new TableUpdate.SetProperties(new Dictionary<string, string> { ["a"] = "b" })).LastUpdatedMs);
    }

    [Fact]
    public void A_snapshot_that_is_there_already_or_out_of_order_is_refused()
    {
        var metadata = WithSnapshots(1, 2);
        Assert.Throws<ArgumentException>(() => Apply(metadata, new TableUpdate.AddSnapshot(Snapshot(2, 3))));
        Assert.Throws<ArgumentException>(() => Apply(metadata, new TableUpdate.AddSnapshot(Snapshot(9, 2))));
        Assert.Throws<ArgumentException>(() => Apply(metadata, new TableUpdate.SetSnapshotRef("main", new SnapshotRef(9, false))));
    }

    [Fact]
    public void Specs_keep_the_ids_of_fields_that_they_had_before()
    {
        var metadata = WithSnapshots();
        var byName = new PartitionField(0, "name", [3], new Transform.Identity());
        var byDay = new PartitionField(0, "ts_day", [2], new Transform.Day());
        metadata = Apply(metadata, new TableUpdate.AddPartitionSpec(new PartitionSpec { SpecId = 0, Fields = [byName, byDay] }), new TableUpdate.SetDefaultSpec(-1));
        Assert.Equal((1, 1001), (metadata.DefaultSpecId, metadata.LastPartitionId));
        Assert.Equal([1001, 1000], metadata.DefaultSpec.Fields.Select(field => field.FieldId));
        Assert.Same(metadata.PartitionSpecs[0].Fields, Apply(metadata, new TableUpdate.AddPartitionSpec(metadata.PartitionSpecs[0]), new TableUpdate.SetDefaultSpec(-1)).DefaultSpec.Fields);
        AssertReadable(metadata);
    }

    [Fact]
    public void An_upgrade_to_v3_begins_to_number_rows_and_nothing_goes_back()
    {
        var metadata = Apply(WithSnapshots(1), new TableUpdate.UpgradeFormatVersion(3));
        Assert.Equal((3, 0L), (metadata.FormatVersion, metadata.NextRowId));
        Assert.Throws<ArgumentException>(() => Apply(metadata, new TableUpdate.UpgradeFormatVersion(2)));
        AssertReadable(metadata);
    }

    [Fact]
    public void Types_of_v3_are_refused_in_a_v2_table()
    {
        var e = Assert.Throws<ArgumentException>(() => new UpdateSchema(WithSnapshots()).AddColumn(null, "v", new VariantType()));
        Assert.Contains("v: variant needs format version 3, the table has 2", e.Message);
    }

    private static StatisticsFile Statistics(long id) => new() { SnapshotId = id, StatisticsPath = "s", FileSizeBytes = 9, FileFooterSizeBytes = 3 };

    private static Snapshot Snapshot(long id, long sequence) => new()
    {
        SnapshotId = id,
        ParentSnapshotId = sequence > 1 ? id - 1 : null,
        SequenceNumber = sequence,
        TimestampMs = 1000 * sequence,
        ManifestList = $"/w/t/metadata/{id}.avro",
        SchemaId = 0,
    };

    private static TableMetadata WithSnapshots(params long[] ids)
    {
        var metadata = TableMetadataCreation.Create(TestTables.Creation(), "/w/t", Guid.NewGuid(), DateTimeOffset.UnixEpoch);
        foreach (long id in ids)
        {
            metadata = Apply(metadata, new TableUpdate.AddSnapshot(Snapshot(id, id)), new TableUpdate.SetSnapshotRef("main", new SnapshotRef(id, false)));
        }

        return metadata;
    }

    private static void AssertReadable(TableMetadata metadata)
    {
        byte[] written = TableMetadataJson.Write(metadata);
        Assert.Equal(written, TableMetadataJson.Write(TableMetadataJson.Read(written, "x")));
    }

    private static TableMetadata Apply(TableMetadata metadata, params TableUpdate[] updates) => metadata.Apply(updates, TimeProvider.System);
}
