using System.Diagnostics;
using System.Runtime.InteropServices;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Kafka.Publishing;
using static OrleansLake.Ingest.Tests.Kafka.TestKafka;

namespace OrleansLake.Ingest.Tests.Kafka;

public sealed partial class KafkaScaleTests
{
    // https://man7.org/linux/man-pages/man3/clock_gettime.3.html
    private const int ThreadCpuTime = 3;

    [Fact]
    public void A_thousand_idle_partitions_cost_less_than_a_hundred_megabytes()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("one", 1);
        broker.CreateTopic("many", 1000);
        Send(broker, "one", 0, 0, 10);
        using KafkaSource source = Source(broker);
        source.Assign(new TopicPartition("one", 0), 0);
        var reading = new Reading();
        PollUntil(source, () => reading.Count == 10, reading.Take);
        long before = Resident();

        for (int p = 0; p < 1000; p++)
            source.Assign(new TopicPartition("many", p), 0);
        PollUntil(source, () => Enumerable.Range(0, 1000).All(p => source.EndsOf(new TopicPartition("many", p)) is not null), reading.Take);

        long more = Resident() - before;
        TestContext.Current.SendDiagnosticMessage($"1,000 idle topic-partitions, client and embedded broker together: {more / 1e6:N1} MB");
        Assert.InRange(more, long.MinValue, 100_000_000);
    }

    [Fact]
    public async Task No_partition_starves_while_others_have_much_to_read()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("busy", 8);
        broker.CreateTopic("quiet", 50);
        await new Publisher(new PublisherOptions { BootstrapServers = broker.BootstrapServers, Topic = "busy", Settings = new Dictionary<string, string> { ["batch.num.messages"] = "500" } })
            .PublishAsync(new SampleFeed(new SampleRecords(), 0, 80_000), null, CancellationToken.None);
        await new Publisher(new PublisherOptions { BootstrapServers = broker.BootstrapServers, Topic = "quiet" })
            .PublishAsync(new SampleFeed(new SampleRecords(), 0, 500), null, CancellationToken.None);
        using KafkaSource source = Source(broker);
        for (int p = 0; p < 8; p++)
            source.Assign(new TopicPartition("busy", p), 0);
        for (int p = 0; p < 50; p++)
            source.Assign(new TopicPartition("quiet", p), 0);
        var reading = new Reading();

        // Every quiet partition has given its records long before the busy ones are through.
        PollUntil(source, () => Enumerable.Range(0, 50).All(p => reading.Of(new TopicPartition("quiet", p)).Count == 10), reading.Take);

        int[] busy = [.. Enumerable.Range(0, 8).Select(p => reading.Of(new TopicPartition("busy", p)).Count)];
        Assert.True(busy.Sum() < 80_000, $"busy partitions were at {string.Join(", ", busy)} when the last quiet one came");
        PollUntil(source, () => reading.Count == 80_500, reading.Take);
    }

    /// <summary>CPU time of a record on the polling thread, printed; the bound leaves room for slow machines.</summary>
    [Fact]
    public async Task Polling_costs_the_thread_little_and_allocates_almost_nothing_for_a_record()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 4);
        const int count = 400_000;
        byte[] value = new byte[120];
        Array.Fill(value, (byte)'x');
        await new Publisher(new PublisherOptions { BootstrapServers = broker.BootstrapServers, Topic = "events" })
            .PublishAsync(new SameFeed(value, count), null, CancellationToken.None);
        using KafkaSource source = Source(broker);
        for (int p = 0; p < 4; p++)
            source.Assign(new TopicPartition("events", p), 0);
        long read = 0;
        long bytes = 0;
        long polls = 0;
        long cpuNanos = 0;
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        long deadline = Stopwatch.GetTimestamp() + 60 * Stopwatch.Frequency;
        while (read < count && Stopwatch.GetTimestamp() < deadline)
        {
            long begun = ThreadCpuNanos();
            using KafkaBatch? batch = source.Poll(TimeSpan.Zero, CancellationToken.None);
            if (batch is null)
            {
                Thread.Yield();
                continue;
            }

            cpuNanos += ThreadCpuNanos() - begun;
            polls++;
            read += batch.Count;
            foreach (ref readonly KafkaRecord record in batch.Records)
                bytes += record.ValueLength;
        }

        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        double nanos = (double)cpuNanos / count;
        Console.WriteLine($"Poll: {nanos:N0} ns a record, {(double)allocated / count:N1} B allocated a record, {read / Math.Max(1, polls):N0} records a batch");
        Assert.Equal(count, read);
        Assert.Equal(120L * count, bytes);
        Assert.True(nanos < 1500, $"{nanos} ns a record");
        Assert.True(allocated < 32L * count, $"{allocated} B for {count} records");
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static unsafe partial int ClockGetTime(int clock, long* secondsAndNanos);

    private static unsafe long ThreadCpuNanos()
    {
        long* time = stackalloc long[2];
        return ClockGetTime(ThreadCpuTime, time) == 0 ? time[0] * 1_000_000_000 + time[1] : throw new PlatformNotSupportedException("no CPU clock of a thread");
    }

    private static long Resident()
    {
        GC.Collect();
        using Process process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }

    private sealed class SameFeed(byte[] value, int count) : IRecordFeed
    {
        private int _left = count;

        public long? Total => null;

        public void Fill(RecordChunk chunk, int limit)
        {
            for (; limit > 0 && _left > 0; limit--, _left--)
                chunk.Add(value);
        }

        public void Dispose() { }
    }
}
