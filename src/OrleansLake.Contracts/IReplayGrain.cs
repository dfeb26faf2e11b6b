using Orleans.Concurrency;

namespace OrleansLake.Contracts;

/// <summary>
/// Replays of one table's dead letters, one at a time. Key: <see cref="GrainKeys.Table"/>. A replay that dies with its silo is
/// brought to its end by the next one.
/// </summary>
[Alias("orleanslake.IReplayGrain")]
public interface IReplayGrain : IGrainWithStringKey
{
    /// <summary>Starts a replay and returns. Asked again with the same id, or while another runs: how that one stands.</summary>
    [Alias("Start")]
    Task<ReplayStatus> StartAsync(ReplayOrder order);

    /// <summary>How a replay stands. Waits up to 10 s for its end.</summary>
    [Alias("Status"), AlwaysInterleave]
    Task<ReplayStatus> StatusAsync(Guid replayId);
}

/// <summary>Asks for dead letters to be decoded again, with today's schema and settings.</summary>
/// <param name="ReplayId">Made before it is first asked for.</param>
/// <param name="Where">A condition on the dead-letter table's columns, as in SQL; null: all that are open.</param>
/// <param name="DryRun">Counts, and changes nothing.</param>
[GenerateSerializer, Immutable, Alias("orleanslake.ReplayOrder")]
public sealed record ReplayOrder([property: Id(0)] Guid ReplayId, [property: Id(1)] string? Where = null, [property: Id(2)] bool DryRun = false);

/// <summary>What a replay is doing.</summary>
[GenerateSerializer, Alias("orleanslake.ReplayState")]
public enum ReplayState
{
    /// <summary>It is on its way.</summary>
    Running,

    /// <summary>It came to its end.</summary>
    Done,

    /// <summary>It could not go on; what it had committed stays, and the next one goes on from there.</summary>
    Failed,

    /// <summary>Nothing is known of it: its silo may have gone. Another replay goes on from where it was.</summary>
    NotKnown,
}

/// <summary>How a replay stands.</summary>
[GenerateSerializer, Immutable, Alias("orleanslake.ReplayStatus")]
public sealed record ReplayStatus
{
    /// <summary>Which.</summary>
    [Id(0)]
    public required Guid ReplayId { get; init; }

    /// <summary>The main table: <c>namespace.table</c>.</summary>
    [Id(1)]
    public required string Table { get; init; }

    /// <summary>What it is doing.</summary>
    [Id(2)]
    public required ReplayState State { get; init; }

    /// <summary>Why it failed.</summary>
    [Id(3)]
    public string? Message { get; init; }

    /// <summary>Whether it only counts.</summary>
    [Id(4)]
    public bool DryRun { get; init; }

    /// <summary>Open dead letters that it looked at.</summary>
    [Id(5)]
    public long Examined { get; init; }

    /// <summary>Those that are rows now; of a dry run: that would be.</summary>
    [Id(6)]
    public long Replayed { get; init; }

    /// <summary>Those that still cannot be rows.</summary>
    [Id(7)]
    public long StillBad { get; init; }

    /// <summary>Why not, and how often.</summary>
    [Id(8)]
    public Dictionary<string, long> StillBadBecause { get; init; } = [];

    /// <summary>Those of a generation that has ended, whose offsets its successor reads again.</summary>
    [Id(9)]
    public long OfEndedGenerations { get; init; }

    /// <summary>Snapshots of the main table that the rows are in.</summary>
    [Id(10)]
    public long[] Snapshots { get; init; } = [];

    /// <summary>What was found of earlier replays that had not come to their end.</summary>
    [Id(11)]
    public string[] Settled { get; init; } = [];
}
