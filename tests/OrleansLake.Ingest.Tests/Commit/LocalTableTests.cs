using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;

namespace OrleansLake.Ingest.Tests.Commit;

/// <summary>The same on real files, by real threads.</summary>
public sealed class LocalTableTests : IDisposable
{
    private readonly string _warehouse = Directory.CreateTempSubdirectory("orleanslake-commit-").FullName;

    public void Dispose() => Directory.Delete(_warehouse, recursive: true);

    [Fact]
    public async Task Two_committers_with_catalogs_of_their_own_commit_each_report_once()
    {
        TableIdentifier name = TableIdentifier.Parse("db.events");
        LoadedTable created = await Catalog(0).CreateTableAsync(
            name, new TableCreation { Schema = Reports.Schema, Properties = TableCommitterOptions.TableProperties }, TestContext.Current.CancellationToken);

        await Task.WhenAll(Enumerable.Range(1, 2).Select(writer => Task.Run(() => IngestAsync(writer))));

        LoadedTable table = (await Catalog(9).LoadTableAsync(name, TestContext.Current.CancellationToken))!;
        AuditResult audit = await Audit.RunAsync(table, cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(audit is { Verdict: AuditVerdict.Proved, SinceBeginning: true, Rows: 300, Files: 30 }, audit.ToString());

        async Task IngestAsync(int writer)
        {
            IdSource ids = new(TimeProvider.System, new Random(writer));
            TableCommitter committer = new(
                new TableCommitterOptions { Table = name, FirstPause = TimeSpan.FromMilliseconds(2) }, Catalog(writer), ids, TimeProvider.System, new CommitMetrics(new Meter("test")), NullLogger<TableCommitter>.Instance);
            for (int n = 0; n < 15; n++)
            {
                DataWritten report = Reports.Report(Reports.Range(new("events", writer), n * 10, (n * 10) + 10) with { ContinuesTable = n > 0 }) with
                {
                    TableUuid = created.Metadata.TableUuid,
                    FirstSentMs = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(),
                    LastSequenceNumber = (await committer.ResumeAsync("p", "g1", [], CancellationToken.None)).LastSequenceNumber,
                };
                await committer.EnqueueAsync(report, CancellationToken.None);
                CommitRound round = await committer.CommitAsync(CancellationToken.None);
                Assert.True(round.Trouble is null, round.Trouble?.ToString());
                Assert.IsType<ReportAnswer.Committed>(await committer.OutcomeAsync(report.ReportId, CancellationToken.None));
            }
        }
    }

    private LocalCatalog Catalog(int seed) => new(_warehouse, TimeProvider.System, new IdSource(TimeProvider.System, new Random(100 + seed)));
}
