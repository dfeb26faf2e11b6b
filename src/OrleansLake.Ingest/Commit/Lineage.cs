using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Commit;

/// <summary>A snapshot, as an answer names it.</summary>
internal readonly record struct SnapshotPlace(long SnapshotId, long SequenceNumber);

/// <summary>Why a pipeline must not go on by itself, and the command that lets it.</summary>
internal sealed record PipelineStop(string Message);

/// <summary>
/// What one state of a table says of one branch: the offsets that hold on it, and which reports are in its history. Made by
/// <see cref="LineageReader"/>.
/// </summary>
internal sealed record Lineage
{
    /// <summary>The state that was read.</summary>
    public required LoadedTable Table { get; init; }

    /// <summary>The branch.</summary>
    public required string Branch { get; init; }

    /// <summary>The branch's snapshot; null when it has none.</summary>
    public Snapshot? Head { get; init; }

    /// <summary>The offsets that hold.</summary>
    public CommittedOffsets Offsets { get; init; } = CommittedOffsets.Empty;

    /// <summary>The snapshot that they stand in; null when there is none.</summary>
    public SnapshotPlace? OffsetsAt { get; init; }

    /// <summary>True where that snapshot was found in an earlier metadata file, or only the property still knows its offsets.</summary>
    public bool OffsetsAreUnlisted { get; init; }

    /// <summary>Set when no offsets may be believed before a person has looked.</summary>
    public PipelineStop? Stop { get; init; }

    /// <summary>True where they could not be read: then nobody can take them as they stand either.</summary>
    public bool OffsetsAreCorrupt { get; init; }

    /// <summary>The branch's snapshots that were reached, newest first.</summary>
    public IReadOnlyList<Snapshot> Snapshots { get; init; } = [];

    /// <summary>Reports (and moves) of the branch's snapshots that were reached.</summary>
    public IReadOnlyDictionary<Guid, SnapshotPlace> Reports { get; init; } = new Dictionary<Guid, SnapshotPlace>();

    /// <summary>Reports of listed snapshots that are not of the branch's lineage.</summary>
    public IReadOnlyDictionary<Guid, SnapshotPlace> ReportsOutside { get; init; } = new Dictionary<Guid, SnapshotPlace>();

    /// <summary>Sequence numbers of the branch's listed snapshots.</summary>
    public IReadOnlySet<long> SequenceNumbers { get; init; } = new HashSet<long>();

    /// <summary>Sequence numbers of listed snapshots that were made on another branch, or by another writer.</summary>
    public IReadOnlySet<long> SequenceNumbersElsewhere { get; init; } = new HashSet<long>();

    /// <summary>True when a listed snapshot of ours was made on this branch and is no longer part of it: the table went back.</summary>
    public bool WentBack { get; init; }

    /// <summary>The highest sequence number that was given out and is no longer listed; 0 when all are.</summary>
    public long LastUnlistedSequenceNumber { get; init; }

    /// <summary>Sequence number of the last snapshot that moved offsets of a pipeline, by <see cref="CommittedOffsets.KeyOf"/>.</summary>
    public IReadOnlyDictionary<string, long> LastMoves { get; init; } = new Dictionary<string, long>();

    /// <summary>Files named before this are not committed any more; 0: none.</summary>
    public long NoFileBeforeMs { get; init; }
}
