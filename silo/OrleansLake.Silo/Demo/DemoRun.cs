using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using OrleansLake.Contracts;
using OrleansLake.Grains;
using OrleansLake.Iceberg;
using OrleansLake.Ingest;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Kafka.Publishing;
using OrleansLake.Ingest.Pump;
using OrleansLake.Ingest.Read;
using OrleansLake.Ingest.Write;
using OrleansLake.Silo.Configuration;
using OrleansLake.Silo.Hosting;
using OrleansLake.Terminal;

namespace OrleansLake.Silo.Demo;

/// <summary>
/// One demo: broker, silo and publisher in this process, until everything published is in the table, then a look at it.
/// </summary>
/// <remarks>
/// The broker lives in memory and is another one each time: its offsets begin at 0 again. So each demo is a new generation of
/// the pipeline, which inherits no offsets, and ends the one before (exactly-once, rule 14). The table and its rows go on.
/// What an interrupted demo had published and not committed is gone with its broker, and so is the pipeline: its state is in memory.
/// </remarks>
internal sealed class DemoRun(DemoInput input, string warehouse, int topicPartitions, TimeProvider time, bool quiet)
{
    private const string Pipeline = "demo";
    private const int SampleRows = 10;

    // The broker keeps 5 MB a partition, and the publisher waits for commits: short intervals let both run.
    private static readonly TimeSpan FlushInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LookPeriod = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan StallLimit = TimeSpan.FromSeconds(60);

    private readonly Dictionary<TopicPartition, long> _committed = [];
    private PumpStatus? _status;
    private string? _trouble;

    /// <summary>Runs it.</summary>
    public async Task<DemoReport> RunAsync(CancellationToken cancellationToken)
    {
        var ids = new IdSource(time, new Random());
        string log = Path.Combine(warehouse, "demo.log");
        using var broker = new EmbeddedBroker();
        broker.CreateTopic(input.Topic, topicPartitions);
        SiloConfig config = Configure(broker, ids, log);
        var catalog = new LocalCatalog(warehouse, time, ids);
        LoadedTable? before = await catalog.LoadTableAsync(input.Table, cancellationToken);

        await using WebApplication app = SiloHost.Build(config);
        Note($"broker {broker.BootstrapServers}, table {input.Table} in {warehouse}{(before is null ? "" : ", which is there already")}, log {log}");
        await app.StartAsync(cancellationToken);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, app.Lifetime.ApplicationStopping);
        PublishResult? published;
        double seconds;
        try
        {
            (published, seconds) = await MoveAsync(app, broker, Rows(before), ended.Token);
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            throw new DemoStoppedException("the demo was stopped; what was committed stays");
        }
        finally
        {
            await app.StopAsync(CancellationToken.None); // drains: what was read is committed
        }

