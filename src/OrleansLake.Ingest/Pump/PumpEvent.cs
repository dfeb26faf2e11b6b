using OrleansLake.Ingest.Commit;

namespace OrleansLake.Ingest.Pump;

/// <summary>What a pump tells its owner, on the pump's own thread: the receiver takes it and returns at once.</summary>
public abstract record PumpEvent
{
    private PumpEvent() { }

    /// <summary>A topic-partition was given up; it is read again when it is attached again.</summary>
    /// <param name="TopicPartition">Which.</param>
    /// <param name="Reason">The refusal that led to it; null when the source stopped it.</param>
    /// <param name="Message">In words, for people.</param>
    public sealed record Stopped(TopicPartition TopicPartition, RefusalReason? Reason, string Message) : PumpEvent;

    /// <summary>A report is in the table.</summary>
    public sealed record Committed(DataWritten Report, long SnapshotId, TimeSpan Took) : PumpEvent;

    /// <summary>A report was refused; what it held is being read again from the table's offsets.</summary>
    public sealed record Refused(DataWritten Report, RefusalReason Reason, IReadOnlyList<RefusedRange> Ranges, string Message) : PumpEvent;

    /// <summary>From these offsets on records are written by another schema.</summary>
    public sealed record SchemaApplied(int SchemaId, IReadOnlyDictionary<TopicPartition, long> FirstOffsets) : PumpEvent;

    /// <summary>Something stands in the way; null: no longer.</summary>
    public sealed record Trouble(string? Message) : PumpEvent;
}
