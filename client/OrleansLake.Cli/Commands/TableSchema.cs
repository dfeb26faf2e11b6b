using System.CommandLine;
using OrleansLake.Iceberg;

namespace OrleansLake.Cli.Commands;

/// <summary><c>lake table schema</c>: every field to any depth. https://iceberg.apache.org/spec/#schemas-and-data-types</summary>
internal static class TableSchema
{
    internal static Command Create()
    {
        var at = TableArguments.AtOption();
        return new TableArguments().CreateCommand("schema", "The columns to any depth, with their ids", (request, _) =>
        {
            var schema = At(request.Table.Metadata, request.Parsed.GetValue(at));
            if (request.Json)
            {
                TableArguments.WriteJson(request.Output, json => json.WriteRawValue(SchemaJson.Write(schema)));
            }
            else
            {
                Columns(schema).WriteTo(request.Output);
            }

            return Task.FromResult(0);
        }, at);
    }

    /// <summary>The schema that a snapshot had; that of a branch, and of nothing said, is the table's.</summary>
    public static Schema At(TableMetadata metadata, string? at)
    {
        var snapshot = TableArguments.SnapshotAt(metadata, at);
        return IsBranch(metadata, at) || snapshot?.SchemaId is not int id ? metadata.CurrentSchema : metadata.Schemas.FirstOrDefault(schema => schema.SchemaId == id) ?? metadata.CurrentSchema;
    }

    /// <summary>Whether a state moves on, so that the table's own schema and properties are its.</summary>
    public static bool IsBranch(TableMetadata metadata, string? at) => at is null or SnapshotRef.Main || metadata.Refs.GetValueOrDefault(at) is { IsTag: false };

    /// <summary>One line a field.</summary>
    public static TextTable Columns(Schema schema)
    {
        var text = new TextTable("id", "column", "type", "", "default", "comment").Right(0);
        Add(schema.Fields, 0);
        return text;

        void Add(IReadOnlyList<NestedField> fields, int depth)
        {
            foreach (var field in fields)
            {
                text.Add(
                    TableText.Number(field.Id),
                    new string(' ', 2 * depth) + field.Name,
                    TableText.Head(field.Type),
                    (field.Required ? "not null" : "") + (schema.IdentifierFieldIds.Contains(field.Id) ? " identifier" : ""),
                    field.WriteDefault?.ToJsonString() ?? "",
                    field.Doc ?? "");
                Add(field.Type.Children(), depth + 1);
            }
        }
    }
}
