using System.Text;
using OrleansLake.Iceberg;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Decode;

/// <summary>Compiles a table's schema, and the Parquet schema made of it, into the nodes that a decoder walks.</summary>
internal sealed class JsonPlanCompiler
{
    /// <summary>Objects and arrays within each other, the document counted.</summary>
    public const int MaxDepth = 128;

    private readonly LeafColumn[] _leaves;
    private int _nextLeaf;

    private JsonPlanCompiler(ParquetSchema columns) => _leaves = [.. columns.Columns.Select(column => new LeafColumn(column))];

    /// <summary>The plan of the whole row, and its leaves in the order of the columns.</summary>
    public static (JsonNode Root, LeafColumn[] Leaves) Compile(Schema schema, ParquetSchema columns)
    {
        var compiler = new JsonPlanCompiler(columns);
        var root = compiler.Struct(schema.Fields, "", depth: 0, definition: 0, repetition: 0);
        root.Required = true;
        if (compiler._nextLeaf != compiler._leaves.Length)
        {
            throw new ArgumentException($"columns of the schema: expected {compiler._nextLeaf}, got {compiler._leaves.Length}", nameof(columns));
        }

        return (root, compiler._leaves);
    }

    private JsonNode Node(IcebergType type, bool required, string path, int depth, int definition, int repetition)
    {
        int nullDefinition = definition;
        definition += required ? 0 : 1;
        var node = type switch
        {
            StructType x => Struct(x.Fields, path, depth, definition, repetition),
            ListType x => List(x, path, depth, definition, repetition),
            MapType x => Map(x, path, depth, definition, repetition),
            _ => Primitive(type, path, depth),
        };
        node.Required = required;
        node.NullDefinition = nullDefinition;
        node.Definition = definition;
        return node;
    }

    private JsonNode Struct(IReadOnlyList<NestedField> fields, string path, int depth, int definition, int repetition)
    {
        if (depth >= MaxDepth)
        {
            throw new NotSupportedException($"field {path}: nested more than {MaxDepth} deep");
        }

        int first = _nextLeaf;
        var members = new List<(byte[], JsonNode)>();
        foreach (var field in fields)
        {
            string name = JsonStruct.Join(path, field.Name);
            if (field.WriteDefault is not null)
            {
                throw new NotSupportedException($"field {name} (id {field.Id}): write defaults are not supported");
            }

            members.Add((Encoding.UTF8.GetBytes(field.Name), Node(field.Type, field.Required, name, depth + 1, definition, repetition)));
        }

        return Container(JsonKind.Struct, "struct", depth, first, node => node.Struct = new JsonStruct(members, path));
    }

    private JsonNode List(ListType list, string path, int depth, int definition, int repetition)
    {
        int first = _nextLeaf;
        var element = Node(list.Element, list.ElementRequired, path + "[]", depth + 1, definition + 1, repetition + 1);
        return Container(JsonKind.List, "list", depth, first, node =>
        {
            node.Element = element;
            node.ElementRepetition = repetition + 1;
        });
    }

    private JsonNode Map(MapType map, string path, int depth, int definition, int repetition)
    {
        int first = _nextLeaf;
        if (map.Key is not PrimitiveType)
        {
            throw new NotSupportedException($"field {path}: JSON has no map with keys of type {TypeName(map.Key)}");
        }

        var key = Node(map.Key, required: true, path + ".key", depth + 1, definition + 1, repetition + 1);
        var value = Node(map.Value, map.ValueRequired, path + "[]", depth + 1, definition + 1, repetition + 1);
        return Container(JsonKind.Map, "map", depth, first, node =>
        {
            node.Key = key;
            node.Element = value;
            node.ElementRepetition = repetition + 1;
        });
    }

    private JsonNode Container(JsonKind kind, string name, int depth, int firstLeaf, Action<JsonNode> fill)
    {
        if (depth >= MaxDepth)
        {
            throw new NotSupportedException($"nested more than {MaxDepth} deep");
        }

        var node = new JsonNode { Kind = kind, TypeName = name, Required = false, Depth = depth, NullDefinition = 0, Leaves = _leaves[firstLeaf.._nextLeaf] };
        fill(node);
        return node;
    }

    private JsonNode Primitive(IcebergType type, string path, int depth)
    {
        var node = new JsonNode
        {
            Kind = type switch
            {
                BooleanType => JsonKind.Boolean,
                IntegerType => JsonKind.Int,
                LongType => JsonKind.Long,
                FloatType => JsonKind.Float,
                DoubleType => JsonKind.Double,
                DecimalType => JsonKind.Decimal,
                DateType => JsonKind.Date,
                TimeType => JsonKind.Time,
                TimestampType or TimestampNanoType => JsonKind.Timestamp,
                StringType => JsonKind.String,
                UuidType => JsonKind.Uuid,
                FixedType => JsonKind.Fixed,
                BinaryType => JsonKind.Binary,
                UnknownType => JsonKind.Nothing,
                _ => throw new NotSupportedException($"field {path}: columns of type {type} cannot be filled from JSON"),
            },
            TypeName = TypeName(type),
            Required = false,
            Depth = depth,
            NullDefinition = 0,
        };
        if (type is DecimalType(var precision, var scale))
        {
            (node.Precision, node.Scale) = (precision, scale);
        }

        node.WithZone = type is TimestampType { WithZone: true } or TimestampNanoType { WithZone: true };
        node.Nanos = type is TimestampNanoType;
        if (type is not UnknownType)
        {
            node.Leaf = _leaves[_nextLeaf++];
            node.Leaves = [node.Leaf];
        }

        return node;
    }

    private static string TypeName(IcebergType type) => type switch
    {
        BooleanType => "boolean",
        IntegerType => "int",
        LongType => "long",
        FloatType => "float",
        DoubleType => "double",
        DecimalType x => $"decimal({x.Precision},{x.Scale})",
        DateType => "date",
        TimeType => "time",
        TimestampType x => x.WithZone ? "timestamptz" : "timestamp",
        TimestampNanoType x => x.WithZone ? "timestamptz_ns" : "timestamp_ns",
        StringType => "string",
        UuidType => "uuid",
        FixedType x => $"fixed[{x.Length}]",
        BinaryType => "binary",
        UnknownType => "null",
        StructType => "struct",
        ListType => "list",
        MapType => "map",
        _ => type.ToString(),
    };
}
