namespace OrleansLake.Iceberg.Sql;

/// <summary>Properties, partitioning and order: https://iceberg.apache.org/docs/latest/spark-ddl/</summary>
internal sealed partial class AlterTableParser
{
    /// <summary>What is no change of columns; null where it is one.</summary>
    private Func<TableMetadata, IMetadataChange>? TryOther() =>
        _tokens.TryWords("SET", "TBLPROPERTIES") ? SetProperties()
        : _tokens.TryWords("UNSET", "TBLPROPERTIES") ? UnsetProperties()
        : _tokens.TryWords("ADD", "PARTITION", "FIELD") ? AddPartitionField()
        : _tokens.TryWords("DROP", "PARTITION", "FIELD") ? DropPartitionField()
        : _tokens.TryWords("REPLACE", "PARTITION", "FIELD") ? ReplacePartitionField()
        : _tokens.TryWords("WRITE", "ORDERED", "BY") ? WriteOrdered()
        : _tokens.TryWords("WRITE", "UNORDERED") ? static metadata => new ReplaceSortOrder(metadata)
        : null;

    private Func<TableMetadata, IMetadataChange> SetProperties()
    {
        _tokens.Symbol('(');
        var properties = _tokens.List(')', () => Ddl.Property(_tokens));
        return metadata => properties.Aggregate(new UpdateProperties(metadata), (update, property) => update.Set(property.Name, property.Value.Text));
    }

    private Func<TableMetadata, IMetadataChange> UnsetProperties()
    {
        bool tolerant = _tokens.TryWords("IF", "EXISTS");
        _tokens.Symbol('(');
        var names = _tokens.List(')', () => Ddl.PropertyName(_tokens));
        return metadata => names.Aggregate(new UpdateProperties(metadata), (update, name) =>
            metadata.Properties.ContainsKey(name) ? update.Remove(name)
            : tolerant ? update
            : throw new ArgumentException($"unset table property {name}: the table has none of that name"));
    }

    private Func<TableMetadata, IMetadataChange> AddPartitionField()
    {
        var add = NewPartitionField();
        return metadata => add(new UpdateSpec(metadata));
    }

    private Func<TableMetadata, IMetadataChange> DropPartitionField()
    {
        var drop = OldPartitionField();
        return metadata => drop(new UpdateSpec(metadata), metadata);
    }

    private Func<TableMetadata, IMetadataChange> ReplacePartitionField()
    {
        var drop = OldPartitionField();
        _tokens.Word("WITH");
        var add = NewPartitionField();
        return metadata => add(drop(new UpdateSpec(metadata), metadata));
    }

    private Func<UpdateSpec, UpdateSpec> NewPartitionField()
    {
        var (_, path, transform) = PartitioningParser.Typed(_tokens);
        string? name = _tokens.TryWord("AS") ? _tokens.Name("the field's name").Text : null;
        return update => update.AddField(Joined(path), transform, name);
    }

    /// <summary>By what it is made of, or by its name.</summary>
    private Func<UpdateSpec, TableMetadata, UpdateSpec> OldPartitionField()
    {
        var (_, path, transform) = PartitioningParser.Typed(_tokens);
        string text = Joined(path);
        return (update, metadata) => transform is Transform.Identity && metadata.DefaultSpec.Fields.Any(field => field.Name == text)
            ? update.RemoveField(text)
            : update.RemoveField(text, transform);
    }

    private Func<TableMetadata, IMetadataChange> WriteOrdered()
    {
        var fields = new List<(string Path, Transform Transform, bool Descending, bool NullsLast)>();
        do
        {
            var (_, path, transform) = PartitioningParser.Typed(_tokens);
            var (descending, nullsLast) = PartitioningParser.Direction(_tokens);
            fields.Add((Joined(path), transform, descending, nullsLast));
        }
        while (_tokens.TrySymbol(','));
        return metadata => fields.Aggregate(new ReplaceSortOrder(metadata), (order, field) =>
            field.Descending ? order.Descending(field.Path, field.Transform, field.NullsLast) : order.Ascending(field.Path, field.Transform, field.NullsLast));
    }

    private static string Joined(List<Token> path) => string.Join('.', path.Select(token => token.Text));
}
