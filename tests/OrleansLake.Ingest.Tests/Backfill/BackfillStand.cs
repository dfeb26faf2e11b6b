using System.Text;
using Confluent.Kafka;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Backfill;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Pump;
using OrleansLake.Ingest.Read;
using OrleansLake.Ingest.Tests.Kafka;
using OrleansLake.Ingest.Tests.Replay;
using OrleansLake.Ingest.Tests.Write;
using OrleansLake.Ingest.Write;

namespace OrleansLake.Ingest.Tests.Backfill;

/// <summary>A topic of two partitions, each with ids and every tenth record bad, and backfills of it into branches of a table.</summary>
public sealed class BackfillBroker : IDisposable
{
    public const string Topic = "history";
    public const int PerPartition = 60;

    public BackfillBroker()
    {
        Broker.CreateTopic(Topic, 2);
        using IProducer<byte[]?, byte[]?> producer = TestKafka.Producer(Broker, ("batch.num.messages", "7"));
        for (int i = 0; i < PerPartition; i++)
        {
            for (int partition = 0; partition < 2; partition++)
            {
                // Ids of the backfill begin at 1000, so that those of the pipeline itself are told apart.
                producer.Produce(new Confluent.Kafka.TopicPartition(Topic, partition), new Message<byte[]?, byte[]?> { Value = Encoding.UTF8.GetBytes(DocumentOf(partition, i)) });
            }
        }

        producer.Flush(TestKafka.Patience);
        Lookup = new KafkaLookup(Broker.BootstrapServers);
        Identities = new(async () => new TopicIdentities(await Lookup.ClusterIdAsync(default), await Lookup.TopicIdsAsync([Topic], default)));
    }

    /// <summary>Asked once: these tests run a hundred backfills.</summary>
    internal Lazy<Task<TopicIdentities>> Identities { get; }

    internal EmbeddedBroker Broker { get; } = new();

    internal KafkaLookup Lookup { get; }

    public static long IdOf(int partition, long offset) => 1000 + (partition * 1000) + offset;

    internal static string DocumentOf(int partition, int offset) => offset % 10 == 3 ? "{\"id\":\"bad\"}" : $"{{\"id\":{IdOf(partition, offset)}}}";

    public void Dispose()
    {
        Lookup.Dispose();
        Broker.Dispose();
    }
}

internal static class BackfillStand
{
    public const string Branch = "jan";

    public static OrleansLake.Ingest.TopicPartition Partition(int partition) => new(BackfillBroker.Topic, partition);

    public static BackfillBranch Branches(ReplayStand stand) => new(stand.Catalog, stand.Ids, TimeProvider.System);

    private static StartPosition At(string text) => StartPosition.TryParse(text, out StartPosition position) ? position : throw new ArgumentException(text);

    /// <summary>Opens the plan, and runs it to its end.</summary>
    public static async Task<BackfillCounts> RunAsync(ReplayStand stand, BackfillBroker broker, string from, string to, Func<int, bool>? partitions = null, CancellationToken cancellationToken = default, bool haltOnReject = false)
    {
        BackfillPlan plan = await OpenAsync(stand, broker, from, to, partitions, cancellationToken);
        return await BackfillRun.RunAsync(Parts(stand, broker, plan, haltOnReject), cancellationToken);
    }

    /// <summary>All of the topic, without a client between: for tests that do it a hundred times.</summary>
    public static async Task<BackfillCounts> RunAllAsync(ReplayStand stand, BackfillBroker broker, CancellationToken cancellationToken)
    {
        BackfillPlan plan = await Branches(stand).OpenAsync(ReplayStand.Events, Branch, "events", "all", SnapshotRef.Main, async _ =>
        (
            [.. Enumerable.Range(0, 2).Select(static partition => new BackfillRange(Partition(partition), new OffsetRange(0, BackfillBroker.PerPartition)))],
            (await broker.Identities.Value).TopicIds
        ), cancellationToken);
        return await BackfillRun.RunAsync(Parts(stand, broker, plan, source: new MemorySource()), cancellationToken);
    }

    public static Task<BackfillPlan> OpenAsync(ReplayStand stand, BackfillBroker broker, string from, string to, Func<int, bool>? partitions = null, CancellationToken cancellationToken = default) =>
        Branches(stand).OpenAsync(ReplayStand.Events, Branch, "events", $"from {from} to {to}", SnapshotRef.Main, async token =>
        (
            await BackfillRanges.BetweenAsync(broker.Lookup, [.. Enumerable.Range(0, 2).Where(partition => partitions?.Invoke(partition) ?? true).Select(Partition)], At(from), At(to), token),
            (await broker.Identities.Value).TopicIds
        ), cancellationToken);

