using System.Text.Json.Nodes;

namespace OrleansLake.Iceberg;

/// <summary>One field of a struct; its id, not its name, ties it to the files.</summary>
public sealed record NestedField(int Id, string Name, bool Required, IcebergType Type)
{
    /// <summary>What people said of it.</summary>
    public string? Doc { get; init; }

    /// <summary>What rows hold that were written before the field was added, in the JSON single-value form (v3).</summary>
    public JsonNode? InitialDefault { get; init; }

    /// <summary>What a writer puts where it has nothing, in the JSON single-value form (v3).</summary>
    public JsonNode? WriteDefault { get; init; }
}
