using System.Globalization;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Pump;

namespace OrleansLake.Ingest.Backfill;

/// <summary>What a backfill reads, as offsets.</summary>
public static class BackfillRanges
{
    /// <summary>The ranges between two places; empty ones are left out.</summary>
    /// <exception cref="BackfillException">The broker does not have all of it.</exception>
    public static async Task<IReadOnlyList<BackfillRange>> BetweenAsync(
        KafkaLookup lookup, IReadOnlyCollection<TopicPartition> topicPartitions, StartPosition from, StartPosition to, CancellationToken cancellationToken)
    {
        var oldest = await lookup.EarliestAsync(topicPartitions, cancellationToken).ConfigureAwait(false);
        var end = await lookup.LatestAsync(topicPartitions, cancellationToken).ConfigureAwait(false);
        var first = await from.OffsetsAsync(lookup, topicPartitions, cancellationToken).ConfigureAwait(false);
        var next = await to.OffsetsAsync(lookup, topicPartitions, cancellationToken).ConfigureAwait(false);
        var ranges = new List<BackfillRange>();
        foreach (TopicPartition topicPartition in topicPartitions.OrderBy(static one => one.Topic, StringComparer.Ordinal).ThenBy(static one => one.Partition))
        {
            if (next[topicPartition] <= first[topicPartition])
            {
                continue;
            }

            if (first[topicPartition] < oldest[topicPartition] || next[topicPartition] > end[topicPartition])
            {
                throw new BackfillException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{topicPartition}: asked for offsets [{first[topicPartition]}, {next[topicPartition]}), the broker has [{oldest[topicPartition]}, {end[topicPartition]})"));
            }

            ranges.Add(new BackfillRange(topicPartition, new OffsetRange(first[topicPartition], next[topicPartition])));
        }

        return ranges;
    }
}