    public static BackfillParts Parts(ReplayStand stand, BackfillBroker broker, BackfillPlan plan, bool haltOnReject = false, IRecordSource? source = null) => new()
    {
        Plan = plan,
        Pump = new PumpOptions
        {
            Pipeline = "", Generation = "", Silo = "test", FlushInterval = TimeSpan.FromMilliseconds(40), HandOverTimeout = TimeSpan.FromMilliseconds(50), MinBackOff = TimeSpan.FromMilliseconds(5),
            MaxBackOff = TimeSpan.FromMilliseconds(50),
        },
        Committer = stand.NewCommitter(plan.Branch, TimeSpan.FromMilliseconds(10)),
        Source = source ?? TestKafka.Source(broker.Broker),
        Writers = _ => new RowWriterFactory(new RowWriterOptions { Pipeline = plan.Reader, Generation = plan.Generation, HaltOnReject = haltOnReject }, TimeProvider.System, stand.Ids),
        MostFields = 100,
        Cluster = new Facts(broker),
        LoadTables = async _ => new PumpTables(await stand.TableAsync(ReplayStand.Events), await stand.TableAsync(ReplayStand.Letters)),
        Memory = new MemoryBudget(64 << 20),
        Time = TimeProvider.System,
        Ids = stand.Ids,
    };

    public static Task<BackfillPublished> PublishAsync(ReplayStand stand, bool keep = false, CancellationToken cancellationToken = default) => Task.Run(async () =>
        await stand.NewCommitter().PublishAsync(BackfillPlan.Find((await stand.TableAsync(ReplayStand.Events)).Metadata.Properties, Branch) ?? throw new BackfillException("no plan"), keep, cancellationToken));

    public static async Task<List<long>> IdsAsync(ReplayStand stand, string branch)
    {
        LoadedTable table = await stand.TableAsync(ReplayStand.Events);
        List<long> ids = [];
        if (table.Metadata.FindRef(branch) is { } head)
        {
            await foreach (var row in new TableScan(table, new ScanOptions { Snapshot = head }).ReadJsonAsync())
            {
                ids.Add(System.Text.Json.JsonDocument.Parse(row.ToArray()).RootElement.GetProperty("id").GetInt64());
            }
        }

        ids.Sort();
        return ids;
    }

    /// <summary>Ids that records between two offsets of both partitions become.</summary>
    public static IEnumerable<long> Expected(int from, int to) =>
        Enumerable.Range(0, 2).SelectMany(partition => Enumerable.Range(from, to - from).Where(static i => i % 10 != 3).Select(i => BackfillBroker.IdOf(partition, i)));

    public static async Task AssertProvedAsync(ReplayStand stand, string branch)
    {
        AuditResult audit = await Audit.RunAsync(await stand.TableAsync(ReplayStand.Events), await stand.TableAsync(ReplayStand.Letters), branch);
        Assert.True(audit.Verdict == AuditVerdict.Proved, $"{branch}: {string.Join("; ", audit.Findings)}");
    }

    /// <summary>The broker's records in batches of seven, one topic-partition after the other.</summary>
    private sealed class MemorySource : IRecordSource
    {
        private readonly Dictionary<OrleansLake.Ingest.TopicPartition, long> _positions = [];

        public string? Trouble => null;

        public void Assign(OrleansLake.Ingest.TopicPartition topicPartition, long position) => _positions[topicPartition] = position;

        public void Unassign(OrleansLake.Ingest.TopicPartition topicPartition) => _positions.Remove(topicPartition);

        public void SetPaused(OrleansLake.Ingest.TopicPartition topicPartition, bool paused)
        {
        }

        public KafkaBatch? Poll(TimeSpan timeout, CancellationToken cancellationToken)
        {
            foreach (var (topicPartition, position) in _positions.OrderBy(static one => one.Value))
            {
                var documents = Enumerable.Range((int)position, (int)Math.Min(7, BackfillBroker.PerPartition - position)).Select(i => BackfillBroker.DocumentOf(topicPartition.Partition, i)).ToArray();
                if (documents.Length > 0)
                {
                    _positions[topicPartition] = position + documents.Length;
                    return ReplayStand.At(TableFixture.Batch(documents), topicPartition, position);
                }
            }

            Thread.Sleep(1); // as a client that has nothing
            return null;
        }

        public PartitionEnds? EndsOf(OrleansLake.Ingest.TopicPartition topicPartition) => new PartitionEnds(0, BackfillBroker.PerPartition, BackfillBroker.PerPartition);

        public void Dispose()
        {
        }
    }

    private sealed class Facts(BackfillBroker broker) : IClusterFacts
    {
        public Task<IReadOnlyDictionary<OrleansLake.Ingest.TopicPartition, long>> StartOffsetsAsync(
            IReadOnlyCollection<OrleansLake.Ingest.TopicPartition> topicPartitions, StartPosition start, CancellationToken cancellationToken) =>
            throw new InvalidOperationException("a backfill knows where it begins");

        public Task<TopicIdentities> IdentitiesAsync(IReadOnlyCollection<string> topics, CancellationToken cancellationToken) => broker.Identities.Value;
    }
}
