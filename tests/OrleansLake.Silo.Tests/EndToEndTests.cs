using System.Net;
using System.Text.Json;
using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Write;
using OrleansLake.Silo.Configuration;
using OrleansLake.Testing.Processes;

namespace OrleansLake.Silo.Tests;

/// <summary>Broker to rows through a real silo, in one process.</summary>
public sealed class EndToEndTests : IDisposable
{
    private readonly TempDirectory _warehouse = new();
    private readonly EmbeddedBroker _broker = new();

    public EndToEndTests() => _broker.CreateTopic("events", 4);

    public void Dispose()
    {
        _broker.Dispose();
        _warehouse.Dispose();
    }

    [Fact]
    public async Task Records_become_rows_and_bad_ones_dead_letters()
    {
        await using SiloStand silo = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path);
        await SiloStand.PublishAsync(_broker.BootstrapServers, [.. Records(0, 1000), "not json", """{"id":"x"}""", """{"id":1000,"name":"last"}"""]);

        IReadOnlyList<JsonElement> rows = await silo.RowsAsync(1001);
        Assert.Equal(Enumerable.Range(0, 1001).Select(id => (long)id), Ids(rows));
        IReadOnlyList<JsonElement> letters = await silo.RowsAsync(2, DeadLetterSchema.Of(SiloStand.Table));
        Assert.Equal(["malformed-json", "wrong-type"], letters.Select(letter => letter.GetProperty(DeadLetterSchema.ErrorClass).GetString()).Order());
        Assert.Contains("not json", letters.Select(letter => System.Text.Encoding.UTF8.GetString(letter.GetProperty(DeadLetterSchema.Value).GetBytesFromBase64())));
        await AssertProvedAsync(silo, 1001);
    }

    [Fact]
    public async Task A_restart_resumes_from_the_table_without_loss_or_doubling()
    {
        await using (SiloStand first = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path))
        {
            await SiloStand.PublishAsync(_broker.BootstrapServers, Records(0, 500));
            await first.RowsAsync(1);
        }

        await SiloStand.PublishAsync(_broker.BootstrapServers, Records(500, 500));
        await using SiloStand second = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path);
        Assert.Equal(Enumerable.Range(0, 1000).Select(id => (long)id), Ids(await second.RowsAsync(1000)));
        await AssertProvedAsync(second, 1000);
    }

    [Fact]
    public async Task A_stop_commits_what_was_read()
    {
        PipelineDefinition slow = SiloStand.Definition() with { FlushInterval = TimeSpan.FromMinutes(30) };
        SiloStand silo = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path, slow);
        await SiloStand.PublishAsync(_broker.BootstrapServers, Records(0, 200));
        await silo.EventuallyAsync(
            async () => (await silo.Client.GetPipelineAsync(SiloStand.Pipeline))?.TopicPartitions.Sum(one => one.Position ?? 0) == 200, "200 records read");
        Assert.Empty(await silo.ReadAsync(SiloStand.Table));
        await silo.DisposeAsync();
        Assert.Equal(200, (await silo.ReadAsync(SiloStand.Table)).Count);
    }

    [Fact]
    public async Task A_column_added_while_records_flow_is_filled_without_a_restart()
    {
        await using SiloStand silo = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path);
        await SiloStand.PublishAsync(_broker.BootstrapServers, Records(0, 100));
        await silo.RowsAsync(100);

        await AlterAsync(silo, "ALTER TABLE db.events ADD COLUMN price DOUBLE");
        SchemaReload? reload = await silo.Client.ReloadSchemaAsync(SiloStand.Table.ToString());
        Assert.NotNull(reload);
        Assert.Equal(1, reload.SchemaId);
        Assert.Equal(4, reload.FirstOffsets.Length);
        Assert.Equal(100, reload.FirstOffsets.Sum(first => first.FirstOffset));

        await SiloStand.PublishAsync(_broker.BootstrapServers, Records(100, 100));
        IReadOnlyList<JsonElement> rows = await silo.RowsAsync(200);
        foreach (JsonElement row in rows)
        {
            long id = row.GetProperty("id").GetInt64();
            JsonElement price = row.GetProperty("price");
            double? expected = id < 100 ? null : id / 2.0;
            double? found = price.ValueKind == JsonValueKind.Null ? null : price.GetDouble();
            Assert.Equal(expected, found);
        }

        await AssertProvedAsync(silo, 200);
    }

    [Fact]
    public async Task A_reload_that_changes_nothing_names_the_first_offset_of_every_topic_partition()
    {
        await using (SiloStand first = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path))
        {
            await SiloStand.PublishAsync(_broker.BootstrapServers, Records(0, 100));
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
            await SiloStand.PublishAsync(_broker.BootstrapServers, Records(0, 100));
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
        await SiloStand.PublishAsync(_broker.BootstrapServers, Records(0, 100));
        await silo.RowsAsync(100);

        PipelineStatus? paused = await silo.Client.PauseAsync(SiloStand.Pipeline);
        Assert.Equal(WantedState.Paused, paused?.Wanted);
        await SiloStand.PublishAsync(_broker.BootstrapServers, Records(100, 100));
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
        await SiloStand.PublishAsync(_broker.BootstrapServers, Records(0, 100));
        await silo.RowsAsync(100);

        PipelineMove? nonsense = await silo.Client.SeekAsync(SiloStand.Pipeline, new PipelineSeek("yesterday", null, null));
        Assert.Equal((false, "expected earliest, latest or an offset, got \"yesterday\""), (nonsense?.Done, nonsense?.Message));
        PipelineMove? move = await silo.Client.SeekAsync(SiloStand.Pipeline, new PipelineSeek(PipelineSeek.Earliest, null, null));
        Assert.NotNull(move);
        Assert.True(move.Done, move.Message);
        Assert.Equal(4, move.Positions.Length);

        // Every record once more, because somebody said so; and the audit knows of it.
        IReadOnlyList<JsonElement> rows = await silo.RowsAsync(200);
        Assert.Equal(Enumerable.Range(0, 100).SelectMany(id => new[] { (long)id, id }), Ids(rows));
        await AssertProvedAsync(silo, 200);
    }

    [Theory]
    [InlineData(DataLossAction.Continue)]
    [InlineData(DataLossAction.Stop)]
    public async Task Records_that_kafka_deleted_before_they_were_read_stop_the_partition_or_are_committed_as_lost(DataLossAction action)
    {
        _broker.CreateTopic("short", 1);
        PipelineDefinition definition = SiloStand.Definition(topic: "short") with { OnDataLoss = action };
        await using (SiloStand first = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path, definition))
        {
            await SiloStand.PublishAsync(_broker.BootstrapServers, Records(0, 100), "short");
            await first.RowsAsync(100);
        }

        // Two batches, of which the broker can delete one.
        await SiloStand.PublishAsync(_broker.BootstrapServers, Records(100, 20), "short");
        await SiloStand.PublishAsync(_broker.BootstrapServers, Records(120, 30), "short");
        _broker.DeleteRecords(new Ingest.TopicPartition("short", 0), 120);
        await using SiloStand second = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path, definition);
        if (action == DataLossAction.Stop)
        {
            TopicPartitionStatus? one = null;
            await second.EventuallyAsync(
                async () => (one = (await second.Client.GetPipelineAsync(SiloStand.Pipeline))?.TopicPartitions.FirstOrDefault())?.State == TopicPartitionState.Stopped, "a stop");
            Assert.Contains("records [100, 120) were deleted by Kafka", one!.Trouble, StringComparison.Ordinal);
            Assert.Equal(100, (await second.ReadAsync(SiloStand.Table)).Count);
        }
        else
        {
            Assert.Equal(Enumerable.Range(0, 100).Concat(Enumerable.Range(120, 30)).Select(id => (long)id), Ids(await second.RowsAsync(130)));
            await AssertProvedAsync(second, 130);
        }
    }

    [Fact]
    public async Task A_missing_table_that_may_not_be_made_is_told_in_one_line()
    {
        await using SiloStand silo = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path, SiloStand.Definition(ddl: null));
        PipelineStatus? status = null;
        await silo.EventuallyAsync(async () => (status = await silo.Client.GetPipelineAsync(SiloStand.Pipeline))?.Trouble is not null, "a trouble");
        Assert.Contains("table db.events does not exist in catalog local: create it, or set \"createTable\"", status!.Trouble, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unknown_topic_is_told_and_found_once_it_is_there()
    {
        await using SiloStand silo = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path, SiloStand.Definition(topic: "later") with { Topics = ["events", "later"] });
        await SiloStand.PublishAsync(_broker.BootstrapServers, Records(0, 10));
        Assert.Equal(10, (await silo.RowsAsync(10)).Count); // the known topic does not wait for the unknown one
        await silo.EventuallyAsync(
            async () => (await silo.Client.GetPipelineAsync(SiloStand.Pipeline))?.Trouble?.Contains("topic later: the brokers know no such topic", StringComparison.Ordinal) == true, "a trouble");
        _broker.CreateTopic("later", 1);
        await SiloStand.PublishAsync(_broker.BootstrapServers, Records(10, 10), "later");
        Assert.Equal(20, (await silo.RowsAsync(20)).Count);
    }

    [Fact]
    public async Task The_http_api_tells_what_is_and_refuses_what_is_not()
    {
        await using SiloStand silo = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path);
        await silo.EventuallyAsync(async () => (await silo.Http.GetAsync("/health/ready")).StatusCode == HttpStatusCode.OK, "ready");
        Assert.Equal(HttpStatusCode.OK, (await silo.Http.GetAsync("/health/live")).StatusCode);
        await SiloStand.PublishAsync(_broker.BootstrapServers, Records(0, 50));
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
        var url = new Uri($"http://127.0.0.1:{SiloProcess.FreePorts(1)[0]}");
        await using SiloStand silo = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path, dashboard: new DashboardConfig { Url = url });
        using var http = new HttpClient { BaseAddress = url };
        string page = await http.GetStringAsync("/");
        Assert.Contains("Orleans", page, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync("/pipelines")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await http.PostAsync("/pipelines/events/pause", null)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await silo.Http.GetAsync("/")).StatusCode);
        Assert.Single(await silo.Client.ListPipelinesAsync());
    }

    [Fact]
    public async Task Group_offsets_follow_the_table()
    {
        await using SiloStand silo = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path);
        await SiloStand.PublishAsync(_broker.BootstrapServers, Records(0, 100));
        await silo.RowsAsync(100);
        using var lookup = new KafkaLookup(_broker.BootstrapServers);
        Ingest.TopicPartition[] all = [.. Enumerable.Range(0, 4).Select(partition => new Ingest.TopicPartition("events", partition))];
        await silo.EventuallyAsync(
            async () => (await lookup.GroupOffsetsAsync("orleanslake-events", all, CancellationToken.None)).Values.Sum() == 100, "group offsets");
    }

    private static IEnumerable<string> Records(int first, int count) =>
        Enumerable.Range(first, count).Select(id => FormattableString.Invariant($$"""{"id":{{id}},"name":"n{{id}}","price":{{id / 2.0}}}"""));

    private static IEnumerable<long> Ids(IEnumerable<JsonElement> rows) => rows.Select(row => row.GetProperty("id").GetInt64()).Order();

    private static async Task AlterAsync(SiloStand silo, string sql)
    {
        for (; ; )
        {
            LoadedTable table = (await silo.Catalog.LoadTableAsync(SiloStand.Table, CancellationToken.None))!;
            UpdateSchema update = Ddl.ParseAlterTable(sql).On(table.Metadata);
            if (await silo.Catalog.CommitTableAsync(new TableCommit(table, update.Requirements, update.Updates), CancellationToken.None) is CommitResult.Committed)
            {
                return;
            }
        }
    }

    private static async Task AssertProvedAsync(SiloStand silo, long rows)
    {
        LoadedTable table = (await silo.Catalog.LoadTableAsync(SiloStand.Table, CancellationToken.None))!;
        LoadedTable letters = (await silo.Catalog.LoadTableAsync(DeadLetterSchema.Of(SiloStand.Table), CancellationToken.None))!;
        AuditResult audit = await Audit.RunAsync(table, letters);
        Assert.True(audit.Verdict == AuditVerdict.Proved, audit.ToString());
        Assert.Equal(rows, audit.Rows);
    }
}
