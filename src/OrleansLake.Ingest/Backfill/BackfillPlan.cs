using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OrleansLake.Ingest.Backfill;

/// <summary>A backfill cannot go on; what it has committed stays in its branch, and asked for again it goes on from there.</summary>
public sealed class BackfillException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Offsets of one topic-partition that a backfill reads.</summary>
/// <param name="TopicPartition">Which.</param>
/// <param name="Range">From the first on, up to and without the last.</param>
public sealed record BackfillRange(TopicPartition TopicPartition, OffsetRange Range);

/// <summary>
/// What a backfill reads and where to: fixed once, in the swap that makes its branch, so that whoever goes on after a crash reads
/// the same records, whatever "latest" or a time would mean by then. Kept in a property of the table as long as the branch is not
/// published or dropped.
/// </summary>
public sealed record BackfillPlan
{
    private const string PropertyPrefix = "orleanslake.backfill.";

    /// <summary>Which backfill: one of the same branch that was dropped has another.</summary>
    public required Guid Id { get; init; }

    /// <summary>The pipeline whose settings say how records become rows.</summary>
    public required string Pipeline { get; init; }

    /// <summary>The branch that rows go to.</summary>
    public required string Branch { get; init; }

    /// <summary>What was asked for, as people write it.</summary>
    public required string Request { get; init; }

    /// <summary>The table's last sequence number when the branch was made: what is later on it is the backfill's.</summary>
    public required long BaseSequenceNumber { get; init; }

    /// <summary>The snapshot that the branch began at.</summary>
    public required long BaseSnapshotId { get; init; }

    /// <summary>What is read; empty ranges are left out.</summary>
    public required IReadOnlyList<BackfillRange> Ranges { get; init; }

    /// <summary>Ids of the topics when it was made, where the broker tells.</summary>
    public IReadOnlyDictionary<string, string> TopicIds { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// The name under which its offsets and dead letters stand: no pipeline is called so, hence none's offsets are touched.
    /// </summary>
    public string Reader => $"{Pipeline}@{Branch}";

    /// <summary>The generation of <see cref="Reader"/>.</summary>
    public string Generation => Id.ToString("N");

    /// <summary>Offsets in all.</summary>
    public long Offsets => Ranges.Sum(static range => range.Range.Length);

    /// <summary>The pipeline of a name that may be a backfill's.</summary>
    public static string PipelineOf(string reader) => reader.IndexOf('@', StringComparison.Ordinal) is >= 0 and var at ? reader[..at] : reader;

    /// <summary>Whether a name under which offsets stand is that of a backfill.</summary>
    public static bool IsReader(string pipeline) => pipeline.Contains('@', StringComparison.Ordinal);

    /// <summary>The table's property that holds the plan of a branch.</summary>
    public static string PropertyOf(string branch) => PropertyPrefix + branch;

    /// <summary>The plan of a branch; null: it has none.</summary>
    /// <exception cref="BackfillException">The property is not what <see cref="ToJson"/> made.</exception>
    public static BackfillPlan? Find(IReadOnlyDictionary<string, string> properties, string branch) =>
        properties.TryGetValue(PropertyOf(branch), out string? text) ? Read(branch, text) : null;

    /// <summary>Every plan of a table.</summary>
    /// <exception cref="BackfillException">A property is not what <see cref="ToJson"/> made.</exception>
    public static IReadOnlyList<BackfillPlan> All(IReadOnlyDictionary<string, string> properties) =>
        [.. properties.Where(static property => property.Key.StartsWith(PropertyPrefix, StringComparison.Ordinal)).OrderBy(static property => property.Key, StringComparer.Ordinal).Select(static property => Read(property.Key[PropertyPrefix.Length..], property.Value))];

    /// <summary>As it stands in the table.</summary>
    public string ToJson()
    {
        var ranges = new JsonObject();
        foreach (var ofTopic in Ranges.GroupBy(static range => range.TopicPartition.Topic))
        {
            var ofPartition = new JsonObject();
            foreach (BackfillRange range in ofTopic)
            {
                ofPartition[range.TopicPartition.Partition.ToString(CultureInfo.InvariantCulture)] = new JsonArray(range.Range.First, range.Range.Next);
            }

            ranges[ofTopic.Key] = ofPartition;
        }

        return new JsonObject
        {
            ["id"] = Generation,
            ["pipeline"] = Pipeline,
            ["request"] = Request,
            ["base"] = new JsonArray(BaseSnapshotId, BaseSequenceNumber),
            ["ranges"] = ranges,
            ["topicIds"] = new JsonObject(TopicIds.Select(static id => KeyValuePair.Create(id.Key, (JsonNode?)id.Value))),
        }.ToJsonString();
    }

    private static BackfillPlan Read(string branch, string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            JsonElement root = document.RootElement;
            return new BackfillPlan
            {
                Id = Guid.ParseExact(root.GetProperty("id").GetString()!, "N"),
                Pipeline = root.GetProperty("pipeline").GetString()!,
                Branch = branch,
                Request = root.GetProperty("request").GetString()!,
                BaseSnapshotId = root.GetProperty("base")[0].GetInt64(),
                BaseSequenceNumber = root.GetProperty("base")[1].GetInt64(),
                Ranges =
                [
                    .. from topic in root.GetProperty("ranges").EnumerateObject()
                       from partition in topic.Value.EnumerateObject()
                       select new BackfillRange(
                           new TopicPartition(topic.Name, int.Parse(partition.Name, CultureInfo.InvariantCulture)), new OffsetRange(partition.Value[0].GetInt64(), partition.Value[1].GetInt64())),
                ],
                TopicIds = root.GetProperty("topicIds").EnumerateObject().ToDictionary(static id => id.Name, static id => id.Value.GetString()!),
            };
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or IndexOutOfRangeException or ArgumentException)
        {
            throw new BackfillException($"table property {PropertyOf(branch)}: expected the plan of a backfill, got {text[..Math.Min(text.Length, 100)]}: {e.Message}", e);
        }
    }
}
