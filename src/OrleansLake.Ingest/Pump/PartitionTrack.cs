namespace OrleansLake.Ingest.Pump;

/// <summary>Where a topic-partition stands on its way from attach to detach.</summary>
internal enum TrackState
{
    /// <summary>Its position is not known; the table is to be asked.</summary>
    Resuming,

    /// <summary>The source reads it.</summary>
    Reading,

    /// <summary>No longer read; what was read of it is being reported.</summary>
    Draining,

    /// <summary>No longer read, until it is attached again.</summary>
    Stopped,
}

/// <summary>What the pump knows of one topic-partition. Touched by <see cref="PumpState"/> and the loop, on one thread.</summary>
internal sealed class PartitionTrack(TopicPartition topicPartition, StartPosition start)
{
    internal TopicPartition TopicPartition { get; } = topicPartition;

    /// <summary>Where to begin when the table knows nothing; once the broker has said what that is, that offset.</summary>
    internal StartPosition Start { get; set; } = start;

    internal TrackState State { get; set; } = TrackState.Resuming;

    /// <summary>The start of the next batch; −1 while it is not known.</summary>
    internal long Position { get; set; } = -1;

    /// <summary>From here on it is decoded by the present schema: where that was taken up, or where reading began since.</summary>
    internal long SchemaFrom { get; set; } = -1;

    internal int LeaderEpoch { get; set; } = -1;

    /// <summary>Of its topic when reading began; null where the broker did not tell.</summary>
    internal string? TopicId { get; set; }

    internal long? CommittedNext { get; set; }

    /// <summary>Offsets at or above <see cref="CommittedNext"/> that the dead-letter table holds already (rule 18).</summary>
    internal IReadOnlySet<long>? DeadLetters { get; set; }

    internal long DeadLettersNext { get; set; }

    /// <summary>Dead letters of it that the table has, those of the sealed sets counted in.</summary>
    internal long DeadLettersRows { get; set; }

    /// <summary>What the open writer has of it.</summary>
    internal OpenRange Open;

    /// <summary>Sealed sets that have something of it.</summary>
    internal int Outstanding { get; set; }

    internal bool PausedByPerson { get; set; }

    /// <summary>What the source was last told.</summary>
    internal bool PausedAtSource { get; set; }

    internal string? Reason { get; set; }

    internal long LastTimestampMs { get; set; } = -1;

    /// <summary>Times of the refusals that blamed it.</summary>
    internal List<DateTimeOffset> Refusals { get; } = [];

    /// <summary>Batches that did not start where the last one ended, since one last did.</summary>
    internal int Misfits { get; set; }

    internal List<TaskCompletionSource<HandOver>> DetachWaiters { get; } = [];

    internal DateTimeOffset DrainUntil { get; set; }

    /// <summary>Attached again while it drained: how to begin once that is over.</summary>
    internal StartPosition? AttachNext { get; set; }

    /// <summary>Nothing of it is on its way to the table.</summary>
    internal bool IsSettled => !Open.Exists && Outstanding == 0;
}

/// <summary>What the open writer has of one topic-partition.</summary>
internal struct OpenRange
{
    internal bool Exists;
    internal long First;
    internal long Next;
    internal long Rows;
    internal long Rejected;

    /// <summary>Those of <see cref="Rejected"/> that the dead-letter table held already.</summary>
    internal long Known;
    internal long? OldestTimestampMs;
}
