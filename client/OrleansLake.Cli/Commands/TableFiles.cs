using System.CommandLine;
using System.Text.Json;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Read;

namespace OrleansLake.Cli.Commands;

/// <summary><c>lake table files</c>: the live files of the table or of one of its snapshots.</summary>
internal static class TableFiles
{
    internal static Command Create()
    {
        var at = TableArguments.AtOption();
        return new TableArguments().CreateCommand("files", "The live files, data and deletes", (request, cancellationToken) => RunAsync(request, request.Parsed.GetValue(at), cancellationToken), at);
    }

    private static async Task<int> RunAsync(TableRequest request, string? at, CancellationToken cancellationToken)
    {
        var metadata = request.Table.Metadata;
        var snapshot = TableArguments.SnapshotAt(metadata, at);
        if (request.Json)
        {
            await WriteJsonAsync(request, snapshot, cancellationToken);
            return 0;
        }

        var text = new TextTable("content", "rows", "bytes", "sequence", "partition", "file").Right(1, 2, 3);
        await foreach (var entry in snapshot is null ? AsyncEnumerable.Empty<ManifestEntry>() : SnapshotFiles.LiveAsync(request.Table, snapshot, cancellationToken))
        {
            var file = entry.DataFile;
            text.Add(
                Content(file),
                TableText.Number(file.RecordCount),
                TableText.Number(file.FileSizeBytes),
                TableText.Number(entry.SequenceNumber),
                TableText.Partition(metadata, file.SpecId, file.Partition),
                file.FilePath);
        }

        text.WriteTo(request.Output);
        return 0;
    }

    internal static string Content(DataFile file) => file.Content switch
    {
        DataFileContent.Data => "data",
        DataFileContent.PositionDeletes => file.FileFormat == "puffin" ? "deletion-vector" : "position-deletes",
        _ => "equality-deletes",
    };

    /// <summary>The descriptors whole, metrics and all, by the names that engines give the columns of <c>files</c> and <c>entries</c>.</summary>
    private static async Task WriteJsonAsync(TableRequest request, Snapshot? snapshot, CancellationToken cancellationToken)
    {
        var list = new JsonList(request.Output);
        await foreach (var row in MetadataRows.ReadJsonAsync(MetadataTable.Of(request.Table, "entries"), snapshot, cancellationToken))
        {
            using var entry = JsonDocument.Parse(row, JsonList.Deep);
            if (entry.RootElement.GetProperty("status").GetInt32() == (int)ManifestEntryStatus.Deleted)
            {
                continue;
            }

            list.Add(json =>
            {
                json.WriteStartObject();
                foreach (var member in entry.RootElement.GetProperty("data_file").EnumerateObject().Concat(entry.RootElement.EnumerateObject().Where(one => one.Name.EndsWith("_id", StringComparison.Ordinal) || one.Name.EndsWith("_number", StringComparison.Ordinal))))
                {
                    member.WriteTo(json);
                }

                json.WriteEndObject();
            });
        }

        list.End();
    }
}
