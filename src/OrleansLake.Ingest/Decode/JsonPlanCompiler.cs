using OrleansLake.Iceberg;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Decode;

/// <summary>What a decoder walks.</summary>
/// <param name="Root">Reads a document.</param>
/// <param name="Leaves">Every column, in order.</param>
/// <param name="Read">Those that come from the document.</param>
/// <param name="Filled">Those that do not; null: there are none.</param>
/// <param name="Rescue">Keeps what has no column; null: nobody asks for it.</param>
internal sealed record JsonPlan(JsonNode Root, LeafColumn[] Leaves, LeafColumn[] Read, FilledColumns? Filled, JsonRescue? Rescue);

/// <summary>
/// Compiles a table's schema, the Parquet schema made of it, and what is said about records, into the nodes that a decoder
/// walks. Levels and leaves follow the table; the tree follows the documents (<see cref="DocumentPlace"/>).
/// </summary>
internal sealed class JsonPlanCompiler
{
    /// <summary>Objects and arrays within each other, the document counted.</summary>
    public const int MaxDepth = 128;

    private readonly LeafColumn[] _leaves;
    private readonly RecordOptions _options;
    private readonly NameMatching? _names;
    private readonly bool _rescues;
    private readonly HashSet<string> _rulesUsed = [RecordOptions.EveryField];
    private int _nextLeaf;
    private bool _isFilled;

    private JsonPlanCompiler(ParquetSchema columns, RecordOptions options, bool hasRescueColumn)
    {
        _leaves = [.. columns.Columns.Select(column => new LeafColumn(column))];
        _options = options;
        _names = options.Names;
        _rescues = options.UnknownFields == UnknownFieldAction.Rescue || (options.UnknownFields == UnknownFieldAction.Evolve && hasRescueColumn);
    }

    /// <summary>The plan of the whole row.</summary>
    /// <exception cref="NotSupportedException">A column cannot be filled, or not as is said.</exception>
    public static JsonPlan Compile(Schema schema, ParquetSchema columns, RecordOptions? options = null, TimeProvider? time = null)
    {
        var compiler = new JsonPlanCompiler(columns, options ?? new RecordOptions(), schema.Fields.Any(field => field.Name == options?.RescueColumn));
        var plan = compiler.Row(schema, columns, time);
        if (compiler._nextLeaf != compiler._leaves.Length)
        {
            throw new ArgumentException($"columns of the schema: expected {compiler._nextLeaf}, got {compiler._leaves.Length}", nameof(columns));
        }

        return plan;
    }

    private JsonPlan Row(Schema schema, ParquetSchema columns, TimeProvider? time)
    {
        string[] unnest = Pointer(_options.Unnest, "unnest");
        var document = new DocumentPlace();
        var row = document.At(unnest);
        int rowDepth = unnest.Length + 1;
        if (_options.Envelope == RecordEnvelope.Debezium)
        {
            row = row.RowIn("after", "before");
            rowDepth++;
        }

        row.IsRow = true;
        row.TakenNames = [.. schema.Fields.Select(field => field.Name)];
        var filled = new List<FilledColumn>();
        var read = new List<LeafColumn>();
        JsonRescue? rescue = null;
        foreach (var field in schema.Fields)
        {
            int first = _nextLeaf;
            _isFilled = _options.Columns.ContainsKey(field.Name) || (_rescues && field.Name == _options.RescueColumn);
            if (_options.Columns.TryGetValue(field.Name, out string? source))
            {
                filled.Add(ColumnSource.Parse(source, field, Field(field, FieldPath.Row, depth: 0, 0, 0), columns, time));
            }
            else if (_isFilled)
            {
                var node = Field(field, FieldPath.Row, depth: 0, 0, 0);
                rescue = field is { Type: StringType or VariantType, Required: false } ? new JsonRescue(node)
                    : throw new NotSupportedException($"records.rescueColumn: expected an optional column of type string or variant, {field.Name} is {Requirement(field)}{node.TypeName}");
            }
            else
            {
                string? pointer = _options.Project.GetValueOrDefault(field.Name) ?? OfEnvelope(field.Name);
                if (pointer is not null)
                {
                    string[] tokens = Pointer(pointer, $"project.{field.Name}");
                    document.At(tokens).Targets.Add(Field(field, FieldPath.Row, tokens.Length, 0, 0));
                }
                else
                {
                    row.Columns.Add((field.Name, Field(field, FieldPath.Row, rowDepth, 0, 0)));
                }

                read.AddRange(_leaves[first.._nextLeaf]);
            }
        }

        Complain(schema, rescue);
        return new JsonPlan(document.Compile(_names, _rescues), _leaves, [.. read], filled.Count == 0 ? null : new FilledColumns(filled), rescue);
    }

