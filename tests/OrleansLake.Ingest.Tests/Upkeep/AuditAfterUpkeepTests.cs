using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Tests.Commit;
using static OrleansLake.Ingest.Tests.Commit.World;

namespace OrleansLake.Ingest.Tests.Upkeep;

/// <summary>The audit counts through what the upkeep has rewritten and taken.</summary>
public sealed class AuditAfterUpkeepTests
{
    [Fact]
    public void Rows_that_were_rewritten_are_counted_still() => Run(async world =>
    {
        await IngestAsync(world);
        await ReplaceAsync(world, 20, "compaction");
        AuditResult audit = await world.AuditAsync();
        Assert.True(audit is { Verdict: AuditVerdict.Proved, SinceBeginning: true, Rows: 20, RowsByOffsets: 20, Files: 1 }, audit.ToString());
        Assert.Contains(audit.Remarks, remark => remark.Message == "compaction: 0 rows went");
    });

    [Fact]
    public void Rows_that_retention_took_are_taken_into_account() => Run(async world =>
    {
        await IngestAsync(world);
        var change = new DeleteFiles(SnapshotRef.Main, world.Ids, world.Time);
        change.Remove((await world.FilesAsync())[0]);
        await CommitAsync(world, change, "retention");
        AuditResult audit = await world.AuditAsync();
        Assert.True(audit is { Verdict: AuditVerdict.Proved, Rows: 10, RowsByOffsets: 20 }, audit.ToString());
        Assert.Contains(audit.Remarks, remark => remark.Message == "retention: 10 rows went");
    });

    [Fact]
    public void A_row_that_is_missing_behind_a_rewrite_is_found() => Run(async world =>
    {
        await IngestAsync(world);
        await ReplaceAsync(world, 20, "compaction");
        // A list that is not what the summaries say: the files of the newest snapshot hold a row less.
        await ReplaceAsync(world, 18, "compaction", claims: 19);
        AuditResult audit = await world.AuditAsync();
        Assert.Equal(AuditVerdict.Refuted, audit.Verdict);
        Assert.Contains(audit.Findings, finding => finding.Message.Contains("less 1 that the upkeep took, got 18", StringComparison.Ordinal));
    });

    private static async Task IngestAsync(World world)
    {
        TableCommitter committer = world.NewCommitter();
        await world.CommittedAsync(committer, 0, 10);
        await world.CommittedAsync(committer, 10, 20);
    }

    private static async Task ReplaceAsync(World world, long rows, string operation, long? claims = null)
    {
        var rewrite = new RewriteFiles(SnapshotRef.Main, (await world.TableAsync()).Metadata.FindRef(SnapshotRef.Main)!, world.Ids, world.Time);
        foreach (DataFile file in await world.FilesAsync())
        {
            rewrite.Remove(file);
        }

        rewrite.Add(Reports.File(rows));
        await CommitAsync(world, rewrite, operation, claims is null ? null : "added-records", $"{claims}");
    }

    /// <summary>Commits as the upkeep does; with one counter of the summary that says something else.</summary>
    private static async Task CommitAsync(World world, SnapshotChange change, string operation, string? counter = null, string? value = null)
    {
        LoadedTable table = await world.TableAsync();
        StagedSnapshot staged = await change.StageAsync(table, new SnapshotExtras { Summary = new Dictionary<string, string> { [SummaryKeys.Upkeep] = operation } }, default);
        var updates = staged.Updates.Select(update => update is TableUpdate.AddSnapshot(var snapshot) && counter is not null
            ? new TableUpdate.AddSnapshot(snapshot with { Summary = new Dictionary<string, string>(snapshot.Summary) { [counter] = value! } })
            : update);
        Assert.IsType<CommitResult.Committed>(await world.Catalog.CommitTableAsync(new TableCommit(table, staged.Requirements, [.. updates]), default));
    }
}
