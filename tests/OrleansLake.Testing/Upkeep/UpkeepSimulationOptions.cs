using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Upkeep;

namespace OrleansLake.Testing.Upkeep;

/// <summary>What a run does beside its seed.</summary>
internal sealed record UpkeepSimulationOptions
{
    public required int Seed { get; init; }

    /// <summary>Rules of the upkeep that hold.</summary>
    public UpkeepRules Rules { get; init; } = UpkeepRules.All;

    /// <summary>Rules of the committer of reports that hold.</summary>
    public ProtocolRules CommitRules { get; init; } = ProtocolRules.All;

    /// <summary>A rewrite is checked anew on the state that it is put on (rule 21); without, it is put there as it was staged.</summary>
    public bool RewritesAreChecked { get; init; } = true;

    /// <summary>Keep a line for each thing that happens.</summary>
    public bool IsTraced { get; init; }

    /// <summary>Every rule that can be taken out.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        .. Enum.GetValues<UpkeepRules>().Where(rule => rule is not (UpkeepRules.None or UpkeepRules.All)).Select(rule => rule.ToString()),
        nameof(ProtocolRules.NoFileBefore),
        nameof(RewritesAreChecked),
    ];

    /// <summary>A run of a seed without one rule; null: with all.</summary>
    public static UpkeepSimulationOptions Without(string? rule, int seed) => rule switch
    {
        null => new UpkeepSimulationOptions { Seed = seed },
        nameof(RewritesAreChecked) => new UpkeepSimulationOptions { Seed = seed, RewritesAreChecked = false },
        nameof(ProtocolRules.NoFileBefore) => new UpkeepSimulationOptions { Seed = seed, CommitRules = ProtocolRules.All & ~ProtocolRules.NoFileBefore },
        _ => new UpkeepSimulationOptions { Seed = seed, Rules = UpkeepRules.All & ~Enum.Parse<UpkeepRules>(rule) },
    };
}

/// <summary>How a run went.</summary>
/// <param name="Seed">Its seed.</param>
/// <param name="Violation">What was found wrong; null when nothing was.</param>
/// <param name="Trace">What happened, where that was asked for.</param>
/// <param name="Steps">Steps of the scheduler: equal in every run of one seed.</param>
/// <param name="Swaps">Changes of the table.</param>
/// <param name="Events">What happened, by name: a run in which nothing goes wrong shows little.</param>
internal sealed record UpkeepSimulationResult(int Seed, string? Violation, IReadOnlyList<string> Trace, long Steps, long Swaps, IReadOnlyDictionary<string, int> Events);
