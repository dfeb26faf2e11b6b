namespace OrleansLake.Iceberg.Sql;

/// <summary>
/// Properties, partitioning and order, as Spark has them (https://iceberg.apache.org/docs/latest/spark-ddl/) and as Trino does
/// (SET PROPERTIES).
/// </summary>
internal sealed partial class AlterTableParser
{
    /// <summary>What is no change of columns; null where it is one.</summary>
    private Func<TableMetadata, IMetadataChange>? TryOther() =>
        _tokens.TryWords("SET", "TBLPROPERTIES") ? SetProperties()
        : _tokens.TryWords("SET", "PROPERTIES") ? SetTrinoProperties()
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

    /// <summary>Trino's: partitioning and order become what is said, whatever they were.</summary>
    private Func<TableMetadata, IMetadataChange> SetTrinoProperties()
    {
        var said = new TrinoProperties(_tokens);
        do
        {
            said.Read();
        }
        while (_tokens.TrySymbol(','));
        if (said.Location is { } location)
        {
            throw TokenReader.Error(location, "a table keeps its location");
        }

        var partitioning = said.Partitioning is null ? null : TrinoProperties.Each(said.Partitioning, PartitioningParser.Typed);
        var order = said.SortedBy is null ? null : TrinoProperties.Each(said.SortedBy, OrderField);
        return metadata =>
        {
            var changes = new List<IMetadataChange>();
            var properties = said.Changes(metadata.Properties.Keys).Aggregate(new UpdateProperties(metadata), (update, property) =>
                property.Value is { } value ? update.Set(property.Name, value)
                : metadata.Properties.ContainsKey(property.Name) ? update.Remove(property.Name)
                : update);
            changes.Add(said.FormatVersion is { } version ? properties.Set("format-version", version.Text) : properties);
            if (partitioning is not null)
            {
                changes.Add(Repartitioned(metadata, partitioning.ConvertAll(field => (Joined(field.Path), field.Transform))));
            }

            if (order is not null)
            {
                changes.Add(Ordered(metadata, order));
            }

            return new SeveralChanges(changes);
        };
    }

    private static UpdateSpec Repartitioned(TableMetadata metadata, List<(string Path, Transform Transform)> wanted)
    {
        var update = new UpdateSpec(metadata);
        var missing = wanted.ToList();
        foreach (var field in metadata.DefaultSpec.Fields.Where(field => field.Transform is not Transform.Void))
        {
            int at = missing.FindIndex(one => one.Transform == field.Transform && field.SourceIds is [int id] && metadata.CurrentSchema.FindField(one.Path)?.Id == id);
            if (at >= 0)
            {
                missing.RemoveAt(at);
            }
            else
            {
                update.RemoveField(field.Name);
            }
        }

        return missing.Aggregate(update, (spec, field) => spec.AddField(field.Path, field.Transform));
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
        var fields = new List<SortedColumn>();
        do
        {
            fields.Add(OrderField(_tokens));
        }
        while (_tokens.TrySymbol(','));
        return metadata => Ordered(metadata, fields);
    }

    private static SortedColumn OrderField(TokenReader tokens)
    {
        var (_, path, transform) = PartitioningParser.Typed(tokens);
        var (descending, nullsLast) = PartitioningParser.Direction(tokens);
        return new SortedColumn(Joined(path), transform, descending, nullsLast);
    }

    private static ReplaceSortOrder Ordered(TableMetadata metadata, List<SortedColumn> fields) => fields.Aggregate(new ReplaceSortOrder(metadata), (order, field) =>
        field.Descending ? order.Descending(field.Path, field.Transform, field.NullsLast) : order.Ascending(field.Path, field.Transform, field.NullsLast));

    private static string Joined(List<Token> path) => string.Join('.', path.Select(token => token.Text));

    private readonly record struct SortedColumn(string Path, Transform Transform, bool Descending, bool NullsLast);

    private sealed class SeveralChanges(IReadOnlyList<IMetadataChange> changes) : IMetadataChange
    {
        public IReadOnlyList<TableRequirement> Requirements => [.. changes.SelectMany(change => change.Requirements).Distinct()];

        public IReadOnlyList<TableUpdate> Updates => [.. changes.SelectMany(change => change.Updates)];
    }
}
