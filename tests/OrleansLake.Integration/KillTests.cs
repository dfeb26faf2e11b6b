using System.Text.Json.Nodes;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Kafka.Publishing;
using OrleansLake.Testing.Processes;

namespace OrleansLake.Integration;

/// <summary>
/// The silo in a process of its own dies without warning, or freezes while another takes over; broker and publisher are
/// in this one and go on. Afterwards every record is in the table, or in its dead letters, exactly once.
/// </summary>
[Collection(Collections.Working)]
public sealed class KillTests(ITestOutputHelper output) : IDisposable
{
    private const string Table = "kill.events";
    private const int TopicPartitions = 8;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    private readonly TestWarehouse _warehouse = new();

    public void Dispose() => _warehouse.Dispose();

    [Fact]
    [Trait("Category", "Endurance")]
    public async Task Two_million_records_survive_twenty_kills_at_random_moments()
    {
        const long Records = 2_000_000;
        const int Kills = 20;
        // Each silo's life has records of its own, one half to begin with and one from its first commit on, so that they
        // flow at the last kill as at the first, however slow the machine.
        const long Half = Records / Kills / 2;
        var random = new Random(20260301);
        using var broker = new EmbeddedBroker();
        SiloSetup setup = Setup(broker);
        SiloProcess? silo = null;
        await using var follower = new CommittedFollower(() => Volatile.Read(ref silo));
        using var feed = new NumberedFeed(Records, released: 0);
        Task<PublishResult> publishing = Task.Run(() => feed.PublishAsync(broker, follower, Half / 0.9));

        int flowing = 0;
        var moments = new List<string>();
        for (int kill = 0; kill < Kills; kill++)
        {
            feed.Release(((2 * kill) + 1) * Half);
            await using SiloProcess mortal = SiloProcess.Start(setup);
            Volatile.Write(ref silo, mortal);
            if (kill % 4 == 3)
            {
                // Now and then at start-up, whatever it may be doing then.
                await Task.Delay(random.Next(300, 2_500));
            }
            else
            {
                // Mostly while records flow: a moment after it has begun to commit.
                long before = follower.Total;
                await mortal.WaitAsync("the first commit", _ => follower.Total > before, Patience);
                feed.Release(((2 * kill) + 2) * Half);
                await Task.Delay(random.Next(0, 900));
            }

            flowing += follower.Total < feed.Given ? 1 : 0;
            await mortal.Process.KillAsync();
            moments.Add($"{follower.Total:N0}");
        }

        output.WriteLine($"offsets committed at each kill: {string.Join(", ", moments)}");
        Assert.True(flowing > Kills / 2, $"expected records to flow at most of the kills, they did at {flowing} of {Kills}");
        feed.Release(Records);
        await using SiloProcess last = SiloProcess.Start(setup);
        Volatile.Write(ref silo, last);
        PublishResult published = await publishing.WaitAsync(Patience);
        await WaitForAllAsync(last, published);
        Assert.Equal(0, await last.Process.TerminateAsync(TimeSpan.FromSeconds(30)));
        await CheckAsync(Records);
    }

