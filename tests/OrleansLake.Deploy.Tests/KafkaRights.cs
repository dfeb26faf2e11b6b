using OrleansLake.Testing.Kafka;

namespace OrleansLake.Deploy.Tests;

/// <summary>Which rights of MSK's IAM the requests of a client need.</summary>
/// <remarks>
/// What a broker asks for each request: https://kafka.apache.org/documentation/#operations_resources_and_protocols; what that is
/// in IAM: https://docs.aws.amazon.com/msk/latest/developerguide/kafka-actions.html
/// </remarks>
internal static class KafkaRights
{
    private static readonly string[] Nothing = [];

    private static readonly Dictionary<short, string[]> ByApi = new()
    {
        [0] = ["topic:WriteData"], // Produce; what it needs of a transactional id is asked for by those below, too
        [1] = ["topic:ReadData"], // Fetch
        [2] = ["topic:DescribeTopic"], // ListOffsets
        [3] = ["topic:DescribeTopic"], // Metadata
        [8] = ["group:AlterGroup", "topic:ReadData"], // OffsetCommit
        [9] = ["group:DescribeGroup", "topic:DescribeTopic"], // OffsetFetch
        [10] = Nothing, // FindCoordinator: by what it looks for
        [17] = Nothing, // SaslHandshake
        [18] = Nothing, // ApiVersions
        [22] = ["transactional-id:AlterTransactionalId"], // InitProducerId
        [23] = ["topic:DescribeTopic"], // OffsetForLeaderEpoch
        [24] = ["transactional-id:AlterTransactionalId", "topic:WriteData"], // AddPartitionsToTxn
        [25] = ["transactional-id:AlterTransactionalId", "group:AlterGroup"], // AddOffsetsToTxn
        [26] = ["transactional-id:AlterTransactionalId"], // EndTxn
        [28] = ["transactional-id:AlterTransactionalId", "group:AlterGroup", "topic:ReadData"], // TxnOffsetCommit
        [36] = Nothing, // SaslAuthenticate
        [71] = Nothing, // GetTelemetrySubscriptions
        [72] = Nothing, // PushTelemetry
    };

    /// <summary>Actions and the resources that they are for, of requests that were all about one topic.</summary>
    /// <param name="asked">What was asked.</param>
    /// <param name="cluster">The ARN of the cluster.</param>
    /// <param name="topic">The topic.</param>
    public static IEnumerable<(string Action, string Resource)> Of(IEnumerable<KafkaAsked> asked, string cluster, string topic)
    {
        KafkaAsked[] all = [.. asked];
        string[] groups = [.. all.Select(one => one.Group).OfType<string>().Distinct()], ids = [.. all.Select(one => one.TransactionalId).OfType<string>().Distinct()];
        IEnumerable<string> rights = all.SelectMany<KafkaAsked, string>(one => ByApi.TryGetValue(one.Api, out string[]? needed)
            ? [.. needed, .. one.Group is null ? Nothing : ["group:DescribeGroup"], .. one.TransactionalId is null ? Nothing : ["transactional-id:DescribeTransactionalId"]]
            : throw new KeyNotFoundException($"request {one.Api}: expected one whose rights are known"));
        return
        [
            ("kafka-cluster:Connect", cluster),
            .. rights.Distinct().Select(right => right.Split(':')).SelectMany(right => NamesOf(right[0]).Select(name => ($"kafka-cluster:{right[1]}", cluster.Replace(":cluster/", $":{right[0]}/", StringComparison.Ordinal) + "/" + name))),
        ];

        string[] NamesOf(string kind)
        {
            string[] names = kind switch { "topic" => [topic], "group" => groups, _ => ids };
            Assert.NotEmpty(names);
            return names;
        }
    }
}
