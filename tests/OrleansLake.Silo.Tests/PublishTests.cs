using OrleansLake.Contracts;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Kafka;

namespace OrleansLake.Silo.Tests;

/// <summary>Write, audit, publish.</summary>
public sealed class PublishTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Rows_that_do_not_pass_their_audit_never_reach_main()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 2);
        PipelineDefinition definition = SiloStand.Definition() with
        {
            Quality = new QualitySettings
            {
                Publish = new PublishSettings { Audit = [new ExpectationSettings { Name = "small", Where = "id < 1000" }, new ExpectationSettings { Name = "named", Column = "name", MaxNullShare = 0.5 }] },
            },
        };
        await using SiloStand silo = await SiloStand.StartAsync(broker.BootstrapServers, _directory.Path, definition);
        await SiloStand.PublishAsync(broker.BootstrapServers, SiloStand.Records(0, 100));
        Assert.Equal(100, (await silo.RowsAsync(100)).Count);
        await SiloStand.PublishAsync(broker.BootstrapServers, SiloStand.Records(100, 100));
        Assert.Equal(200, (await silo.RowsAsync(200)).Count);
        await silo.AssertProvedAsync(200);

        await SiloStand.PublishAsync(broker.BootstrapServers, SiloStand.Records(5000, 10));
        await silo.EventuallyAsync(async () => (await silo.Http.GetStringAsync("metrics")).Contains("orleanslake_alerts_active{pipeline=\"events\",kind=\"Audit\"} 1", StringComparison.Ordinal), "an alert");
        await silo.EventuallyAsync(async () => (await silo.Http.GetStringAsync("pipelines/events")).Contains("main stays behind branch audit: small", StringComparison.Ordinal), "a status that says so");
        await SiloStand.PublishAsync(broker.BootstrapServers, SiloStand.Records(200, 10));
        await silo.EventuallyAsync(async () => await RowsOfAsync(silo, "audit") == 220, "220 rows in the branch");
        Assert.Equal(200, (await silo.ReadAsync(SiloStand.Table)).Count);

        // Each offset once, on the branch that is written to as on main.
        AuditResult audit = await Audit.RunAsync((await silo.Catalog.LoadTableAsync(SiloStand.Table, default))!, null, "audit");
        Assert.True(audit.Verdict == AuditVerdict.Proved, audit.ToString());
        await silo.AssertProvedAsync(200);
    }

    private static async Task<long> RowsOfAsync(SiloStand silo, string branch) =>
        long.Parse((await silo.Catalog.LoadTableAsync(SiloStand.Table, default))!.Metadata.FindRef(branch)!.Summary["total-records"], System.Globalization.CultureInfo.InvariantCulture);
}
