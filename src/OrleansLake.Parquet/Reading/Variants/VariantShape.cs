namespace OrleansLake.Parquet.Reading;

/// <summary>
/// How a variant lies in columns: what is not shredded in <c>value</c>, what is in <c>typed_value</c>.
/// https://github.com/apache/parquet-format/blob/master/VariantShredding.md
/// </summary>
internal sealed class VariantShape
{
    private VariantShape() { }

    /// <summary>Columns of the whole variant, or of the field or element of one.</summary>
    public int FirstLeaf { get; private init; }

    /// <summary>Behind the last of them.</summary>
    public int EndLeaf { get; private init; }

    /// <summary>The column <c>metadata</c>, of the whole variant only.</summary>
    public int Metadata { get; private init; } = -1;

    /// <summary>The column <c>value</c>, where there is one.</summary>
    public int Value { get; private init; } = -1;

    /// <summary>Where <c>typed_value</c> begins; −1 where there is none.</summary>
    public int Typed { get; private init; } = -1;

    /// <summary>What <c>typed_value</c> holds; <see cref="VariantKind.Null"/> where there is none.</summary>
    public VariantKind TypedType { get; private init; }

    /// <summary>The scale of decimals.</summary>
    public int Scale { get; private init; }

    /// <summary>Definition level of the group itself.</summary>
    public int Definition { get; private init; }

    /// <summary>Definition level of a <c>typed_value</c> that is there.</summary>
    public int TypedDefinition => Definition + 1;

    /// <summary>Repetition level of the second and later elements.</summary>
    public int ElementRepetition { get; private init; }

    /// <summary>Elements of an array.</summary>
    public VariantShape? Element { get; private init; }

    /// <summary>Shredded fields of an object.</summary>
    public IReadOnlyList<(byte[] Name, VariantShape Shape)> Fields { get; private init; } = [];

    /// <summary>The shape of a group at some levels, whose leaves begin at a number.</summary>
    public static VariantShape Of(ParquetNode.Group group, string place, int firstLeaf, int definition, int repetition, bool isRoot)
    {
        int metadata = -1, value = -1, typed = -1, leaf = firstLeaf;
        ParquetNode? typedNode = null;
        foreach (var child in group.Children)
        {
            switch (child.Name)
            {
                case "metadata" when isRoot && child is ParquetNode.Primitive { PhysicalType: PhysicalType.ByteArray, Repetition: Repetition.Required }:
                    metadata = leaf;
                    break;
                case "value" when child is ParquetNode.Primitive { PhysicalType: PhysicalType.ByteArray, Repetition: not Repetition.Repeated }:
                    value = leaf;
                    break;
                case "typed_value" when child.Repetition == Repetition.Optional:
                    typed = leaf;
                    typedNode = child;
                    break;
                default:
                    throw new ParquetFormatException($"{place}: a variant has no {child.Repetition} field {child.Name} like this");
            }

            leaf += Leaves(child);
        }

        if ((isRoot && metadata < 0) || (value < 0 && typed < 0))
        {
            throw new ParquetFormatException($"{place}: expected a variant, which has metadata and a value or a typed_value");
        }

        var (type, scale) = typedNode is null ? (VariantKind.Null, 0) : TypeOf(typedNode, $"{place}.typed_value");
        return new VariantShape
        {
            FirstLeaf = firstLeaf,
            EndLeaf = leaf,
            Metadata = metadata,
            Value = value,
            Typed = typed,
            TypedType = type,
            Scale = scale,
            Definition = definition,
            ElementRepetition = repetition + 1,
            Element = type == VariantKind.Array ? ElementOf(typedNode!, $"{place}.typed_value", typed, definition + 2, repetition + 1) : null,
            Fields = type == VariantKind.Object ? FieldsOf((ParquetNode.Group)typedNode!, place, typed, definition + 1, repetition) : [],
        };
    }

    public static int Leaves(ParquetNode node) => node is ParquetNode.Group group ? group.Children.Sum(Leaves) : 1;

