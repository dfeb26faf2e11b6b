using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using OrleansLake.Client;
using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Kafka.Publishing;
using OrleansLake.Ingest.Read;
using OrleansLake.Ingest.Registry;
using OrleansLake.Ingest.Write;
using OrleansLake.Silo.Configuration;
using OrleansLake.Silo.Hosting;
using OrleansLake.Testing.Processes;

namespace OrleansLake.Silo.Tests;

/// <summary>A silo with real grains, an embedded broker and a table in a directory, in this process.</summary>
internal sealed class SiloStand : IAsyncDisposable
{
    public const string Pipeline = "events";
    public static readonly TableIdentifier Table = TableIdentifier.Parse("db.events");
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly WebApplication _app;
    private readonly HttpClient _http;

    private SiloStand(WebApplication app, string warehouse)
    {
        _app = app;
        _http = new HttpClient { BaseAddress = app.HttpAddress(), Timeout = Limit };
        Client = new HttpOrleansLakeClient(_http);
        Catalog = new LocalCatalog(warehouse, TimeProvider.System, new IdSource(TimeProvider.System, new Random()));
    }

    public HttpOrleansLakeClient Client { get; }

    public HttpClient Http => _http;

    public LocalCatalog Catalog { get; }

    public IServiceProvider Services => _app.Services;

    public static PipelineDefinition Definition(string topic = "events", string? ddl = "CREATE TABLE db.events (id BIGINT, name VARCHAR)") => new()
    {
        Name = Pipeline,
        Topics = [topic],
        Table = Table.ToString(),
        Ddl = ddl,
        CreateTable = ddl is not null,
        FlushInterval = TimeSpan.FromMilliseconds(500),
    };

    public static async Task<SiloStand> StartAsync(string bootstrap, string warehouse, PipelineDefinition? definition = null, DashboardConfig? dashboard = null, Dictionary<string, string>? maintenance = null, Uri? registry = null, Func<SiloConfig, SiloConfig>? change = null)
    {
        int[] ports = FreePorts.Take(2);
        var config = new SiloConfig
        {
            Warehouse = warehouse,
            HttpUrl = new Uri("http://127.0.0.1:0"),
            Orleans = new OrleansConfig { SiloPort = ports[0], GatewayPort = ports[1] },
            Dashboard = dashboard ?? new DashboardConfig(),
            Logs = new LogConfig { File = Path.Combine(warehouse, "silo.log") },
            Pipelines = [new PipelineConfig(definition ?? Definition(), new Dictionary<string, string> { ["bootstrap.servers"] = bootstrap }) { Maintenance = maintenance, Registry = registry is null ? null : new SchemaRegistrySettings { Url = registry } }],
        };
        WebApplication app = SiloHost.Build(change?.Invoke(config) ?? config);
        await app.StartAsync();
        return new SiloStand(app, warehouse);
    }

    /// <summary>Records that fit the table, by id.</summary>
    public static IEnumerable<string> Records(int first, int count) =>
        Enumerable.Range(first, count).Select(id => FormattableString.Invariant($$"""{"id":{{id}},"name":"n{{id}}","price":{{id / 2.0}}}"""));

    public static IEnumerable<long> Ids(IEnumerable<JsonElement> rows) => rows.Select(row => row.GetProperty("id").GetInt64()).Order();

    public static async Task PublishAsync(string bootstrap, IEnumerable<string> records, string topic = "events")
    {
        using var feed = new ListFeed(records);
        await new Publisher(new PublisherOptions { BootstrapServers = bootstrap, Topic = topic }).PublishAsync(feed, null, TestContext.Current.CancellationToken);
    }

    /// <summary>The rows of a table, once it has so many; what it had at last when it never comes to that.</summary>
    public async Task<IReadOnlyList<JsonElement>> RowsAsync(long count, TableIdentifier? table = null)
    {
        IReadOnlyList<JsonElement> rows = [];
        await EventuallyAsync(async () => (rows = await ReadAsync(table ?? Table)).Count >= count, $"{count} rows", () => $"{rows.Count} rows");
        return rows;
    }

