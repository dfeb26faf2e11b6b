namespace OrleansLake.Contracts;

/// <summary>What a topic-partition is doing.</summary>
[GenerateSerializer, Alias("orleanslake.TopicPartitionState")]
public enum TopicPartitionState
{
    /// <summary>Not read by anybody.</summary>
    Detached,

    /// <summary>Asking the table where to begin.</summary>
    Resuming,

    /// <summary>Reading.</summary>
    Reading,

    /// <summary>At the end: everything is read.</summary>
    Idle,

    /// <summary>Behind the end, where a producer's transaction is still open.</summary>
    BlockedByTransaction,

    /// <summary>Held on request.</summary>
    Paused,

    /// <summary>Held for a while: memory is short, an answer is awaited, or a failure was a moment ago.</summary>
    Held,

    /// <summary>Its last records are being committed before it is handed over.</summary>
    Draining,

    /// <summary>Given up until somebody says resume; <see cref="TopicPartitionStatus.Trouble"/> says why.</summary>
    Stopped,
}

/// <summary>How one topic-partition of a pipeline does.</summary>
[GenerateSerializer, Immutable, Alias("orleanslake.TopicPartitionStatus")]
public sealed record TopicPartitionStatus
{
    /// <summary>The topic.</summary>
    [Id(0)]
    public required string Topic { get; init; }

    /// <summary>Its number in the topic.</summary>
    [Id(1)]
    public required int Partition { get; init; }

    /// <summary>What it is doing.</summary>
    [Id(2)]
    public TopicPartitionState State { get; init; }

    /// <summary>The next offset to poll.</summary>
    [Id(3)]
    public long? Position { get; init; }

    /// <summary>The next offset by the table.</summary>
    [Id(4)]
    public long? Committed { get; init; }

    /// <summary>Offsets between the table and the end of the topic-partition; null before the broker told it.</summary>
    [Id(5)]
    public long? Lag { get; init; }

    /// <summary>Age of the oldest record that is not in the table, in seconds; null when there is none.</summary>
    [Id(6)]
    public double? FreshnessSeconds { get; init; }

    /// <summary>What stands in the way; null when nothing does.</summary>
    [Id(7)]
    public string? Trouble { get; init; }

    /// <summary>The silo that reads it.</summary>
    [Id(8)]
    public string? Silo { get; init; }

    /// <summary>What its pump counted; of the first topic-partition of each pump only, since they share it.</summary>
    [Id(40)]
    public RecordCounts? PumpCounts { get; init; }
}
