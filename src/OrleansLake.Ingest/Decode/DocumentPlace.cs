using System.Globalization;

namespace OrleansLake.Ingest.Decode;

/// <summary>
/// A place of the documents that columns are made of, while a plan is compiled: the tokens of all pointers as a tree, with
/// the row's own columns where it is unnested. A place that nothing is asked of is no part of the tree.
/// </summary>
internal sealed class DocumentPlace
{
    private readonly List<(string Token, DocumentPlace Place)> _places = [];

    /// <summary>Whether the object here is the row.</summary>
    public bool IsRow { get; set; }

    /// <summary>Every column of the row, wherever it comes from.</summary>
    public IReadOnlyList<string> TakenNames { get; set; } = [];

    /// <summary>Columns that are this value.</summary>
    public List<JsonNode> Targets { get; } = [];

    /// <summary>Columns that are fields of the row.</summary>
    public List<(string Name, JsonNode Node)> Columns { get; } = [];

    /// <summary>Names of members of this object: the first that is not null is <see cref="EitherRow"/>.</summary>
    public string[] Either { get; private set; } = [];

    /// <summary>The row, where it is one of several members.</summary>
    public DocumentPlace? EitherRow { get; private set; }

    private bool HoldsRow => IsRow || EitherRow is not null || _places.Exists(place => place.Place.HoldsRow);

    /// <summary>The place that a pointer leads to from here.</summary>
    public DocumentPlace At(ReadOnlySpan<string> tokens)
    {
        var place = this;
        foreach (string token in tokens)
        {
            var next = place._places.Find(known => known.Token == token).Place;
            if (next is null)
            {
                next = new DocumentPlace();
                place._places.Add((token, next));
            }

            place = next;
        }

        return place;
    }

    /// <summary>The row is the first of these members of this object that is not null.</summary>
    public DocumentPlace RowIn(params string[] members)
    {
        Either = members;
        return EitherRow = new DocumentPlace();
    }

    /// <summary>What reads a document, of which this is the root.</summary>
    public JsonNode Compile(NameMatching? names, bool keepsNames)
    {
        var root = Compile(names, keepsNames, FieldPath.Row.Text, depth: 0);
        if (IsRow && root.Kind == JsonKind.Path)
        {
            // Nothing stands between the document and the row, so the common case has no detour.
            root.Kind = JsonKind.Struct;
        }

        return root;
    }

    private JsonNode Compile(NameMatching? names, bool keepsNames, string pointer, int depth)
    {
        List<JsonNode> nodes = [.. Targets];
        if (IsRow)
        {
            Row(names, keepsNames, pointer, depth, nodes);
        }
        else if (_places.Count > 0)
        {
            nodes.Add(Path(names, keepsNames, _places, pointer, depth));
        }

        if (EitherRow is { } row)
        {
            var element = row.Compile(names, keepsNames, $"{pointer}/{Either[0]}", depth + 1);
            nodes.Add(new JsonNode
            {
                Kind = JsonKind.Either,
                TypeName = $"a JSON object with {string.Join(" or ", Either)}{(pointer.Length == 0 ? "" : $" at {pointer}")}",
                Required = true,
                HoldsRow = true,
                Depth = depth,
                NullDefinition = 0,
                Leaves = element.Leaves,
                Element = element,
                Struct = new JsonStruct([.. Either.Select(name => new JsonField(name, element, IsExact: true))], FieldPath.Row, isPath: true),
            });
        }

        return nodes.Count == 1 ? nodes[0] : Fork(nodes, depth);
    }

    private void Row(NameMatching? names, bool keepsNames, string pointer, int depth, List<JsonNode> nodes)
    {
        var fields = Columns.Select(column => new JsonField(column.Name, column.Node)).ToList();
        var apart = new List<(string, DocumentPlace)>();
        foreach (var (token, place) in _places)
        {
            string column = names?.Convert(token) ?? token;
            int same = fields.FindIndex(field => !field.IsExact
                && string.Equals(field.Name, column, names is { IgnoreCase: true } ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal));
            if (same >= 0 && names is not null)
            {
                // Other names may mean the same column, so the object is read once more for the pointers.
                apart.Add((token, place));
                continue;
            }

            var node = place.Compile(names, keepsNames, $"{pointer}/{token}", depth + 1);
            if (same >= 0)
            {
                fields[same] = fields[same] with { Node = Fork([fields[same].Node, node], depth + 1) };
            }
            else
            {
                fields.Add(new JsonField(token, node, IsExact: true));
            }
        }

        nodes.Add(new JsonNode
        {
            Kind = JsonKind.Path,
            TypeName = pointer.Length == 0 ? "a JSON object" : $"a JSON object at {pointer}",
            Required = true,
            HoldsRow = true,
            Depth = depth,
            NullDefinition = 0,
            Leaves = LeavesOf(fields.Select(field => field.Node)),
            Struct = new JsonStruct(fields, FieldPath.Row, names) { KeepsNames = keepsNames, TakenNames = TakenNames },
        });
        if (apart.Count > 0)
        {
            nodes.Add(Path(names, keepsNames, apart, pointer, depth));
        }
    }

    private JsonNode Path(NameMatching? names, bool keepsNames, List<(string Token, DocumentPlace Place)> places, string pointer, int depth)
    {
        var fields = places.ConvertAll(place => new JsonField(place.Token, place.Place.Compile(names, keepsNames, $"{pointer}/{place.Token}", depth + 1), IsExact: true));
        bool holdsRow = places.Exists(place => place.Place.HoldsRow);
        return new JsonNode
        {
            Kind = JsonKind.Path,
            TypeName = holdsRow ? "a way to the JSON object that is the row" : $"what leads to {fields[0].Node.TypeName} at {string.Create(CultureInfo.InvariantCulture, $"{pointer}/{fields[0].Name}")}",
            Required = fields.Exists(field => field.Node.IsNeeded),
            Missing = MissingValue.OfAll(fields.Select(field => field.Node)),
            HoldsRow = holdsRow,
            Depth = depth,
            NullDefinition = 0,
            Leaves = LeavesOf(fields.Select(field => field.Node)),
            Struct = new JsonStruct(fields, FieldPath.Row, isPath: true),
            Elements = [.. fields.Where(field => JsonPointer.ElementOf(field.Name) is not null)
                .Select(field => (JsonPointer.ElementOf(field.Name)!.Value, field.Node)).OrderBy(element => element.Value)],
        };
    }

    private static JsonNode Fork(List<JsonNode> nodes, int depth) => new()
    {
        Kind = JsonKind.Fork,
        TypeName = (nodes.Find(node => node.IsNeeded) ?? nodes[0]).TypeName,
        Required = nodes.Exists(node => node.IsNeeded),
        Missing = MissingValue.OfAll(nodes),
        HoldsRow = nodes.Exists(node => node.HoldsRow),
        Depth = depth,
        NullDefinition = 0,
        Leaves = LeavesOf(nodes),
        Nodes = [.. nodes],
    };

    private static LeafColumn[] LeavesOf(IEnumerable<JsonNode> nodes) => [.. nodes.SelectMany(node => node.Leaves)];
}
