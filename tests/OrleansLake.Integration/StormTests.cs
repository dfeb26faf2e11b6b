using System.Text.Json.Nodes;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Kafka.Publishing;
using OrleansLake.Testing.Processes;

namespace OrleansLake.Integration;

/// <summary>A topic of nothing but records that are no rows, as fast as they come, beside one that is well.</summary>
[Collection(Collections.Waiting)]
public sealed class StormTests(ITestOutputHelper output) : IDisposable
{
    private const string Storm = "storm.events";
    private const string Calm = "storm.calm";
    private const long LeastBytes = 192L << 20;

    // What a silo needs beside its budget grows with what it has under way; one that kept what it rejects, with all that
    // surrounds a kept record, would need more than the storm brings.
    private const long MostGrowth = 176L << 20;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    private readonly TestWarehouse _warehouse = new();

    public void Dispose() => _warehouse.Dispose();

    [Fact]
    [Trait("Category", "Endurance")]
    public async Task Storm_of_bad_records_takes_bounded_memory_raises_its_alert_and_keeps_no_other_pipeline_from_committing()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("storm", 8);
        broker.CreateTopic("calm", 1);
        await using SiloProcess silo = SiloProcess.Start(new SiloSetup
        {
            Warehouse = _warehouse.Path,
            BootstrapServers = broker.BootstrapServers,
            Topics = ["storm"],
            Table = Storm,
            Ddl = $"CREATE TABLE {Storm} (id BIGINT NOT NULL, text VARCHAR)",
            MemoryBudget = "64MB",
            Environment = new Dictionary<string, string> { ["DOTNET_GCHeapHardLimit"] = "0xC000000" },
            Beside = [new JsonObject { ["name"] = "calm", ["topics"] = new JsonArray("calm"), ["table"] = Calm, ["ddl"] = $"CREATE TABLE {Calm} ({NumberedFeed.Columns})", ["createTable"] = true, ["flushInterval"] = "500ms" }],
        });
        await using var stormInTable = new CommittedFollower(() => silo);
        await using var calmInTable = new CommittedFollower(() => silo, "calm");
        using var storm = new BadFeed();
        using var calm = new NumberedFeed(6, released: 0);
        Task<PublishResult> storming = PublishAsync(broker, "storm", stormInTable, storm);
        Task<PublishResult> calming = PublishAsync(broker, "calm", calmInTable, calm);

        storm.Release(1000);
        calm.Release(1);
        await silo.WaitAsync("a commit to each table", _ => stormInTable.Total > 0 && calmInTable.Total > 0, Patience);
        long before = silo.Process.ResidentBytes;
        storm.Release(long.MaxValue);
        for (int record = 2; record <= 6; record++)
        {
            long dead = stormInTable.Total;
            await silo.WaitAsync("the storm to go on", _ => stormInTable.Total > dead, Patience);
            calm.Release(record);
            await silo.WaitAsync("a record beside the storm to be committed", _ => calmInTable.Total >= record, Patience);
            Assert.False(storming.IsCompleted, "the storm was to go on meanwhile");
        }

        await silo.WaitAsync("enough of the storm", _ => stormInTable.Total * BadFeed.RecordBytes > LeastBytes, Patience);
        Assert.Matches("orleanslake_alerts_active\\{[^}]*DeadLetters[^}]*\\} 1", await silo.GetAsync("/metrics", CancellationToken.None));
        storm.End();
        PublishResult published = await storming.WaitAsync(Patience);
        await calming.WaitAsync(Patience);
        await silo.WaitAsync("all of the storm", _ => stormInTable.Total == published.Records, Patience);
        long peak = silo.Process.PeakResidentBytes;
        output.WriteLine($"{published.Records:N0} bad records of {BadFeed.RecordBytes} bytes; resident {before >> 20} MB before, {peak >> 20} MB at most; log {new FileInfo(silo.Log).Length} bytes");
        Assert.Equal(0, await silo.Process.TerminateAsync(TimeSpan.FromSeconds(60)));

        AuditResult audit = await _warehouse.AuditAsync(Storm);
        Assert.Equal((AuditVerdict.Proved, 0L, published.Records), (audit.Verdict, audit.Rows, audit.Partitions.Sum(partition => partition.Rejected)));
        Assert.InRange(peak, 0, before + MostGrowth);
        Assert.InRange(new FileInfo(silo.Log).Length, 0, 1 << 20);
    }

    private static Task<PublishResult> PublishAsync(EmbeddedBroker broker, string topic, CommittedFollower follower, IRecordFeed feed) => Task.Run(() =>
        new Publisher(new PublisherOptions { BootstrapServers = broker.BootstrapServers, Topic = topic, Committed = follower.Of }).PublishAsync(feed, null, CancellationToken.None));

    /// <summary>Records without the field that the table requires, of text that hardly packs.</summary>
    private sealed class BadFeed() : PacedFeed(long.MaxValue, released: 0)
    {
        public const int RecordBytes = 1024;

        private readonly Random _random = new(5);
        private readonly byte[] _text = new byte[(RecordBytes - 11) / 4 * 3];

        protected override void Add(RecordChunk chunk, long number)
        {
            _random.NextBytes(_text);
            Span<byte> room = chunk.Reserve(RecordBytes + 16);
            "{\"text\":\""u8.CopyTo(room);
            System.Buffers.Text.Base64.EncodeToUtf8(_text, room[9..], out _, out int written);
            "\"}"u8.CopyTo(room[(9 + written)..]);
            chunk.Commit(9 + written + 2);
        }
    }
}
