using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Pump;

namespace OrleansLake.Testing.Simulation;

/// <summary>The rules of both sides, and of whoever reads dead letters, by name, each of which can be left out of a run.</summary>
internal static class SimulatedRules
{
    private static readonly Dictionary<string, PumpRules> OfPump = new()
    {
        [nameof(PumpRules.SameReportAgain)] = new PumpRules { SameReportAgain = false },
        [nameof(PumpRules.ResumeFromTable)] = new PumpRules { ResumeFromTable = false },
        [nameof(PumpRules.KeepReportedFiles)] = new PumpRules { KeepReportedFiles = false },
    };

    public static IReadOnlyList<string> Names { get; } =
        [.. Enum.GetValues<ProtocolRules>().Where(rule => rule is not (ProtocolRules.None or ProtocolRules.All)).Select(rule => rule.ToString()), .. OfPump.Keys, nameof(SimulationOptions.DeadLettersApart)];

    /// <summary>A run of a seed without one rule; null: with all.</summary>
    public static SimulationOptions Without(string? rule, int seed) => rule switch
    {
        null => new SimulationOptions { Seed = seed },
        nameof(SimulationOptions.DeadLettersApart) => new SimulationOptions { Seed = seed, DeadLettersApart = false },
        _ when OfPump.TryGetValue(rule, out PumpRules? rules) => new SimulationOptions { Seed = seed, PumpRules = rules },
        _ => new SimulationOptions { Seed = seed, Rules = ProtocolRules.All & ~Enum.Parse<ProtocolRules>(rule) },
    };
}
