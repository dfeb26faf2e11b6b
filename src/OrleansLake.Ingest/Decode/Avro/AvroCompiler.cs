using System.Text;

namespace OrleansLake.Ingest.Decode.Avro;

/// <summary>
/// Makes, of the schema that records were written with and the plan of a table, what reads the one into the other. Fields meet by
/// name, as the pipeline's settings match names, and pointers lead through records, arrays and maps as they do through documents;
/// what can never fit is told of the record that has it.
/// </summary>
internal sealed class AvroCompiler(JsonState state)
{
    /// <summary>What reads a record of that schema into the row.</summary>
    public AvroStep Row(AvroType writer, JsonNode root) => Step(writer, root);

    private AvroStep Step(AvroType type, JsonNode node)
    {
        switch (node.Kind, type.Kind)
        {
            case (JsonKind.Fork, _):
                return new ForkStep([.. node.Nodes.Select(one => Step(type, one))]);
            case (_, AvroTypeKind.Union):
                return new UnionStep([.. type.Branches.Select(branch => Step(branch, node))]);
            case (JsonKind.Path, AvroTypeKind.Null) when !node.IsNeeded:
                return new NowhereStep(type, node);
            case (_, AvroTypeKind.Null):
                return new NullStep(node);
            case (JsonKind.Guarded, _):
                return new GuardStep(node, type, Step(type, node.Element!), state);
            case (JsonKind.Struct or JsonKind.Path, AvroTypeKind.Record):
                return Record(type, node);
            case (JsonKind.Either, AvroTypeKind.Record):
                return Either(type, node);
            case (JsonKind.Path, AvroTypeKind.Array) when node.Elements.Length > 0:
                return new PathArrayStep(type.Items!, [.. node.Elements.Select(element => (element.Index, Step(type.Items!, element.Node), element.Node))]);
            case (JsonKind.Path, AvroTypeKind.Map):
                return new PathMapStep(node, type, Step);
            case (JsonKind.List or JsonKind.TracedList, AvroTypeKind.Array):
                return new ArrayStep(node, Step(type.Items!, node.Element!), node.Kind == JsonKind.TracedList ? state.Rescue : null);
            case (JsonKind.Map or JsonKind.TracedMap, AvroTypeKind.Map) when Key(type.Keys, node.Key!) is { } key:
                return new MapStep(node, key, Step(type.Items!, node.Element!), node.Kind == JsonKind.TracedMap ? state : null);
            case (JsonKind.Struct or JsonKind.Path or JsonKind.List or JsonKind.Map or JsonKind.TracedList or JsonKind.TracedMap, AvroTypeKind.String) when type.LogicalType == "json":
                return new JsonStep(node, state);
            case (JsonKind.Path or JsonKind.Either, _):
                return node.IsNeeded ? new UnfitStep(type, node) : new NowhereStep(type, node);
            case (JsonKind.Variant, _):
                return new VariantStep(type, node, state);
            case (JsonKind.StringOrJson, _):
                return Value(type, node) ?? new TextStep(type, node, state);
            default:
                return Value(type, node) ?? new UnfitStep(type, node);
        }
    }

    private RecordStep Record(AvroType type, JsonNode node)
    {
        var fields = node.Struct!;
        var steps = new (string, AvroStep)[type.Fields.Count];
        var met = new HashSet<int>();
        // From the last: of two fields that mean one column it is the one that counts.
        for (int i = steps.Length - 1; i >= 0; i--)
        {
            var (name, field) = type.Fields[i];
            if (name.Length == 0)
            {
                steps[i] = (name, new UnreadStep(fields, null, state));
                continue;
            }

            var member = fields.Find(Encoding.UTF8.GetBytes(name));
            steps[i] = (name, member.Node is { } child && field.Kind != AvroTypeKind.Unread
                ? met.Add(member.Index) ? Step(field, child) : new SkipStep(field)
                : Unknown(fields, member, name, field));
        }

        return new RecordStep(steps, [.. fields.Fields.Where(field => !met.Contains(field.Index)).Select(field => (Encoding.UTF8.GetString(field.Name), field.Node!))]);
    }

    private AvroStep Unknown(JsonStruct fields, JsonMember member, string name, AvroType type) =>
        type.Kind == AvroTypeKind.Unread ? new UnreadStep(fields, name, state)
        : member.Owner is null ? new SkipStep(type)
        : new UnknownStep(member, type, state, state.New is null ? null : AvroColumns.TypeOf(type));

    private EitherStep Either(AvroType type, JsonNode node)
    {
        var rows = new AvroStep?[type.Fields.Count];
        var order = new List<int>();
        foreach (var member in node.Struct!.Fields)
        {
            string name = Encoding.UTF8.GetString(member.Name);
            for (int i = 0; i < rows.Length; i++)
            {
                if (type.Fields[i].Name == name)
                {
                    rows[i] = Step(type.Fields[i].Type, node.Element!);
                    order.Add(i);
                }
            }
        }

        return new EitherStep(node, type, rows, [.. order]);
    }

