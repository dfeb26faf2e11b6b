using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Replay;

/// <summary>Which dead letters are replayed, and how.</summary>
public sealed record ReplayRequest
{
    /// <summary>A condition on the dead-letter table's columns; null: all that are open.</summary>
    public Expression? Where { get; init; }

    /// <summary>Decodes and counts, and changes nothing.</summary>
    public bool DryRun { get; init; }

    /// <summary>Rows that one snapshot takes in at most.</summary>
    public int RowsPerCommit { get; init; } = 1_000_000;

    /// <summary>Bytes of open files at which a snapshot is made before it is full.</summary>
    public long BytesPerCommit { get; init; } = 64L << 20;
}

/// <summary>What a replay did so far.</summary>
public sealed record ReplayResult
{
    /// <summary>Open dead letters that it looked at.</summary>
    public long Examined { get; init; }

    /// <summary>Dead letters that are rows now; of a dry run: that would be.</summary>
    public long Replayed { get; init; }

    /// <summary>Those that still cannot be rows.</summary>
    public long StillBad { get; init; }

    /// <summary>Those of a pipeline's generation that has ended, whose successor reads the same offsets again; and those of backfills that are not published.</summary>
    public long OfEndedGenerations { get; init; }

    /// <summary>Why the still bad are bad today: error classes and how often.</summary>
    public IReadOnlyDictionary<string, long> StillBadBecause { get; init; } = new Dictionary<string, long>();

    /// <summary>The snapshots of the main table that the rows are in.</summary>
    public IReadOnlyList<long> Snapshots { get; init; } = [];

    /// <summary>What was found of earlier replays that had not come to their end.</summary>
    public IReadOnlyList<string> Settled { get; init; } = [];
}

/// <summary>A replay cannot go on; what it did so far is as it says, and asked for again it goes on from there.</summary>
public sealed class ReplayException(string message, Exception? inner = null) : Exception(message, inner);
