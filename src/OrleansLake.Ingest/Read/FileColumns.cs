using OrleansLake.Iceberg;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Read;

/// <summary>A node of a Parquet file's schema as Iceberg sees it: lists and maps without their middle levels.</summary>
internal sealed class FileColumns
{
    private FileColumns(ParquetNode? node, int definition, int repetition, int firstLeaf)
    {
        Node = node;
        Definition = definition;
        Repetition = repetition;
        FirstLeaf = firstLeaf;
    }

    /// <summary>The node; null for the root.</summary>
    public ParquetNode? Node { get; }

    /// <summary>The field id, the file's own or by the name mapping.</summary>
    public int? Id { get; private set; }

    /// <summary>The definition level of the node when it is there.</summary>
    public int Definition { get; }

    /// <summary>Repeated nodes on the way to it.</summary>
    public int Repetition { get; }

    /// <summary>The first column below it.</summary>
    public int FirstLeaf { get; }

    /// <summary>How many columns lie below it.</summary>
    public int LeafCount { get; private set; }

    /// <summary>Fields of a struct.</summary>
    public IReadOnlyList<FileColumns> Fields { get; private set; } = [];

    /// <summary>The element of a list.</summary>
    public FileColumns? Element { get; private set; }

    /// <summary>The key of a map.</summary>
    public FileColumns? Key { get; private set; }

    /// <summary>The value of a map.</summary>
    public FileColumns? Value { get; private set; }

    /// <summary>Whether the node may be null by itself.</summary>
    public bool IsOptional => Node is { Repetition: Parquet.Repetition.Optional };

    /// <summary>A struct's field by its id.</summary>
    public FileColumns? Find(int id)
    {
        foreach (var field in Fields)
        {
            if (field.Id == id)
            {
                return field;
            }
        }

        return null;
    }

    /// <summary>
    /// The columns of a file. Where no node has an id the table's name mapping gives them.
    /// https://iceberg.apache.org/spec/#column-projection
    /// </summary>
    /// <exception cref="NotSupportedException">The file has no ids, and the table no mapping.</exception>
    public static FileColumns Of(ParquetSchema schema, NameMapping? mapping, string location)
    {
        bool hasIds = schema.Fields.Any(HasIds);
        if (!hasIds && mapping is null && schema.Fields.Count > 0)
        {
            throw new NotSupportedException($"{location}: its columns have no field ids, and the table has no property {NameMapping.Property} that gives them by name");
        }

        var root = new FileColumns(null, 0, 0, 0);
        int leaf = 0;
        root.Fields = [.. schema.Fields.Select(field => Make(field, 0, 0, ref leaf, [], hasIds ? null : mapping))];
        root.LeafCount = leaf;
        return root;
    }

    private static bool HasIds(ParquetNode node) => node.FieldId is not null || (node is ParquetNode.Group group && group.Children.Any(HasIds));

    private static FileColumns Make(ParquetNode node, int definition, int repetition, ref int leaf, string[] parents, NameMapping? mapping, string? role = null)
    {
        // A node that is repeated without a list around it is a list of itself.
        if (node.Repetition == Parquet.Repetition.Repeated)
        {
            var list = new FileColumns(node, definition, repetition, leaf) { Id = null };
            list.Element = Make(node switch
            {
                ParquetNode.Group x => x with { Repetition = Parquet.Repetition.Required },
                ParquetNode.Primitive x => x with { Repetition = Parquet.Repetition.Required },
                _ => node,
            },
            definition + 1, repetition + 1, ref leaf, parents, mapping);
            list.Id = list.Element.Id;
            list.LeafCount = leaf - list.FirstLeaf;
            return list;
        }

        string[] path = [.. parents, role ?? node.Name];
        var made = new FileColumns(node, definition + (node.Repetition == Parquet.Repetition.Optional ? 1 : 0), repetition, leaf) { Id = mapping is null ? node.FieldId : mapping.Find(path)?.FieldId };
        switch (node)
        {
            case ParquetNode.Primitive:
                leaf++;
                break;
            case ParquetNode.Group { LogicalType: LogicalType.Map, Children: [ParquetNode.Group { Repetition: Parquet.Repetition.Repeated, Children: [{ } key, { } value] }] }:
                made.Key = Make(key, made.Definition + 1, repetition + 1, ref leaf, path, mapping, "key");
                made.Value = Make(value, made.Definition + 1, repetition + 1, ref leaf, path, mapping, "value");
                break;
            case ParquetNode.Group { LogicalType: LogicalType.List, Children: [{ Repetition: Parquet.Repetition.Repeated } repeated] }:
                // Old writers left out the middle of the three levels.
                // https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#backward-compatibility-rules
                var element = repeated is ParquetNode.Group { Children: [var only], FieldId: null } && repeated.Name != "array" && repeated.Name != node.Name + "_tuple" ? only : null;
                made.Element = element is not null
                    ? Make(element, made.Definition + 1, repetition + 1, ref leaf, path, mapping, "element")
                    : Make(repeated is ParquetNode.Group x
                        ? x with { Repetition = Parquet.Repetition.Required }
                        : (ParquetNode.Primitive)repeated with { Repetition = Parquet.Repetition.Required }, made.Definition + 1, repetition + 1, ref leaf, path, mapping, "element");
                break;
            case ParquetNode.Group group:
                var fields = new List<FileColumns>();
                foreach (var child in group.Children)
                {
                    fields.Add(Make(child, made.Definition, repetition, ref leaf, path, mapping));
                }

                made.Fields = fields;
                break;
        }

        made.LeafCount = leaf - made.FirstLeaf;
        return made;
    }
}
