using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using OrleansLake.Iceberg;

namespace OrleansLake.Cli.Commands;

/// <summary>What every <c>table</c> command takes: the table, the warehouse, and whether the answer is for a program.</summary>
internal sealed class TableArguments
{
    private static readonly JsonWriterOptions Indented = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Argument<string> _table = new("table") { Description = "The table's directory, one of its metadata files, or its name in the warehouse (namespace.table)" };
    private readonly Option<string> _warehouse = new("--warehouse") { Description = "The directory of the local catalog", DefaultValueFactory = _ => "warehouse" };
    private readonly Option<bool> _json = new("--json") { Description = "Print JSON" };

    /// <summary>A command over one table: opens it, and prints an error as one line.</summary>
    public Command CreateCommand(string name, string description, Func<TableRequest, CancellationToken, Task> run, params Option[] options)
    {
        var command = new Command(name, description) { _table, _warehouse, _json };
        foreach (var option in options)
        {
            command.Options.Add(option);
        }

        command.SetAction(async (parsed, cancellationToken) =>
        {
            try
            {
                var table = await OpenAsync(parsed.GetValue(_table)!, parsed.GetValue(_warehouse)!, cancellationToken);
                await run(new TableRequest(table, parsed, parsed.GetValue(_json), parsed.InvocationConfiguration.Output), cancellationToken);
                return 0;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or FormatException or NotSupportedException)
            {
                await parsed.InvocationConfiguration.Error.WriteLineAsync($"lake table {name}: {e.Message.ReplaceLineEndings(" ")}");
                return 1;
            }
        });
        return command;
    }

    /// <summary>Prints one JSON document and a line end.</summary>
    public static void WriteJson(TextWriter output, Action<Utf8JsonWriter> write)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, Indented))
        {
            write(json);
        }

        output.WriteLine(System.Text.Encoding.UTF8.GetString(bytes.ToArray()));
    }

    private static async Task<LoadedTable> OpenAsync(string table, string warehouse, CancellationToken cancellationToken)
    {
        if (Path.Exists(table))
        {
            return await LocalTable.OpenAsync(table, cancellationToken)
                ?? throw new IOException($"{table}: expected a table, got a directory without metadata (metadata/v1.metadata.json)");
        }

        if (table.Contains('/') || !table.Contains('.'))
        {
            throw new IOException($"{table}: expected the directory of a table or a name like db.events, got neither");
        }

        string directory = Path.Combine([warehouse, .. TableIdentifier.Parse(table).Namespace, TableIdentifier.Parse(table).Name]);
        var opened = Directory.Exists(directory) ? await LocalTable.OpenAsync(directory, cancellationToken) : null;
        return opened is null
            ? throw new IOException($"no table {table} in {Path.GetFullPath(warehouse)}; --warehouse DIR names another")
            : opened with { Identifier = TableIdentifier.Parse(table) };
    }
}

/// <summary>One call of a <c>table</c> command.</summary>
/// <param name="Table">The table.</param>
/// <param name="Parsed">The command line, for further options.</param>
/// <param name="Json">Whether the answer is for a program.</param>
/// <param name="Output">Where it goes.</param>
internal sealed record TableRequest(LoadedTable Table, ParseResult Parsed, bool Json, TextWriter Output);
