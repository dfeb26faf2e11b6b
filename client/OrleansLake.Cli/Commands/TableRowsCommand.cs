using System.CommandLine;
using System.Text;
using System.Text.Json;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Read;

namespace OrleansLake.Cli.Commands;

/// <summary><c>lake table rows</c>: rows of the table or of one of its snapshots, deletes applied.</summary>
internal static class TableRowsCommand
{
    private const int WidestCell = 40;

    internal static Command Create()
    {
        var limit = new Option<long>("--limit") { Description = "Rows at most", DefaultValueFactory = _ => 10 };
        limit.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && long.TryParse(result.Tokens[0].Value, out long rows) && rows < 0)
            {
                result.AddError($"--limit {rows}: expected a number of rows");
            }
        });
        var where = new Option<string?>("--where") { Description = "Which rows, as in SQL: \"type = 'PushEvent' AND time >= '2015-01-01'\"" };
        where.Validators.Add(result => Usage.Check(result, text => Expression.Parse(text)));
        var columns = new Option<string[]>("--columns")
        {
            Description = "Which columns, by name or path: id,order.price; \"quoted\" where a name has a comma; _file, _pos and the like too",
            AllowMultipleArgumentsPerToken = true,
        };
        columns.Validators.Add(result => Usage.Check(result, text => ColumnList.Split(text)));
        var at = TableArguments.AtOption();
        return new TableArguments().CreateCommand(
            "rows",
            "Rows, in no order",
            (request, cancellationToken) => RunAsync(
                request,
                request.Parsed.GetValue(limit),
                new ScanOptions
                {
                    Where = request.Parsed.GetValue(where) is { } condition ? Expression.Parse(condition) : null,
                    Columns = request.Parsed.GetValue(columns) is { Length: > 0 } some ? [.. some.SelectMany(ColumnList.Split)] : null,
                },
                request.Parsed.GetValue(at),
                cancellationToken),
            limit,
            where,
            columns,
            at);
    }

    private static async Task<int> RunAsync(TableRequest request, long limit, ScanOptions options, string? at, CancellationToken cancellationToken)
    {
        TableArguments.SnapshotAt(request.Table.Metadata, at);
        string? state = at is SnapshotRef.Main ? null : at;
        // Small batches: who asks for ten rows should not wait for eight thousand.
        var scan = new TableScan(request.Table, options with { At = state, BatchRows = (int)Math.Clamp(limit, 64, 8192) });
        if (request.Json)
        {
            var list = new JsonList(request.Output);
            await ForEachAsync(scan, limit, row => list.Add(row.Span), cancellationToken);
            list.End();
            return 0;
        }

        var fields = scan.Schema.Fields;
        var text = new TextTable([.. fields.Select(field => field.Name)]).Right(Enumerable.Range(0, fields.Count).Where(column => IsNumber(fields[column].Type)));
        await ForEachAsync(scan, limit, row => text.Add(Cells(row, fields.Count)), cancellationToken);
        text.WriteTo(request.Output);
        return 0;
    }

    private static async Task ForEachAsync(TableScan scan, long limit, Action<ReadOnlyMemory<byte>> row, CancellationToken cancellationToken)
    {
        if (limit == 0)
        {
            return;
        }

        await foreach (var one in scan.ReadJsonAsync(cancellationToken))
        {
            row(one);
            if (--limit == 0)
            {
                return;
            }
        }
    }

    /// <summary>By place and not by name: a schema may have one name twice.</summary>
    private static string[] Cells(ReadOnlyMemory<byte> row, int count)
    {
        using var document = JsonDocument.Parse(row, JsonList.Deep);
        var cells = new string[count];
        int column = 0;
        foreach (var member in document.RootElement.EnumerateObject())
        {
            cells[column++] = Shown(member.Value);
        }

        return cells;
    }

    private static bool IsNumber(IcebergType type) => type is IntegerType or LongType or FloatType or DoubleType or DecimalType;

    private static string Shown(JsonElement value)
    {
        string text = TextTable.Harmless(value.ValueKind switch
        {
            JsonValueKind.Null => "",
            JsonValueKind.String => value.GetString()!,
            _ => value.GetRawText(),
        });
        var shown = new StringBuilder();
        foreach (var rune in text.EnumerateRunes().Take(WidestCell))
        {
            shown.Append(rune.ToString());
        }

        return shown.Length < text.Length ? shown.Append('…').ToString() : text;
    }
}
