using OrleansLake.Parquet.Thrift;

namespace OrleansLake.Parquet.Footers;

/// <summary>The schema as the footer holds it: its nodes depth first, each with the number of its children.</summary>
internal static class SchemaElements
{
    private const int DeepestNesting = 100;

    public static void Write(ThriftWriter writer, ParquetSchema schema, short fieldId)
    {
        writer.List(fieldId, ThriftType.Struct, 1 + schema.Fields.Sum(CountNodes));
        writer.BeginStruct();
        writer.String(4, "table");
        writer.Int32(5, schema.Fields.Count);
        writer.EndStruct();
        foreach (var field in schema.Fields)
        {
            Write(writer, field);
        }
    }

    public static ParquetSchema Read(ref ThriftReader reader)
    {
        var elements = new Element[reader.List(ThriftType.Struct)];
        for (int i = 0; i < elements.Length; i++)
        {
            elements[i] = ReadElement(ref reader);
        }

        if (elements.Length == 0)
        {
            throw new ParquetFormatException("schema: expected a root, got no element");
        }

        int next = 1;
        var fields = ReadChildren(elements, ref next, elements[0].Children ?? 0, depth: 0);
        return next == elements.Length
            ? new ParquetSchema(fields)
            : throw new ParquetFormatException($"schema: expected {next} elements under the root, got {elements.Length}");
    }

    private static int CountNodes(ParquetNode node) =>
        node is ParquetNode.Group group ? 1 + group.Children.Sum(CountNodes) : 1;

    private static void Write(ThriftWriter writer, ParquetNode node)
    {
        writer.BeginStruct();
        if (node is ParquetNode.Primitive leaf)
        {
            writer.Int32(1, (int)leaf.PhysicalType);
            if (leaf.PhysicalType == PhysicalType.FixedLenByteArray)
            {
                writer.Int32(2, leaf.TypeLength);
            }
        }

        writer.Int32(3, (int)node.Repetition);
        writer.String(4, node.Name);
        if (node is ParquetNode.Group group)
        {
            writer.Int32(5, group.Children.Count);
        }

        if (LogicalTypes.ToConverted(node.LogicalType) is { } converted)
        {
            writer.Int32(6, (int)converted);
            if (node.LogicalType is LogicalType.Decimal(var precision, var scale))
            {
                writer.Int32(7, scale);
                writer.Int32(8, precision);
            }
        }

        if (node.FieldId is { } id)
        {
            writer.Int32(9, id);
        }

        if (node.LogicalType is not null)
        {
            LogicalTypes.Write(writer, 10, node.LogicalType);
        }

        writer.EndStruct();
        if (node is ParquetNode.Group parent)
        {
            foreach (var child in parent.Children)
            {
                Write(writer, child);
            }
        }
    }

    private static ParquetNode[] ReadChildren(Element[] elements, ref int next, int count, int depth)
    {
        if (depth > DeepestNesting)
        {
            throw new ParquetFormatException($"schema: nested deeper than {DeepestNesting}");
        }

        if (count < 0 || count > elements.Length - next)
        {
            throw new ParquetFormatException($"schema: a group of {count} children, {elements.Length - next} elements are left");
        }

        var children = new ParquetNode[count];
        for (int i = 0; i < count; i++)
        {
            if (next >= elements.Length)
            {
                throw new ParquetFormatException("schema: a group lacks children");
            }

            var element = elements[next++];
            children[i] = element.Type is null
                ? new ParquetNode.Group
                {
                    Name = element.Name,
                    Repetition = element.Repetition,
                    FieldId = element.FieldId,
                    LogicalType = element.LogicalType,
                    Children = ReadChildren(elements, ref next, element.Children ?? 0, depth + 1),
                }
                : Leaf(element);
        }

        return children;
    }

    private static ParquetNode.Primitive Leaf(Element element)
    {
        if (element.Children is > 0)
        {
            throw new ParquetFormatException($"schema: {element.Name} has both a type and children");
        }

        if (!Enum.IsDefined((PhysicalType)element.Type!.Value))
        {
            throw new ParquetFormatException($"schema: {element.Name} has the unknown physical type {element.Type}");
        }

        var type = (PhysicalType)element.Type.Value;
        if (type == PhysicalType.FixedLenByteArray && element.TypeLength is < 0 or > 1 << 28)
        {
            throw new ParquetFormatException($"schema: {element.Name} has values of {element.TypeLength} bytes");
        }

        return new ParquetNode.Primitive
        {
            Name = element.Name,
            Repetition = element.Repetition,
            FieldId = element.FieldId,
            LogicalType = element.LogicalType,
            PhysicalType = type,
            TypeLength = type == PhysicalType.FixedLenByteArray ? element.TypeLength : 0,
        };
    }

    private static Element ReadElement(ref ThriftReader reader)
    {
        var element = new Element { Name = "" };
        int? converted = null;
        int scale = 0, precision = 0;
        short id = 0;
        while (reader.NextField(ref id))
        {
            switch (id)
            {
                case 1: element.Type = reader.Int32(); break;
                case 2: element.TypeLength = reader.Int32(); break;
                case 3: element.Repetition = ReadRepetition(reader.Int32()); break;
                case 4: element.Name = reader.String(); break;
                case 5: element.Children = reader.Int32(); break;
                case 6: converted = reader.Int32(); break;
                case 7: scale = reader.Int32(); break;
                case 8: precision = reader.Int32(); break;
                case 9: element.FieldId = reader.Int32(); break;
                case 10: element.LogicalType = LogicalTypes.Read(ref reader); break;
                default: reader.Skip(); break;
            }
        }

        if (converted is { } legacy)
        {
            element.LogicalType ??= LogicalTypes.FromConverted((ConvertedType)legacy, precision, scale);
        }

        return element;
    }

    private static Repetition ReadRepetition(int value) => value is >= 0 and <= 2
        ? (Repetition)value
        : throw new ParquetFormatException($"schema: expected a repetition of 0 to 2, got {value}");

    private struct Element
    {
        public int? Type;
        public int TypeLength;
        public Repetition Repetition;
        public string Name;
        public int? Children;
        public int? FieldId;
        public LogicalType? LogicalType;
    }
}
