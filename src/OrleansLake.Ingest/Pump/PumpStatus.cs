namespace OrleansLake.Ingest.Pump;

/// <summary>What a topic-partition is doing.</summary>
public enum PartitionState
{
    /// <summary>Its position is being asked of the table, or of the broker when the table knows none.</summary>
    Resuming,

    /// <summary>It has records before it.</summary>
    Reading,

    /// <summary>It stands at the high watermark.</summary>
    Idle,

    /// <summary>It stands at the last stable offset, below the high watermark: a producer's transaction is open.</summary>
    BlockedByTransaction,

    /// <summary>It is held back: by a person.</summary>
    Paused,

    /// <summary>It is held back: by the memory budget, by a report that is not answered, or after a failure.</summary>
    Held,

    /// <summary>Its last records are being committed before it is handed over.</summary>
    Draining,

    /// <summary>It was given up; see its reason.</summary>
    Stopped,
}

/// <summary>One topic-partition, for people.</summary>
public sealed record PartitionStatus
{
    /// <summary>Which.</summary>
    public required TopicPartition TopicPartition { get; init; }

    /// <summary>What it is doing.</summary>
    public required PartitionState State { get; init; }

    /// <summary>The next offset to read; null while it is not known.</summary>
    public long? Position { get; init; }

    /// <summary>The table's next offset as far as the pump knows; null: the table knows none.</summary>
    public long? CommittedNext { get; init; }

    /// <summary>Offsets between the table and the high watermark; null before the broker told it.</summary>
    public long? Lag { get; init; }

    /// <summary>Age of the oldest record that is not in the table, as far as it was read; of the last record read where more lie ahead.</summary>
    public TimeSpan? OldestUncommittedAge { get; init; }

    /// <summary>Why it is stopped.</summary>
    public string? Reason { get; init; }
}

/// <summary>One pump, for people.</summary>
public sealed record PumpStatus
{
    /// <summary>This life of this pump.</summary>
    public required string WriterId { get; init; }

    /// <summary>When the snapshot was taken.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Its topic-partitions, by name.</summary>
    public required IReadOnlyList<PartitionStatus> Partitions { get; init; }

    /// <summary>The schema that rows are written by; null before the table was loaded.</summary>
    public int? SchemaId { get; init; }

    /// <summary>Rows a second over about the last ten seconds.</summary>
    public double RowsPerSecond { get; init; }

    /// <summary>Rows since the pump began.</summary>
    public long Rows { get; init; }

    /// <summary>Dead letters since the pump began.</summary>
    public long Rejected { get; init; }

    /// <summary>What records had that is not in their columns as it came.</summary>
    public FieldCounts Counts { get; init; } = FieldCounts.None;

    /// <summary>Memory of open and closing files.</summary>
    public long BufferedBytes { get; init; }

    /// <summary>Reports that are not answered yet, the one that waits for its turn included.</summary>
    public int UnansweredReports { get; init; }

    /// <summary>What stands in the way, in one line; null when nothing does.</summary>
    public string? Trouble { get; init; }

    /// <summary>The worst over the topic-partitions: what the table is behind.</summary>
    public TimeSpan? Freshness => Partitions.Max(partition => partition.OldestUncommittedAge);
}
