using System.Globalization;
using OrleansLake.Ingest.Kafka;

namespace OrleansLake.Ingest.Pump;

/// <summary>A place in every topic-partition: where one begins that the table knows nothing of, or an end of what is read again.</summary>
public readonly record struct StartPosition
{
    // Kafka's own numbers for the two.
    private const long EarliestOffset = -2;
    private const long LatestOffset = -1;

    // Of our own: the broker is asked by the time.
    private const long TimeOffset = -3;

    private StartPosition(long offset, DateTimeOffset? time = null)
    {
        Offset = offset;
        Time = time;
    }

    /// <summary>Everything that the topic still holds.</summary>
    public static StartPosition Earliest { get; } = new(EarliestOffset);

    /// <summary>Only what comes from now on.</summary>
    public static StartPosition Latest { get; } = new(LatestOffset);

    /// <summary>The offset; negative where the broker is to be asked.</summary>
    public long Offset { get; }

    /// <summary>The first record that is not older; behind the newest where every record is.</summary>
    public DateTimeOffset? Time { get; }

    /// <summary>From a time on.</summary>
    public static StartPosition AtTime(DateTimeOffset time) => new(TimeOffset, time);

    /// <summary>From an offset on.</summary>
    public static StartPosition At(long offset)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        return new StartPosition(offset);
    }

    /// <summary>Reads <c>earliest</c>, <c>latest</c>, an offset, or a time in ISO 8601, in UTC where it names no zone.</summary>
    public static bool TryParse(string? text, out StartPosition position)
    {
        StartPosition? parsed = text?.ToLowerInvariant() is "earliest" ? Earliest
            : text?.ToLowerInvariant() is "latest" ? Latest
            : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long offset) ? At(offset)
            : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time) ? AtTime(time)
            : null;
        position = parsed ?? default;
        return parsed is not null;
    }

    /// <summary>What it means for each topic-partition now.</summary>
    public Task<IReadOnlyDictionary<TopicPartition, long>> OffsetsAsync(KafkaLookup lookup, IReadOnlyCollection<TopicPartition> topicPartitions, CancellationToken cancellationToken)
    {
        long offset = Offset;
        return this == Earliest ? lookup.EarliestAsync(topicPartitions, cancellationToken)
            : this == Latest ? lookup.LatestAsync(topicPartitions, cancellationToken)
            : Time is { } time ? lookup.AtTimeAsync(topicPartitions, time, cancellationToken)
            : Task.FromResult<IReadOnlyDictionary<TopicPartition, long>>(topicPartitions.ToDictionary(static one => one, _ => offset));
    }

    /// <inheritdoc />
    public override string ToString() => Offset switch
    {
        EarliestOffset => "earliest",
        LatestOffset => "latest",
        TimeOffset => Time!.Value.ToUniversalTime().ToString("yyyy-MM-ddTHH:mm:ss.FFFZ", CultureInfo.InvariantCulture),
        _ => Offset.ToString(CultureInfo.InvariantCulture),
    };
}
