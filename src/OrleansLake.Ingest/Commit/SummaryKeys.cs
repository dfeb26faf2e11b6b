namespace OrleansLake.Ingest.Commit;

/// <summary>Every name under which a commit of ours leaves something in the table.</summary>
public static class SummaryKeys
{
    /// <summary>Id of the commit; on every snapshot of ours.</summary>
    public const string CommitId = "orleanslake.commit-id";

    /// <summary>The branch that it was made on.</summary>
    public const string Branch = "orleanslake.branch";

    /// <summary>Ids of the reports (and moves) that it took in, with commas between.</summary>
    public const string Reports = "orleanslake.reports";

    /// <summary>The offsets after it, as JSON: in the summary up to 4 KB, else under this key in the manifest list's header.</summary>
    public const string Offsets = "orleanslake.offsets";

    /// <summary>SHA-256 of the offsets where they stand in the manifest list's header.</summary>
    public const string OffsetsSha256 = "orleanslake.offsets-sha256";

    /// <summary>Age in milliseconds, at the commit, of the oldest record that it took in.</summary>
    public const string FreshnessMs = "orleanslake.freshness-ms";

    /// <summary>Why a snapshot without records was made: seek, reset, data-loss, accept, begin, claim, fence, anchor; and where dead letters are replayed, publish where the rows of a backfill come in from its branch, replay and replay-ended in the main table, replay-claimed, -resolved and -released in theirs.</summary>
    public const string Reason = "orleanslake.reason";

    /// <summary>Which offsets moved without records having been read: <c>{"pipeline#generation":{"topic":{"partition":[from,to]}}}</c>.</summary>
    public const string Moved = "orleanslake.moved";

    /// <summary>No file that was named before this time, in milliseconds since 1970, is committed any more. Carried on by every later commit.</summary>
    public const string NoFileBefore = "orleanslake.no-file-before";

    /// <summary>On the snapshots of the upkeep, which carry no offsets: which operation made them (compaction, retention, manifests, …).</summary>
    public const string Upkeep = "orleanslake.upkeep";

    /// <summary>Rows that a replay of dead letters added: they are in the table beside what its offsets count.</summary>
    public const string Replayed = "orleanslake.replayed";

    /// <summary>On the snapshot that took the rows of a backfill in, the branch that they came from.</summary>
    public const string Backfill = "orleanslake.backfill";

    /// <summary>On snapshots of a dead-letter table, the replay that made them.</summary>
    public const string Replay = "orleanslake.replay";

    /// <summary>What the table properties begin with that name the snapshots of replays not yet settled: <c>snapshot id,sequence number</c>.</summary>
    public const string ReplayProperty = "orleanslake.replay.";

    /// <summary>On the snapshots of a dead-letter table: their offsets move only where records were rejected.</summary>
    public const string DeadLetters = "orleanslake.dead-letters";

    /// <summary>Names the snapshot that a cherry-pick was made from; Iceberg's own.</summary>
    public const string SourceSnapshotId = "source-snapshot-id";

    /// <summary>Rows that a snapshot added; Iceberg's own.</summary>
    public const string AddedRecords = "added-records";

    /// <summary>What the table properties begin with that hold a copy of the offsets.</summary>
    public const string OffsetsProperty = "orleanslake.offsets.";
}