    [Fact]
    [Trait("Category", "Endurance")]
    public async Task A_frozen_silo_that_wakes_after_another_took_over_doubles_nothing()
    {
        const long Records = 400_000;
        using var broker = new EmbeddedBroker();
        SiloSetup setup = Setup(broker);
        SiloProcess? followed = null;
        await using var follower = new CommittedFollower(() => Volatile.Read(ref followed));

        await using SiloProcess first = SiloProcess.Start(setup, "first");
        Volatile.Write(ref followed, first);
        await first.WaitAsync("the first silo to answer", _ => true, Patience);
        // So slowly that the first silo cannot have committed nearly all of them before it is frozen.
        Task<PublishResult> publishing = Publish(broker, follower, Records, recordsPerSecond: 25_000);
        await first.WaitAsync("commits of the first silo", _ => follower.Total > Records / 20, Patience);
        first.Process.Freeze();
        while (_warehouse.IsLocked(Table) || _warehouse.IsLocked(Table + "__dead_letters"))
        {
            // In the middle of a swap it holds the local catalog's lock, and nobody commits before it wakes: no take-over.
            first.Process.Thaw();
            await first.WaitAsync("the swap to end", _ => !_warehouse.IsLocked(Table) && !_warehouse.IsLocked(Table + "__dead_letters"), Patience);
            first.Process.Freeze();
        }

        await using SiloProcess second = SiloProcess.Start(setup, "second");
        Volatile.Write(ref followed, second);
        long before = follower.Total;
        await second.WaitAsync("commits of the second silo", _ => follower.Total > before + (Records / 10), Patience);
        first.Process.Thaw();

        // Both own every topic-partition now. The first finds out at its next report; then it is told to go.
        await first.WaitAsync("the first silo to answer again", _ => true, Patience);
        await first.WaitAsync("the first silo to notice", status => Troubled(status) || publishing.IsCompleted, Patience);
        await first.Process.TerminateAsync(TimeSpan.FromSeconds(60));
        PublishResult published = await publishing.WaitAsync(Patience);
        await WaitForAllAsync(second, published);
        Assert.Equal(0, await second.Process.TerminateAsync(TimeSpan.FromSeconds(30)));
        await CheckAsync(Records);
    }

    private static bool Troubled(JsonNode status) =>
        status["trouble"] is not null || status["topicPartitions"]!.AsArray().Any(partition => partition!["trouble"] is not null);

    private static Task<PublishResult> Publish(EmbeddedBroker broker, CommittedFollower follower, long records, double? recordsPerSecond = null) =>
        Task.Run(async () =>
        {
            using var feed = new NumberedFeed(records);
            return await feed.PublishAsync(broker, follower, recordsPerSecond);
        });

    private static Task WaitForAllAsync(SiloProcess silo, PublishResult published) => silo.WaitAsync(
        "everything published to be committed",
        status =>
        {
            var committed = SiloProcess.CommittedOf(status).ToDictionary(pair => pair.TopicPartition, pair => pair.Next);
            return published.Ranges.All(range => committed.GetValueOrDefault(range.Key, -1) >= range.Value.Next);
        },
        Patience);

    private SiloSetup Setup(EmbeddedBroker broker)
    {
        broker.CreateTopic("events", TopicPartitions);
        return new SiloSetup
        {
            Warehouse = _warehouse.Path,
            BootstrapServers = broker.BootstrapServers,
            Topics = ["events"],
            Table = Table,
            Ddl = $"CREATE TABLE {Table} ({NumberedFeed.Columns}) WITH (partitioning = ARRAY['day(at)'])",
        };
    }

    private async Task CheckAsync(long records)
    {
        AuditResult audit = await _warehouse.AuditAsync(Table);
        output.WriteLine(audit.ToString());
        Assert.Equal(AuditVerdict.Proved, audit.Verdict);
        long bad = NumberedFeed.BadAmong(records);
        Assert.Equal(records - bad, audit.Rows);

        Assert.SkipWhen(ForeignReaders.Absent is not null, ForeignReaders.Absent ?? "");
        JsonNode rows = Assert.Single(await _warehouse.DuckDbAsync(
            Table, "SELECT count(*) AS n, count(DISTINCT id) AS ids, min(id) AS lo, max(id) AS hi, sum(id) AS total FROM FILES"))!;
        output.WriteLine(rows.ToJsonString());
        Assert.Equal(records - bad, Number(rows["n"]));
        Assert.Equal(records - bad, Number(rows["ids"]));
        Assert.Equal(1, Number(rows["lo"]));
        Assert.Equal(records - 1, Number(rows["hi"]));

        JsonNode letters = Assert.Single(await _warehouse.DuckDbAsync(
            Table + "__dead_letters", "SELECT count(*) AS n, count(DISTINCT (topic, \"partition\", \"offset\")) AS places, count(DISTINCT value) AS contents FROM FILES"))!;
        output.WriteLine(letters.ToJsonString());
        Assert.Equal(bad, Number(letters["n"]));
        Assert.Equal(bad, Number(letters["places"]));
        Assert.Equal(bad, Number(letters["contents"]));
    }

    private static long Number(JsonNode? node) => long.Parse(node!.ToString(), System.Globalization.CultureInfo.InvariantCulture);
}