    private AvroStep? Key(AvroType? type, JsonNode node) => type is null
        ? node.Kind == JsonKind.String ? new BytesStep(node) : null
        : node.Kind == JsonKind.String ? new KeyTextStep(type, node) : Value(type, node);

    private AvroStep? Value(AvroType type, JsonNode node) => (type.Kind, type.LogicalType, node.Kind) switch
    {
        (AvroTypeKind.Boolean, _, JsonKind.Boolean) => new BooleanStep(node),
        (AvroTypeKind.Int, "date", JsonKind.Date) => new TimeStep(node, 0, state.CutFraction),
        (AvroTypeKind.Int, "time-millis", JsonKind.Time) => new TimeStep(node, 3, state.CutFraction),
        (AvroTypeKind.Long, "time-micros", JsonKind.Time) => new TimeStep(node, 0, state.CutFraction),
        (AvroTypeKind.Int, "enum", JsonKind.String or JsonKind.StringOrJson) => new NumberedEnumStep(node, type),
        (AvroTypeKind.Int or AvroTypeKind.Long, null or "unsigned", JsonKind.Timestamp or JsonKind.Date) when node.Epoch != EpochUnit.None => Epoch(node, type.LogicalType is not null),
        (AvroTypeKind.Long, { } logical, JsonKind.Timestamp) => Timestamp(logical, node),
        (AvroTypeKind.Int or AvroTypeKind.Long, _, JsonKind.Int or JsonKind.Long or JsonKind.Float or JsonKind.Double or JsonKind.Decimal) => new IntegerStep(node, type.LogicalType == "unsigned"),
        (AvroTypeKind.Float, _, JsonKind.Float or JsonKind.Double) => new FloatingStep(node, isDouble: false),
        (AvroTypeKind.Double, _, JsonKind.Float or JsonKind.Double) => new FloatingStep(node, isDouble: true),
        (AvroTypeKind.Bytes or AvroTypeKind.Fixed, "decimal", JsonKind.Decimal) => new DecimalStep(node, type),
        (AvroTypeKind.Fixed, "instant", JsonKind.Timestamp) when node.WithZone => new InstantStep(node, state.CutFraction),
        (AvroTypeKind.Fixed, "instant" or "seconds", JsonKind.String or JsonKind.StringOrJson) => new SecondsTextStep(node, type),
        (AvroTypeKind.Fixed, "seconds", JsonKind.Double or JsonKind.Decimal) => new SecondsStep(node),
        (AvroTypeKind.Fixed, "instant" or "seconds", _) => null,
        (AvroTypeKind.String, _, JsonKind.Uuid) => new UuidStep(node, isFixed: false),
        (AvroTypeKind.Fixed, _, JsonKind.Uuid) when type.Size == 16 => new UuidStep(node, isFixed: true),
        (AvroTypeKind.String, _, JsonKind.String or JsonKind.StringOrJson) => new BytesStep(node),
        (AvroTypeKind.String, null, JsonKind.Date or JsonKind.Time or JsonKind.Timestamp) => new ParsedStep(node, state),
        (AvroTypeKind.String, null, JsonKind.Boolean or JsonKind.Int or JsonKind.Long or JsonKind.Float or JsonKind.Double or JsonKind.Decimal) when node.FromText => new ParsedStep(node, state),
        (AvroTypeKind.Enum, _, JsonKind.String or JsonKind.StringOrJson) => new EnumStep(node, type),
        (AvroTypeKind.Bytes, _, JsonKind.Binary or JsonKind.Fixed) => new BytesStep(node),
        (AvroTypeKind.Fixed, _, JsonKind.Binary or JsonKind.Fixed) => new BytesStep(node, type.Size),
        _ => null,
    };

    private TimeStep? Timestamp(string logical, JsonNode node)
    {
        bool isLocal = logical.StartsWith("local-", StringComparison.Ordinal);
        int? units = (isLocal ? logical["local-".Length..] : logical) switch
        {
            "timestamp-millis" => 3,
            "timestamp-micros" => 0,
            "timestamp-nanos" => -3,
            _ => null,
        };
        // An instant is no wall clock.
        return units is { } power && isLocal != node.WithZone ? new TimeStep(node, power + (node.Nanos ? 3 : 0), state.CutFraction) : null;
    }

    private TimeStep Epoch(JsonNode node, bool isUnsigned) => new(
        node,
        node.Epoch switch { EpochUnit.Seconds => 6, EpochUnit.Milliseconds => 3, EpochUnit.Nanoseconds => -3, _ => 0 } + (node.Nanos ? 3 : 0),
        state.CutFraction,
        isUnsigned);
}
