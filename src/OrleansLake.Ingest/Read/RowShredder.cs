using OrleansLake.Iceberg;
using OrleansLake.Ingest.Write;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Read;

/// <summary>
/// Appends rows that are objects to a batch: structs as arrays of values, lists as lists, maps as lists of pairs, single values
/// in the form of <see cref="PartitionKey"/>, variants as <see cref="VariantBytes"/>. For what is read row by row; the line from Kafka never makes such rows.
/// </summary>
internal sealed class RowShredder
{
    private readonly IReadOnlyList<Node> _fields;
    private readonly ColumnBatch _target;

    /// <summary>For a batch with the columns of some fields.</summary>
    public RowShredder(IReadOnlyList<NestedField> fields, ColumnBatch target)
    {
        _target = target;
        int leaf = 0;
        _fields = Bind(fields, target.Schema.Fields, 0, 0, ref leaf);
    }

    /// <summary>Appends a row: one value a field, those of fields that are always null as well.</summary>
    public void Append(object?[] row)
    {
        foreach (var node in _fields)
        {
            Write(node, row[node.Index], 0, 0);
        }

        _target.RowCount++;
    }

    private static List<Node> Bind(IReadOnlyList<NestedField> fields, IReadOnlyList<ParquetNode> nodes, int definition, int repetition, ref int leaf)
    {
        var bound = new List<Node>();
        for (int i = 0; i < fields.Count; i++)
        {
            if (IcebergParquet.HasColumns(fields[i].Type))
            {
                bound.Add(Bind(fields[i].Type, nodes[bound.Count], definition, repetition, ref leaf) with { Index = i });
            }
        }

        return bound;
    }

    private static Node Bind(IcebergType type, ParquetNode node, int definition, int repetition, ref int leaf)
    {
        bool optional = node.Repetition == Parquet.Repetition.Optional;
        int own = definition + (optional ? 1 : 0);
        int first = leaf;
        IReadOnlyList<Node> children = [];
        switch (type)
        {
            case StructType structure:
                children = Bind(structure.Fields, ((ParquetNode.Group)node).Children, own, repetition, ref leaf);
                break;
            case ListType list:
                children = [Bind(list.Element, Inner(node)[0], own + 1, repetition + 1, ref leaf)];
                break;
            case MapType map:
                children = [Bind(map.Key, Inner(node)[0], own + 1, repetition + 1, ref leaf), Bind(map.Value, Inner(node)[1], own + 1, repetition + 1, ref leaf)];
                break;
            default:
                leaf += node is ParquetNode.Group group ? group.Children.Count : 1;
                break;
        }

        return new Node(0, node.Name, type, optional, own, repetition, first, leaf, children);
    }

    private static IReadOnlyList<ParquetNode> Inner(ParquetNode node) => ((ParquetNode.Group)((ParquetNode.Group)node).Children[0]).Children;

    private void Write(Node node, object? value, int repetition, int parentDefinition)
    {
        if (value is null)
        {
            WriteNull(node, repetition, node.IsOptional ? parentDefinition : throw new InvalidDataException($"field {node.Name}: expected a value, since it is required, got null"));
            return;
        }

        switch (node.Type)
        {
            case StructType:
                var fields = (object?[])value;
                foreach (var child in node.Children)
                {
                    Write(child, fields[child.Index], repetition, node.Definition);
                }

                break;
            case ListType:
                int element = 0;
                foreach (object? item in (IEnumerable<object?>)value)
                {
                    Write(node.Children[0], item, element++ == 0 ? repetition : node.Repetition + 1, node.Definition + 1);
                }

                if (element == 0)
                {
                    WriteNull(node, repetition, node.Definition);
                }

                break;
            case MapType:
                int pair = 0;
                foreach (var (key, item) in (IEnumerable<KeyValuePair<object, object?>>)value)
                {
                    int at = pair++ == 0 ? repetition : node.Repetition + 1;
                    Write(node.Children[0], key, at, node.Definition + 1);
                    Write(node.Children[1], item, at, node.Definition + 1);
                }

                if (pair == 0)
                {
                    WriteNull(node, repetition, node.Definition);
                }

                break;
            default:
                WriteValue(node, value, repetition);
                break;
        }
    }

    private void WriteNull(Node node, int repetition, int definition)
    {
        for (int leaf = node.FirstLeaf; leaf < node.EndLeaf; leaf++)
        {
            Slot(_target.Columns[leaf], repetition, definition);
        }
    }

    private void WriteValue(Node node, object value, int repetition)
    {
        if (value is VariantBytes variant)
        {
            foreach (var (part, bytes) in new[] { (_target.Columns[node.FirstLeaf], variant.Metadata), (_target.Columns[node.FirstLeaf + 1], variant.Value) })
            {
                Slot(part, repetition, part.Column.MaxDefinitionLevel);
                LeafConversion.Append(part, bytes);
            }

            return;
        }

        var column = _target.Columns[node.FirstLeaf];
        Slot(column, repetition, column.Column.MaxDefinitionLevel);
        LeafConversion.Repeat(LeafConversion.Stored(value, column.Column), column, 1);
    }

    private static void Slot(ColumnBuffer column, int repetition, int definition)
    {
        column.Reserve(1);
        if (column.Column.MaxDefinitionLevel > 0)
        {
            column.DefinitionLevels[column.SlotCount] = (byte)definition;
        }

        if (column.Column.MaxRepetitionLevel > 0)
        {
            column.RepetitionLevels[column.SlotCount] = (byte)repetition;
        }

        column.SlotCount++;
    }

    private sealed record Node(int Index, string Name, IcebergType Type, bool IsOptional, int Definition, int Repetition, int FirstLeaf, int EndLeaf, IReadOnlyList<Node> Children);
}