    public async Task<IReadOnlyList<JsonElement>> ReadAsync(TableIdentifier table)
    {
        var rows = new List<JsonElement>();
        if (await Catalog.LoadTableAsync(table, CancellationToken.None) is { } loaded)
        {
            await foreach (ReadOnlyMemory<byte> row in TableRows.ReadAsync(loaded, loaded.Metadata.FindRef(SnapshotRef.Main)))
            {
                rows.Add(JsonDocument.Parse(row.ToArray()).RootElement);
            }
        }

        return rows;
    }

    /// <summary>Live data files.</summary>
    public async Task<int> FilesAsync()
    {
        LoadedTable table = (await Catalog.LoadTableAsync(Table, CancellationToken.None))!;
        return table.Metadata.FindRef(SnapshotRef.Main) is { } head ? await SnapshotFiles.LiveAsync(table, head, CancellationToken.None).CountAsync() : 0;
    }

    /// <summary>Runs a task of the upkeep to its end.</summary>
    public async Task<MaintenanceRun> RunUpkeepAsync(string task, bool dryRun = false)
    {
        MaintenanceStart start = (await Client.RunMaintenanceAsync(Table.ToString(), task, dryRun))!;
        Assert.True(start.RunId is not null, start.Message);
        MaintenanceRun? run = null;
        await EventuallyAsync(async () => (run = (await Client.ListMaintenanceRunsAsync(Table.ToString()))!.First(one => one.RunId == start.RunId)).Seconds is not null, $"{task} done");
        return run!;
    }

    public async Task SetPropertyAsync(string name, string value)
    {
        for (; ; )
        {
            LoadedTable table = (await Catalog.LoadTableAsync(Table, CancellationToken.None))!;
            if (await Catalog.CommitTableAsync(new TableCommit(table, [], [new TableUpdate.SetProperties(new Dictionary<string, string> { [name] = value })]), CancellationToken.None) is CommitResult.Committed)
            {
                return;
            }
        }
    }

    public async Task EventuallyAsync(Func<Task<bool>> condition, string expected, Func<string>? found = null)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        DateTime until = DateTime.UtcNow + Limit;
        while (!await condition())
        {
            if (DateTime.UtcNow > until)
            {
                PipelineStatus? status = await Client.GetPipelineAsync(Pipeline);
                Assert.Fail($"expected {expected}, got {found?.Invoke()}; pipeline: {JsonSerializer.Serialize(status)}");
            }

            await timer.WaitForNextTickAsync();
        }
    }

    public async Task AlterAsync(string sql)
    {
        for (; ; )
        {
            LoadedTable table = (await Catalog.LoadTableAsync(Table, CancellationToken.None))!;
            IMetadataChange update = Ddl.ParseAlterTable(sql).On(table.Metadata);
            if (await Catalog.CommitTableAsync(new TableCommit(table, update.Requirements, update.Updates), CancellationToken.None) is CommitResult.Committed)
            {
                return;
            }
        }
    }

    /// <summary>The audit proves that the table has so many rows, each offset once.</summary>
    public async Task AssertProvedAsync(long rows)
    {
        LoadedTable table = (await Catalog.LoadTableAsync(Table, CancellationToken.None))!;
        LoadedTable letters = (await Catalog.LoadTableAsync(DeadLetterSchema.Of(Table), CancellationToken.None))!;
        AuditResult audit = await Audit.RunAsync(table, letters);
        Assert.True(audit.Verdict == AuditVerdict.Proved, audit.ToString());
        Assert.Equal(rows, audit.Rows);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private sealed class ListFeed(IEnumerable<string> records) : IRecordFeed
    {
        private readonly IEnumerator<string> _records = records.GetEnumerator();

        public long? Total => null;

        public void Fill(RecordChunk chunk, int limit)
        {
            while (limit-- > 0 && _records.MoveNext())
            {
                chunk.Add(Encoding.UTF8.GetBytes(_records.Current));
            }
        }

        public void Dispose() => _records.Dispose();
    }
}
