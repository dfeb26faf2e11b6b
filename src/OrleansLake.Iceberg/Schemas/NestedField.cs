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

    /// <summary>Fields that another writer put there and this library does not know.</summary>
    public JsonObject? OtherFields { get; init; }

    /// <summary>The same in all that metadata say of it; JSON is compared by what it means.</summary>
    public bool Equals(NestedField? other) =>
        other is not null && Id == other.Id && Name == other.Name && Required == other.Required && Type == other.Type && Doc == other.Doc
        && JsonNode.DeepEquals(InitialDefault, other.InitialDefault) && JsonNode.DeepEquals(WriteDefault, other.WriteDefault)
        && JsonNode.DeepEquals(OtherFields, other.OtherFields);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Id, Name, Required, Type);
}
