using OrleansLake.Iceberg;
using OrleansLake.Ingest.Read;

namespace OrleansLake.Ingest.Decode;

/// <summary>
/// What a column gets where a record says nothing of it: its write-default. https://iceberg.apache.org/spec/#default-values
/// </summary>
internal abstract class MissingValue
{
    /// <summary>Adds it to the columns of a place.</summary>
    public abstract void Add(JsonNode node, int repetition, int row);

    /// <summary>The default of a field, compiled for the place that reads it.</summary>
    /// <exception cref="NotSupportedException">It is none that a pipeline could write.</exception>
    public static MissingValue Of(NestedField field, JsonNode node, FieldPath path)
    {
        try
        {
            return Of(field.Type, SingleValueJson.Read(field.Type, field.WriteDefault)!, node, path);
        }
        catch (FormatException e)
        {
            throw new NotSupportedException($"field {path.Text} (id {field.Id}), its write-default: {e.Message}", e);
        }
    }

    /// <summary>Columns behind a pointer that leads nowhere, of which some have a default; null: none has.</summary>
    public static MissingValue? OfAll(IEnumerable<JsonNode> nodes) => nodes.Any(node => node.Missing is not null) ? new Members([.. nodes]) : null;

    private static MissingValue Of(IcebergType type, object value, JsonNode node, FieldPath path)
    {
        node = node.Kind == JsonKind.Guarded ? node.Element! : node;
        switch (type, value)
        {
            case (PrimitiveType, _) when node.Leaves.Length == 1:
                return new Leaf(LeafConversion.Stored(value, node.Leaves[0].Column));
            case (StructType structure, Dictionary<int, object?> given):
                var members = new List<(JsonNode, MissingValue?)>();
                foreach (var (field, member) in structure.Fields.Zip(node.Struct!.Fields))
                {
                    var own = given.GetValueOrDefault(field.Id) is { } some ? Of(field.Type, some, member.Node!, path.Field(field.Name)) : member.Node!.Missing;
                    members.Add(own is not null || !field.Required ? (member.Node!, own)
                        : throw new NotSupportedException($"field {path.Field(field.Name).Text} (id {field.Id}): expected a default, since it is required and in a struct that has one"));
                }

                return new Struct([.. members]);
            case (ListType, List<object?> { Count: 0 }):
            case (MapType, List<KeyValuePair<object, object?>> { Count: 0 }):
                return new Empty();
            default:
                throw new NotSupportedException($"field {path.Text}: a write-default of type {type} that is not empty is not filled in: ALTER COLUMN {path.Text} DROP DEFAULT lets the pipeline go on");
        }
    }

    private sealed class Leaf(object stored) : MissingValue
    {
        public override void Add(JsonNode node, int repetition, int row) => node.Leaves[0].Add(stored, repetition);
    }

    private sealed class Struct((JsonNode Node, MissingValue? Value)[] members) : MissingValue
    {
        public override void Add(JsonNode node, int repetition, int row)
        {
            foreach (var (member, value) in members)
            {
                if (value is null)
                {
                    member.AddAbsent(member.NullDefinition, repetition, row);
                }
                else
                {
                    value.Add(member, repetition, row);
                }
            }
        }
    }

    private sealed class Empty : MissingValue
    {
        public override void Add(JsonNode node, int repetition, int row) => node.AddAbsent(node.Definition, repetition, row);
    }

    private sealed class Members(JsonNode[] nodes) : MissingValue
    {
        public override void Add(JsonNode node, int repetition, int row)
        {
            foreach (var one in nodes)
            {
                one.AddMissing(repetition, row);
            }
        }
    }
}
