using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using OrleansLake.Ingest;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Kafka.Publishing;
using OrleansLake.Testing;

namespace OrleansLake.Benchmarks.Ingest;

/// <summary>
/// <c>./lake bench poll</c>: what a record costs the thread that polls, and what the client's own threads take beside it. The
/// broker and its publisher are in this process and are not counted.
/// </summary>
internal static partial class PollBenchmark
{
    private const string Topic = "events";

    // https://man7.org/linux/man-pages/man3/clock_gettime.3.html
    private const int ThreadCpuTime = 3;

    // The embedded broker keeps so many records of a partition.
    private const int RecordsAPartition = 90_000;

    internal static Command Create()
    {
        var partitions = new Option<int>("--topic-partitions") { Description = "partitions of the topic", DefaultValueFactory = _ => 8 };
        var repeat = new Option<int>("--repeat") { Description = "how often all records are read", DefaultValueFactory = _ => 7 };
        var json = new Option<bool>("--json") { Description = "print one JSON object" };
        var settings = new Option<string[]>("--kafka") { Description = "NAME=VALUE, a setting of librdkafka", DefaultValueFactory = _ => [] };
        var command = new Command("poll", "Thread CPU time and allocation of polling, a record") { partitions, repeat, settings, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var broker = new EmbeddedBroker();
            int count = parsed.GetValue(partitions);
            broker.CreateTopic(Topic, count);
            string file = SharedData.Find("github-events.ndjson.gz") ?? throw new FileNotFoundException("shared/data/github-events.ndjson.gz: expected it above this checkout");
            int records = Math.Min(count * RecordsAPartition, 720_000);
            using (var feed = new LimitedFeed(new NdjsonFeed(file, int.MaxValue), records))
            {
                await new Publisher(new PublisherOptions { BootstrapServers = broker.BootstrapServers, Topic = Topic }).PublishAsync(feed, null, cancellationToken);
            }

            var kafka = parsed.GetValue(settings)!.Select(setting => setting.Split('=', 2)).ToDictionary(parts => parts[0], parts => parts[1]);
            var polled = new List<Polled>();
            for (int i = 0; i < parsed.GetValue(repeat); i++)
            {
                polled.Add(Poll(broker, count, records, kafka));
            }

            double[] thread = [.. polled.Select(poll => poll.ThreadNanos).Order()];
            double[] client = [.. polled.Select(poll => poll.ClientNanos).Order()];
            var figures = new JsonObject
            {
                ["records"] = records,
                ["topicPartitions"] = count,
                ["pollCpuNanosPerRecord"] = Math.Round(thread[thread.Length / 2], 1),
                ["pollCpuNanosPerRecordLeast"] = Math.Round(thread[0], 1),
                ["clientThreadsCpuNanosPerRecord"] = Math.Round(client[client.Length / 2], 1),
                ["allocatedBytesPerRecord"] = Math.Round(polled.Min(poll => poll.AllocatedBytes), 3),
                ["recordsPerBatch"] = Math.Round(polled.Average(poll => poll.RecordsPerBatch)),
            };
            Console.WriteLine(parsed.GetValue(json) ? figures.ToJsonString() : string.Join('\n', figures.Select(field => $"{field.Key,-32} {field.Value}")));
            return 0;
        });
        return command;
    }

    private readonly record struct Polled(double ThreadNanos, double ClientNanos, double AllocatedBytes, double RecordsPerBatch);

    private static Polled Poll(EmbeddedBroker broker, int partitions, int records, IReadOnlyDictionary<string, string> kafka)
    {
        using var source = new KafkaSource(new KafkaSourceOptions { BootstrapServers = broker.BootstrapServers, Settings = kafka });
        for (int p = 0; p < partitions; p++)
        {
            source.Assign(new TopicPartition(Topic, p), 0);
        }

        long read = 0, batches = 0, bytes = 0;
        long client = ClientNanos();
        long cpu = ThreadCpuNanos();
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        while (read < records)
        {
            using KafkaBatch? batch = source.Poll(TimeSpan.FromMilliseconds(50), CancellationToken.None);
            if (batch is not null)
            {
                batches++;
                read += batch.Count;
                foreach (ref readonly KafkaRecord record in batch.Records)
                {
                    bytes += record.ValueLength;
                }
            }
        }

        return new Polled(
            (double)(ThreadCpuNanos() - cpu) / records,
            (double)(ClientNanos() - client) / records,
            (double)(GC.GetAllocatedBytesForCurrentThread() - allocated) / records,
            (double)records / batches);
    }

    /// <summary>CPU time of the client's threads that fetch, by the names that librdkafka gives them.</summary>
    private static long ClientNanos()
    {
        long nanos = 0;
        foreach (string task in Directory.GetDirectories("/proc/self/task"))
        {
            try
            {
                string name = File.ReadAllText(Path.Combine(task, "comm"));
                if (name.StartsWith("rdk:broker", StringComparison.Ordinal) || name.StartsWith("rdk:main", StringComparison.Ordinal))
                {
                    // proc(5): the first field is the time spent on a CPU.
                    string spent = File.ReadAllText(Path.Combine(task, "schedstat"));
                    nanos += long.Parse(spent.AsSpan(0, spent.IndexOf(' ')), CultureInfo.InvariantCulture);
                }
            }
            catch (IOException) when (!Directory.Exists(task))
            {
                // A thread that has ended since it was listed: one of the client before this one.
                continue;
            }
        }

        return nanos;
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static unsafe partial int ClockGetTime(int clock, long* secondsAndNanos);

    private static unsafe long ThreadCpuNanos()
    {
        long* time = stackalloc long[2];
        return ClockGetTime(ThreadCpuTime, time) == 0 ? (time[0] * 1_000_000_000) + time[1] : throw new PlatformNotSupportedException("no CPU clock of a thread");
    }
}
