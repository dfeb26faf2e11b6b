using System.Text.Json.Nodes;

namespace OrleansLake.Iceberg;

/// <summary>One field of a sort order.</summary>
public sealed record SortField(IReadOnlyList<int> SourceIds, Transform Transform, bool Descending, bool NullsLast)
{
    /// <summary>Fields that another writer put there and this library does not know.</summary>
    public JsonObject? OtherFields { get; init; }
}

/// <summary>How rows are ordered within a file. https://iceberg.apache.org/spec/#sorting</summary>
public sealed record SortOrder
{
    /// <summary>0 is unsorted.</summary>
    public required int OrderId { get; init; }

    /// <summary>Its fields, most significant first.</summary>
    public required IReadOnlyList<SortField> Fields { get; init; }

    /// <summary>Fields that another writer put there and this library does not know.</summary>
    public JsonObject? OtherFields { get; init; }
}
