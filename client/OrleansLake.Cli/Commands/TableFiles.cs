using System.CommandLine;
using OrleansLake.Iceberg;

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
        var entries = new List<ManifestEntry>();
        if (snapshot is not null)
        {
            await foreach (var entry in SnapshotFiles.LiveAsync(request.Table, snapshot, cancellationToken))
            {
                entries.Add(entry);
            }
        }

        if (request.Json)
        {
            WriteJson(request, entries);
            return 0;
        }

        var text = new TextTable("content", "rows", "bytes", "sequence", "partition", "file").Right(1, 2, 3);
        foreach (var entry in entries)
        {
            var file = entry.DataFile;
            text.Add(
                Content(file),
                TableText.Number(file.RecordCount),
                TableText.Number(file.FileSizeBytes),
                entry.SequenceNumber is long sequence ? TableText.Number(sequence) : "",
                Partition(metadata, file),
                file.FilePath);
        }

        text.WriteTo(request.Output);
        return 0;
    }

    private static string Content(DataFile file) => file.Content switch
    {
        DataFileContent.Data => "data",
        DataFileContent.PositionDeletes => file.FileFormat == "puffin" ? "deletion-vector" : "position-deletes",
        _ => "equality-deletes",
    };

    private static string Partition(TableMetadata metadata, DataFile file)
    {
        var spec = metadata.PartitionSpecs.First(one => one.SpecId == file.SpecId);
        var schema = metadata.Schemas.Reverse().FirstOrDefault(one => spec.Fields.All(field => one.FindField(field.SourceId) is not null)) ?? metadata.CurrentSchema;
        return PartitionPath.Of(spec, schema, file.Partition);
    }

    private static void WriteJson(TableRequest request, List<ManifestEntry> entries) => TableArguments.WriteJson(request.Output, json =>
    {
        json.WriteStartArray();
        foreach (var entry in entries)
        {
            var file = entry.DataFile;
            json.WriteStartObject();
            json.WriteString("content", Content(file));
            json.WriteString("file-path", file.FilePath);
            json.WriteString("file-format", file.FileFormat);
            json.WriteNumber("spec-id", file.SpecId);
            json.WriteString("partition", Partition(request.Table.Metadata, file));
            json.WriteNumber("record-count", file.RecordCount);
            json.WriteNumber("file-size-in-bytes", file.FileSizeBytes);
            WriteNumber("sequence-number", entry.SequenceNumber);
            WriteNumber("snapshot-id", entry.SnapshotId);
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
}
