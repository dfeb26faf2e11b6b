using System.CommandLine;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Read;

namespace OrleansLake.Cli.Commands;

/// <summary><c>lake table partitions</c>: what each partition holds, by the manifests.</summary>
internal static class TablePartitions
{
    internal static Command Create()
    {
        var at = TableArguments.AtOption();
        return new TableArguments().CreateCommand("partitions", "What each partition holds", (request, cancellationToken) => RunAsync(request, request.Parsed.GetValue(at), cancellationToken), at);
    }

    private static async Task<int> RunAsync(TableRequest request, string? at, CancellationToken cancellationToken)
    {
        var metadata = request.Table.Metadata;
        var snapshot = TableArguments.SnapshotAt(metadata, at);
        var table = MetadataTable.Of(request.Table, "partitions");
        if (request.Json)
        {
            await request.WriteRowsAsync(table, snapshot, cancellationToken);
            return 0;
        }

        string[] counts = ["record_count", "file_count", "total_data_file_size_in_bytes", "position_delete_record_count", "equality_delete_record_count"];
        int[] columns = [.. counts.Select(Column)];
        var lines = new List<(string Partition, string[] Cells)>();
        await foreach (object?[] row in table.ReadAsync(snapshot, cancellationToken))
        {
            int spec = (int)row[Column("spec_id")]!;
            string partition = TableText.Partition(metadata, spec, KeyOf(metadata, spec, row[Column("partition")] as object?[]));
            string updated = row[Column("last_updated_at")] is long micros ? TableText.Time(micros / 1000) : "";
            lines.Add((partition, [partition.Length > 0 ? partition : "all", TableText.Number(spec), .. columns.Select(column => TableText.Number(Convert.ToInt64(row[column], null))), updated]));
        }

        var text = new TextTable("partition", "spec", "rows", "files", "bytes", "position deletes", "equality deletes", "updated").Right(1, 2, 3, 4, 5, 6);
        foreach (var (_, cells) in lines.OrderBy(line => line.Partition, StringComparer.Ordinal))
        {
            text.Add(cells);
        }

        text.WriteTo(request.Output);
        return 0;

        int Column(string name) => table.Schema.Fields.Select((field, place) => (field.Name, place)).First(one => one.Name == name).place;
    }

    /// <summary>The values of one spec, out of those by every field that a spec of the table has or had.</summary>
    private static PartitionKey KeyOf(TableMetadata metadata, int specId, object?[]? values)
    {
        if (metadata.PartitionSpecs.FirstOrDefault(one => one.SpecId == specId) is not { } spec || values is null || MetadataColumns.Partition(metadata).Type is not StructType all)
        {
            return PartitionKey.None;
        }

        var places = all.Fields.Select((field, place) => (field.Id, place)).ToDictionary();
        return new PartitionKey([.. spec.Fields.Select(field => values[places[field.FieldId]])]);
    }
}

/// <summary><c>lake table refs</c>: branches and tags. https://iceberg.apache.org/spec/#snapshot-references</summary>
internal static class TableRefs
{
    internal static Command Create() => new TableArguments().CreateCommand("refs", "Branches and tags", async (request, cancellationToken) =>
    {
        var metadata = request.Table.Metadata;
        if (request.Json)
        {
            await request.WriteRowsAsync(MetadataTable.Of(request.Table, "refs"), null, cancellationToken);
            return 0;
        }

        var text = new TextTable("ref", "type", "snapshot", "time", "rows", "keeps snapshots", "keeps for", "lives for").Right(2, 4, 5, 6, 7);
        foreach (var (name, reference) in metadata.Refs.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            var snapshot = metadata.FindSnapshot(reference.SnapshotId);
            text.Add(
                name,
                reference.IsTag ? "tag" : "branch",
                TableText.Number(reference.SnapshotId),
                snapshot is null ? "not listed" : TableText.Time(snapshot.TimestampMs),
                snapshot is null ? "" : TableText.Counter(snapshot, "total-records"),
                TableText.Number((long?)reference.MinSnapshotsToKeep),
                TableText.Age(reference.MaxSnapshotAgeMs),
                TableText.Age(reference.MaxRefAgeMs));
        }

        text.WriteTo(request.Output);
        return 0;
    });

    /// <summary>The rows of a metadata table as a JSON array, by the names that engines give its columns.</summary>
    public static async Task WriteRowsAsync(this TableRequest request, MetadataTable table, Snapshot? snapshot, CancellationToken cancellationToken)
    {
        var list = new JsonList(request.Output);
        await foreach (var row in MetadataRows.ReadJsonAsync(table, snapshot, cancellationToken))
        {
            list.Add(row.Span);
        }

        list.End();
    }
}
