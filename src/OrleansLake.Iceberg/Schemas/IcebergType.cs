using System.Text.Json.Nodes;

namespace OrleansLake.Iceberg;

/// <summary>A type of the table. https://iceberg.apache.org/spec/#schemas-and-data-types</summary>
public abstract record IcebergType
{
    private protected IcebergType() { }
}

/// <summary>A type without fields of its own.</summary>
public abstract record PrimitiveType : IcebergType
{
    private protected PrimitiveType() { }

    /// <summary>The type as metadata spell it: <c>decimal(9, 2)</c>, <c>timestamptz</c>.</summary>
    public string Spelling => TypeText.Write(this);
}

/// <summary>True or false.</summary>
public sealed record BooleanType : PrimitiveType;

/// <summary>32-bit signed integer.</summary>
public sealed record IntegerType : PrimitiveType;

/// <summary>64-bit signed integer.</summary>
public sealed record LongType : PrimitiveType;

/// <summary>32-bit IEEE 754.</summary>
public sealed record FloatType : PrimitiveType;

/// <summary>64-bit IEEE 754.</summary>
public sealed record DoubleType : PrimitiveType;

/// <summary>Fixed-point decimal of up to 38 digits.</summary>
public sealed record DecimalType(int Precision, int Scale) : PrimitiveType;

/// <summary>Days since 1970-01-01.</summary>
public sealed record DateType : PrimitiveType;

/// <summary>Microseconds since midnight.</summary>
public sealed record TimeType : PrimitiveType;

/// <summary>Microseconds since 1970-01-01T00:00, as an instant when <paramref name="WithZone"/>, else as a wall clock shows it.</summary>
public sealed record TimestampType(bool WithZone) : PrimitiveType;

/// <summary>Nanoseconds likewise (v3).</summary>
public sealed record TimestampNanoType(bool WithZone) : PrimitiveType;

/// <summary>UTF-8 text.</summary>
public sealed record StringType : PrimitiveType;

/// <summary>16 bytes.</summary>
public sealed record UuidType : PrimitiveType;

/// <summary>Bytes of one length.</summary>
public sealed record FixedType(int Length) : PrimitiveType;

/// <summary>Bytes of any length.</summary>
public sealed record BinaryType : PrimitiveType;

/// <summary>Always null (v3).</summary>
public sealed record UnknownType : PrimitiveType;

/// <summary>Semi-structured value (v3).</summary>
public sealed record VariantType : PrimitiveType;

/// <summary>Shapes in the plane (v3).</summary>
public sealed record GeometryType(string? Crs) : PrimitiveType;

/// <summary>Shapes on the sphere (v3).</summary>
public sealed record GeographyType(string? Crs, string? Algorithm) : PrimitiveType;

/// <summary>A type with fields of its own. https://iceberg.apache.org/spec/#nested-types</summary>
public abstract record NestedType : IcebergType
{
    private protected NestedType() { }

    /// <summary>Fields of its JSON object that another writer put there and this library does not know.</summary>
    public JsonObject? OtherFields { get; init; }

    /// <summary>The same in all that metadata say of it; JSON is compared by what it means.</summary>
    public virtual bool Equals(NestedType? other) => base.Equals(other) && JsonNode.DeepEquals(OtherFields, other!.OtherFields);

    /// <inheritdoc />
    public override int GetHashCode() => base.GetHashCode();
}

/// <summary>Named fields.</summary>
public sealed record StructType(IReadOnlyList<NestedField> Fields) : NestedType
{
    /// <inheritdoc />
    public bool Equals(StructType? other) => base.Equals(other) && Fields.SequenceEqual(other!.Fields);

    /// <inheritdoc />
    public override int GetHashCode() => Fields.Aggregate(17, HashCode.Combine);
}

/// <summary>Elements of one type.</summary>
public sealed record ListType(int ElementId, IcebergType Element, bool ElementRequired) : NestedType;

/// <summary>Keys to values.</summary>
public sealed record MapType(int KeyId, IcebergType Key, int ValueId, IcebergType Value, bool ValueRequired) : NestedType;
