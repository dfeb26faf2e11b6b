using OrleansLake.Iceberg;

namespace OrleansLake.Cli.Commands;

/// <summary>One thing that two schemas do not have in common; fields are the same by their ids. https://iceberg.apache.org/spec/#schema-evolution</summary>
/// <param name="Change"><c>added</c>, <c>dropped</c>, <c>renamed</c>, <c>type</c>, <c>nullability</c>, <c>default</c>, <c>comment</c>, <c>moved</c>, <c>identifier</c>.</param>
/// <param name="Id">The field.</param>
/// <param name="Path">Its path, the new one where there are two.</param>
/// <param name="From">What it was.</param>
/// <param name="To">What it is.</param>
internal sealed record SchemaDifference(string Change, int Id, string Path, string? From, string? To)
{
    public static IReadOnlyList<SchemaDifference> Between(Schema from, Schema to)
    {
        var differences = new List<SchemaDifference>();
        var (old, @new) = (Fields(from), Fields(to));
        var moved = Moved(from.Fields, to.Fields).ToHashSet();
        foreach (var (id, (path, field, _)) in old.Where(pair => !@new.ContainsKey(pair.Key)))
        {
            differences.Add(new SchemaDifference("dropped", id, path, TableText.Type(field.Type), null));
        }

        foreach (var (id, (path, field, before)) in @new)
        {
            if (!old.TryGetValue(id, out var was))
            {
                differences.Add(new SchemaDifference("added", id, path, null, TableText.Type(field.Type)));
                continue;
            }

            Compare("renamed", was.Path, path);
            Compare("type", field.Type is PrimitiveType ? TableText.Type(was.Field.Type) : null, field.Type is PrimitiveType ? TableText.Type(field.Type) : null);
            Compare("nullability", was.Field.Required ? "not null" : "nullable", field.Required ? "not null" : "nullable");
            Compare("default", was.Field.WriteDefault?.ToJsonString(), field.WriteDefault?.ToJsonString());
            Compare("comment", was.Field.Doc, field.Doc);
            if (moved.Contains(id))
            {
                differences.Add(new SchemaDifference("moved", id, path, was.Before, before));
            }

            void Compare(string change, string? one, string? other)
            {
                if (one != other)
                {
                    differences.Add(new SchemaDifference(change, id, path, one, other));
                }
            }
        }

        foreach (int id in from.IdentifierFieldIds.Except(to.IdentifierFieldIds))
        {
            differences.Add(new SchemaDifference("identifier", id, to.FindPath(id) ?? from.FindPath(id) ?? "", "identifier", null));
        }

        foreach (int id in to.IdentifierFieldIds.Except(from.IdentifierFieldIds))
        {
            differences.Add(new SchemaDifference("identifier", id, to.FindPath(id) ?? "", null, "identifier"));
        }

        return differences;
    }

    public override string ToString() => Change switch
    {
        "added" => $"+ {Path} {To}",
        "dropped" => $"- {Path} {From}",
        "renamed" => $"~ {From} is {Path} now",
        "moved" => $"~ {Path} moved: {(To is null ? "first" : "after " + To)}",
        _ => $"~ {Path} {Change}: {From ?? "none"} -> {To ?? "none"}",
    };

    private static Dictionary<int, (string Path, NestedField Field, string? Before)> Fields(Schema schema)
    {
        var fields = new Dictionary<int, (string, NestedField, string?)>();
        Add(schema.Fields, "");
        return fields;

        void Add(IReadOnlyList<NestedField> siblings, string prefix)
        {
            string? before = null;
            foreach (var field in siblings)
            {
                fields[field.Id] = (prefix + field.Name, field, before);
                before = field.Name;
                Add(field.Type.Children(), $"{prefix}{field.Name}.");
            }
        }
    }

    /// <summary>The fields that changed places with siblings that both schemas have: as few as tell the whole change.</summary>
    private static IEnumerable<int> Moved(IReadOnlyList<NestedField> from, IReadOnlyList<NestedField> to)
    {
        var places = from.Select((field, place) => (field.Id, place)).ToDictionary();
        var common = to.Where(field => places.ContainsKey(field.Id)).ToList();

        // Whatever is in the longest run of fields that are in their old order has stayed.
        int[] length = new int[common.Count], previous = new int[common.Count];
        for (int i = 0; i < common.Count; i++)
        {
            (length[i], previous[i]) = (1, -1);
            for (int j = 0; j < i; j++)
            {
                if (places[common[j].Id] < places[common[i].Id] && length[j] >= length[i])
                {
                    (length[i], previous[i]) = (length[j] + 1, j);
                }
            }
        }

        var stayed = new HashSet<int>();
        for (int at = Array.IndexOf(length, length.DefaultIfEmpty().Max()); at >= 0; at = previous[at])
        {
            stayed.Add(common[at].Id);
        }

        var old = from.ToDictionary(field => field.Id);
        return common.Where(field => !stayed.Contains(field.Id)).Select(field => field.Id)
            .Concat(common.SelectMany(field => Moved(old[field.Id].Type.Children(), field.Type.Children())));
    }
}
