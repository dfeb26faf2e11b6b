using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Pump;

namespace OrleansLake.Testing.Simulation;

/// <summary>What a run does beside its seed.</summary>
internal sealed record SimulationOptions
{
    public required int Seed { get; init; }

    /// <summary>Rules of the committer that hold.</summary>
    public ProtocolRules Rules { get; init; } = ProtocolRules.All;

    /// <summary>Rules of the pump that hold.</summary>
    public PumpRules PumpRules { get; init; } = new();

    /// <summary>Dead letters are known by generation and topic id too, not by offset alone.</summary>
    public bool DeadLettersApart { get; init; } = true;

    /// <summary>Faults and strangers act until then.</summary>
    public TimeSpan FaultsUntil { get; init; } = TimeSpan.FromSeconds(100);

    /// <summary>Everything must be in the table this long after the faults ended.</summary>
    public TimeSpan QuietLimit { get; init; } = TimeSpan.FromMinutes(8);

    /// <summary>Keep a line for each thing that happens.</summary>
    public bool IsTraced { get; init; }
}

/// <summary>How a run went.</summary>
/// <param name="Seed">Its seed.</param>
/// <param name="Violation">What was found wrong; null when nothing was.</param>
/// <param name="Trace">What happened, where that was asked for.</param>
/// <param name="Steps">Steps of the scheduler: equal in every run of one seed.</param>
/// <param name="Commits">Snapshots of the table.</param>
/// <param name="Faults">What happened, by name: a run in which nothing goes wrong shows little.</param>
internal sealed record SimulationResult(int Seed, string? Violation, IReadOnlyList<string> Trace, long Steps, long Commits, IReadOnlyDictionary<string, int> Faults)
{
    /// <summary>What the audit says of the table at the end; null when the run did not get there.</summary>
    public AuditVerdict? Audit { get; init; }
}
