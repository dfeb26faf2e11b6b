using OrleansLake.Ingest.Pump;

namespace OrleansLake.Ingest.Kafka;

/// <summary>
/// One assignment of one topic-partition, from Assign to Unassign or the next Assign. A seek makes a new one, so that nothing
/// of the old one can be taken for the new.
/// </summary>
internal sealed class AssignedPartition(TopicPartition topicPartition, long position, int leaderEpoch)
{
    internal TopicPartition TopicPartition { get; } = topicPartition;

    /// <summary>The offset that comes next: everything below went into batches.</summary>
    internal long Position { get; set; } = position;

    /// <summary>Leader epoch of the last record; −1 unknown.</summary>
    internal int LeaderEpoch { get; set; } = leaderEpoch;

    /// <summary>Where the broker last said that there is nothing more for us; −1 it did not.</summary>
    internal long EndAt { get; set; } = -1;

    /// <summary>The last stable offset as asked for; −1 not asked.</summary>
    internal long LastStable { get; set; } = -1;

    /// <summary>The user's wish.</summary>
    internal bool Paused { get; set; }

    /// <summary>What the client was told.</summary>
    internal bool PausedInClient { get; set; }

    /// <summary>Whether the client knows of this assignment.</summary>
    internal bool AssignedInClient { get; set; }

    /// <summary>No longer wanted: whatever still comes of it is thrown away.</summary>
    internal bool Dropped { get; set; }

    /// <summary>An error ended it: what comes behind the error is thrown away.</summary>
    internal bool Stopped { get; set; }

    /// <summary>It is about to begin anew at its position: what comes before that is thrown away.</summary>
    internal bool Restarting { get; set; }

    /// <summary>The client has yet to take the leader epoch that it shall compare: what comes before that is thrown away.</summary>
    internal bool Validating { get; set; }

    /// <summary>How often it began anew since its last record.</summary>
    internal int Restarts { get; set; }

    /// <summary>Index of its open slot in the poll under way; −1 none.</summary>
    internal int Slot { get; set; } = -1;

    /// <summary>Batches that were polled before it was paused.</summary>
    internal Queue<ReadyItem> Held { get; } = new(0);
}

/// <summary>What a poll has ready: a batch, or the error that ends a topic-partition.</summary>
internal readonly record struct ReadyItem(AssignedPartition Owner, KafkaBatch? Batch, SourceStoppedException? Stop);
