namespace OrleansLake.Ingest.Pump;

/// <summary>Where a topic-partition begins that the table knows nothing of.</summary>
public readonly record struct StartPosition
{
    // Kafka's own numbers for the two.
    private const long EarliestOffset = -2;
    private const long LatestOffset = -1;

    private StartPosition(long offset) => Offset = offset;

    /// <summary>Everything that the topic still holds.</summary>
    public static StartPosition Earliest { get; } = new(EarliestOffset);

    /// <summary>Only what comes from now on.</summary>
    public static StartPosition Latest { get; } = new(LatestOffset);

    /// <summary>The offset; negative where the broker is to be asked.</summary>
    public long Offset { get; }

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
        _ => Offset.ToString(System.Globalization.CultureInfo.InvariantCulture),
    };
}
