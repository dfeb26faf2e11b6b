using OrleansLake.Iceberg;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Read;

/// <summary>A column while its slots are read one after the other.</summary>
internal sealed class LeafCursor(ColumnDescriptor column)
{
    /// <summary>Which column.</summary>
    public ColumnDescriptor Column { get; } = column;

    /// <summary>What holds its values; set for each batch.</summary>
    public ColumnBuffer Buffer { get; private set; } = null!;

    /// <summary>The slot to read next, and its value if it has one.</summary>
    public int Slot { get; private set; }

    /// <inheritdoc cref="Slot" />
    public int Value { get; private set; }

    /// <summary>The next slot's definition level.</summary>
    public int Definition => Column.MaxDefinitionLevel == 0 ? 0 : Buffer.DefinitionLevels[Slot];

    /// <summary>The next slot's repetition level; −1 behind the last.</summary>
    public int Repetition => Slot >= Buffer.SlotCount ? -1 : Column.MaxRepetitionLevel == 0 ? 0 : Buffer.RepetitionLevels[Slot];

    /// <summary>Begins with a batch.</summary>
    public void Attach(ColumnBuffer buffer)
    {
        Buffer = buffer;
        Slot = 0;
        Value = 0;
    }

    /// <summary>Goes to the next slot.</summary>
    public void Advance()
    {
        Value += Definition == Column.MaxDefinitionLevel ? 1 : 0;
        Slot++;
    }
}

/// <summary>A field of the table's schema and where a file has it; matched by field id alone.</summary>
internal sealed class RowNode
{
    private RowNode(IcebergType type) => Type = type;

    /// <summary>The type that the table says.</summary>
    public IcebergType Type { get; }

    /// <summary>Every column below it in the file, whether the table still has it or not; none: the file lacks the field.</summary>
    public IReadOnlyList<LeafCursor> Leaves { get; private set; } = [];

    /// <summary>Definition level of the field when it is there.</summary>
    public int Definition { get; private set; }

    /// <summary>Repeated nodes above it.</summary>
    public int Repetition { get; private set; }

    /// <summary>Repetition level of the second and later elements of a list or map.</summary>
    public int ElementRepetition { get; private set; }

    /// <summary>Fields of a struct.</summary>
    public IReadOnlyList<(NestedField Field, RowNode Node)> Fields { get; private set; } = [];

    /// <summary>Columns below a struct that belong to none of its fields: the table has dropped them, and they keep step.</summary>
    public IReadOnlyList<LeafCursor> Dropped { get; private set; } = [];

    /// <summary>Key of a map.</summary>
    public RowNode? Key { get; private set; }

    /// <summary>Element of a list; value of a map.</summary>
    public RowNode? Element { get; private set; }

    /// <summary>The fields of a schema in a file, and a cursor for each of the file's columns.</summary>
    public static (RowNode Root, LeafCursor[] Leaves) Bind(Schema schema, ParquetSchema file)
    {
        LeafCursor[] leaves = [.. file.Columns.Select(column => new LeafCursor(column))];
        var root = new RowNode(new StructType(schema.Fields)) { Leaves = leaves };
        root.SetFields(BindFields(schema.Fields, file.Fields, leaves, 0, 0, 0));
        return (root, leaves);
    }

    /// <summary>Goes past the field in one row or element.</summary>
    public void Advance()
    {
        foreach (var leaf in Leaves)
        {
            leaf.Advance();
        }
    }

    private void SetFields(IReadOnlyList<(NestedField Field, RowNode Node)> fields)
    {
        Fields = fields;
        Dropped = [.. Leaves.Except(fields.SelectMany(field => field.Node.Leaves))];
    }

    private static List<(NestedField, RowNode)> BindFields(IReadOnlyList<NestedField> fields, IReadOnlyList<ParquetNode> nodes, LeafCursor[] leaves, int firstLeaf, int definition, int repetition)
    {
        var bound = new List<(NestedField, RowNode)>();
        foreach (var field in fields)
        {
            int leaf = firstLeaf;
            RowNode? found = null;
            foreach (var node in nodes)
            {
                if (node.FieldId == field.Id)
                {
                    found = Bind(field.Type, node, leaves, leaf, definition, repetition);
                    break;
                }

                leaf += LeafCount(node);
            }

            bound.Add((field, found ?? new RowNode(field.Type)));
        }

        return bound;
    }

    private static RowNode Bind(IcebergType type, ParquetNode node, LeafCursor[] leaves, int leaf, int definition, int repetition)
    {
        definition += node.Repetition == Parquet.Repetition.Required ? 0 : 1;
        var bound = new RowNode(type) { Definition = definition, Repetition = repetition, Leaves = leaves[leaf..(leaf + LeafCount(node))] };
        switch (type, node)
        {
            case (PrimitiveType, ParquetNode.Primitive):
            case (VariantType, ParquetNode.Group { Children: [ParquetNode.Primitive, ParquetNode.Primitive] }):
                break;
            case (StructType x, ParquetNode.Group group):
                bound.SetFields(BindFields(x.Fields, group.Children, leaves, leaf, definition, repetition));
                break;
            case (ListType x, ParquetNode.Group { Children: [{ Repetition: Parquet.Repetition.Repeated } repeated] }):
                bound.ElementRepetition = repetition + 1;
                // Old writers left out the middle of the three levels.
                var element = repeated.FieldId != x.ElementId && repeated is ParquetNode.Group { Children: [var only] } ? only : repeated with { Repetition = Parquet.Repetition.Required };
                bound.Element = Bind(x.Element, element, leaves, leaf, definition + 1, repetition + 1);
                break;
            case (MapType x, ParquetNode.Group { Children: [ParquetNode.Group { Repetition: Parquet.Repetition.Repeated, Children: [{ } key, { } value] }] }):
                bound.ElementRepetition = repetition + 1;
                bound.Key = Bind(x.Key, key, leaves, leaf, definition + 1, repetition + 1);
                bound.Element = Bind(x.Value, value, leaves, leaf + LeafCount(key), definition + 1, repetition + 1);
                break;
            default:
                throw new InvalidDataException($"field {node.Name} (id {node.FieldId}): expected {type}, got {(node is ParquetNode.Primitive x2 ? x2.PhysicalType : "a group")} in the file");
        }

        return bound;
    }

    private static int LeafCount(ParquetNode node) => node is ParquetNode.Group group ? group.Children.Sum(LeafCount) : 1;
}
