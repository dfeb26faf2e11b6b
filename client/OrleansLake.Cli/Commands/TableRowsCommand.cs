using System.CommandLine;
using System.Text;
using System.Text.Json;
using OrleansLake.Ingest.Read;

namespace OrleansLake.Cli.Commands;

/// <summary><c>lake table rows</c>: some rows of the table or of one of its snapshots.</summary>
internal static class TableRowsCommand
{
    private const int WidestCell = 40;

    internal static Command Create()
    {
        var limit = new Option<int>("--limit") { Description = "Rows at most", DefaultValueFactory = _ => 10 };
        limit.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out int rows) && rows < 0)
            {
                result.AddError($"--limit {rows}: expected a number of rows");
            }
        });
        var at = TableArguments.AtOption();
        return new TableArguments().CreateCommand("rows", "Some rows, in no order", (request, cancellationToken) => RunAsync(request, request.Parsed.GetValue(limit), request.Parsed.GetValue(at), cancellationToken), limit, at);
    }

    private static async Task<int> RunAsync(TableRequest request, int limit, string? at, CancellationToken cancellationToken)
    {
        var rows = new List<JsonElement>();
        await foreach (var row in TableRows.ReadAsync(request.Table, TableArguments.SnapshotAt(request.Table.Metadata, at), limit: limit, cancellationToken: cancellationToken))
        {
            rows.Add(JsonDocument.Parse(row).RootElement.Clone());
        }

        if (request.Json)
        {
            TableArguments.WriteJson(request.Output, json => JsonSerializer.Serialize(json, rows));
            return 0;
        }

        string[] names = [.. request.Table.Metadata.CurrentSchema.Fields.Select(field => field.Name)];
        var text = new TextTable(names);
        foreach (var row in rows)
        {
            text.Add([.. names.Select(name => Shown(row.GetProperty(name)))]);
        }

        text.WriteTo(request.Output);
        return 0;
    }

    private static string Shown(JsonElement value)
    {
        string text = value.ValueKind switch
        {
            JsonValueKind.Null => "",
            JsonValueKind.String => value.GetString()!.ReplaceLineEndings(" "),
            _ => value.GetRawText(),
        };
        var shown = new StringBuilder();
        foreach (var rune in text.EnumerateRunes().Take(WidestCell + 1))
        {
            shown.Append(Rune.IsControl(rune) ? " " : rune.ToString());
        }

        return text.EnumerateRunes().Skip(WidestCell).Any() ? shown.ToString(0, shown.Length - 1) + "…" : shown.ToString();
    }
}
