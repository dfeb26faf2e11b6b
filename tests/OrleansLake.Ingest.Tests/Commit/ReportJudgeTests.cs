using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using static OrleansLake.Ingest.Tests.Commit.Reports;

namespace OrleansLake.Ingest.Tests.Commit;

public sealed class ReportJudgeTests
{
    private const long Now = 1_000_000;

    private static Lineage LineageOf(CommittedOffsets offsets, long lastSequenceNumber = 1) => new()
    {
        Table = new LoadedTable(TableIdentifier.Parse("db.events"), Metadata() with { LastSequenceNumber = lastSequenceNumber }, "/w/db/events/metadata/v1.metadata.json", null!),
        Branch = "main",
        Offsets = offsets,
        SequenceNumbers = Enumerable.Range(1, (int)lastSequenceNumber).Select(n => (long)n).ToHashSet(),
    };

    private static Verdict Judge(DataWritten report, Lineage lineage, ProtocolRules rules = ProtocolRules.All, params DataWritten[] waiting) =>
        ReportJudge.Judge(report, lineage, lineage.Offsets, waiting, Now, rules);

    private static Verdict.Refuse Refusal(RefusalReason reason, Verdict verdict)
    {
        var refuse = Assert.IsType<Verdict.Refuse>(verdict);
        Assert.Equal(reason, refuse.Reason);
        return refuse;
    }

    private static DataWritten Sent(DataWritten report, long lastSequenceNumber = 1) => report with { FirstSentMs = Now - 1000, LastSequenceNumber = lastSequenceNumber };

    [Fact]
    public void A_range_that_starts_at_the_committed_offset_is_accepted() =>
        Assert.IsType<Verdict.Accept>(Judge(Sent(Report(100, 110)), LineageOf(At(100))));

    [Fact]
    public void A_first_range_of_a_partition_may_start_anywhere() =>
        Assert.IsType<Verdict.Accept>(Judge(Sent(Report(4711, 4712)), LineageOf(CommittedOffsets.Empty)));

    [Fact]
    public void A_report_in_the_lineage_is_answered_with_its_snapshot_whatever_its_ranges_say()
    {
        DataWritten report = Sent(Report(90, 100));
        Lineage lineage = LineageOf(At(100)) with { Reports = new Dictionary<Guid, SnapshotPlace> { [report.ReportId] = new(17, 1) } };

        Assert.Equal(new SnapshotPlace(17, 1), Assert.IsType<Verdict.AlreadyIn>(Judge(report, lineage)).Place);
        Refusal(RefusalReason.Stale, Judge(report, lineage, ProtocolRules.All & ~ProtocolRules.IdsBeforeRanges));
    }

