namespace OrleansLake.Ingest.Decode.Avro;

/// <summary>
/// Makes, of the schema that records were written with and the plan of a table, what reads the one into the other. Fields meet by
/// name, as the pipeline's settings match names; what can never fit is told of the record that has it.
/// </summary>
internal sealed class AvroCompiler(bool cutFraction, List<JsonNode> nulled)
{
    private readonly HashSet<JsonMember> _unknown = [];

    /// <summary>Fields that the table does not have.</summary>
    public IReadOnlyCollection<JsonMember> Unknown => _unknown;

    /// <summary>What reads a record of that schema into the row.</summary>
    public AvroStep Row(AvroType writer, JsonNode root) => Record(writer, root);

    private AvroStep Step(AvroType type, JsonNode node)
    {
        switch (node.Kind, type.Kind)
        {
            case (_, AvroTypeKind.Union):
                return new UnionStep([.. type.Branches.Select(branch => Step(branch, node))]);
            case (_, AvroTypeKind.Null):
                return new NullStep(node);
            case (JsonKind.Guarded, _):
                return new GuardStep(node, type, Step(type, node.Element!), nulled);
            case (JsonKind.Struct, AvroTypeKind.Record):
                return Record(type, node);
            case (JsonKind.List, AvroTypeKind.Array):
                return new ArrayStep(node, Step(type.Items!, node.Element!));
            case (JsonKind.Map, AvroTypeKind.Map) when node.Key!.Kind == JsonKind.String:
                return new MapStep(node, Step(type.Items!, node.Element!));
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
            var member = fields.Find(System.Text.Encoding.UTF8.GetBytes(name));
            if (member.Node is null)
            {
                _unknown.Add(member);
            }

            steps[i] = (name, member.Node is { } child && met.Add(member.Index) ? Step(field, child) : new SkipStep(field));
        }

        return new RecordStep(steps, [.. fields.Fields.Where(field => !met.Contains(field.Index)).Select(field => (System.Text.Encoding.UTF8.GetString(field.Name), field.Node!))]);
    }

    private AvroStep? Value(AvroType type, JsonNode node) => (type.Kind, type.LogicalType, node.Kind) switch
    {
        (AvroTypeKind.Boolean, _, JsonKind.Boolean) => new BooleanStep(node),
        (AvroTypeKind.Int, "date", JsonKind.Date) => new TimeStep(node, 0, cutFraction),
        (AvroTypeKind.Int, "time-millis", JsonKind.Time) => new TimeStep(node, 3, cutFraction),
        (AvroTypeKind.Long, "time-micros", JsonKind.Time) => new TimeStep(node, 0, cutFraction),
        (AvroTypeKind.Long, { } logical, JsonKind.Timestamp) => Timestamp(logical, node),
        (AvroTypeKind.Int or AvroTypeKind.Long, null, JsonKind.Timestamp or JsonKind.Date) when node.Epoch != EpochUnit.None => Epoch(node),
        (AvroTypeKind.Int or AvroTypeKind.Long, _, JsonKind.Int or JsonKind.Long or JsonKind.Float or JsonKind.Double or JsonKind.Decimal) => new IntegerStep(node),
        (AvroTypeKind.Float, _, JsonKind.Float or JsonKind.Double) => new FloatingStep(node, isDouble: false),
        (AvroTypeKind.Double, _, JsonKind.Float or JsonKind.Double) => new FloatingStep(node, isDouble: true),
        (AvroTypeKind.Bytes or AvroTypeKind.Fixed, "decimal", JsonKind.Decimal) => new DecimalStep(node, type),
        (AvroTypeKind.String, _, JsonKind.Uuid) => new UuidStep(node, isFixed: false),
        (AvroTypeKind.Fixed, _, JsonKind.Uuid) when type.Size == 16 => new UuidStep(node, isFixed: true),
        (AvroTypeKind.String, _, JsonKind.String or JsonKind.StringOrJson) => new BytesStep(node),
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
        return units is { } power && isLocal != node.WithZone ? new TimeStep(node, power + (node.Nanos ? 3 : 0), cutFraction) : null;
    }

    private TimeStep Epoch(JsonNode node) => new(
        node,
        node.Epoch switch { EpochUnit.Seconds => 6, EpochUnit.Milliseconds => 3, EpochUnit.Nanoseconds => -3, _ => 0 } + (node.Nanos ? 3 : 0),
        cutFraction);
}
