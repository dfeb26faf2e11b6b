using System.CommandLine;
using OrleansLake.Iceberg;

namespace OrleansLake.Cli.Commands;

/// <summary><c>lake table snapshots</c>: the states that are listed, oldest first.</summary>
internal static class TableSnapshots
{
    internal static Command Create() => new TableArguments().CreateCommand("snapshots", "The snapshots that are listed, oldest first", (request, _) =>
    {
        var metadata = request.Table.Metadata;
        var snapshots = metadata.Snapshots.OrderBy(snapshot => snapshot.SequenceNumber).ThenBy(snapshot => snapshot.TimestampMs);
        if (request.Json)
        {
            WriteJson(request, snapshots);
            return Task.FromResult(0);
        }

        var text = new TextTable("snapshot", "parent", "sequence", "time", "operation", "added files", "added rows", "total rows", "refs").Right(0, 1, 2, 5, 6, 7);
        foreach (var snapshot in snapshots)
        {
            text.Add(
                TableText.Number(snapshot.SnapshotId),
                TableText.Number(snapshot.ParentSnapshotId),
                TableText.Number(snapshot.SequenceNumber),
                TableText.Time(snapshot.TimestampMs),
                snapshot.Summary.GetValueOrDefault("operation", ""),
                TableText.Counter(snapshot, "added-data-files"),
                TableText.Counter(snapshot, "added-records"),
                TableText.Counter(snapshot, "total-records"),
                string.Join(' ', RefsOf(metadata, snapshot)));
        }

        text.WriteTo(request.Output);
        return Task.FromResult(0);
    });

    private static void WriteJson(TableRequest request, IEnumerable<Snapshot> snapshots) => TableArguments.WriteJson(request.Output, json =>
    {
        json.WriteStartArray();
        foreach (var snapshot in snapshots)
        {
            json.WriteStartObject();
            json.WriteNumber("snapshot-id", snapshot.SnapshotId);
            WriteNumber("parent-snapshot-id", snapshot.ParentSnapshotId);
            json.WriteNumber("sequence-number", snapshot.SequenceNumber);
            json.WriteNumber("timestamp-ms", snapshot.TimestampMs);
            json.WriteString("manifest-list", snapshot.ManifestList);
            WriteNumber("schema-id", snapshot.SchemaId);
            WriteNumber("first-row-id", snapshot.FirstRowId);
            WriteNumber("added-rows", snapshot.AddedRows);
            json.WriteStartObject("summary");
            foreach (var (name, value) in snapshot.Summary)
            {
                json.WriteString(name, value);
            }

            json.WriteEndObject();
            json.WriteStartArray("refs");
            foreach (string name in RefsOf(request.Table.Metadata, snapshot))
            {
                json.WriteStringValue(name);
            }

            json.WriteEndArray();
            json.WriteEndObject();

            void WriteNumber(string name, long? value)
            {
                if (value is long number)
                {
                    json.WriteNumber(name, number);
                }
            }
        }

        json.WriteEndArray();
    });

    private static IEnumerable<string> RefsOf(TableMetadata metadata, Snapshot snapshot) =>
        metadata.Refs.Where(pair => pair.Value.SnapshotId == snapshot.SnapshotId).Select(pair => pair.Key).Order(StringComparer.Ordinal);
}
