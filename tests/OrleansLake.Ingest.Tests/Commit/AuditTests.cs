using System.Text.Json;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Testing.Simulation;
using static OrleansLake.Ingest.Tests.Commit.World;

namespace OrleansLake.Ingest.Tests.Commit;

public sealed class AuditTests
{
    /// <summary>A commit of ours by someone who does not keep the rules.</summary>
    private static Task<long> ForgeAsync(World world, CommittedOffsets offsets, params DataFile[] files) => world.ForeignAppendAsync(files, new()
    {
        [SummaryKeys.CommitId] = Guid.NewGuid().ToString("N"),
        [SummaryKeys.Branch] = "main",
        [SummaryKeys.Offsets] = CommittedOffsetsJson.Write(offsets),
    });

    private static async Task RefutedAsync(World world, string message)
    {
        AuditResult audit = await world.AuditAsync();
        Assert.Equal(AuditVerdict.Refuted, audit.Verdict);
        Assert.Contains(audit.Findings, finding => finding.Message.Contains(message, StringComparison.Ordinal));
    }

    [Fact]
    public void Table_of_one_pipeline_is_proved_since_its_first_snapshot() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await world.CommittedAsync(committer, 5, 10);
        await world.CommittedAsync(committer, 10, 30, rejected: 4);
        AuditResult audit = await world.AuditAsync();

        Assert.Equal((AuditVerdict.Proved, true, 3, 2, 21L, 21L), (audit.Verdict, audit.SinceBeginning, audit.Commits, audit.Files, audit.Rows, audit.RowsByOffsets));
        Assert.Equal(new AuditedPartition("p", "g1", "events", 3, 30, 21, 4, 0), Assert.Single(audit.Partitions));
        Assert.StartsWith("db.events: proved since the table's first snapshot: 3 commits, 2 files, 21 rows, each offset once", audit.ToString(), StringComparison.Ordinal);
        Assert.Contains("\"Verdict\":\"Proved\"", JsonSerializer.Serialize(audit), StringComparison.Ordinal);
    });

    [Fact]
    public void Last_report_of_a_generation_and_first_of_the_next_are_two_commits() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        DataWritten last = await world.ReportAsync(0, 10);
        DataWritten first = await world.ReportAsync(0, 10) with { Generation = "g2" };
        await committer.EnqueueAsync(last, CancellationToken.None);
        await committer.EnqueueAsync(first, CancellationToken.None);
        Assert.Equal(2, (await committer.CommitAsync(CancellationToken.None)).Answered);

        Assert.IsType<ReportAnswer.Committed>(await committer.OutcomeAsync(last.ReportId, CancellationToken.None));
        Assert.IsType<ReportAnswer.Committed>(await committer.OutcomeAsync(first.ReportId, CancellationToken.None));
        AuditResult audit = await world.AuditAsync();
        Assert.Equal((AuditVerdict.Proved, 2, 20L), (audit.Verdict, audit.Commits, audit.Rows));
    });

    [Fact]
    public void Empty_table_cannot_be_told() => Run(async world =>
    {
        AuditResult audit = await world.AuditAsync();
        Assert.Equal(AuditVerdict.CannotTell, audit.Verdict);
        Assert.Equal("cannot tell: the table has no snapshot", audit.Sentence);
    });

    [Fact]
    public void Table_of_others_cannot_be_told() => Run(async world =>
    {
        await world.ForeignAppendAsync();
        Assert.Equal(AuditVerdict.CannotTell, (await world.AuditAsync()).Verdict);
    });

    [Fact]
    public void Skipped_offsets_are_refuted() => Run(async world =>
    {
        await world.CommittedAsync(world.NewCommitter(), 0, 10);
        await ForgeAsync(world, Reports.At(10).Advance(Reports.Report(11, 20)), Reports.File(9));
        await RefutedAsync(world, "events-3: [10, 20) holds 10 offsets, 9 rows + 0 rejected + 0 gaps were counted");
    });

    [Fact]
    public void Rows_that_no_offset_counts_are_refuted() => Run(async world =>
    {
        await world.CommittedAsync(world.NewCommitter(), 0, 10);
        await ForgeAsync(world, Reports.At(20), Reports.File(11));
        await RefutedAsync(world, "its offsets count 10 rows, it added 11");
    });

    [Fact]
    public void File_that_is_listed_twice_is_refuted() => Run(async world =>
    {
        DataFile file = Reports.File(10);
        await ForgeAsync(world, Reports.At(10), file);
        await ForgeAsync(world, Reports.At(20), file);
        await RefutedAsync(world, $"{file.FilePath} is listed twice");
    });

    [Fact]
    public void Offsets_that_went_back_are_refuted() => Run(async world =>
    {
        await ForgeAsync(world, Reports.At(20), Reports.File(20));
        await ForgeAsync(world, Reports.At(10));
        await RefutedAsync(world, "a count went back");
    });

    [Fact]
    public void Offsets_that_vanished_are_refuted() => Run(async world =>
    {
        await ForgeAsync(world, Reports.At(20), Reports.File(20));
        await ForgeAsync(world, CommittedOffsets.Empty);
        await RefutedAsync(world, "the offsets of p#g1 are gone");
    });

    [Fact]
    public void Report_in_two_snapshots_is_refuted() => Run(async world =>
    {
        string report = Guid.NewGuid().ToString("N");
        for (int n = 1; n < 3; n++)
        {
            await world.ForeignAppendAsync([Reports.File(10)], new()
            {
                [SummaryKeys.CommitId] = "c",
                [SummaryKeys.Reports] = report,
                [SummaryKeys.Offsets] = CommittedOffsetsJson.Write(Reports.At(n * 10)),
            });
        }

        await RefutedAsync(world, $"report {report} is in snapshot");
    });

    [Fact]
    public void File_of_ours_that_is_gone_is_refuted_also_where_others_append() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await world.CommittedAsync(committer, 0, 10);
        await world.ForeignAppendAsync(7);
        await world.CommittedAsync(committer, 10, 20);
        (_, LoadedTable rows, LoadedTable letters, _) = new Tampering(await world.TableAsync(), await world.TableAsync(Letters), 1).All().First(spoiled => spoiled.What == "a file dropped");
        Assert.Equal(AuditVerdict.Refuted, (await Audit.RunAsync(rows, letters)).Verdict);
    });

    [Fact]
    public void Dead_letters_that_are_gone_are_refuted() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await world.CommittedAsync(committer, 0, 10, rejected: 2);
        (_, LoadedTable rows, LoadedTable letters, _) = new Tampering(await world.TableAsync(), await world.TableAsync(Letters), 1).All().First(spoiled => spoiled.What == "a file of dead letters dropped");
        AuditResult audit = await Audit.RunAsync(rows, letters);
        Assert.Equal(AuditVerdict.Refuted, audit.Verdict);
        Assert.StartsWith("dead-letter table db.events_dead_letters: expected 2 rows in its files by its offsets, got 0", audit.Findings[0].Message, StringComparison.Ordinal);
    });

    [Fact]
    public void Foreign_snapshots_are_remarked_and_leave_the_proof() => Run(async world =>
    {
        await world.CommittedAsync(world.NewCommitter(), 0, 10);
        await world.ForeignAppendAsync(7);
        AuditResult audit = await world.AuditAsync();
        Assert.Equal((AuditVerdict.Proved, 17L, 10L), (audit.Verdict, audit.Rows, audit.RowsByOffsets));
        Assert.Equal("append by someone else: 7 rows added, 0 deleted", Assert.Single(audit.Remarks).Message);
    });
}
