namespace OrleansLake.Iceberg;

/// <summary>What a snapshot carries beside the counters.</summary>
public sealed record SnapshotExtras
{
    /// <summary>Entries of the summary; <c>operation</c> and the counters are not overruled.</summary>
    public IReadOnlyDictionary<string, string> Summary { get; init; } = new Dictionary<string, string>();

    /// <summary>Keys of the manifest list's Avro header, in UTF-8.</summary>
    public IReadOnlyDictionary<string, string> ManifestListHeader { get; init; } = new Dictionary<string, string>();
}

/// <summary>A change that only a swap is missing to.</summary>
/// <param name="Requirements">What must still hold of the table.</param>
/// <param name="Updates">The change, in order.</param>
public record StagedChange(IReadOnlyList<TableRequirement> Requirements, IReadOnlyList<TableUpdate> Updates);

/// <summary>A snapshot whose files are written and that only a swap is missing to.</summary>
/// <param name="Snapshot">The snapshot.</param>
/// <param name="Requirements">The table's uuid, and the branch's snapshot as the base has it.</param>
/// <param name="Updates">Adds the snapshot, and moves the branch to it.</param>
public sealed record StagedSnapshot(Snapshot Snapshot, IReadOnlyList<TableRequirement> Requirements, IReadOnlyList<TableUpdate> Updates)
    : StagedChange(Requirements, Updates);