    private string? OfEnvelope(string column) => (_options.Envelope, column) switch
    {
        (RecordEnvelope.Debezium, "__op") => $"{_options.Unnest}/op",
        (RecordEnvelope.Debezium, "__ts_ms") => $"{_options.Unnest}/ts_ms",
        _ => null,
    };

    /// <summary>Settings that name what there is not would be passed over in silence.</summary>
    private void Complain(Schema schema, JsonRescue? rescue)
    {
        foreach (var (setting, names) in new[] { ("project", _options.Project.Keys), ("columns", _options.Columns.Keys) })
        {
            foreach (string name in names.Where(name => schema.Fields.All(field => field.Name != name)))
            {
                throw new NotSupportedException($"records.{setting}: the table has no column {name}");
            }
        }

        if (_rescues && rescue is null)
        {
            throw new NotSupportedException($"records.rescueColumn: the table has no column {_options.RescueColumn}");
        }

        foreach (var (setting, names) in new[] { ("onUnfit", _options.OnUnfit.Keys), ("epoch", _options.Epoch.Keys), ("numbersInStrings", _options.NumbersInStrings.Keys) })
        {
            foreach (string name in names.Where(name => !_rulesUsed.Contains(name)))
            {
                throw new NotSupportedException($"records.{setting}: the table has no field {name} that this could be said of");
            }
        }
    }

    private JsonNode Field(NestedField field, FieldPath parent, int depth, int definition, int repetition)
    {
        var path = parent.Field(field.Name);
        var node = Node(field.Type, field.Required, path, depth, definition, repetition);
        node.Missing = field.WriteDefault is null ? null : MissingValue.Of(field, node, path);
        return node;
    }

    private JsonNode Node(IcebergType type, bool required, FieldPath path, int depth, int definition, int repetition)
    {
        int nullDefinition = definition;
        definition += required ? 0 : 1;
        var node = type switch
        {
            StructType x => Struct(x.Fields, path, depth, definition, repetition),
            ListType x => List(x, path, depth, definition, repetition),
            MapType x => Map(x, path, depth, definition, repetition),
            VariantType => Variant(depth),
            _ => Primitive(type, path, depth),
        };
        node.Required = required;
        node.NullDefinition = nullDefinition;
        node.Definition = definition;
        return _isFilled ? node : Unfit(node, type, path);
    }

    /// <summary>What becomes of values that do not fit, around what reads those that do.</summary>
    private JsonNode Unfit(JsonNode node, IcebergType type, FieldPath path)
    {
        var (rule, isOwn) = Rule(_options.OnUnfit, path);
        switch (rule)
        {
            case UnfitAction.Text when type is StringType:
                node.Kind = JsonKind.StringOrJson;
                node.Path = path;
                return node;
            case UnfitAction.Text when isOwn:
                throw new NotSupportedException($"records.onUnfit: {path.Text} is {node.TypeName}; only a string holds any value as text");
            case UnfitAction.Null when isOwn && node.Required:
                throw new NotSupportedException($"records.onUnfit: {path.Text} is required and cannot be null");
            case UnfitAction.Null when !node.Required:
                return new JsonNode
                {
                    Kind = JsonKind.Guarded,
                    TypeName = node.TypeName,
                    Required = false,
                    Depth = node.Depth,
                    NullDefinition = node.NullDefinition,
                    Definition = node.Definition,
                    Element = node,
                    Leaves = node.Leaves,
                    Marks = new int[2 * node.Leaves.Length],
                    Path = path,
                };
            default:
                return node;
        }
    }

    private JsonNode Struct(IReadOnlyList<NestedField> fields, FieldPath path, int depth, int definition, int repetition)
    {
        int first = _nextLeaf;
        var members = new List<JsonField>();
        foreach (var field in fields)
        {
            members.Add(new JsonField(field.Name, Field(field, path, depth + 1, definition, repetition)));
        }

        return Container(JsonKind.Struct, "struct", path, depth, first, node => node.Struct = new JsonStruct(members, path, _names) { KeepsNames = _rescues });
    }

