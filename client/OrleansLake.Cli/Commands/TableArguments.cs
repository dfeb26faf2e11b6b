using System.CommandLine;
using System.Globalization;
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

    /// <summary>A command over one table, opened.</summary>
    public Command CreateCommand(string name, string description, Func<TableRequest, CancellationToken, Task<int>> run, params Option[] options)
    {
        var command = new Command(name, description) { _table, _warehouse, _json };
        foreach (var option in options)
        {
            command.Options.Add(option);
        }

        command.SetAction(async (parsed, cancellationToken) =>
        {
            string warehouse = parsed.GetValue(_warehouse)!;
            var table = await OpenAsync(parsed.GetValue(_table)!, warehouse, cancellationToken);
            return await run(new TableRequest(table, parsed, parsed.GetValue(_json), warehouse, parsed.InvocationConfiguration.Output), cancellationToken);
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

    /// <summary>The option that names a state of the table.</summary>
    public static Option<string?> AtOption() => new("--at") { Description = "A snapshot id, a branch or a tag; main when left out" };

    /// <summary>The snapshot that the option names; null where the table has none yet.</summary>
    public static Snapshot? SnapshotAt(TableMetadata metadata, string? at)
    {
        if (at is null)
        {
            return metadata.FindRef(SnapshotRef.Main);
        }

        return metadata.FindRef(at)
            ?? (long.TryParse(at, CultureInfo.InvariantCulture, out long id) ? metadata.FindSnapshot(id) : null)
            ?? throw new ArgumentException($"--at {at}: expected a snapshot id, a branch or a tag of the table");
    }

    /// <summary>The table in a directory, or of a name in the warehouse.</summary>
    public static async Task<LoadedTable> OpenAsync(string table, string warehouse, CancellationToken cancellationToken)
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
/// <param name="Warehouse">The local catalog's directory.</param>
/// <param name="Output">Where it goes.</param>
internal sealed record TableRequest(LoadedTable Table, ParseResult Parsed, bool Json, string Warehouse, TextWriter Output);
