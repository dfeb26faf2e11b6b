using System.Text.Json.Nodes;

namespace OrleansLake.Iceberg;

/// <summary>One schema of a table. https://iceberg.apache.org/spec/#schemas</summary>
public sealed record Schema
{
    /// <summary>Its number in the table.</summary>
    public required int SchemaId { get; init; }

    /// <summary>The top-level fields in order.</summary>
    public required IReadOnlyList<NestedField> Fields { get; init; }

    /// <summary>Ids of the fields that identify a row.</summary>
    public IReadOnlyList<int> IdentifierFieldIds { get; init; } = [];

    /// <summary>Fields that another writer put there and this library does not know.</summary>
    public JsonObject? OtherFields { get; init; }
}
