namespace OrleansLake.Ingest.Pump;

/// <summary>How a topic-partition was let go.</summary>
/// <param name="CommittedNext">The table's next offset as far as the pump knows.</param>
/// <param name="IsClean">Everything that was read of it is in the table; else the next owner reads it again.</param>
public sealed record HandOver(long? CommittedNext, bool IsClean);

/// <summary>What became of a flush.</summary>
public abstract record FlushResult
{
    private FlushResult() { }

    /// <summary>Nothing was waiting.</summary>
    public sealed record Nothing : FlushResult;

    /// <summary>What had been read is in the table.</summary>
    public sealed record Committed(long SnapshotId) : FlushResult;

    /// <summary>It is not; it is being read again.</summary>
    public sealed record GivenUp(string Message) : FlushResult;
}

/// <summary>What a pump does that rules of the protocol forbid to leave out. All true but in tests that show why.</summary>
internal sealed record PumpRules
{
    /// <summary>Rule 1: a report whose answer is lost is sent again as it is, under its id.</summary>
    internal bool SameReportAgain { get; init; } = true;

    /// <summary>Rule 3: what was refused is read again from the table's offsets, not from where the pump believes it stood.</summary>
    internal bool ResumeFromTable { get; init; } = true;

    /// <summary>Rule 6: no file that was ever reported is deleted by its writer.</summary>
    internal bool KeepReportedFiles { get; init; } = true;
}
