using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace OrleansLake.Ingest.Commit;

/// <summary>
/// <see cref="CommittedOffsets"/> as text:
/// <c>{"pipeline#generation":{"topic":{"cluster":…,"topicId":…,"next":[…],"epoch":[…],"rows":[…],"rejected":[…],"gap":[…],"writers":[…],"claim":[…]}}}</c>.
/// Arrays other than <c>next</c> are left out where every element is what a missing one means (−1 for epochs and claims, else
/// 0). A claim is the place of its writer among <c>writers</c>.
/// </summary>
public static class CommittedOffsetsJson
{
    /// <summary>Characters up to which the text stands in a snapshot's summary.</summary>
    internal const int LongestInSummary = 4096;

    /// <summary>Writes the whole.</summary>
    public static string Write(CommittedOffsets offsets) => Write(offsets.Pipelines.Keys, offsets);

    /// <summary>Reads it back.</summary>
    /// <exception cref="CorruptOffsetsException">The text is not what this class writes. <paramref name="place"/> says where it stood.</exception>
    public static CommittedOffsets Read(string text, string place)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            var pipelines = CommittedOffsets.Empty.Pipelines.ToBuilder();
            foreach (JsonProperty pipeline in document.RootElement.EnumerateObject())
            {
                if (!pipeline.Name.Contains('#'))
                {
                    throw new FormatException($"expected pipeline#generation, got \"{pipeline.Name}\"");
                }

                var topics = CommittedOffsets.NoTopics.ToBuilder();
                foreach (JsonProperty topic in pipeline.Value.EnumerateObject())
                {
                    topics.Add(topic.Name, ReadTopic(topic.Value, topic.Name));
                }

                pipelines.Add(pipeline.Name, topics.ToImmutable());
            }

            return new CommittedOffsets(pipelines.ToImmutable());
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException or ArgumentException or KeyNotFoundException or OverflowException)
        {
            throw new CorruptOffsetsException($"{place}: the offsets cannot be read: {e.Message}", e);
        }
    }

    /// <summary>What <see cref="SummaryKeys.OffsetsSha256"/> holds.</summary>
    internal static string Sha256(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    /// <summary>Writes some of the pipelines.</summary>
    internal static string Write(IEnumerable<string> keys, CommittedOffsets offsets)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            foreach (string key in keys)
            {
                json.WriteStartObject(key);
                foreach (var (name, topic) in offsets.Pipelines[key])
                {
                    json.WriteStartObject(name);
                    WriteTopic(json, topic);
                    json.WriteEndObject();
                }

                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void WriteTopic(Utf8JsonWriter json, TopicOffsets topic)
    {
        if (topic.ClusterId is { } cluster)
        {
            json.WriteString("cluster", cluster);
        }

        if (topic.TopicId is { } topicId)
        {
            json.WriteString("topicId", topicId);
        }

        ReadOnlySpan<PartitionOffset> partitions = topic.Partitions;
        WriteArray(json, "next", partitions, static partition => partition.Next, null);
        WriteArray(json, "epoch", partitions, static partition => partition.LeaderEpoch, -1);
        WriteArray(json, "rows", partitions, static partition => partition.Rows, 0);
        WriteArray(json, "rejected", partitions, static partition => partition.Rejected, 0);
        WriteArray(json, "gap", partitions, static partition => partition.Gap, 0);
        List<string> writers = [.. partitions.ToArray().Select(static partition => partition.ClaimedBy).OfType<string>().Distinct()];
        if (writers.Count > 0)
        {
            json.WriteStartArray("writers");
            writers.ForEach(json.WriteStringValue);
            json.WriteEndArray();
            WriteArray(json, "claim", partitions, partition => partition.ClaimedBy is { } writer ? writers.IndexOf(writer) : -1, -1);
        }
    }

    private static void WriteArray(Utf8JsonWriter json, string name, ReadOnlySpan<PartitionOffset> partitions, Func<PartitionOffset, long> value, long? missing)
    {
        bool needed = missing is null;
        foreach (PartitionOffset partition in partitions)
        {
            needed |= value(partition) != missing;
        }

        if (needed)
        {
            json.WriteStartArray(name);
            foreach (PartitionOffset partition in partitions)
            {
                json.WriteNumberValue(value(partition));
            }

            json.WriteEndArray();
        }
    }

    private static TopicOffsets ReadTopic(JsonElement topic, string name)
    {
        long[] next = topic.GetProperty("next").EnumerateArray().Select(static element => element.GetInt64()).ToArray();
        long[] epoch = ReadArray(topic, name, "epoch", next.Length, -1);
        long[] rows = ReadArray(topic, name, "rows", next.Length, 0);
        long[] rejected = ReadArray(topic, name, "rejected", next.Length, 0);
        long[] gap = ReadArray(topic, name, "gap", next.Length, 0);
        long[] claim = ReadArray(topic, name, "claim", next.Length, -1);
        string[] writers = topic.TryGetProperty("writers", out JsonElement named) ? [.. named.EnumerateArray().Select(static writer => writer.GetString()!)] : [];
        var partitions = new PartitionOffset[next.Length];
        for (int i = 0; i < next.Length; i++)
        {
            if (next[i] < -1 || rows[i] < 0 || rejected[i] < 0)
            {
                throw new FormatException($"{name}-{i}: expected no negative number, got next {next[i]}, rows {rows[i]}, rejected {rejected[i]}");
            }

            if (claim[i] < -1 || claim[i] >= writers.Length)
            {
                throw new FormatException($"{name}-{i}: expected one of {writers.Length} writers, got {claim[i]}");
            }

            partitions[i] = new PartitionOffset(next[i], checked((int)epoch[i]), rows[i], rejected[i], gap[i]) { ClaimedBy = claim[i] < 0 ? null : writers[claim[i]] };
        }

        return new TopicOffsets(ReadText(topic, "cluster"), ReadText(topic, "topicId"), partitions);
    }

    private static string? ReadText(JsonElement topic, string key) => topic.TryGetProperty(key, out JsonElement text) ? text.GetString() : null;

    private static long[] ReadArray(JsonElement topic, string name, string key, int length, long missing)
    {
        if (!topic.TryGetProperty(key, out JsonElement array))
        {
            var all = new long[length];
            Array.Fill(all, missing);
            return all;
        }

        long[] values = array.EnumerateArray().Select(static element => element.GetInt64()).ToArray();
        return values.Length == length ? values : throw new FormatException($"topic {name}: expected {length} elements of \"{key}\", got {values.Length}");
    }
}

/// <summary>Offsets that a table carries cannot be understood: nothing may be written before a person has looked.</summary>
public sealed class CorruptOffsetsException(string message, Exception? inner = null) : Exception(message, inner);
