namespace OrleansLake.Parquet.Reading;

/// <summary>Some columns of a file, and the schema that they make by themselves.</summary>
internal sealed class Projection
{
    public Projection(ParquetSchema schema, Func<ColumnDescriptor, bool> columns)
    {
        var chosen = schema.Columns.Where(columns).ToList();
        FileColumns = chosen;
        if (chosen.Count == schema.Columns.Count)
        {
            Schema = schema;
            return;
        }

        int leaf = 0;
        var numbers = chosen.Select(column => column.Index).ToHashSet();
        Schema = new ParquetSchema(Prune(schema.Fields, numbers, ref leaf));
    }

    /// <summary>The schema of the batches.</summary>
    public ParquetSchema Schema { get; }

    /// <summary>The same columns as the file numbers them.</summary>
    public IReadOnlyList<ColumnDescriptor> FileColumns { get; }

    private static List<ParquetNode> Prune(IReadOnlyList<ParquetNode> nodes, HashSet<int> chosen, ref int leaf)
    {
        var kept = new List<ParquetNode>();
        foreach (var node in nodes)
        {
            if (node is ParquetNode.Group group)
            {
                var children = Prune(group.Children, chosen, ref leaf);
                if (children.Count > 0)
                {
                    kept.Add(group with { Children = children });
                }
            }
            else if (chosen.Contains(leaf++))
            {
                kept.Add(node);
            }
        }

        return kept;
    }
}
