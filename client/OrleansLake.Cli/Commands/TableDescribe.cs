using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansLake.Iceberg;

namespace OrleansLake.Cli.Commands;

/// <summary><c>lake table describe</c>: all that the metadata say, every earlier schema, spec and order too.</summary>
internal static class TableDescribe
{
    internal static Command Create() => new TableArguments().CreateCommand("describe", "All that the metadata say: every schema, spec, order, property, the last snapshot's summary", (request, _) =>
    {
        var facts = Facts(request.Table);
        if (request.Json)
        {
            WriteJson(request, facts);
        }
        else
        {
            WriteText(request, facts);
        }

        return Task.FromResult(0);
    });

    /// <summary>What is one value each, by name: shown to people as text, to programs as what it is.</summary>
    private static List<(string Name, string? Text, JsonNode? Value)> Facts(LoadedTable table)
    {
        var metadata = table.Metadata;
        var snapshot = metadata.FindSnapshot(metadata.CurrentSnapshotId);
        return
        [
            Text("table", table.Identifier.ToString()),
            Text("location", metadata.Location),
            Text("metadata-location", table.MetadataLocation),
            Text("table-uuid", metadata.TableUuid.ToString()),
            Number("format-version", metadata.FormatVersion),
            ("last-updated", TableText.Time(metadata.LastUpdatedMs), TableText.Time(metadata.LastUpdatedMs)),
            ("last-updated-ms", null, metadata.LastUpdatedMs),
            Number("last-sequence-number", metadata.LastSequenceNumber),
            Number("last-column-id", metadata.LastColumnId),
            Number("last-partition-id", metadata.LastPartitionId),
            Number("next-row-id", metadata.NextRowId),
            Number("snapshots", metadata.Snapshots.Count),
            ("current-snapshot", snapshot is null ? "none" : $"{TableText.Number(snapshot.SnapshotId)} of {TableText.Time(snapshot.TimestampMs)}", null),
            ("current-snapshot-id", null, snapshot?.SnapshotId),
            Number("earlier-metadata-files", metadata.MetadataLog.Count),
            Number("statistics-files", metadata.Statistics.Count),
            Number("partition-statistics-files", metadata.PartitionStatistics.Count),
            Number("encryption-keys", metadata.EncryptionKeys.Count),
        ];

        static (string, string?, JsonNode?) Text(string name, string value) => (name, value, value);

        static (string, string?, JsonNode?) Number(string name, long? value) => (name, value is null ? null : TableText.Number(value), value);
    }

    private static void WriteText(TableRequest request, List<(string Name, string? Text, JsonNode? Value)> facts)
    {
        var (metadata, output) = (request.Table.Metadata, request.Output);
        var text = new TextTable("table", request.Table.Identifier.ToString());
        foreach (var (name, shown, _) in facts.Skip(1).Where(fact => fact.Text is not null))
        {
            text.Add(name, shown!);
        }

        text.WriteTo(output);
        foreach (var schema in metadata.Schemas)
        {
            Head("schema", schema.SchemaId, schema.SchemaId == metadata.CurrentSchemaId);
            TableSchema.Columns(schema).WriteTo(output);
        }

        foreach (var spec in metadata.PartitionSpecs)
        {
            Head("partition spec", spec.SpecId, spec.SpecId == metadata.DefaultSpecId);
            output.WriteLine(TextTable.Harmless(TableText.Spec(metadata, spec)));
        }

        foreach (var order in metadata.SortOrders)
        {
            Head("sort order", order.OrderId, order.OrderId == metadata.DefaultSortOrderId);
            output.WriteLine(TextTable.Harmless(TableText.Order(metadata, order)));
        }

        Pairs("property", metadata.Properties);
        Pairs("summary of the current snapshot", metadata.FindSnapshot(metadata.CurrentSnapshotId)?.Summary ?? new Dictionary<string, string>());

        void Head(string what, int id, bool isCurrent)
        {
            output.WriteLine();
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what} {id}{(isCurrent ? " (current)" : "")}"));
        }

        void Pairs(string name, IReadOnlyDictionary<string, string> values)
        {
            if (values.Count > 0)
            {
                output.WriteLine();
                var pairs = new TextTable(name, "value");
                foreach (var (key, value) in values.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                {
                    pairs.Add(key, value);
                }

                pairs.WriteTo(output);
            }
        }
    }

    /// <summary>The facts, and what has parts in the specification's own form: summaries and properties are texts there.</summary>
    private static void WriteJson(TableRequest request, List<(string Name, string? Text, JsonNode? Value)> facts) => TableArguments.WriteJson(request.Output, json =>
    {
        var metadata = request.Table.Metadata;
        json.WriteStartObject();
        foreach (var (name, _, value) in facts.Where(fact => fact.Name != "current-snapshot"))
        {
            json.WritePropertyName(name);
            JsonSerializer.Serialize(json, value);
        }

        json.WriteString("partitioned-by", TableText.Spec(metadata, metadata.DefaultSpec));
        json.WriteString("sorted-by", TableText.Order(metadata, TableText.DefaultOrder(metadata)));
        using var whole = JsonDocument.Parse(TableMetadataJson.Write(metadata), JsonList.Deep);
        string[] parts = ["current-schema-id", "schemas", "default-spec-id", "partition-specs", "default-sort-order-id", "sort-orders", "properties", "refs", "statistics", "partition-statistics", "metadata-log"];
        foreach (var member in whole.RootElement.EnumerateObject().Where(member => parts.Contains(member.Name)))
        {
            member.WriteTo(json);
        }

        json.WriteStartObject("summary");
        foreach (var (name, value) in metadata.FindSnapshot(metadata.CurrentSnapshotId)?.Summary ?? new Dictionary<string, string>())
        {
            json.WriteString(name, value);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    });
}
