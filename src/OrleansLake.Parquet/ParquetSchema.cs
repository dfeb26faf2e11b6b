namespace OrleansLake.Parquet;

/// <summary>How a value lies in the file. https://parquet.apache.org/docs/file-format/types/</summary>
public enum PhysicalType
{
    /// <summary>One bit.</summary>
    Boolean = 0,

    /// <summary>32 bits, little endian.</summary>
    Int32 = 1,

    /// <summary>64 bits, little endian.</summary>
    Int64 = 2,

    /// <summary>96 bits: a deprecated timestamp, read and never written.</summary>
    Int96 = 3,

    /// <summary>IEEE 754 single precision.</summary>
    Float = 4,

    /// <summary>IEEE 754 double precision.</summary>
    Double = 5,

    /// <summary>Bytes of any length.</summary>
    ByteArray = 6,

    /// <summary>Bytes of the length that the schema names.</summary>
    FixedLenByteArray = 7,
}

/// <summary>Whether a node may be absent, or stand several times.</summary>
public enum Repetition
{
    /// <summary>Exactly once.</summary>
    Required = 0,

    /// <summary>Once or not at all.</summary>
    Optional = 1,

    /// <summary>Any number of times.</summary>
    Repeated = 2,
}

/// <summary>The unit of a time or timestamp.</summary>
public enum TimeUnit
{
    /// <summary>1/1,000 s.</summary>
    Millis,

    /// <summary>1/1,000,000 s.</summary>
    Micros,

    /// <summary>1/1,000,000,000 s.</summary>
    Nanos,
}

/// <summary>What a value means. https://github.com/apache/parquet-format/blob/master/LogicalTypes.md</summary>
public abstract record LogicalType
{
    private LogicalType() { }

    /// <summary>UTF-8 text.</summary>
    public sealed record String : LogicalType;

    /// <summary>A map: a group of one repeated group of key and value.</summary>
    public sealed record Map : LogicalType;

    /// <summary>A list: a group of one repeated group of one element.</summary>
    public sealed record List : LogicalType;

    /// <summary>Text out of a fixed set.</summary>
    public sealed record Enum : LogicalType;

    /// <summary>An unscaled integer with a scale.</summary>
    public sealed record Decimal(int Precision, int Scale) : LogicalType;

    /// <summary>Days since 1970-01-01.</summary>
    public sealed record Date : LogicalType;

    /// <summary>Time of day.</summary>
    public sealed record Time(TimeUnit Unit, bool IsAdjustedToUtc) : LogicalType;

    /// <summary>Time since 1970-01-01T00:00.</summary>
    public sealed record Timestamp(TimeUnit Unit, bool IsAdjustedToUtc) : LogicalType;

    /// <summary>An integer of 8, 16, 32 or 64 bits.</summary>
    public sealed record Integer(int BitWidth, bool IsSigned) : LogicalType;

    /// <summary>A JSON document.</summary>
    public sealed record Json : LogicalType;

    /// <summary>A BSON document.</summary>
    public sealed record Bson : LogicalType;

    /// <summary>16 bytes, big endian.</summary>
    public sealed record Uuid : LogicalType;

    /// <summary>Half precision in two bytes.</summary>
    public sealed record Float16 : LogicalType;

    /// <summary>Always null.</summary>
    public sealed record Unknown : LogicalType;

    /// <summary>A variant: a group of metadata and value.</summary>
    public sealed record Variant(int SpecificationVersion) : LogicalType;

    /// <summary>Well-known binary in a coordinate reference system.</summary>
    public sealed record Geometry(string? Crs) : LogicalType;

    /// <summary>Well-known binary on a sphere.</summary>
    public sealed record Geography(string? Crs, string? Algorithm) : LogicalType;
}

/// <summary>One node of a schema.</summary>
public abstract record ParquetNode
{
    private ParquetNode() { }

    /// <summary>The name as it stands in the file.</summary>
    public required string Name { get; init; }

    /// <summary>Whether it may be absent or repeated.</summary>
    public Repetition Repetition { get; init; } = Repetition.Optional;

    /// <summary>The field id that Iceberg gave it.</summary>
    public int? FieldId { get; init; }

    /// <summary>What it means; null where the physical type says all.</summary>
    public LogicalType? LogicalType { get; init; }

    /// <summary>A leaf, that is a column.</summary>
    public sealed record Primitive : ParquetNode
    {
        /// <summary>How its values lie in the file.</summary>
        public required PhysicalType PhysicalType { get; init; }

        /// <summary>Bytes a value, for <see cref="Parquet.PhysicalType.FixedLenByteArray"/> only.</summary>
        public int TypeLength { get; init; }
    }

    /// <summary>A struct, or the wrapper of a list or map.</summary>
    public sealed record Group : ParquetNode
    {
        /// <summary>Its fields in order.</summary>
        public required IReadOnlyList<ParquetNode> Children { get; init; }
    }
}

/// <summary>One column: a leaf of the schema with its place and its levels.</summary>
public sealed record ColumnDescriptor
{
    /// <summary>Its number among the leaves, from 0, depth first.</summary>
    public required int Index { get; init; }

    /// <summary>Names from the root to the leaf.</summary>
    public required IReadOnlyList<string> Path { get; init; }

    /// <summary>The leaf itself.</summary>
    public required ParquetNode.Primitive Node { get; init; }

    /// <summary>Optional and repeated nodes on the path: the level of a value that is there.</summary>
    public required int MaxDefinitionLevel { get; init; }

    /// <summary>Repeated nodes on the path.</summary>
    public required int MaxRepetitionLevel { get; init; }

    /// <summary>How its values lie in the file.</summary>
    public PhysicalType PhysicalType => Node.PhysicalType;

    /// <summary>Bytes a value, for fixed-length byte arrays.</summary>
    public int TypeLength => Node.TypeLength;

    /// <summary>The field id of the leaf.</summary>
    public int? FieldId => Node.FieldId;

    /// <inheritdoc />
    public override string ToString() => string.Join('.', Path);
}

/// <summary>The schema of a file: its fields, and the columns that they unfold to.</summary>
public sealed class ParquetSchema
{
    /// <summary>A schema of the given top-level fields.</summary>
    public ParquetSchema(IReadOnlyList<ParquetNode> fields)
    {
        Fields = fields;
        var columns = new List<ColumnDescriptor>();
        foreach (var field in fields)
        {
            Unfold(field, [], 0, 0, columns);
        }

        Columns = columns;
    }

    /// <summary>The top-level fields in order.</summary>
    public IReadOnlyList<ParquetNode> Fields { get; }

    /// <summary>The leaves, depth first.</summary>
    public IReadOnlyList<ColumnDescriptor> Columns { get; }

    private static void Unfold(ParquetNode node, List<string> path, int definition, int repetition, List<ColumnDescriptor> columns)
    {
        path.Add(node.Name);
        definition += node.Repetition == Repetition.Required ? 0 : 1;
        repetition += node.Repetition == Repetition.Repeated ? 1 : 0;
        switch (node)
        {
            case ParquetNode.Primitive leaf:
                columns.Add(new ColumnDescriptor
                {
                    Index = columns.Count,
                    Path = [.. path],
                    Node = leaf,
                    MaxDefinitionLevel = definition,
                    MaxRepetitionLevel = repetition,
                });
                break;
            case ParquetNode.Group group:
                foreach (var child in group.Children)
                {
                    Unfold(child, path, definition, repetition, columns);
                }

                break;
        }

        path.RemoveAt(path.Count - 1);
    }
}
