namespace OrleansLake.Iceberg;

/// <summary>Table properties that name columns, and so have to follow them when a schema changes.</summary>
internal static class ColumnProperties
{
    private static readonly string[] Prefixes = ["write.metadata.metrics.column.", "write.parquet.bloom-filter-enabled.column."];

    /// <summary>The updates that make the properties mean the same columns under a changed schema.</summary>
    public static IEnumerable<TableUpdate> Following(TableMetadata metadata, Schema changed)
    {
        var set = new Dictionary<string, string>(StringComparer.Ordinal);
        var remove = new List<string>();
        foreach (var (property, value) in metadata.Properties)
        {
            string? prefix = Prefixes.FirstOrDefault(one => property.StartsWith(one, StringComparison.Ordinal));
            if (prefix is null || metadata.CurrentSchema.FindField(property[prefix.Length..]) is not { } field)
            {
                continue;
            }

            string? path = changed.FindPath(field.Id);
            if (path == property[prefix.Length..])
            {
                continue;
            }

            remove.Add(property);
            if (path is not null)
            {
                set[prefix + path] = value;
            }
        }

        if (MappingAfter(metadata, changed) is { } mapping)
        {
            set[NameMapping.Property] = mapping;
        }

        remove.RemoveAll(set.ContainsKey);
        if (remove.Count > 0)
        {
            yield return new TableUpdate.RemoveProperties(remove);
        }

        if (set.Count > 0)
        {
            yield return new TableUpdate.SetProperties(set);
        }
    }

    private static string? MappingAfter(TableMetadata metadata, Schema changed)
    {
        try
        {
            return NameMapping.Of(metadata)?.After(changed).ToJson();
        }
        catch (IcebergFormatException)
        {
            // What no reader can use must not keep a column from being renamed; it stays as it is.
            return null;
        }
    }
}
