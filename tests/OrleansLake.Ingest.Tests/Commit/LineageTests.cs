using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Pump;
using static OrleansLake.Ingest.Tests.Commit.World;

namespace OrleansLake.Ingest.Tests.Commit;

/// <summary>Rules 4, 5, 11, 12 and 14: what others may do to a table, and where the pipeline goes on.</summary>
public sealed class LineageTests
{
    private static async Task<long?> ResumeAsync(TableCommitter committer) =>
        (await committer.ResumeAsync("p", "g1", [Reports.Events3], CancellationToken.None)).Partitions.SingleOrDefault()?.Next;

    private static async Task<string> StoppedAsync(TableCommitter committer) =>
        (await Assert.ThrowsAsync<PipelineStoppedException>(() => ResumeAsync(committer))).Message;

    [Fact]
    public void Resume_point_of_a_new_table_has_no_offsets() => Run(async world =>
    {
        ResumePoint point = await world.NewCommitter().ResumeAsync("p", "g1", [Reports.Events3], CancellationToken.None);
        Assert.Equal((0, 0, 0), (point.LastSequenceNumber, point.SchemaId, point.Partitions.Count));
        Assert.Equal((await world.TableAsync()).Metadata.TableUuid, point.TableUuid);
    });

    [Fact]
    public void Resume_point_is_the_tables_and_of_the_asked_generation() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await world.CommittedAsync(committer, 100, 110);