    [Fact]
    public void A_range_behind_the_committed_offset_is_stale_and_named()
    {
        Verdict.Refuse refuse = Refusal(RefusalReason.Stale, Judge(Sent(Report(Range(Events3, 90, 120), Range(new("events", 1), 5, 6))), LineageOf(At(100))));
        Assert.Equal(new RefusedRange(Events3, new OffsetRange(90, 120), 100), Assert.Single(refuse.Ranges));
        Assert.Contains("events-3 was reported as [90, 120), the table's next offset is 100", refuse.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_range_ahead_waits_while_another_report_may_fill_the_way() =>
        Refusal(RefusalReason.NotYet, Judge(Sent(Report(110, 120)), LineageOf(At(100)), waiting: Sent(Report(100, 110))));

    [Fact]
    public void A_range_ahead_waits_while_the_catalog_shows_an_older_table_than_the_writer_knew() =>
        Refusal(RefusalReason.NotYet, Judge(Sent(Report(110, 120), lastSequenceNumber: 5), LineageOf(At(100), lastSequenceNumber: 4)));

    [Fact]
    public void A_range_ahead_of_an_unchanged_lineage_is_a_gap_with_both_offsets()
    {
        Verdict.Refuse refuse = Refusal(RefusalReason.Gap, Judge(Sent(Report(110, 120)), LineageOf(At(100))));
        Assert.Equal(new RefusedRange(Events3, new OffsetRange(110, 120), 100), Assert.Single(refuse.Ranges));
    }

    [Fact]
    public void A_range_ahead_of_a_lineage_that_changed_is_rewound()
    {
        Lineage rolledBack = LineageOf(At(100), lastSequenceNumber: 3) with { SequenceNumbers = new HashSet<long> { 1 } };
        Refusal(RefusalReason.Rewound, Judge(Sent(Report(110, 120), lastSequenceNumber: 2), rolledBack));

        Lineage otherBranchGrew = rolledBack with { SequenceNumbersElsewhere = new HashSet<long> { 2 } };
        Refusal(RefusalReason.Gap, Judge(Sent(Report(110, 120), lastSequenceNumber: 2), otherBranchGrew));
    }

    [Fact]
    public void A_range_ahead_after_a_seek_is_rewound() =>
        Refusal(RefusalReason.Rewound, Judge(Sent(Report(500, 510)), LineageOf(At(100), lastSequenceNumber: 2) with { LastMoves = new Dictionary<string, long> { ["p#g1"] = 2 } }));

    [Fact]
    public void A_range_that_goes_on_where_the_table_has_no_offset_any_more_is_rewound()
    {
        DataWritten report = Sent(Report(110, 120));
        Lineage replaced = LineageOf(CommittedOffsets.Empty, lastSequenceNumber: 2) with { SequenceNumbers = new HashSet<long> { 2 } };
        Refusal(RefusalReason.Rewound, Judge(report, replaced));
        Refusal(RefusalReason.Rewound, Judge(report with { Ranges = [report.Ranges[0] with { ContinuesTable = true }] }, LineageOf(CommittedOffsets.Empty)));
        Assert.IsType<Verdict.Accept>(Judge(report with { Ranges = [report.Ranges[0] with { ContinuesTable = false }] }, replaced));
    }

    [Fact]
    public void A_report_is_refused_when_history_after_it_has_left_the_metadata()
    {
        Refusal(RefusalReason.Rewound, Judge(Sent(Report(100, 110)), LineageOf(At(100), 3) with { LastUnlistedSequenceNumber = 2 }));
        Assert.IsType<Verdict.Accept>(Judge(Sent(Report(100, 110), lastSequenceNumber: 2), LineageOf(At(100), 3) with { LastUnlistedSequenceNumber = 2 }));
    }

    [Fact]
    public void A_report_is_refused_when_a_snapshot_outside_the_lineage_has_it()
    {
        DataWritten report = Sent(Report(100, 110));
        Refusal(RefusalReason.Rewound, Judge(report, LineageOf(At(100)) with { ReportsOutside = new Dictionary<Guid, SnapshotPlace> { [report.ReportId] = new(5, 2) } }));
    }

    [Fact]
    public void A_report_for_another_table_is_refused() =>
        Refusal(RefusalReason.OtherTable, Judge(Sent(Report(100, 110)) with { TableUuid = Guid.NewGuid() }, LineageOf(At(100))));

    [Fact]
    public void A_report_with_a_field_that_left_the_schema_is_refused() =>
        Assert.Contains("field id 9", Refusal(RefusalReason.FieldGone, Judge(Sent(Report(100, 110)) with { FieldIds = [1, 9] }, LineageOf(At(100)))).Message, StringComparison.Ordinal);

    [Fact]
    public void A_topic_that_was_made_anew_is_refused_with_the_command_to_run()
    {
        var ids = new Dictionary<string, string> { ["events"] = "new" };
        CommittedOffsets known = CommittedOffsets.Empty.Advance(Report(0, 100) with { TopicIds = new Dictionary<string, string> { ["events"] = "old" } });
        Verdict.Refuse refuse = Refusal(RefusalReason.OtherTopic, Judge(Sent(Report(0, 10)) with { TopicIds = ids }, LineageOf(known)));
        Assert.Contains("./lake pipeline seek p", refuse.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_cluster_is_refused() =>
        Refusal(RefusalReason.OtherTopic, Judge(Sent(Report(100, 110)) with { ClusterId = "two" }, LineageOf(CommittedOffsets.Empty.Advance(Report(0, 100) with { ClusterId = "one" }))));

    [Fact]
    public void A_leader_epoch_that_went_back_is_refused()
    {
        Lineage lineage = LineageOf(CommittedOffsets.Empty.Advance(Report(Range(Events3, 0, 100) with { LeaderEpoch = 8 })));
        Refusal(RefusalReason.OtherTopic, Judge(Sent(Report(Range(Events3, 100, 110) with { LeaderEpoch = 7 })), lineage));
        Assert.IsType<Verdict.Accept>(Judge(Sent(Report(100, 110)), lineage));
    }

    [Fact]
    public void A_generation_that_has_ended_is_refused() =>
        Refusal(RefusalReason.OtherTopic, Judge(Sent(Report(100, 110)), LineageOf(At(100).Advance(Report(0, 5) with { Generation = "g2" }))));

    [Fact]
    public void An_old_report_is_refused() =>
        Refusal(RefusalReason.TooOld, ReportJudge.Judge(Sent(Report(100, 110)), LineageOf(At(100)), At(100), [], Now + 3_600_001, ProtocolRules.All));

    [Fact]
    public void A_file_older_than_the_table_allows_is_refused()
    {
        DataWritten report = Sent(Report(100, 110));
        long madeMs = FileNameTime.Of(report.Files[0].FilePath)!.Value;
        Assert.InRange(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() - madeMs, 0, 60_000);
        Refusal(RefusalReason.TooOld, Judge(report, LineageOf(At(100)) with { NoFileBeforeMs = madeMs + 1 }));
        Assert.IsType<Verdict.Accept>(Judge(report, LineageOf(At(100)) with { NoFileBeforeMs = madeMs }));
    }

    [Fact]
    public void A_report_that_contradicts_itself_is_refused()
    {
        DataWritten report = Sent(Report(100, 110));
        WrittenRange range = report.Ranges[0];
        Malformed(report with { Ranges = [] }, "at least one");
        Malformed(report with { Ranges = [range with { Gap = 1 }] }, "expected rows + rejected + gap = 10, got 10 + 0 + 1");
        Malformed(report with { Ranges = [range, range] }, "got another");
        Malformed(report with { Files = [File(9)] }, "expected 10 rows by its ranges, got 9");
        Malformed(report with { Files = [File(5, "same"), File(5, "same")] }, "same is listed twice");
        Malformed(report with { Files = [File(10) with { Content = DataFileContent.EqualityDeletes }] }, "expected a data file");
        Malformed(report with { Files = [File(10) with { SpecId = 7 }] }, "no partition spec 7");
        Malformed(report with { Files = [File(10) with { Partition = new PartitionKey([1]) }] }, "expected 0 partition values, got 1");
        Malformed(report with { DeadLetterFiles = [File(1)] }, "expected 0 dead letters");
        Malformed(report with { Generation = "a#b" }, "without '#'");

        static void Malformed(DataWritten report, string message) =>
            Assert.Contains(message, Refusal(RefusalReason.Malformed, Judge(report, LineageOf(At(100)))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_stopped_pipeline_refuses_with_the_reason() =>
        Assert.Equal("why", Refusal(RefusalReason.Rewound, Judge(Sent(Report(100, 110)), LineageOf(At(100)) with { Stop = new PipelineStop("why") })).Message);

    [Fact]
    public void Dead_letters_that_came_in_since_the_writer_looked_refuse_its_report()
    {
        Lineage letters = LineageOf(CommittedOffsets.Empty.AdvanceDeadLetters(Report(100, 200, rejected: 2), CommittedOffsets.Empty));
        DataWritten blind = Sent(Report(100, 150, rejected: 1));
        DataWritten knowing = blind with { Ranges = [blind.Ranges[0] with { DeadLettersNext = 200 }] };

        Refusal(RefusalReason.Rewound, ReportJudge.JudgeDeadLetters(blind, letters, letters.Offsets, ProtocolRules.All));
        Assert.IsType<Verdict.Accept>(ReportJudge.JudgeDeadLetters(knowing, letters, letters.Offsets, ProtocolRules.All));

        // Others came in below the offset that it knew.
        DataWritten counting = knowing with { Ranges = [knowing.Ranges[0] with { DeadLettersRows = 1 }] };
        Refusal(RefusalReason.Rewound, ReportJudge.JudgeDeadLetters(counting, letters, letters.Offsets, ProtocolRules.All));
        Assert.IsType<Verdict.Accept>(ReportJudge.JudgeDeadLetters(counting with { Ranges = [counting.Ranges[0] with { DeadLettersRows = 2 }] }, letters, letters.Offsets, ProtocolRules.All));
        Assert.IsType<Verdict.Accept>(ReportJudge.JudgeDeadLetters(Sent(Report(200, 210, rejected: 1)), letters, letters.Offsets, ProtocolRules.All));
        Assert.IsType<Verdict.Accept>(ReportJudge.JudgeDeadLetters(blind, letters, letters.Offsets, ProtocolRules.All & ~ProtocolRules.DeadLettersOnce));
    }
}
