using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Upkeep;
using OrleansLake.Testing.Processes;
using OrleansLake.Testing.Upkeep;

namespace OrleansLake.Ingest.Tests.Upkeep;

/// <summary>The small files of the line, on real files, while it goes on.</summary>
public sealed class LineCompactionTests
{
    [Fact]
    public async Task A_thousand_files_come_down_to_one_a_day_while_the_line_goes_on_and_the_audit_still_proves_every_record()
    {
        using var line = await LineTable.CreateAsync();
        await line.IngestAsync(commits: 50, days: 20, rowsEach: 3, TestContext.Current.CancellationToken);
        var options = new CompactionOptions { TargetFileSizeBytes = 64 << 20, QuietPeriod = TimeSpan.Zero, Probe = "ts < '2024-10-05T00:00:00Z'" };
        var compaction = line.Compaction();
        var plan = await compaction.PlanAsync(await line.LoadAsync(), options, TestContext.Current.CancellationToken);
        Assert.Equal((20, 1000L), (plan.Steps.Count, plan.Steps.Sum(step => step.Files)));

        var going = Task.Run(() => line.IngestAsync(commits: 20, days: 20, rowsEach: 3, TestContext.Current.CancellationToken), TestContext.Current.CancellationToken);
        var compacting = compaction.ExecuteAsync(plan, TestContext.Current.CancellationToken);
        await Task.WhenAll(going, compacting);
        var result = await compacting;
        Assert.Null(result.Error);
        Assert.Equal((20, 1000L, 20L), (result.StepsDone, result.FilesRemoved, result.FilesAdded));
        Assert.True(result.CostAfter!.Files < result.CostBefore!.Files, result.Notes[^1]);

        // What came meanwhile, too.
        result = await compaction.ExecuteAsync(await compaction.PlanAsync(await line.LoadAsync(), options, TestContext.Current.CancellationToken), TestContext.Current.CancellationToken);
        var table = await line.LoadAsync();
        Assert.Equal((20L, 4200L), (result.After!.DataFiles, result.After.Rows));
        var audit = await Audit.RunAsync(table, cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(audit is { Verdict: AuditVerdict.Proved, SinceBeginning: true, Rows: 4200, RowsByOffsets: 4200, Files: 20 }, audit.ToString());

        Assert.SkipWhen(ForeignReaders.ClickHouseAbsent is not null, ForeignReaders.ClickHouseAbsent ?? "");
        string path = Path.GetRelativePath(line.Warehouse, LocalObjectStore.PathOf(table.Metadata.Location));
        var found = await ForeignReaders.ClickHouseAsync(line.Warehouse, $"SELECT toString(count()) AS n, toString(uniqExact(id)) AS ids, toString(sum(id)) AS sum, toString(countIf(name != concat('name ', toString(id % 1000)))) AS wrong FROM icebergLocal('{path}')");
        Assert.Equal($$"""[{"n":"4200","ids":"4200","sum":"{{4200L * 4199 / 2}}","wrong":"0"}]""", found.ToJsonString());
    }
}
