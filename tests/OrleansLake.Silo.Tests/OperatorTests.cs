using System.Net;
using System.Text.Json;
using OrleansLake.Contracts;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Silo.Configuration;
using OrleansLake.Testing.Processes;

namespace OrleansLake.Silo.Tests;

/// <summary>What people ask of a running silo, in one process with it.</summary>
public sealed class OperatorTests : IDisposable
{
    private readonly TempDirectory _warehouse = new();
    private readonly EmbeddedBroker _broker = new();

    public OperatorTests() => _broker.CreateTopic("events", 4);

    public void Dispose()
    {
        _broker.Dispose();
        _warehouse.Dispose();
    }

    [Fact]
    public async Task A_column_added_while_records_flow_is_filled_without_a_restart()
    {
        await using SiloStand silo = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path);
        await SiloStand.PublishAsync(_broker.BootstrapServers, SiloStand.Records(0, 100));
        await silo.RowsAsync(100);

        await silo.AlterAsync("ALTER TABLE db.events ADD COLUMN price DOUBLE");
        SchemaReload? reload = await silo.Client.ReloadSchemaAsync(SiloStand.Table.ToString());
        Assert.NotNull(reload);
        Assert.Equal(1, reload.SchemaId);
        Assert.Equal(4, reload.FirstOffsets.Length);
        Assert.Equal(100, reload.FirstOffsets.Sum(first => first.FirstOffset));

        await SiloStand.PublishAsync(_broker.BootstrapServers, SiloStand.Records(100, 100));
        IReadOnlyList<JsonElement> rows = await silo.RowsAsync(200);
        foreach (JsonElement row in rows)
        {
            long id = row.GetProperty("id").GetInt64();
            JsonElement price = row.GetProperty("price");
            double? expected = id < 100 ? null : id / 2.0;
            double? found = price.ValueKind == JsonValueKind.Null ? null : price.GetDouble();
            Assert.Equal(expected, found);
        }

