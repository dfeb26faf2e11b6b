namespace OrleansLake.Ingest.Commit;

/// <summary>Why offsets move without records having been read.</summary>
public enum MoveReason
{
    /// <summary>Someone asked for other records.</summary>
    Seek,

    /// <summary>Someone asked to begin anew, perhaps on a topic that was made anew.</summary>
    Reset,

    /// <summary>The broker no longer has the records, and the pipeline may go on without.</summary>
    DataLoss,

    /// <summary>Someone looked at a table that stopped a pipeline and takes its offsets as they stand.</summary>
    Accept,

    /// <summary>
    /// A topic-partition begins with rejected records: its first offset comes in before they do, so that a replay knows
    /// which dead letters are in.
    /// </summary>
    Begin,
}

/// <summary>Where one topic-partition goes on.</summary>
/// <param name="TopicPartition">Which.</param>
/// <param name="Next">The next offset to read.</param>
/// <param name="LeaderEpoch">Leader epoch of the record before; −1 unknown.</param>
/// <param name="From">The offset that the table must have for the move to apply; null: whatever it has.</param>
public sealed record MovedPosition(TopicPartition TopicPartition, long Next, int LeaderEpoch = -1, long? From = null);

/// <summary>
/// A seek, a reset or an accepted loss: an empty snapshot that carries other offsets and the reason. Asked for again with the
/// same id it is done once.
/// </summary>
public sealed record OffsetMove
{
    /// <summary>Made before it is first asked for.</summary>
    public required Guid MoveId { get; init; }

    /// <summary>The pipeline's name.</summary>
    public required string Pipeline { get; init; }

    /// <summary>The pipeline's generation.</summary>
    public required string Generation { get; init; }

    /// <summary>Why.</summary>
    public required MoveReason Reason { get; init; }

    /// <summary>Id of the Kafka cluster from here on; null: as it stands.</summary>
    public string? ClusterId { get; init; }

    /// <summary>Ids of the topics from here on, by name; missing: as they stand.</summary>
    public IReadOnlyDictionary<string, string> TopicIds { get; init; } = new Dictionary<string, string>();

    /// <summary>The branch whose offsets move.</summary>
    public string Branch { get; init; } = Iceberg.SnapshotRef.Main;

    /// <summary>Where to; none, with <see cref="MoveReason.Accept"/>: as the table stands.</summary>
    public required IReadOnlyList<MovedPosition> Positions { get; init; }
}
