using System.Globalization;
using OrleansLake.Contracts;
using OrleansLake.Ingest;
using OrleansLake.Ingest.Pump;

namespace OrleansLake.Grains;

/// <summary>Where topic-partitions begin that the table knows nothing of.</summary>
internal static class StartPositions
{
    /// <summary>By a pipeline's definition: an offset of its own first, then the time, then one of the ends.</summary>
    public static StartPosition Of(PipelineDefinition definition, TopicPartition topicPartition, bool isLate) =>
        Parse(definition.StartOffsets).TryGetValue(topicPartition, out long offset) ? StartPosition.At(offset)
        : definition.StartAtMs is { } ms ? StartPosition.AtTime(DateTimeOffset.FromUnixTimeMilliseconds(ms))
        : definition.Start == PipelineStart.Latest && !isLate ? StartPosition.Latest
        : StartPosition.Earliest;

    /// <summary>Reads <see cref="PipelineDefinition.StartOffsets"/>.</summary>
    /// <exception cref="FormatException">It is written in another way.</exception>
    public static Dictionary<TopicPartition, long> Parse(string? offsets)
    {
        var parsed = new Dictionary<TopicPartition, long>();
        foreach (string entry in (offsets ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            int dash = entry.LastIndexOf('-');
            int equals = entry.IndexOf('=', StringComparison.Ordinal);
            if (dash < 1 || equals < dash
                || !int.TryParse(entry.AsSpan(dash + 1, equals - dash - 1), NumberStyles.None, CultureInfo.InvariantCulture, out int partition)
                || !long.TryParse(entry.AsSpan(equals + 1), NumberStyles.None, CultureInfo.InvariantCulture, out long offset))
            {
                throw new FormatException($"start offset \"{entry}\": expected topic-partition=offset, such as events-0=1042");
            }

            parsed[new TopicPartition(entry[..dash], partition)] = offset;
        }

        return parsed;
    }
}