    private static VariantShape ElementOf(ParquetNode typed, string place, int leaf, int definition, int repetition) =>
        typed is ParquetNode.Group
        {
            Children: [ParquetNode.Group { Repetition: Repetition.Repeated, Children: [ParquetNode.Group { Repetition: Repetition.Required } element] }],
        }
            ? Of(element, $"{place}.{element.Name}", leaf, definition, repetition, isRoot: false)
            : throw new ParquetFormatException($"{place}: expected a list of required groups of value and typed_value");

    private static List<(byte[], VariantShape)> FieldsOf(ParquetNode.Group typed, string place, int leaf, int definition, int repetition)
    {
        var fields = new List<(byte[], VariantShape)>();
        foreach (var child in typed.Children)
        {
            string name = $"{place}.{child.Name}";
            fields.Add((System.Text.Encoding.UTF8.GetBytes(child.Name), child is ParquetNode.Group { Repetition: Repetition.Required } field
                ? Of(field, name, leaf, definition, repetition, isRoot: false)
                : throw new ParquetFormatException($"{name}: expected a required group of value and typed_value")));
            leaf += Leaves(child);
        }

        return fields;
    }

    private static (VariantKind Type, int Scale) TypeOf(ParquetNode node, string place) => node switch
    {
        ParquetNode.Group { LogicalType: LogicalType.List } => (VariantKind.Array, 0),
        ParquetNode.Group => (VariantKind.Object, 0),
        ParquetNode.Primitive leaf => (leaf.PhysicalType, leaf.LogicalType) switch
        {
            (PhysicalType.Boolean, null) => (VariantKind.Boolean, 0),
            (PhysicalType.Int32, null or LogicalType.Integer(32, true)) => (VariantKind.Int32, 0),
            (PhysicalType.Int32, LogicalType.Integer(8, true)) => (VariantKind.Int8, 0),
            (PhysicalType.Int32, LogicalType.Integer(16, true)) => (VariantKind.Int16, 0),
            (PhysicalType.Int64, null or LogicalType.Integer(64, true)) => (VariantKind.Int64, 0),
            (PhysicalType.Float, null) => (VariantKind.Float, 0),
            (PhysicalType.Double, null) => (VariantKind.Double, 0),
            (PhysicalType.Int32, LogicalType.Decimal(_, var scale)) => (VariantKind.Decimal4, scale),
            (PhysicalType.Int64, LogicalType.Decimal(_, var scale)) => (VariantKind.Decimal8, scale),
            (PhysicalType.ByteArray or PhysicalType.FixedLenByteArray, LogicalType.Decimal(_, var scale)) => (VariantKind.Decimal16, scale),
            (PhysicalType.Int32, LogicalType.Date) => (VariantKind.Date, 0),
            (PhysicalType.Int64, LogicalType.Time(TimeUnit.Micros, false)) => (VariantKind.Time, 0),
            (PhysicalType.Int64, LogicalType.Timestamp(TimeUnit.Micros, true)) => (VariantKind.Timestamp, 0),
            (PhysicalType.Int64, LogicalType.Timestamp(TimeUnit.Micros, false)) => (VariantKind.TimestampNtz, 0),
            (PhysicalType.Int64, LogicalType.Timestamp(TimeUnit.Nanos, true)) => (VariantKind.TimestampNanos, 0),
            (PhysicalType.Int64, LogicalType.Timestamp(TimeUnit.Nanos, false)) => (VariantKind.TimestampNanosNtz, 0),
            (PhysicalType.ByteArray, null) => (VariantKind.Binary, 0),
            (PhysicalType.ByteArray, LogicalType.String) => (VariantKind.String, 0),
            (PhysicalType.FixedLenByteArray, LogicalType.Uuid) => (VariantKind.Uuid, 0),
            var (physical, logical) => throw new ParquetFormatException($"{place}: no variant is shredded as {physical} {logical}"),
        },
        _ => throw new InvalidOperationException($"a node of type {node.GetType()}"),
    };
}
