using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Kafka.Publishing;
using OrleansLake.Testing;
using OrleansLake.Testing.Processes;

namespace OrleansLake.Benchmarks.Ingest;

/// <summary>
/// Kafka to committed table, as users run it: broker and publisher in this process, the silo in another, whose processor time
/// and memory are read from the operating system.
/// </summary>
internal static class IngestBenchmark
{
    private const string Table = "bench.events";
    private const string FlatDdl =
        $"CREATE TABLE {Table} (type VARCHAR, actor_login VARCHAR, repo_name VARCHAR, n_commits BIGINT, time TIMESTAMP(6) WITH TIME ZONE) WITH (partitioning = ARRAY['day(time)'])";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan LookPeriod = TimeSpan.FromMilliseconds(250);

    internal static Command Create()
    {
        var records = new Option<long>("--records") { Description = "Records in all", DefaultValueFactory = _ => 5_000_000 };
        var partitions = new Option<int>("--topic-partitions") { Description = "Partitions of the topic", DefaultValueFactory = _ => 8 };
        var idle = new Option<int>("--idle") { Description = "Partitions of a second topic that gets no record", DefaultValueFactory = _ => 0 };
        var flush = new Option<string>("--flush-interval") { Description = "The pipeline's flush interval", DefaultValueFactory = _ => "1s" };
        var nested = new Option<bool>("--nested") { Description = "The nested sample records instead of the flat events" };
        var build = new Option<bool>("--build") { Description = "The silo as ./lake build leaves it, compiled while it runs; else as it is shipped, compiled ahead" };
        var silo = new Option<FileInfo?>("--silo") { Description = "Another silo's assembly" };
        var variables = new Option<string[]>("--variable") { Description = "NAME=VALUE in the silo's environment" };
        var json = new Option<bool>("--json") { Description = "Print one JSON object" };
        var command = new Command("ingest", "Kafka to committed table: processor time of the silo a million records, rows/s, files, memory")
        {
            records, partitions, idle, flush, nested, build, silo, variables, json,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            string assembly = parsed.GetValue(silo)?.FullName
                ?? (parsed.GetValue(build) ? Repository.Assembly("silo", "OrleansLake.Silo") : await PublishedSilo.EnsureAsync(cancellationToken));
            JsonObject result = await RunAsync(
                parsed.GetValue(records),
                parsed.GetValue(partitions),
                parsed.GetValue(idle),
                parsed.GetRequiredValue(flush),
                parsed.GetValue(nested),
                assembly,
                (parsed.GetValue(variables) ?? []).Select(variable => variable.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair.Length > 1 ? pair[1] : ""),
                cancellationToken);
            Console.WriteLine(parsed.GetValue(json) ? result.ToJsonString() : string.Join('\n', result.Select(field => $"{field.Key,-28} {field.Value}")));
            return 0;
        });
        return command;
    }

    private static async Task<JsonObject> RunAsync(
        long records, int topicPartitions, int idle, string flush, bool nested, string assembly, IReadOnlyDictionary<string, string> variables, CancellationToken cancellationToken)
    {
        string warehouse = Directory.CreateTempSubdirectory("lake-bench-").FullName;
        try
        {
            using var broker = new EmbeddedBroker();
            broker.CreateTopic("events", topicPartitions);
            if (idle > 0)
            {
                broker.CreateTopic("idle", idle);
            }

            var setup = new SiloSetup
            {
                Warehouse = warehouse,
                BootstrapServers = broker.BootstrapServers,
                Topics = idle > 0 ? ["events", "idle"] : ["events"],
                Table = Table,
                Ddl = nested ? $"CREATE TABLE {Table} ({SampleRecords.Columns}) WITH (partitioning = ARRAY['day(timestamp)'])" : FlatDdl,
                FlushInterval = flush,
                Assembly = assembly,
                Environment = variables,
            };
            await using SiloProcess silo = SiloProcess.Start(setup);
            await silo.WaitAsync("every partition to be read", status => Attached(status) == topicPartitions + idle, Patience);
            double startCpu = silo.Process.CpuSeconds;
            IReadOnlyDictionary<string, double> startThreads = silo.Process.CpuSecondsByThread;
            long startResident = silo.Process.ResidentBytes;

            await using var follower = new CommittedFollower(() => silo);
            using IRecordFeed feed = Open(nested, records);
            var publisher = new Publisher(new PublisherOptions
            {
                BootstrapServers = broker.BootstrapServers, Topic = "events", Committed = follower.Of,
            });
            long begun = Stopwatch.GetTimestamp();
            Task<PublishResult> publishing = Task.Run(() => publisher.PublishAsync(feed, null, cancellationToken), cancellationToken);
            var resident = new List<long>();
            using var timer = new PeriodicTimer(LookPeriod);
            bool all = false;
            while (!all && await timer.WaitForNextTickAsync(cancellationToken))
            {
                resident.Add(silo.Process.ResidentBytes);
                if (publishing.IsCompleted)
                {
                    PublishResult published = await publishing;
                    all = published.Ranges.All(range => range.Value.Length == 0 || follower.Of(range.Key) >= range.Value.Next);
                }
            }

            double seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
            double cpu = silo.Process.CpuSeconds - startCpu;
            long peak = silo.Process.PeakResidentBytes;
            var threads = new JsonObject(silo.Process.CpuSecondsByThread
                .Select(thread => (thread.Key, Seconds: Math.Round(thread.Value - startThreads.GetValueOrDefault(thread.Key), 2)))
                .Where(thread => thread.Seconds >= 0.05)
                .OrderByDescending(thread => thread.Seconds)
                .Select(thread => KeyValuePair.Create(thread.Key, (JsonNode?)thread.Seconds)));
            await silo.Process.TerminateAsync(TimeSpan.FromSeconds(30));
            JsonObject described = await DescribeAsync(warehouse, records, seconds, startCpu, cpu, startResident, peak, resident);
            described["siloCpuSecondsByThread"] = threads;
            described["silo"] = Path.GetRelativePath(Repository.Root, assembly);
            return described;
        }
        finally
        {
            Directory.Delete(warehouse, recursive: true);
        }
    }

    private static async Task<JsonObject> DescribeAsync(string warehouse, long records, double seconds, double startCpu, double cpu, long startResident, long peak, List<long> resident)
    {
        var catalog = new LocalCatalog(warehouse, TimeProvider.System, new IdSource(TimeProvider.System, new Random()));
        LoadedTable table = (await catalog.LoadTableAsync(TableIdentifier.Parse(Table), CancellationToken.None))!;
        AuditResult audit = await Audit.RunAsync(table);
        var partitions = new HashSet<PartitionKey>();
        long files = 0, bytes = 0;
        await foreach (ManifestEntry entry in SnapshotFiles.LiveAsync(table, table.Metadata.FindRef(SnapshotRef.Main)!, CancellationToken.None))
        {
            files++;
            bytes += entry.DataFile.FileSizeBytes;
            partitions.Add(entry.DataFile.Partition);
        }

        long half = (long)resident.Skip(resident.Count / 2).DefaultIfEmpty().Average();
        return new JsonObject
        {
            ["records"] = records,
            ["rows"] = audit.Rows,
            ["audit"] = JsonNamingPolicy.CamelCase.ConvertName(audit.Verdict.ToString()),
            ["seconds"] = Math.Round(seconds, 2),
            ["rowsPerSecond"] = Math.Round(records / seconds),
            ["siloCpuSecondsBefore"] = Math.Round(startCpu, 2),
            ["siloCpuSeconds"] = Math.Round(cpu, 2),
            ["siloCpuSecondsPerMillion"] = Math.Round(cpu / records * 1e6, 3),
            ["files"] = files,
            ["fileBytes"] = bytes,
            ["tablePartitions"] = partitions.Count,
            ["commits"] = audit.Commits,
            ["residentMBBefore"] = startResident >> 20,
            ["residentMBSecondHalf"] = half >> 20,
            ["residentMBPeak"] = peak >> 20,
        };
    }

    private static IRecordFeed Open(bool nested, long records)
    {
        if (nested)
        {
            return new SampleFeed(new SampleRecords(), 0, records);
        }

        string file = SharedData.Find("github-events.ndjson.gz") ?? throw new FileNotFoundException("shared/data/github-events.ndjson.gz: expected it above this checkout; --nested needs no file");
        return new LimitedFeed(new NdjsonFeed(file, int.MaxValue), records);
    }

    private static int Attached(JsonNode status) =>
        status["topicPartitions"]!.AsArray().Count(partition => partition!["position"] is not null);
}
