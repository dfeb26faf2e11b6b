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
    private readonly Option<string?> _config = new("--config") { Description = "A silo's configuration: the table is one of its catalog (local, Glue, REST)" };
    private readonly Option<bool> _json = new("--json") { Description = "Print JSON" };

    /// <summary>A command over one table, opened.</summary>
    public Command CreateCommand(string name, string description, Func<TableRequest, CancellationToken, Task<int>> run, params Option[] options)
    {
        var command = Bare(name, description, options);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            string warehouse = parsed.GetValue(_warehouse)!;
            using var lake = parsed.GetValue(_config) is { } config ? ConfiguredCatalog.Open(config) : null;
            var table = await OpenAsync(parsed.GetValue(_table)!, warehouse, lake?.Catalog, cancellationToken);
            return await run(
                new TableRequest(table, parsed, parsed.GetValue(_json), warehouse) { Catalog = lake?.Catalog, IsMetadataFile = lake is null && File.Exists(parsed.GetValue(_table)) }, cancellationToken);
        });
        return command;
    }

    /// <summary>A command that makes a table: what it is told is where.</summary>
    public Command CreateMakingCommand(string name, string description, Func<TablePlace, ParseResult, bool, CancellationToken, Task<int>> run, params Option[] options)
    {
        var command = Bare(name, description, options);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var lake = parsed.GetValue(_config) is { } config ? ConfiguredCatalog.Open(config) : null;
            var place = lake is null ? TablePlace.ForNew(parsed.GetValue(_table)!, parsed.GetValue(_warehouse)!) : new TablePlace(lake.Catalog, IdentifierOf(parsed.GetValue(_table)!));
            return await run(place, parsed, parsed.GetValue(_json), cancellationToken);
        });
        return command;
    }

    private Command Bare(string name, string description, Option[] options)
    {
        var command = new Command(name, description) { _table, _warehouse, _config, _json };
        foreach (var option in options)
        {
            command.Options.Add(option);
        }

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
    public static Option<string?> AtOption() => new("--at") { Description = "A snapshot id, a branch, a tag, or a time (2025-01-31T12:30:00Z); main when left out" };

    /// <summary>The snapshot that the option names; null where the table has none yet.</summary>
    public static Snapshot? SnapshotAt(TableMetadata metadata, string? at, string option = "--at")
    {
        try
        {
            // Every table has a main, before its first snapshot too.
            return at is null or SnapshotRef.Main ? metadata.FindSnapshot(metadata.CurrentSnapshotId) : at.Length > 0 ? metadata.SnapshotAt(at) : throw new ArgumentException("expected a snapshot, got nothing");
        }
        catch (ArgumentException error)
        {
            throw new ArgumentException($"{option} {at}: {error.Message}", error);
        }
    }

    /// <summary>The table of a name in a catalog, or without one in a directory or of a name in the warehouse.</summary>
    public static async Task<LoadedTable> OpenAsync(string table, string warehouse, ICatalog? catalog, CancellationToken cancellationToken) =>
        catalog is null ? await OpenAsync(table, warehouse, cancellationToken)
        : await catalog.LoadTableAsync(IdentifierOf(table), cancellationToken) ?? throw new IOException($"no table {table} in the configured catalog");

    private static TableIdentifier IdentifierOf(string table) => table.Contains('/') || !table.Contains('.')
        ? throw new IOException($"{table}: expected a name like db.events, because --config names the catalog")
        : TableIdentifier.Parse(table);

    /// <summary>The table in a directory, or of a name in the warehouse.</summary>
    public static async Task<LoadedTable> OpenAsync(string table, string warehouse, CancellationToken cancellationToken)
    {
        if (Path.Exists(table))
        {
            return await LocalTable.OpenAsync(table, cancellationToken)
                ?? throw new IOException($"{table}: expected a table, got no metadata there (metadata/*.metadata.json)");
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
internal sealed record TableRequest(LoadedTable Table, ParseResult Parsed, bool Json, string Warehouse)
{
    /// <summary>The catalog that was named; null: the table lies in a directory.</summary>
    public ICatalog? Catalog { get; init; }

    /// <summary>Whether one metadata file was named and not the table: no newer state of it is looked for.</summary>
    public bool IsMetadataFile { get; init; }

    /// <summary>Where the answer goes.</summary>
    public TextWriter Output => Parsed.InvocationConfiguration.Output;

    /// <summary>Where remarks go.</summary>
    public TextWriter Notes => Parsed.InvocationConfiguration.Error;
}