    private JsonNode List(ListType list, FieldPath path, int depth, int definition, int repetition)
    {
        int first = _nextLeaf;
        var element = Node(list.Element, list.ElementRequired, path.Elements(), depth + 1, definition + 1, repetition + 1);
        return Container(_rescues && !_isFilled && MayRescue(element) ? JsonKind.TracedList : JsonKind.List, "list", path, depth, first, node =>
        {
            node.Element = element;
            node.ElementRepetition = repetition + 1;
        });
    }

    private JsonNode Map(MapType map, FieldPath path, int depth, int definition, int repetition)
    {
        int first = _nextLeaf;
        if (map.Key is not PrimitiveType)
        {
            throw new NotSupportedException($"field {path.Text}: JSON has no map with keys of type {TypeName(map.Key)}");
        }

        var key = Primitive(map.Key, path, depth + 1);
        (key.Required, key.NullDefinition, key.Definition) = (true, definition + 1, definition + 1);
        var value = Node(map.Value, map.ValueRequired, path.Elements(), depth + 1, definition + 1, repetition + 1);
        return Container(_rescues && !_isFilled && MayRescue(value) ? JsonKind.TracedMap : JsonKind.Map, "map", path, depth, first, node =>
        {
            node.Key = key;
            node.Element = value;
            node.ElementRepetition = repetition + 1;
        });
    }

    private static bool MayRescue(JsonNode node) => node.Kind switch
    {
        JsonKind.Struct or JsonKind.Guarded or JsonKind.TracedList or JsonKind.TracedMap => true,
        _ => false,
    };

    private JsonNode Container(JsonKind kind, string name, FieldPath path, int depth, int firstLeaf, Action<JsonNode> fill)
    {
        if (depth >= MaxDepth)
        {
            throw new NotSupportedException($"field {path.Text}: nested more than {MaxDepth} deep");
        }

        var node = new JsonNode { Kind = kind, TypeName = name, Required = false, Depth = depth, NullDefinition = 0, Leaves = _leaves[firstLeaf.._nextLeaf] };
        fill(node);
        return node;
    }

    private JsonNode Variant(int depth)
    {
        int first = _nextLeaf;
        _nextLeaf += 2;
        return new JsonNode { Kind = JsonKind.Variant, TypeName = "variant", Required = false, Depth = depth, NullDefinition = 0, Leaves = _leaves[first.._nextLeaf] };
    }

    private JsonNode Primitive(IcebergType type, FieldPath path, int depth)
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
                _ => throw new NotSupportedException($"field {path.Text}: columns of type {type} cannot be filled from JSON"),
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

        if (!_isFilled)
        {
            Lenience(node, path);
        }

        return node;
    }

    /// <summary>What is taken beside the tokens that a type takes of itself.</summary>
    private void Lenience(JsonNode node, FieldPath path)
    {
        var (epoch, isOwn) = Rule(_options.Epoch, path);
        bool fits = node.Kind == JsonKind.Date ? epoch == EpochUnit.Days : node.Kind == JsonKind.Timestamp && epoch != EpochUnit.Days;
        if (fits)
        {
            node.Epoch = epoch;
        }
        else if (isOwn && epoch != EpochUnit.None)
        {
            throw new NotSupportedException($"records.epoch: {path.Text} is {node.TypeName}; expected a timestamp, or a date for days");
        }

        var (fromText, isOwnToo) = Rule(_options.NumbersInStrings, path);
        bool isNumber = node.Kind is JsonKind.Boolean or JsonKind.Int or JsonKind.Long or JsonKind.Float or JsonKind.Double or JsonKind.Decimal;
        node.FromText = fromText && (isNumber || node.Epoch != EpochUnit.None);
        if (isOwnToo && fromText && !node.FromText)
        {
            throw new NotSupportedException($"records.numbersInStrings: {path.Text} is {node.TypeName}; expected a number, a boolean, or a time with an epoch");
        }
    }

    private (T Rule, bool IsOwn) Rule<T>(IReadOnlyDictionary<string, T> rules, FieldPath path)
    {
        _rulesUsed.Add(path.Text);
        return RecordOptions.RuleOf(rules, path.Text);
    }

    private static string[] Pointer(string pointer, string setting)
    {
        string[] tokens = JsonPointer.Parse(pointer) ?? throw new NotSupportedException($"records.{setting}: expected a JSON Pointer such as /data/id, found \"{pointer}\"");
        return tokens.Length < MaxDepth ? tokens : throw new NotSupportedException($"records.{setting}: leads more than {MaxDepth} deep");
    }

    private static string Requirement(NestedField field) => field.Required ? "required " : "";

    internal static string TypeName(IcebergType type) => type switch
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
