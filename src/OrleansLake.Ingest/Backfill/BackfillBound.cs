using System.Globalization;
using OrleansLake.Ingest.Kafka;

namespace OrleansLake.Ingest.Backfill;

/// <summary>One end of what a backfill reads: an end of the log, an offset, or a time (the first record that is not older).</summary>
public readonly record struct BackfillBound
{
    private readonly string? _end;
    private readonly long? _offset;
    private readonly DateTimeOffset? _time;

    private BackfillBound(string? end, long? offset, DateTimeOffset? time) => (_end, _offset, _time) = (end, offset, time);

    /// <summary>Reads one.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static BackfillBound Parse(string text) =>
        text.ToLowerInvariant() is "earliest" or "latest" ? new BackfillBound(text.ToLowerInvariant(), null, null)
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long offset) ? new BackfillBound(null, offset, null)
        : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time) ? new BackfillBound(null, null, time)
        : throw new FormatException($"expected earliest, latest, an offset, or a time such as 2026-01-31T12:30:00Z, got {text}");

    /// <summary>What it means for each topic-partition now.</summary>
    public Task<IReadOnlyDictionary<TopicPartition, long>> ResolveAsync(KafkaLookup lookup, IReadOnlyCollection<TopicPartition> topicPartitions, CancellationToken cancellationToken)
    {
        long? offset = _offset;
        return offset is { } fixedOffset ? Task.FromResult<IReadOnlyDictionary<TopicPartition, long>>(topicPartitions.ToDictionary(static one => one, _ => fixedOffset))
            : _time is { } time ? lookup.AtTimeAsync(topicPartitions, time, cancellationToken)
            : _end == "latest" ? lookup.LatestAsync(topicPartitions, cancellationToken)
            : lookup.EarliestAsync(topicPartitions, cancellationToken);
    }

    /// <summary>
    /// The ranges between two ends; empty ones are left out.
    /// </summary>
    /// <exception cref="BackfillException">The broker does not have all of it.</exception>
    public static async Task<IReadOnlyList<BackfillRange>> RangesAsync(
        KafkaLookup lookup, IReadOnlyCollection<TopicPartition> topicPartitions, BackfillBound from, BackfillBound to, CancellationToken cancellationToken)
    {
        var oldest = await lookup.EarliestAsync(topicPartitions, cancellationToken).ConfigureAwait(false);
        var end = await lookup.LatestAsync(topicPartitions, cancellationToken).ConfigureAwait(false);
        var first = await from.ResolveAsync(lookup, topicPartitions, cancellationToken).ConfigureAwait(false);
        var next = await to.ResolveAsync(lookup, topicPartitions, cancellationToken).ConfigureAwait(false);
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

    /// <inheritdoc />
    public override string ToString() => _end ?? _offset?.ToString(CultureInfo.InvariantCulture) ?? _time!.Value.ToUniversalTime().ToString("yyyy-MM-ddTHH:mm:ss.FFFZ", CultureInfo.InvariantCulture);
}