        ResumePoint point = await world.NewCommitter().ResumeAsync("p", "g1", [Reports.Events3, new("events", 9)], CancellationToken.None);
        Assert.Equal(new ResumePosition(Reports.Events3, 110, -1, 110, []), Assert.Single(point.Partitions) with { DeadLetterOffsets = [] });
        Assert.Equal(1, point.LastSequenceNumber);
        Assert.Empty((await committer.ResumeAsync("p", "g2", [Reports.Events3], CancellationToken.None)).Partitions);
    });

    [Fact]
    public void Foreign_appends_above_ours_leave_the_resume_point() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await world.CommittedAsync(committer, 0, 10);
        await world.ForeignAppendAsync();
        await world.ForeignAppendAsync();

        Assert.Equal(10, await ResumeAsync(committer));
        await world.CommittedAsync(committer, 10, 20);
        Assert.Equal(30, (await world.FilesAsync()).Sum(file => file.RecordCount));
        Assert.Equal(AuditVerdict.Proved, (await world.AuditAsync()).Verdict);
    });

    [Fact]
    public void Rollback_of_the_table_rewinds_the_resume_point() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        long first = (await world.CommittedAsync(committer, 0, 10)).SnapshotId;
        await world.CommittedAsync(committer, 10, 20);
        DataWritten onTheWay = await world.ReportAsync(20, 30);
        await world.RollBackAsync(first);

        Refused(RefusalReason.Rewound, await CommitAsync(committer, onTheWay));
        Assert.Equal(10, await ResumeAsync(committer));
        await world.CommittedAsync(committer, 10, 20);
        await world.AssertWholeAsync(20);
    });

    [Fact]
    public void Report_that_was_committed_and_rolled_back_is_not_committed_again() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        long first = (await world.CommittedAsync(committer, 0, 10)).SnapshotId;
        DataWritten report = await world.ReportAsync(10, 20);
        long second = Assert.IsType<ReportAnswer.Committed>(await CommitAsync(committer, report)).SnapshotId;
        await world.RollBackAsync(first);
        Refused(RefusalReason.Rewound, await CommitAsync(world.NewCommitter(), report));

        // Its snapshot and perhaps its files are deleted: only the sequence number tells.
        await world.ForeignExpiryAsync(second);
        Refused(RefusalReason.Rewound, await CommitAsync(world.NewCommitter(), report));
        await world.CommittedAsync(committer, 10, 20);
        await world.AssertWholeAsync(20);
    });

    [Fact]
    public void Cherry_picked_snapshot_stops_the_pipeline() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await world.CommittedAsync(committer, 0, 10);
        long second = (await world.CommittedAsync(committer, 10, 20)).SnapshotId;
        DataWritten report = await world.ReportAsync(20, 30);
        await world.ForeignAppendAsync(10, second.ToString());

        Assert.EndsWith("./lake pipeline accept p", await StoppedAsync(committer), StringComparison.Ordinal);
        Refused(RefusalReason.Rewound, await CommitAsync(committer, report));
        AuditResult audit = await world.AuditAsync();
        Assert.Equal(AuditVerdict.Refuted, audit.Verdict);

        OffsetMove accept = new() { MoveId = Guid.NewGuid(), Pipeline = "p", Generation = "g1", Reason = MoveReason.Accept, Positions = [] };
        Assert.IsType<ReportAnswer.Committed>(await committer.MoveAsync(accept, CancellationToken.None));
        Assert.Equal(20, await ResumeAsync(committer));
        await world.CommittedAsync(committer, 20, 30);
    });

    [Fact]
    public void Cherry_picked_snapshot_of_one_that_is_gone_stops_the_pipeline_and_others_do_not() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await world.CommittedAsync(committer, 0, 10);
        long foreign = await world.ForeignAppendAsync();
        await world.ForeignAppendAsync(5, foreign.ToString());
        Assert.Equal(10, await ResumeAsync(committer));

        await world.ForeignAppendAsync(5, "4711");
        Assert.Contains("cherry-pick from 4711", await StoppedAsync(committer), StringComparison.Ordinal);
    });

    [Fact]
    public void Recreated_table_with_inherited_properties_is_not_believed() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await world.CommittedAsync(committer, 0, 10);
        DataWritten report = await world.ReportAsync(10, 20);
        await world.RecreateAsync();

        Assert.Contains((await world.TableAsync()).Metadata.Properties.Keys, key => key.StartsWith("orleanslake.offsets.", StringComparison.Ordinal));
        Assert.Null(await ResumeAsync(committer));
        Refused(RefusalReason.OtherTable, await CommitAsync(committer, report));
    });

    [Fact]
    public void Replaced_table_with_the_same_uuid_and_properties_is_not_believed() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await world.CommittedAsync(committer, 0, 10);
        DataWritten report = await world.ReportAsync(Reports.Range(Reports.Events3, 10, 20) with { ContinuesTable = true });
        await world.ReplaceAsync();

        Assert.Null(await ResumeAsync(committer));
        Refused(RefusalReason.Rewound, await CommitAsync(committer, report));
        await world.CommittedAsync(committer, 0, 10);
        await world.AssertWholeAsync(10);
    });

    [Fact]
    public void Foreign_expiry_of_our_last_snapshot_is_survived_by_the_metadata_log() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        long ours = (await world.CommittedAsync(committer, 0, 10)).SnapshotId;
        await world.ForeignAppendAsync();
        await world.ForeignAppendAsync();
        await world.ForeignExpiryAsync(ours);
        await world.ChangeAsync(Events, new TableUpdate.RemoveProperties([.. (await world.TableAsync()).Metadata.Properties.Keys.Where(key => key.StartsWith("orleanslake.", StringComparison.Ordinal))]));

        Assert.Equal(10, await ResumeAsync(committer));
        await world.CommittedAsync(committer, 10, 20);
    });

    [Fact]
    public void Property_is_believed_where_the_walk_reaches_its_snapshot() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        long ours = (await world.CommittedAsync(committer, 0, 10)).SnapshotId;
        await world.ForeignAppendAsync();
        await world.ForeignExpiryAsync(ours);
        await ForgetLogAsync(world);

        Assert.Equal(10, await ResumeAsync(committer));
        await world.CommittedAsync(committer, 10, 20);
    });

    [Fact]
    public void Property_of_a_snapshot_that_the_walk_does_not_reach_stops_the_pipeline() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        long ours = (await world.CommittedAsync(committer, 0, 10)).SnapshotId;
        long between = await world.ForeignAppendAsync();
        await world.ForeignAppendAsync();
        await world.ForeignExpiryAsync(ours, between);
        await ForgetLogAsync(world);

        Assert.Contains("has left the metadata", await StoppedAsync(committer), StringComparison.Ordinal);
        Refused(RefusalReason.Rewound, await CommitAsync(committer, await world.ReportAsync(10, 20)));

        OffsetMove seek = new() { MoveId = Guid.NewGuid(), Pipeline = "p", Generation = "g1", Reason = MoveReason.Seek, Positions = [new MovedPosition(Reports.Events3, 10)] };
        Assert.IsType<ReportAnswer.Committed>(await committer.MoveAsync(seek, CancellationToken.None));
        await world.CommittedAsync(committer, 10, 20);
    });

    [Fact]
    public void Table_that_is_older_than_its_first_pipeline_needs_no_decision() => Run(async world =>
    {
        long first = await world.ForeignAppendAsync();
        long second = await world.ForeignAppendAsync();
        await world.ForeignAppendAsync();
        await world.ForeignExpiryAsync(first, second);
        await ForgetLogAsync(world);

        TableCommitter committer = world.NewCommitter();
        Assert.Null(await ResumeAsync(committer));
        await world.CommittedAsync(committer, 0, 10);
    });

    [Fact]
    public void Anchor_says_the_offsets_again_before_our_last_snapshot_leaves_the_log() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await world.ChangeAsync(Events, new TableUpdate.SetProperties(new Dictionary<string, string> { ["write.metadata.previous-versions-max"] = "10" }));
        await world.CommittedAsync(committer, 0, 10);
        Assert.False(await committer.AnchorAsync(CancellationToken.None));
        int anchors = 0;
        for (int n = 0; n < 30; n++)
        {
            await world.ForeignAppendAsync();
            anchors += await committer.AnchorAsync(CancellationToken.None) ? 1 : 0;
        }

        Assert.InRange(anchors, 4, 8);
        Assert.Equal(10, await ResumeAsync(committer));
        Snapshot anchor = (await world.TableAsync()).Metadata.Snapshots.Last(snapshot => snapshot.Summary.GetValueOrDefault(SummaryKeys.Reason) == "anchor");
        Assert.Equal("0", anchor.Summary.GetValueOrDefault(SummaryKeys.AddedRecords, "0"));
        Assert.Equal(AuditVerdict.Proved, (await world.AuditAsync()).Verdict);
    });

    [Fact]
    public void Field_that_left_the_schema_is_refused_on_the_table_as_it_is_now() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await world.CommittedAsync(committer, 0, 10);
        DataWritten report = await world.ReportAsync(10, 20);
        await world.ChangeAsync(
            Events,
            new TableUpdate.AddSchema(new Schema { SchemaId = 1, Fields = [new NestedField(2, "other", false, new StringType())] }),
            new TableUpdate.SetCurrentSchema(-1));

        Refused(RefusalReason.FieldGone, await CommitAsync(committer, report));
        DataWritten rewritten = await world.ReportAsync(10, 20) with { FieldIds = [2], SchemaId = 1 };
        Assert.Equal(1, Assert.IsType<ReportAnswer.Committed>(await CommitAsync(committer, rewritten)).CurrentSchemaId);
    });

    [Fact]
    public void Answers_tell_of_a_schema_that_someone_made_current() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await world.CommittedAsync(committer, 0, 10);
        await world.ChangeAsync(
            Events,
            new TableUpdate.AddSchema(new Schema { SchemaId = 1, Fields = [.. Reports.Schema.Fields, new NestedField(2, "more", false, new StringType())] }),
            new TableUpdate.SetCurrentSchema(-1));

        Assert.Equal(1, (await committer.ReloadSchemaAsync(CancellationToken.None)).Metadata.CurrentSchemaId);
        Assert.Equal(1, (await world.CommittedAsync(committer, 10, 20)).CurrentSchemaId);
        Assert.Equal(1, committer.Status.SchemaId);
    });

    [Fact]
    public void Seek_is_a_commit_and_reports_under_way_are_rewound() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await world.CommittedAsync(committer, 0, 100);
        DataWritten onTheWay = await world.ReportAsync(100, 110);
        OffsetMove back = new() { MoveId = Guid.NewGuid(), Pipeline = "p", Generation = "g1", Reason = MoveReason.Seek, Positions = [new MovedPosition(Reports.Events3, 50)] };
        ReportAnswer answer = await committer.MoveAsync(back, CancellationToken.None);

        Assert.Equal(answer, await committer.MoveAsync(back, CancellationToken.None));
        Assert.Equal(2, (await world.TableAsync()).Metadata.Snapshots.Count);
        Assert.Equal(50, await ResumeAsync(committer));
        Refused(RefusalReason.Rewound, await CommitAsync(committer, onTheWay));
        await world.CommittedAsync(committer, 50, 60);
        AuditResult audit = await world.AuditAsync();
        Assert.Equal(AuditVerdict.Proved, audit.Verdict);
        Assert.Contains(audit.Remarks, remark => remark.Message == "seek: events-3 went from 100 to 50");
    });

    [Fact]
    public void Accepted_loss_applies_only_where_the_table_still_stands() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await world.CommittedAsync(committer, 0, 100);
        OffsetMove loss = new() { MoveId = Guid.NewGuid(), Pipeline = "p", Generation = "g1", Reason = MoveReason.DataLoss, Positions = [new MovedPosition(Reports.Events3, 500, From: 90)] };
        Refused(RefusalReason.Stale, await committer.MoveAsync(loss, CancellationToken.None));

        Assert.IsType<ReportAnswer.Committed>(await committer.MoveAsync(loss with { Positions = [loss.Positions[0] with { From = 100 }] }, CancellationToken.None));
        Snapshot snapshot = (await world.LineageAsync()).Head!;
        Assert.Equal(("data-loss", """{"p#g1":{"events":{"3":[100,500]}}}"""), (snapshot.Summary[SummaryKeys.Reason], snapshot.Summary[SummaryKeys.Moved]));
        await world.CommittedAsync(committer, 500, 510);
        Assert.Equal(AuditVerdict.Proved, (await world.AuditAsync()).Verdict);
    });

    [Fact]
    public void Pipeline_made_anew_begins_anew_and_ends_the_old_one() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await world.CommittedAsync(committer, 0, 100);
        DataWritten old = await world.ReportAsync(100, 110);
        Assert.IsType<ReportAnswer.Committed>(await CommitAsync(committer, await world.ReportAsync(0, 7) with { Generation = "g2" }));

        Refused(RefusalReason.OtherTopic, await CommitAsync(committer, old));
        await Assert.ThrowsAsync<PipelineStoppedException>(() => ResumeAsync(committer));
        Assert.Equal(7, (await committer.ResumeAsync("p", "g2", [Reports.Events3], CancellationToken.None)).Partitions[0].Next);
        Assert.Equal(AuditVerdict.Proved, (await world.AuditAsync()).Verdict);
    });

    [Fact]
    public void Offsets_that_cannot_be_read_stop_the_pipeline_and_name_the_place() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await world.CommittedAsync(committer, 0, 100);
        await world.ForeignAppendAsync([], new() { [SummaryKeys.CommitId] = "x", [SummaryKeys.Offsets] = "{damaged" });

        Assert.Contains("the offsets cannot be read", await StoppedAsync(committer), StringComparison.Ordinal);
        Assert.Equal(AuditVerdict.CannotTell, (await world.AuditAsync()).Verdict);
    });

    [Fact]
    public void Missing_table_is_said_with_the_command_and_the_reports_wait() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter(options => options with { Table = TableIdentifier.Parse("db.nowhere") });
        DataWritten report = await world.ReportAsync(0, 10);
        await committer.EnqueueAsync(report, CancellationToken.None);
        CommitRound round = await committer.CommitAsync(CancellationToken.None);
        Assert.Equal("table db.nowhere does not exist; create it: ./lake table create db.nowhere", round.Trouble!.Message);
        Assert.Equal(1, committer.Status.WaitingReports);
    });

    /// <summary>The earlier metadata files are gone, as delete-after-commit leaves it.</summary>
    private static async Task ForgetLogAsync(World world) =>
        await world.Objects.DeleteAsync([.. (await world.TableAsync()).Metadata.MetadataLog.Select(entry => entry.MetadataFile)], CancellationToken.None);
}
