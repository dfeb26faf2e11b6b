using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode;

namespace OrleansLake.Ingest.Commit;

/// <summary>What became of a table's schema.</summary>
/// <param name="Table">The table, with every column that could be added.</param>
/// <param name="Declined">Paths of the fields that it will not have: over the limit, or no column can be called so.</param>
public sealed record SchemaGrown(LoadedTable Table, IReadOnlyList<string> Declined);

// Columns for fields that records brought. A change of schema that is there already is none, so it needs no identity: it is
// made anew on the table as it is until nothing is left to add.
public sealed partial class TableCommitter
{
    private async Task<SchemaGrown> GrowInTurnAsync(IReadOnlyList<NewField> fields, int mostFields, CancellationToken cancellationToken)
    {
        for (int lost = 0; ; lost++)
        {
            LoadedTable table = await _rows.LoadAsync(cancellationToken);
            var update = new UpdateSchema(table.Metadata);
            List<string> added = [], declined = [];
            foreach (NewField field in fields)
            {
                NestedField? known = Siblings(update.Schema, field.Parent)?.FirstOrDefault(sibling => sibling.Name.Equals(field.Name, StringComparison.OrdinalIgnoreCase));
                if (known is not null && known.Name == field.Name)
                {
                    continue;
                }

                if (known is not null || PathOf(update.Schema, field.Parent) is not { } parent || CountOf(update.Schema) + CountOf(field.Type) > mostFields)
                {
                    declined.Add(field.Path);
                    continue;
                }

                update.AddColumn(parent.Length == 0 ? null : parent, field.Name, field.Type, "added from records");
                added.Add(field.Path);
            }

            if (added.Count == 0)
            {
                return new SchemaGrown(table, declined);
            }

            CommitResult result = await _rows.ChangeAsync(new TableCommit(table, update.Requirements, update.Updates), cancellationToken);
            if (result is CommitResult.Committed committed)
            {
                LogGrown(_options.Table, string.Join(", ", added), committed.Table.Metadata.CurrentSchemaId);
                return new SchemaGrown(committed.Table, declined);
            }

            await _pauses.WaitAsync(lost, cancellationToken);
        }
    }

    private static IReadOnlyList<NestedField>? Siblings(Schema schema, IReadOnlyList<string?> parent)
    {
        IcebergType type = new StructType(schema.Fields);
        foreach (string? step in parent)
        {
            IcebergType? next = (type, step) switch
            {
                (StructType x, { } name) => x.Fields.FirstOrDefault(field => field.Name == name)?.Type,
                (ListType x, null) => x.Element,
                (MapType x, null) => x.Value,
                _ => null,
            };
            if (next is null)
            {
                return null;
            }

            type = next;
        }

        return (type as StructType)?.Fields;
    }

    /// <summary>The struct's path as <see cref="UpdateSchema"/> has it; null: there is none, or its names do not make one.</summary>
    private static string? PathOf(Schema schema, IReadOnlyList<string?> parent)
    {
        if (Siblings(schema, parent) is null || parent.Any(step => step?.Contains('.', StringComparison.Ordinal) == true))
        {
            return null;
        }

        List<string> path = [];
        IcebergType type = new StructType(schema.Fields);
        foreach (string? step in parent)
        {
            path.Add(step ?? (type is ListType ? "element" : "value"));
            type = type switch
            {
                StructType x => x.Fields.First(field => field.Name == step).Type,
                ListType x => x.Element,
                MapType x => x.Value,
                _ => type,
            };
        }

        return string.Join('.', path);
    }

    private static int CountOf(Schema schema) => schema.Fields.Sum(field => CountOf(field.Type));

    private static int CountOf(IcebergType type) => type switch
    {
        StructType x => 1 + x.Fields.Sum(field => CountOf(field.Type)),
        ListType x => 1 + CountOf(x.Element),
        MapType x => 1 + CountOf(x.Key) + CountOf(x.Value),
        _ => 1,
    };
}
