using System.Text.Json.Nodes;

namespace OrleansLake.Iceberg;

/// <summary>How a value becomes a partition value. https://iceberg.apache.org/spec/#partition-transforms</summary>
public abstract partial record Transform
{
    private Transform() { }

    /// <summary>The value itself.</summary>
    public sealed record Identity : Transform;

    /// <summary>Murmur3 hash, modulo the count.</summary>
    public sealed record Bucket(int Count) : Transform;

    /// <summary>Integers down to a multiple, strings and binary to a length.</summary>
    public sealed record Truncate(int Width) : Transform;

    /// <summary>Years since 1970.</summary>
    public sealed record Year : Transform;

    /// <summary>Months since 1970-01.</summary>
    public sealed record Month : Transform;

    /// <summary>Days since 1970-01-01.</summary>
    public sealed record Day : Transform;

    /// <summary>Hours since 1970-01-01T00.</summary>
    public sealed record Hour : Transform;

    /// <summary>Always null.</summary>
    public sealed record Void : Transform;

    /// <summary>One that this library does not know: kept, and never pruned by.</summary>
    public sealed record Unknown(string Text) : Transform;
}

/// <summary>One field of a partition spec.</summary>
/// <param name="FieldId">Its own id, 1000 and up.</param>
/// <param name="Name">Its name, unique in the spec.</param>
/// <param name="SourceIds">The fields that it is made of: one, but for transforms of several arguments (v3).</param>
/// <param name="Transform">How.</param>
public sealed record PartitionField(int FieldId, string Name, IReadOnlyList<int> SourceIds, Transform Transform)
{
    /// <summary>The source of a transform of one argument.</summary>
    public int SourceId => SourceIds[0];

    /// <summary>Fields that another writer put there and this library does not know.</summary>
    public JsonObject? OtherFields { get; init; }
}

/// <summary>How rows are divided into partitions. https://iceberg.apache.org/spec/#partitioning</summary>
public sealed record PartitionSpec
{
    /// <summary>Its number in the table.</summary>
    public required int SpecId { get; init; }

    /// <summary>Its fields; none where the table is not partitioned.</summary>
    public required IReadOnlyList<PartitionField> Fields { get; init; }

    /// <summary>Fields that another writer put there and this library does not know.</summary>
    public JsonObject? OtherFields { get; init; }

    /// <summary>A field whose transform is not known here, so that nothing can be written by the spec; null: there is none.</summary>
    public PartitionField? UnknownField => Fields.FirstOrDefault(one => one.Transform is Transform.Unknown);
}