        return await ReportAsync(catalog, before, published, seconds, log, cancellationToken);
    }

    private static long Rows(LoadedTable? table) => Counter(table, "total-records");

    private static long Counter(LoadedTable? table, string name) =>
        table?.Metadata.FindRef(SnapshotRef.Main) is { } snapshot && snapshot.Summary.TryGetValue(name, out string? text)
            ? long.Parse(text, CultureInfo.InvariantCulture) : 0;

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private SiloConfig Configure(EmbeddedBroker broker, IdSource ids, string log)
    {
        int siloPort = FreePort();
        int gatewayPort = FreePort();
        while (gatewayPort == siloPort)
        {
            gatewayPort = FreePort();
        }

        var definition = new PipelineDefinition
        {
            Name = Pipeline,
            Generation = ids.NewUuid().ToString("N"),
            Topics = [input.Topic],
            Table = input.Table.ToString(),
            Ddl = input.Sql,
            CreateTable = true,
            FlushInterval = FlushInterval,
        };
        return new SiloConfig
        {
            Warehouse = warehouse,
            HttpUrl = new Uri("http://127.0.0.1:0"),
            Orleans = new OrleansConfig { SiloPort = siloPort, GatewayPort = gatewayPort, State = StateKeeping.Memory },
            Logs = new LogConfig { File = log },
            Pipelines = [new PipelineConfig(definition, new Dictionary<string, string> { ["bootstrap.servers"] = broker.BootstrapServers })],
        };
    }

    /// <summary>Publishes, and waits until the table has it all. Null: it never will; <see cref="_trouble"/> says why.</summary>
    private async Task<(PublishResult?, double Seconds)> MoveAsync(WebApplication app, EmbeddedBroker broker, long rowsBefore, CancellationToken cancellationToken)
    {
        var publisher = new Publisher(new PublisherOptions { BootstrapServers = broker.BootstrapServers, Topic = input.Topic, Committed = CommittedOf }, time);
        using IRecordFeed feed = input.Open(rowsBefore);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        PublishProgress progress = new(0, 0, 0, TimeSpan.Zero, null, null);
        var line = new ProgressLine(time, quiet);
        long begun = time.GetTimestamp();
        Task<PublishResult> publishing = Task.Run(() => publisher.PublishAsync(feed, new Latest(latest => progress = latest), stop.Token), CancellationToken.None);
        PumpHost pumps = app.Services.GetRequiredService<PumpHost>();
        var lake = app.Services.GetRequiredService<LakeOperations>();
        using var timer = new PeriodicTimer(LookPeriod, time);
        Task? flush = null;
        long movedAt = begun;
        long moved = -1;
        do
        {
            await LookAsync(pumps, cancellationToken);
            long committed = CommittedRecords();
            if (committed != moved)
            {
                (moved, movedAt) = (committed, time.GetTimestamp());
            }

            double elapsed = time.GetElapsedTime(begun).TotalSeconds;
            line.Show(Describe(progress, committed, elapsed));

            if (publishing.IsFaulted)
            {
                await publishing;
            }

            if (publishing.IsCompletedSuccessfully)
            {
                PublishResult result = await publishing;
                if (result.Ranges.All(range => CommittedOf(range.Key) >= range.Value.Next))
                {
                    line.End();
                    return (result, elapsed);
                }

                flush ??= lake.FlushAsync(Pipeline); // the last records need not wait for the interval
            }

            if (await StoppedAsync(lake, time.GetElapsedTime(movedAt)) is { } trouble)
            {
                line.End();
                _trouble = trouble;
                await stop.CancelAsync();
                return (publishing.IsCompletedSuccessfully ? await publishing : null, elapsed);
            }
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
        throw new OperationCanceledException(cancellationToken);
    }

    private async Task LookAsync(PumpHost pumps, CancellationToken cancellationToken)
    {
        PumpStatus? status = (await pumps.StatusesAsync(cancellationToken)).Select(pump => pump.Status).LastOrDefault();
        lock (_committed)
        {
            _status = status;
            foreach (PartitionStatus partition in status?.Partitions ?? [])
            {
                if (partition.CommittedNext is { } next)
                {
                    _committed[partition.TopicPartition] = next;
                }
            }
        }
    }

    private long CommittedOf(TopicPartition topicPartition)
    {
        lock (_committed)
        {
            return _committed.GetValueOrDefault(topicPartition, -1);
        }
    }

    private long CommittedRecords()
    {
        lock (_committed)
        {
            return _committed.Values.Sum();
        }
    }

    /// <summary>What will not get better by waiting; null while there is hope.</summary>
    private async Task<string?> StoppedAsync(LakeOperations lake, TimeSpan still)
    {
        if (_status?.Partitions.FirstOrDefault(partition => partition.State == PartitionState.Stopped) is { } stopped)
        {
            return $"{stopped.TopicPartition} stopped: {stopped.Reason}";
        }

        if (still < StallLimit)
        {
            return null;
        }

        PipelineStatus? pipeline = await lake.PipelineAsync(Pipeline);
        return $"nothing was committed for {still.TotalSeconds:0} s: {pipeline?.Trouble ?? _status?.Trouble ?? "no reason is known; see the log"}";
    }

    private string Describe(PublishProgress progress, long committed, double elapsed) => string.Create(
        CultureInfo.InvariantCulture,
        $"published {progress.Delivered:N0}{(input.Total is { } total ? $" of {total:N0}" : "")}  committed {committed:N0}  {(elapsed > 0 ? committed / elapsed : 0):N0} rows/s  "
        + $"lag {Math.Max(0, progress.Delivered - committed):N0}  freshness {(_status?.Freshness ?? TimeSpan.Zero).TotalSeconds:0.0} s{(_status?.Trouble is { } trouble ? $"  {trouble}" : "")}");

    private async Task<DemoReport> ReportAsync(
        LocalCatalog catalog, LoadedTable? before, PublishResult? published, double seconds, string log, CancellationToken cancellationToken)
    {
        LoadedTable table = await catalog.LoadTableAsync(input.Table, cancellationToken)
            ?? throw new DemoStoppedException($"table {input.Table} was not made: {_trouble ?? "see " + log}");
        LoadedTable? letters = await catalog.LoadTableAsync(DeadLetterSchema.Of(input.Table), cancellationToken);
        AuditResult audit = await Audit.RunAsync(table, letters, cancellationToken: cancellationToken);
        long lastSequenceNumber = before?.Metadata.LastSequenceNumber ?? 0;
        Snapshot[] snapshots = [.. table.Metadata.Snapshots.Where(snapshot => snapshot.SequenceNumber > lastSequenceNumber)];
        string location = table.Metadata.Location;
        string path = location.StartsWith("file:", StringComparison.Ordinal) ? new Uri(location).LocalPath : location;
        return new DemoReport
        {
            Committed = _trouble is null && published is not null && audit.Verdict == AuditVerdict.Proved,
            Trouble = _trouble ?? (audit.Verdict == AuditVerdict.Proved ? null : audit.Sentence),
            Table = input.Table.ToString(),
            Location = path,
            Published = published?.Records ?? 0,
            Rows = Rows(table) - Rows(before),
            Rejected = audit.Partitions.Sum(partition => partition.Rejected),
            TotalRows = Rows(table),
            Files = Counter(table, "total-data-files") - Counter(before, "total-data-files"),
            Snapshots = snapshots.Length,
            Seconds = Math.Round(seconds, 2),
            Audit = audit,
            Sample = await ReadRowsAsync(table, cancellationToken),
            Queries = DemoQueries.Of(path, string.Join('.', input.Table.Namespace), input.Table.Name, Path.GetFileName(table.MetadataLocation)),
            Log = log,
        };
    }

    private static async Task<IReadOnlyList<JsonNode>> ReadRowsAsync(LoadedTable table, CancellationToken cancellationToken)
    {
        var rows = new List<JsonNode>();
        await foreach (ReadOnlyMemory<byte> row in TableRows.ReadAsync(table, table.Metadata.FindRef(SnapshotRef.Main), limit: SampleRows, cancellationToken: cancellationToken))
        {
            rows.Add(JsonNode.Parse(row.Span)!);
        }

        return rows;
    }

    private void Note(string text)
    {
        if (!quiet)
        {
            Console.Error.WriteLine(text);
        }
    }

    /// <summary>Keeps the newest; unlike <see cref="Progress{T}"/> on the caller's thread and in order.</summary>
    private sealed class Latest(Action<PublishProgress> keep) : IProgress<PublishProgress>
    {
        public void Report(PublishProgress value) => keep(value);
    }
}

/// <summary>The demo did not come to its end; the message says why.</summary>
internal sealed class DemoStoppedException(string message) : Exception(message);
