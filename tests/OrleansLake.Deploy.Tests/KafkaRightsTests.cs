using System.IO.Enumeration;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansLake.Contracts;
using OrleansLake.Grains;
using OrleansLake.Ingest;
using OrleansLake.Ingest.Forward;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Kafka.Publishing;
using OrleansLake.Testing.Kafka;

namespace OrleansLake.Deploy.Tests;

/// <summary>What a silo asks of brokers, told by a gate between them, and what its role on AWS may ask of MSK.</summary>
public sealed class KafkaRightsTests(TerraformStand terraform)
{
    private const string Cluster = "arn:aws:kafka:eu-west-1:123456789012:cluster/demo/11111111-2222";

    [Fact]
    public async Task Rights_on_msk_are_what_a_silo_asks_of_its_brokers_and_nothing_else()
    {
        Assert.SkipWhen(TerraformStand.Absence is not null, TerraformStand.Absence ?? "");
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 1);
        broker.CreateTopic("events-dlq", 1);
        (string Action, string Resource)[] needed = [.. await OfReadingAsync(broker), .. await OfDeadLettersAsync(broker)];

        (string Action, string Pattern)[] allowed =
        [
            .. terraform.StatementsOf("fargate", "task").SelectMany(statement => TerraformStand.Texts(statement!["Action"]).SelectMany(action => TerraformStand.Texts(statement["Resource"]).Select(pattern => (action, pattern))))
                .Where(one => one.action.StartsWith("kafka-cluster:", StringComparison.Ordinal)),
        ];
        Assert.All(needed, right => Assert.Contains(allowed, one => Allows(one, right)));
        Assert.All(allowed, one => Assert.Contains(needed, right => Allows(one, right)));
    }

    private static bool Allows((string Action, string Pattern) allowed, (string Action, string Resource) right) =>
        allowed.Action == right.Action && FileSystemName.MatchesSimpleExpression(allowed.Pattern, right.Resource, ignoreCase: false);

    /// <summary>A pipeline's source, its questions, and its group's offsets.</summary>
    private static async Task<IEnumerable<(string Action, string Resource)>> OfReadingAsync(EmbeddedBroker broker)
    {
        PublishResult sent = await new Publisher(new PublisherOptions { BootstrapServers = broker.BootstrapServers, Topic = "events" })
            .PublishAsync(new SampleFeed(new SampleRecords(), 0, 100), null, CancellationToken.None);
        await using var gate = new SecureKafka(broker.BootstrapServers, new SecureKafkaOptions());
        using KafkaConnections connections = Connect(gate);
        KafkaLookup lookup = connections.LookupOf("events");
        var events = new TopicPartition("events", 0);
        Assert.Equal(1, await lookup.PartitionsOfAsync("events", default));
        Assert.NotNull(await lookup.ClusterIdAsync(default));
        Assert.Equal(sent.Ranges[events].Next, (await lookup.LatestAsync([events], default))[events]);
        await lookup.LastStableAsync([events], default);
        await lookup.EarliestAsync([events], default);
        await lookup.CommitGroupOffsetsAsync(connections.GroupOf("events"), new Dictionary<TopicPartition, long> { [events] = 7 }, default);
        Assert.Equal(7, (await lookup.GroupOffsetsAsync(connections.GroupOf("events"), [events], default))[events]);
        using KafkaSource source = connections.OpenSource("events");
        source.Assign(events, 0);
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        for (int read = 0; read < 100;)
        {
            using KafkaBatch? batch = source.Poll(TimeSpan.FromMilliseconds(100), limit.Token);
            read += batch?.Count ?? 0;
        }

        return KafkaRights.Of(gate.Asked, Cluster, "events");
    }

    /// <summary>A pipeline's dead letters on their way to a topic.</summary>
    private static async Task<IEnumerable<(string Action, string Resource)>> OfDeadLettersAsync(EmbeddedBroker broker)
    {
        await using var gate = new SecureKafka(broker.BootstrapServers, new SecureKafkaOptions());
        using KafkaConnections connections = Connect(gate);
        var definition = new PipelineDefinition { Name = "events", Topics = ["events"], Table = "db.events", DeadLetters = new DeadLetterSettings { Mode = DeadLetterMode.Topic, Topic = "events-dlq" } };
        DeadLetterTopic letters = connections.DeadLettersOf(definition)!;
        string group = DeadLetterForward.GroupOf("events", Guid.NewGuid());
        var record = new DeadLetterRecord(new TopicPartition("events", 0), 1, -1, null, [1], [], "wrong-type", "", "m", 0, "events", "g1");
        Assert.Null(await letters.ConnectAsync(group, default));
        await letters.SendAsync(new[] { record }.ToAsyncEnumerable(), 1, default);
        Assert.Equal(1, await letters.ConnectAsync(group, default));
        return KafkaRights.Of(gate.Asked, Cluster, "events-dlq");
    }

    private static KafkaConnections Connect(SecureKafka gate) =>
        new(new Dictionary<string, IReadOnlyDictionary<string, string>> { ["events"] = new Dictionary<string, string> { ["bootstrap.servers"] = gate.BootstrapServers } }, NullLoggerFactory.Instance);
}
