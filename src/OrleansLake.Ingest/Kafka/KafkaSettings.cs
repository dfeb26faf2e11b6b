using OrleansLake.Ingest.Kafka.Security;

namespace OrleansLake.Ingest.Kafka;

/// <summary>What OrleansLake sets in librdkafka, what a user may change of it, and what not.</summary>
/// <remarks>
/// Names and meaning: https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md
/// </remarks>
public static class KafkaSettings
{
    // The table decides where reading goes on (exactly-once, rules 11 and 13): nothing may move a position by itself,
    // and the ends of partitions must be told, since gaps behind the last record are known from nothing else.
    private static readonly KeyValuePair<string, string>[] Fixed =
    [
        new("enable.auto.commit", "false"),
        new("enable.auto.offset.store", "false"),
        new("auto.offset.reset", "error"),
        new("enable.partition.eof", "true"),
    ];

    // Memory: librdkafka holds at most queued.max.messages.kbytes of records that were fetched and not polled, for all
    // partitions together, and one fetch response of fetch.max.bytes a broker on top. 32 + 16 MB leaves a silo of 500 MB to
    // its open files. The queue refills as soon as it has room (fetch.queue.backoff.ms is 1000 by default, which would let
    // the consumer run dry). max.partition.fetch.bytes stays 1 MB: larger batches are still fetched, one at a time.
    private static readonly KeyValuePair<string, string>[] Defaults =
    [
        new("group.id", "orleanslake"),
        new("isolation.level", "read_committed"),
        new("check.crcs", "true"),
        new("queued.max.messages.kbytes", "32768"),
        new("queued.min.messages", "100000"),
        new("fetch.queue.backoff.ms", "5"),
        new("fetch.max.bytes", "16777216"),
        new("fetch.wait.max.ms", "250"),
        new("fetch.error.backoff.ms", "200"),
        new("reconnect.backoff.max.ms", "2000"),
        new("topic.metadata.refresh.interval.ms", "60000"),
        new("socket.keepalive.enable", "true"),
        new("client.id", "orleanslake"),
    ];

    private static readonly Dictionary<string, string> Refused = new()
    {
        ["enable.auto.commit"] = "the table holds the offsets; group offsets are committed after it",
        ["auto.commit.enable"] = "the table holds the offsets; group offsets are committed after it",
        ["enable.auto.offset.store"] = "the table holds the offsets",
        ["auto.offset.reset"] = "the pipeline's start position and onDataLoss say what happens to a position that Kafka does not have",
        ["enable.partition.eof"] = "gaps behind the last record are known from it",
        ["partition.assignment.strategy"] = "topic-partitions are placed by the cluster's grains, not by a consumer group",
        ["group.instance.id"] = "topic-partitions are placed by the cluster's grains, not by a consumer group",
        ["group.protocol"] = "topic-partitions are placed by the cluster's grains, not by a consumer group",
        ["builtin.features"] = "it is read-only",
        ["plugin.library.paths"] = "a plug-in may change what is read",
        ["test.mock.num.brokers"] = "the embedded broker is made by ./lake kafka",
    };

    /// <summary>The settings of a consumer: ours, then the user's over those that may change.</summary>
    /// <exception cref="KafkaSettingException">A setting is one that only OrleansLake may decide.</exception>
    public static IReadOnlyDictionary<string, string> OfConsumer(string bootstrap, IReadOnlyDictionary<string, string>? settings)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(bootstrap);
        var result = new Dictionary<string, string>(Defaults);
        foreach ((string name, string value) in settings ?? new Dictionary<string, string>())
        {
            // A value that equals ours is no quarrel.
            bool isOurs = Fixed.Any(f => f.Key == name && string.Equals(f.Value, value, StringComparison.OrdinalIgnoreCase));
            if (!isOurs && Refused.TryGetValue(name, out string? why))
                throw new KafkaSettingException(name, $"Kafka setting {name} cannot be set: {why}; remove it");

            result[name] = value;
        }

        result["bootstrap.servers"] = bootstrap;
        foreach ((string name, string value) in Fixed)
            result[name] = value;

        KafkaSecurity.Translate(result, bootstrap);
        return result;
    }

    /// <summary>The settings of a producer that loses nothing silently: all replicas acknowledge, repeats are recognised.</summary>
    /// <exception cref="KafkaSettingException">A setting would allow records to be lost.</exception>
    public static IReadOnlyDictionary<string, string> OfProducer(string bootstrap, IReadOnlyDictionary<string, string>? settings)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(bootstrap);
        var result = new Dictionary<string, string>
        {
            ["client.id"] = "orleanslake-publisher",
            ["linger.ms"] = "20",
            ["batch.num.messages"] = "100000",
            ["queue.buffering.max.messages"] = "400000",
            ["queue.buffering.max.kbytes"] = "131072",
            ["message.max.bytes"] = "67108864",
            ["compression.type"] = "lz4",
            ["allow.auto.create.topics"] = "false",
        };
        foreach ((string name, string value) in settings ?? new Dictionary<string, string>())
        {
            if (name is "acks" or "request.required.acks" or "enable.idempotence" && value is not ("all" or "-1" or "true"))
                throw new KafkaSettingException(name, $"Kafka setting {name}: {value} would allow records to be lost without notice; remove it");

            result[name] = value;
        }

        result["bootstrap.servers"] = bootstrap;
        result["acks"] = "all";
        result["enable.idempotence"] = "true";
        KafkaSecurity.Translate(result, bootstrap);
        return result;
    }

    /// <summary>What a lookup needs of a consumer's settings: where the brokers are and how to be let in.</summary>
    public static IReadOnlyDictionary<string, string> OfLookup(string bootstrap, IReadOnlyDictionary<string, string>? settings)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(bootstrap);
        var result = new Dictionary<string, string> { ["client.id"] = "orleanslake-lookup", ["allow.auto.create.topics"] = "false" };
        foreach ((string name, string value) in settings ?? new Dictionary<string, string>())
        {
            if (name.StartsWith("sasl.", StringComparison.Ordinal) || name.StartsWith("ssl.", StringComparison.Ordinal)
                || name.StartsWith("socket.", StringComparison.Ordinal) || name.StartsWith("broker.address.", StringComparison.Ordinal)
                || name is "security.protocol" or "client.id" or "client.dns.lookup" or "debug" or "enable.ssl.certificate.verification"
                    or "enable.sasl.oauthbearer.unsecure.jwt" or "https.ca.location" or "https.ca.pem" or KafkaSecurity.RegionSetting)
            {
                result[name] = value;
            }
        }

        result["bootstrap.servers"] = bootstrap;
        KafkaSecurity.Translate(result, bootstrap);
        return result;
    }
}