        await silo.AssertProvedAsync(200);
    }

    [Fact]
    public async Task A_reload_that_changes_nothing_names_the_first_offset_of_every_topic_partition()
    {
        await using (SiloStand first = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path))
        {
            await SiloStand.PublishAsync(_broker.BootstrapServers, SiloStand.Records(0, 100));
            await first.RowsAsync(100);
            SchemaReload reload = (await first.Client.ReloadSchemaAsync(SiloStand.Table.ToString()))!;
            Assert.Equal([(0, 0L), (1, 0L), (2, 0L), (3, 0L)], reload.FirstOffsets.Select(one => (one.Partition, one.FirstOffset)).Order());
        }

        // Another life begins to read where the first had ended.
        await using SiloStand second = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path);
        await second.EventuallyAsync(
            async () => (await second.Client.GetPipelineAsync(SiloStand.Pipeline))?.TopicPartitions.Count(one => one.State == TopicPartitionState.Idle) == 4, "four that are idle");
        SchemaReload again = (await second.Client.ReloadSchemaAsync(SiloStand.Table.ToString()))!;
        Assert.Equal((0, 4, 100), (again.SchemaId, again.FirstOffsets.Length, again.FirstOffsets.Sum(one => one.FirstOffset)));
    }

    [Fact]
    public async Task Right_after_a_flush_the_status_has_the_offsets_that_it_committed()
    {
        PipelineDefinition slow = SiloStand.Definition() with { FlushInterval = TimeSpan.FromSeconds(3) };
        await using SiloStand silo = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path, slow);
        for (int round = 1; round <= 3; round++)
        {
            await SiloStand.PublishAsync(_broker.BootstrapServers, SiloStand.Records(0, 100));
            await silo.EventuallyAsync(
                async () => (await silo.Client.GetPipelineAsync(SiloStand.Pipeline))?.TopicPartitions.Sum(one => one.Position ?? 0) == 100 * round, $"{100 * round} records read");
            Assert.True((await silo.Client.FlushAsync(SiloStand.Pipeline))!.Committed);
            Assert.Equal(100 * round, (await silo.Client.GetPipelineAsync(SiloStand.Pipeline))!.TopicPartitions.Sum(one => one.Committed));
        }
    }

    [Fact]
    public async Task Pause_holds_and_resume_goes_on()
    {
        await using SiloStand silo = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path);
        await SiloStand.PublishAsync(_broker.BootstrapServers, SiloStand.Records(0, 100));
        await silo.RowsAsync(100);

        PipelineStatus? paused = await silo.Client.PauseAsync(SiloStand.Pipeline);
        Assert.Equal(WantedState.Paused, paused?.Wanted);
        await SiloStand.PublishAsync(_broker.BootstrapServers, SiloStand.Records(100, 100));
        await silo.EventuallyAsync(
            async () => (await silo.Client.GetPipelineAsync(SiloStand.Pipeline))!.TopicPartitions.All(one => one.State == TopicPartitionState.Paused), "all paused");
        Assert.True((await silo.Client.FlushAsync(SiloStand.Pipeline))?.Committed);
        Assert.Equal(100, (await silo.ReadAsync(SiloStand.Table)).Count);

        Assert.Equal(WantedState.Running, (await silo.Client.ResumeAsync(SiloStand.Pipeline))?.Wanted);
        Assert.Equal(200, (await silo.RowsAsync(200)).Count);
    }

    [Fact]
    public async Task A_seek_is_a_commit_and_reading_goes_on_from_there()
    {
        await using SiloStand silo = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path);
        await SiloStand.PublishAsync(_broker.BootstrapServers, SiloStand.Records(0, 100));
        await silo.RowsAsync(100);

        PipelineMove? nonsense = await silo.Client.SeekAsync(SiloStand.Pipeline, new PipelineSeek("yesterday", null, null));
        Assert.Equal((false, "expected earliest, latest, an offset or a time, got \"yesterday\""), (nonsense?.Done, nonsense?.Message));
        PipelineMove? move = await silo.Client.SeekAsync(SiloStand.Pipeline, new PipelineSeek(PipelineSeek.Earliest, null, null));
        Assert.NotNull(move);
        Assert.True(move.Done, move.Message);
        Assert.Equal(4, move.Positions.Length);

        // Every record once more, because somebody said so; and the audit knows of it.
        IReadOnlyList<JsonElement> rows = await silo.RowsAsync(200);
        Assert.Equal(Enumerable.Range(0, 100).SelectMany(id => new[] { (long)id, id }), SiloStand.Ids(rows));
        await silo.AssertProvedAsync(200);
    }

    [Fact]
    public async Task The_http_api_tells_what_is_and_refuses_what_is_not()
    {
        await using SiloStand silo = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path);
        await silo.EventuallyAsync(async () => (await silo.Http.GetAsync("/health/ready")).StatusCode == HttpStatusCode.OK, "ready");
        Assert.Equal(HttpStatusCode.OK, (await silo.Http.GetAsync("/health/live")).StatusCode);
        await SiloStand.PublishAsync(_broker.BootstrapServers, SiloStand.Records(0, 50));
        await silo.RowsAsync(50);

        Assert.Equal(SiloStand.Pipeline, Assert.Single(await silo.Client.ListPipelinesAsync()).Name);
        TableStatus? table = await silo.Client.GetTableAsync("db.events");
        Assert.Equal((50, 0), (table?.Rows, table?.SchemaId));
        TableEntry entry = Assert.Single(await silo.Client.ListTablesAsync());
        Assert.Equal(("db.events", "events"), (entry.Table, Assert.Single(entry.Pipelines)));

        HttpResponseMessage missing = await silo.Http.PostAsync("/pipelines/nobody/pause", null);
        Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);
        Assert.Contains("no pipeline \\\"nobody\\\"", await missing.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Null(await silo.Client.GetTableAsync("db.nobody"));
        using var fromAPage = new HttpRequestMessage(HttpMethod.Post, "/pipelines/events/pause") { Headers = { { "Sec-Fetch-Site", "cross-site" } } };
        Assert.Equal(HttpStatusCode.Forbidden, (await silo.Http.SendAsync(fromAPage)).StatusCode);
        Assert.Null(await silo.Client.FlushAsync("nobody"));

        await silo.EventuallyAsync(
            async () => (await silo.Http.GetStringAsync("/metrics")).Contains("orleanslake_pump_committed_offset{pipeline=\"events\",topic=\"events\",partition=\"0\"}", StringComparison.Ordinal), "metrics");
        Assert.Contains("orleanslake_commit_rows_total{table=\"db.events\"} 50", await silo.Http.GetStringAsync("/metrics"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_dashboard_stands_at_its_own_address_and_the_api_does_not_stand_there()
    {
        var url = new Uri($"http://127.0.0.1:{FreePorts.Take(1)[0]}");
        await using SiloStand silo = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path, dashboard: new DashboardConfig { Url = url });
        using var http = new HttpClient { BaseAddress = url };
        string page = await http.GetStringAsync("/");
        Assert.Contains("Orleans", page, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync("/pipelines")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await http.PostAsync("/pipelines/events/pause", null)).StatusCode);
        Assert.Contains("<title>OrleansLake</title>", await silo.Http.GetStringAsync("/"), StringComparison.Ordinal); // the product's own console
        Assert.Single(await silo.Client.ListPipelinesAsync());
    }

    [Fact]
    public async Task A_pipeline_that_is_removed_is_forgotten_and_comes_back_with_a_silo_that_has_it()
    {
        await using (SiloStand first = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path))
        {
            await SiloStand.PublishAsync(_broker.BootstrapServers, SiloStand.Records(0, 100));
            await first.RowsAsync(100);
            Assert.NotNull(await first.Client.PauseAsync(SiloStand.Pipeline));
            Assert.Equal("db.events", (await first.Client.RemoveAsync(SiloStand.Pipeline))?.Table);
            Assert.Empty(await first.Client.ListPipelinesAsync());
            Assert.Empty(await first.Client.ListTablesAsync());
            Assert.Null(await first.Client.RemoveAsync(SiloStand.Pipeline));
        }

        await SiloStand.PublishAsync(_broker.BootstrapServers, SiloStand.Records(100, 100));
        await using SiloStand second = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path);
        Assert.Equal(200, (await second.RowsAsync(200)).Count); // not paused any more, and none twice
        await second.AssertProvedAsync(200);
    }
}
