using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansLake.Iceberg;

namespace OrleansLake.Cli.Commands;

/// <summary><c>lake table diff</c>: what one snapshot has and another has not.</summary>
internal static class TableDiff
{
    internal static Command Create()
    {
        var from = new Argument<string>("from") { Description = "A snapshot id, a branch, a tag, or a time" };
        var to = new Argument<string?>("to") { Description = "Likewise; main when left out", Arity = ArgumentArity.ZeroOrOne };
        var command = new TableArguments().CreateCommand("diff", "What changed between two snapshots: files, rows, schema, properties, totals", (request, cancellationToken) =>
            RunAsync(request, request.Parsed.GetValue(from)!, request.Parsed.GetValue(to), cancellationToken));
        command.Arguments.Add(from);
        command.Arguments.Add(to);
        return command;
    }

    private static async Task<int> RunAsync(TableRequest request, string fromText, string? toText, CancellationToken cancellationToken)
    {
        var from = await TableState.OfAsync(request.Table, fromText, "from", cancellationToken);
        var to = await TableState.OfAsync(request.Table, toText, "to", cancellationToken);
        var difference = await SnapshotDifference.BetweenAsync(request.Table, from.Snapshot, to.Snapshot, cancellationToken);
        if (request.Json)
        {
            WriteJson(request, from, to, difference);
        }
        else
        {
            WriteText(request, from, to, difference);
        }

        return 0;
    }

    private static void WriteText(TableRequest request, TableState from, TableState to, SnapshotDifference difference)
    {
        var output = request.Output;
        var head = new TextTable("from", TableText.Number(from.Snapshot.SnapshotId), "of " + TableText.Time(from.Snapshot.TimestampMs)).Right(1);
        head.Add("to", TableText.Number(to.Snapshot.SnapshotId), "of " + TableText.Time(to.Snapshot.TimestampMs));
        head.WriteTo(output);
        output.WriteLine();
        var counts = new TextTable("", "added", "rows", "removed", "rows").Right(1, 2, 3, 4);
        foreach (bool data in (bool[])[true, false])
        {
            counts.Add(data ? "data files" : "delete files", Count(true), TableText.Number(difference.Rows(true, data)), Count(false), TableText.Number(difference.Rows(false, data)));

            string Count(bool added) => TableText.Number(difference.Files.Count(one => one.Added == added && one.File.Content == DataFileContent.Data == data));
        }

        counts.WriteTo(output);
        var totals = SnapshotDifference.Totals(from.Snapshot, to.Snapshot).ToList();
        if (totals.Count > 0)
        {
            output.WriteLine();
            var text = new TextTable("total", "from", "to", "change").Right(1, 2, 3);
            foreach (var (name, one, other, change) in totals)
            {
                text.Add(name["total-".Length..], one ?? "", other ?? "", change switch { null => "", > 0 => "+" + TableText.Number(change), _ => TableText.Number(change) });
            }

            text.WriteTo(output);
        }

        output.WriteLine();
        Lines("schema", SchemaDifference.Between(from.Schema, to.Schema).Select(one => one.ToString()));
        if (from.Properties is not null && to.Properties is not null)
        {
            Lines("properties", SnapshotDifference.Properties(from.Properties, to.Properties).Select(one => $"~ {one.Name}: {one.From ?? "none"} -> {one.To ?? "none"}"));
        }
        else
        {
            output.WriteLine("properties: not known, the metadata files of that time are gone");
        }

        if (difference.Files.Count > 0)
        {
            output.WriteLine();
            var files = new TextTable("", "content", "rows", "bytes", "partition", "file").Right(2, 3);
            foreach (var (added, file) in difference.Files)
            {
                files.Add(
                    added ? "+" : "-", TableFiles.Content(file), TableText.Number(file.RecordCount), TableText.Number(file.FileSizeBytes),
                    TableText.Partition(request.Table.Metadata, file.SpecId, file.Partition), file.FilePath);
            }

            files.WriteTo(output);
        }

        void Lines(string what, IEnumerable<string> lines)
        {
            string[] all = [.. lines];
            output.WriteLine(all.Length == 0 ? $"{what}: the same" : $"{what}:");
            foreach (string line in all)
            {
                output.WriteLine("  " + TextTable.Harmless(line));
            }
        }
    }

    private static void WriteJson(TableRequest request, TableState from, TableState to, SnapshotDifference difference) => TableArguments.WriteJson(request.Output, json =>
    {
        json.WriteStartObject();
        State("from", from);
        State("to", to);
        foreach (bool data in (bool[])[true, false])
        {
            json.WriteStartObject(data ? "data-files" : "delete-files");
            foreach (bool added in (bool[])[true, false])
            {
                json.WriteNumber(added ? "added-records" : "removed-records", difference.Rows(added, data));
                json.WriteStartArray(added ? "added" : "removed");
                foreach (var (_, file) in difference.Files.Where(one => one.Added == added && one.File.Content == DataFileContent.Data == data))
                {
                    WriteFile(file);
                }

                json.WriteEndArray();
            }

            json.WriteEndObject();
        }

        json.WriteStartArray("totals");
        foreach (var (name, one, other, change) in SnapshotDifference.Totals(from.Snapshot, to.Snapshot))
        {
            json.WriteStartObject();
            json.WriteString("name", name);
            Total("from", one);
            Total("to", other);
            if (change is long some)
            {
                json.WriteNumber("change", some);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WritePropertyName("schema");
        JsonSerializer.Serialize(json, SchemaDifference.Between(from.Schema, to.Schema), JsonSerializerOptions.Web);
        json.WritePropertyName("properties");
        JsonSerializer.Serialize(
            json,
            from.Properties is null || to.Properties is null ? null : SnapshotDifference.Properties(from.Properties, to.Properties).Select(one => new { one.Name, one.From, one.To }),
            JsonSerializerOptions.Web);
        json.WriteEndObject();

        void State(string name, TableState state)
        {
            json.WriteStartObject(name);
            json.WriteNumber("snapshot-id", state.Snapshot.SnapshotId);
            json.WriteNumber("timestamp-ms", state.Snapshot.TimestampMs);
            json.WriteNumber("schema-id", state.Schema.SchemaId);
            json.WriteEndObject();
        }

        // A number, unless whoever wrote the summary put something else there.
        void Total(string name, string? value)
        {
            json.WritePropertyName(name);
            JsonSerializer.Serialize(json, long.TryParse(value, CultureInfo.InvariantCulture, out long number) ? JsonValue.Create(number) : (JsonNode?)value);
        }

        void WriteFile(DataFile file)
        {
            json.WriteStartObject();
            json.WriteString("content", TableFiles.Content(file));
            json.WriteString("file-path", file.FilePath);
            json.WriteNumber("spec-id", file.SpecId);
            json.WritePropertyName("partition");
            JsonSerializer.Serialize(json, TableText.PartitionJson(request.Table.Metadata, file.SpecId, file.Partition));
            json.WriteNumber("record-count", file.RecordCount);
            json.WriteNumber("file-size-in-bytes", file.FileSizeBytes);
            json.WriteEndObject();
        }
    });
}
