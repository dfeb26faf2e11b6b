namespace OrleansLake.Contracts;

/// <summary>Something that a person should know. Told when it begins and when it is over.</summary>
[GenerateSerializer, Immutable, Alias("orleanslake.LakeAlert")]
public sealed record LakeAlert
{
    /// <summary>The Orleans stream provider that alerts are told by, in memory of the cluster.</summary>
    public const string StreamProvider = "orleanslake-alerts";

    /// <summary>The namespace of the stream; its key is the pipeline's name.</summary>
    public const string StreamNamespace = "alerts";

    /// <summary>What it is about: DeadLetters, Expectation, NoData, Volume, Freshness, Stopped, Audit, Upkeep.</summary>
    [Id(0)]
    public required string Kind { get; init; }

    /// <summary>The pipeline.</summary>
    [Id(1)]
    public required string Pipeline { get; init; }

    /// <summary>Which rule of it: the same while it lasts.</summary>
    [Id(2)]
    public required string Rule { get; init; }

    /// <summary>In words.</summary>
    [Id(3)]
    public required string Message { get; init; }

    /// <summary>When it was seen, in milliseconds since 1970.</summary>
    [Id(4)]
    public required long AtMs { get; init; }

    /// <summary>It is so no longer.</summary>
    [Id(5)]
    public bool IsOver { get; init; }

    /// <summary>The silo that saw it.</summary>
    [Id(6)]
    public string? Silo { get; init; }
}
