using System.CommandLine;
using System.Globalization;
using OrleansLake.Iceberg;

namespace OrleansLake.Cli.Commands;

/// <summary><c>lake table show</c>: schema, partitioning, properties, size.</summary>
internal static class TableShow
{
    internal static Command Create() => new TableArguments().CreateCommand("show", "Schema, partitioning, properties and size", (request, _) =>
    {
        if (request.Json)
        {
            WriteJson(request);
        }
        else
        {
            WriteText(request);
        }

        return Task.FromResult(0);
    });

    private static void WriteText(TableRequest request)
    {
        var (table, output) = (request.Table, request.Output);
        var metadata = table.Metadata;
        var snapshot = metadata.FindRef(SnapshotRef.Main);
        output.WriteLine($"table       {table.Identifier}");
        output.WriteLine($"location    {metadata.Location}");
        output.WriteLine($"metadata    {table.MetadataLocation}");
        output.WriteLine($"uuid        {metadata.TableUuid}");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"format      v{metadata.FormatVersion}"));
        output.WriteLine($"updated     {TableText.Time(metadata.LastUpdatedMs)}");
        output.WriteLine(snapshot is null
            ? "snapshot    none"
            : $"snapshot    {TableText.Number(snapshot.SnapshotId)} of {TableText.Time(snapshot.TimestampMs)}, {TableText.Number(metadata.Snapshots.Count)} listed");
        if (snapshot is not null)
        {
            output.WriteLine($"rows        {TableText.Counter(snapshot, "total-records")} in {TableText.Counter(snapshot, "total-data-files")} files, {TableText.Counter(snapshot, "total-files-size")} bytes");
        }

        output.WriteLine();
        var columns = new TextTable("id", "column", "type", "", "comment").Right(0);
        foreach (var field in metadata.CurrentSchema.Fields)
        {
            columns.Add(TableText.Number(field.Id), field.Name, TableText.Type(field.Type), field.Required ? "not null" : "", field.Doc ?? "");
        }

        columns.WriteTo(output);
        output.WriteLine();
        output.WriteLine("partitioned by  " + TableText.Spec(metadata, metadata.DefaultSpec));
        output.WriteLine("sorted by       " + TableText.Order(metadata, TableText.DefaultOrder(metadata)));
        foreach (var (name, value) in metadata.Properties.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            output.WriteLine(TextTable.Harmless($"property        {name} = {value}"));
        }

        foreach (var (name, reference) in metadata.Refs.Where(pair => pair.Key != SnapshotRef.Main))
        {
            output.WriteLine(TextTable.Harmless($"{(reference.IsTag ? "tag   " : "branch")}          {name} = {TableText.Number(reference.SnapshotId)}"));
        }
    }

    internal static void WriteJson(TableRequest request) => TableArguments.WriteJson(request.Output, json =>
    {
        json.WriteStartObject();
        json.WriteString("table", request.Table.Identifier.ToString());
        json.WriteString("metadata-location", request.Table.MetadataLocation);
        json.WritePropertyName("metadata");
        json.WriteRawValue(TableMetadataJson.Write(request.Table.Metadata), skipInputValidation: true);
        json.WriteEndObject();
    });
}
