namespace OrleansLake.Ingest.Pump;

/// <summary>Where a topic-partition begins that the table knows nothing of.</summary>
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

    /// <inheritdoc />
    public override string ToString() => Offset switch
    {
        EarliestOffset => "earliest",
        LatestOffset => "latest",
        TimeOffset => Time!.Value.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", System.Globalization.CultureInfo.InvariantCulture),
        _ => Offset.ToString(System.Globalization.CultureInfo.InvariantCulture),
    };
}
