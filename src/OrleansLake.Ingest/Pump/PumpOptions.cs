using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Pump;

/// <summary>The table of a pipeline and the table of its dead letters, loaded at one time.</summary>
/// <param name="Table">Where rows go.</param>
/// <param name="DeadLetters">Where records go that cannot be rows.</param>
public sealed record PumpTables(LoadedTable Table, LoadedTable DeadLetters);

/// <summary>What one pump is told.</summary>
public sealed record PumpOptions
{
    /// <summary>The pipeline's name.</summary>
    public required string Pipeline { get; init; }

    /// <summary>The pipeline's generation: one that is deleted and made again does not inherit offsets.</summary>
    public required string Generation { get; init; }

    /// <summary>Which silo; the first part of the writer's id.</summary>
    public required string Silo { get; init; }

    /// <summary>The branch that rows go to.</summary>
    public string Branch { get; init; } = SnapshotRef.Main;

    /// <summary>Files are closed and reported when the wall clock passes a multiple of it, so that all pumps of a table report together.</summary>
    public TimeSpan FlushInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Positions that moved over gaps only are reported with rows, or alone once they are this old.</summary>
    public TimeSpan GapInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Files are closed when the largest has this size.</summary>
    public long TargetFileSizeBytes { get; init; } = 512L << 20;

    /// <summary>What a person is told to do where a record halts a topic-partition; null: the commands for a pipeline of a silo.</summary>
    public string? AfterHalt { get; init; }

    /// <summary>How long a hand-over or a stop waits for the last answer.</summary>
    public TimeSpan HandOverTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long one call of the committer may take.</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(35);

    /// <summary>How long a question to the Kafka cluster may hold up a report.</summary>
    public TimeSpan FactsTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>First wait after a failure; it doubles up to <see cref="MaxBackOff"/>.</summary>
    public TimeSpan MinBackOff { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Longest wait after a failure.</summary>
    public TimeSpan MaxBackOff { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// How often the table is asked about topic-partitions that have nothing to report: one that was rolled back would
    /// otherwise be noticed with the next record only, and a sequence number that is old would make what others expired since
    /// look like a table that went back.
    /// </summary>
    public TimeSpan RecheckInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>This many refusals that blame one topic-partition within <see cref="DuelWindow"/> stop it with an error.</summary>
    public int DuelRefusals { get; init; } = 4;

    /// <summary>See <see cref="DuelRefusals"/>.</summary>
    public TimeSpan DuelWindow { get; init; } = TimeSpan.FromMinutes(2);
}
