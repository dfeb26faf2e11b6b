using System.CommandLine;
using OrleansLake.Iceberg;

namespace OrleansLake.Cli.Commands;

/// <summary><c>lake table create</c>, <c>alter</c> and <c>rollback</c>: what changes a table of a local catalog, under its lock.</summary>
internal static class TableChangeCommands
{
    internal static Command Create()
    {
        var ddl = DdlOption<string>("CREATE TABLE …", text => Ddl.ParseCreateTable(text));
        return new TableArguments().CreateMakingCommand("create", "Make a table of a local catalog, as a statement of Trino or Spark says", (place, parsed, json, cancellationToken) => CreateAsync(place, parsed.GetValue(ddl)!, parsed, json, cancellationToken), ddl);
    }

    internal static Command Alter()
    {
        var ddl = DdlOption<string[]>("ALTER TABLE …; several are one change", text => Ddl.ParseAlterTable(text));
        return new TableArguments().CreateCommand("alter", "Change columns, properties, partitioning or order, as a statement of Trino or Spark says", (request, cancellationToken) => AlterAsync(request, request.Parsed.GetValue(ddl)!, cancellationToken), ddl);
    }

    internal static Command Rollback()
    {
        var to = new Option<string>("--to") { Description = "A snapshot id, a tag, or a time: the state to go back to", Required = true };
        var branch = new Option<string>("--branch") { Description = "Which branch goes back", DefaultValueFactory = _ => SnapshotRef.Main };
        return new TableArguments().CreateCommand("rollback", "Move a branch back to one of its earlier states", (request, cancellationToken) => RollbackAsync(request, request.Parsed.GetValue(to)!, request.Parsed.GetValue(branch)!, cancellationToken), to, branch);
    }

    private static Option<T> DdlOption<T>(string what, Action<string> read)
    {
        var option = new Option<T>("--ddl") { Description = what + "; @FILE reads it from a file", Required = true };
        option.Validators.Add(result => Usage.Check(result, text => read(TextOf(text))));
        return option;
    }

    private static string TextOf(string ddl) => ddl.StartsWith('@') ? File.ReadAllText(ddl[1..]) : ddl;

    private static async Task<int> CreateAsync(TablePlace place, string ddl, ParseResult parsed, bool json, CancellationToken cancellationToken)
    {
        var definition = Ddl.ParseCreateTable(TextOf(ddl));
        place.CheckName(definition.Name, "--ddl");
        var table = await place.Catalog.CreateTableAsync(place.Identifier, definition.Creation, cancellationToken);
        var request = new TableRequest(table, parsed, json, "");
        if (json)
        {
            TableShow.WriteJson(request);
        }
        else
        {
            request.Output.WriteLine($"created {table.Identifier} at {table.Metadata.Location}");
        }

        return 0;
    }

    private static async Task<int> AlterAsync(TableRequest request, string[] ddl, CancellationToken cancellationToken)
    {
        var place = TablePlace.ForChange(request);
        var transaction = new Transaction(TimeProvider.System);
        foreach (string text in ddl)
        {
            var alteration = Ddl.ParseAlterTable(TextOf(text));
            place.CheckName(alteration.Name, "--ddl");
            transaction.Then(alteration.On);
        }

        var table = await place.CommitAsync(transaction, cancellationToken);
        bool changed = table.MetadataLocation != request.Table.MetadataLocation;
        if (request.Json)
        {
            TableArguments.WriteJson(request.Output, json =>
            {
                json.WriteStartObject();
                json.WriteBoolean("changed", changed);
                json.WriteString("metadata-location", table.MetadataLocation);
                json.WritePropertyName("schema");
                json.WriteRawValue(SchemaJson.Write(table.Metadata.CurrentSchema));
                json.WriteString("partitioned-by", TableText.Spec(table.Metadata, table.Metadata.DefaultSpec));
                json.WriteString("sorted-by", TableText.Order(table.Metadata, TableText.DefaultOrder(table.Metadata)));
                json.WriteStartObject("properties");
                foreach (var (name, value) in table.Metadata.Properties)
                {
                    json.WriteString(name, value);
                }

                json.WriteEndObject();
                json.WriteEndObject();
            });
        }
        else
        {
            request.Output.WriteLine(changed ? $"altered {place.Identifier}" : $"{place.Identifier} is so already");
            foreach (string line in Differences(request.Table.Metadata, table.Metadata))
            {
                request.Output.WriteLine(TextTable.Harmless($"  {line}"));
            }
        }

        return 0;
    }

    private static IEnumerable<string> Differences(TableMetadata from, TableMetadata to) =>
    [
        .. SchemaDifference.Between(from.CurrentSchema, to.CurrentSchema).Select(one => one.ToString()),
        .. from.DefaultSpecId == to.DefaultSpecId ? [] : (string[])[$"partitioned by {TableText.Spec(to, to.DefaultSpec)} from now on"],
        .. from.DefaultSortOrderId == to.DefaultSortOrderId ? [] : (string[])[$"sorted by {TableText.Order(to, TableText.DefaultOrder(to))} from now on"],
        .. SnapshotDifference.Properties(from.Properties, to.Properties).Select(one => $"~ {one.Name}: {one.From ?? "none"} -> {one.To ?? "none"}"),
        .. from.FormatVersion == to.FormatVersion ? [] : (string[])[FormattableString.Invariant($"of format version {to.FormatVersion} now")],
    ];

    private static async Task<int> RollbackAsync(TableRequest request, string to, string branch, CancellationToken cancellationToken)
    {
        var place = TablePlace.ForChange(request);
        var before = request.Table.Metadata.FindRef(branch);
        var target = TableArguments.SnapshotAt(request.Table.Metadata, to, "--to") ?? throw new ArgumentException($"--to {to}: expected a snapshot, got a table without any");
        bool changed = before?.SnapshotId != target.SnapshotId;
        if (changed)
        {
            await place.CommitAsync(new Transaction(TimeProvider.System).Then(metadata => new ManageSnapshots(metadata).RollBackTo(target.SnapshotId, branch)), cancellationToken);
        }

        if (request.Json)
        {
            TableArguments.WriteJson(request.Output, json =>
            {
                json.WriteStartObject();
                json.WriteBoolean("changed", changed);
                json.WriteString("branch", branch);
                json.WriteNumber("from-snapshot-id", (before ?? target).SnapshotId);
                json.WriteNumber("to-snapshot-id", target.SnapshotId);
                json.WriteEndObject();
            });
        }
        else
        {
            request.Output.WriteLine(changed
                ? $"{place.Identifier}: {branch} is back at {TableText.Number(target.SnapshotId)} of {TableText.Time(target.TimestampMs)}, from {TableText.Number(before!.SnapshotId)}"
                : $"{place.Identifier}: {branch} is at {TableText.Number(target.SnapshotId)} already");
        }

        if (changed && before!.Summary.Keys.Any(key => key.StartsWith("orleanslake.", StringComparison.Ordinal)))
        {
            request.Notes.WriteLine("lake: its pipeline's offsets went back with the rows; one that runs stops until ./lake pipeline accept has it read again from there");
        }

        return 0;
    }
}
