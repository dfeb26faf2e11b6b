using System.Text.Json;
using OrleansLake.Iceberg.Json;

namespace OrleansLake.Iceberg;

/// <summary>Statistics files and keys in JSON. https://iceberg.apache.org/spec/#table-statistics</summary>
internal static class StatisticsJson
{
    private static readonly HashSet<string> FileFields =
        ["snapshot-id", "statistics-path", "file-size-in-bytes", "file-footer-size-in-bytes", "blob-metadata"];

    private static readonly HashSet<string> BlobFields = ["type", "snapshot-id", "sequence-number", "fields", "properties"];

    private static readonly HashSet<string> PartitionFields = ["snapshot-id", "statistics-path", "file-size-in-bytes"];

    private static readonly HashSet<string> KeyFields = ["key-id", "encrypted-key-metadata", "encrypted-by-id", "properties"];

    public static StatisticsFile ReadFile(JsonCursor at)
    {
        at.ExpectObject("a statistics file");
        return new StatisticsFile
        {
            SnapshotId = at.Get("snapshot-id").Long(),
            StatisticsPath = at.Get("statistics-path").Text(),
            FileSizeBytes = at.Get("file-size-in-bytes").Long(),
            FileFooterSizeBytes = at.Get("file-footer-size-in-bytes").Long(),
            Blobs = at.Get("blob-metadata").List("blobs", ReadBlob),
            OtherFields = at.Others(FileFields),
        };
    }

    public static void Write(Utf8JsonWriter json, StatisticsFile file)
    {
        json.WriteStartObject();
        json.WriteNumber("snapshot-id", file.SnapshotId);
        json.WriteString("statistics-path", file.StatisticsPath);
        json.WriteNumber("file-size-in-bytes", file.FileSizeBytes);
        json.WriteNumber("file-footer-size-in-bytes", file.FileFooterSizeBytes);
        json.WriteStartArray("blob-metadata");
        foreach (var blob in file.Blobs)
        {
            json.WriteStartObject();
            json.WriteString("type", blob.Type);
            json.WriteNumber("snapshot-id", blob.SnapshotId);
            json.WriteNumber("sequence-number", blob.SequenceNumber);
            json.WriteStartArray("fields");
            foreach (int id in blob.FieldIds)
            {
                json.WriteNumberValue(id);
            }

            json.WriteEndArray();
            WriteProperties(json, blob.Properties);
            SnapshotJson.WriteOthers(json, blob.OtherFields);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        SnapshotJson.WriteOthers(json, file.OtherFields);
        json.WriteEndObject();
    }

    public static PartitionStatisticsFile ReadPartitionFile(JsonCursor at)
    {
        at.ExpectObject("a partition statistics file");
        return new PartitionStatisticsFile(at.Get("snapshot-id").Long(), at.Get("statistics-path").Text(), at.Get("file-size-in-bytes").Long())
        {
            OtherFields = at.Others(PartitionFields),
        };
    }

    public static void Write(Utf8JsonWriter json, PartitionStatisticsFile file)
    {
        json.WriteStartObject();
        json.WriteNumber("snapshot-id", file.SnapshotId);
        json.WriteString("statistics-path", file.StatisticsPath);
        json.WriteNumber("file-size-in-bytes", file.FileSizeBytes);
        SnapshotJson.WriteOthers(json, file.OtherFields);
        json.WriteEndObject();
    }

    public static EncryptedKey ReadKey(JsonCursor at)
    {
        at.ExpectObject("an encryption key");
        return new EncryptedKey(at.Get("key-id").Text(), at.Get("encrypted-key-metadata").Text())
        {
            EncryptedById = at.TextOrNull("encrypted-by-id"),
            Properties = at.TryGet("properties", out var properties) ? properties.TextMap() : null,
            OtherFields = at.Others(KeyFields),
        };
    }

    public static void Write(Utf8JsonWriter json, EncryptedKey key)
    {
        json.WriteStartObject();
        json.WriteString("key-id", key.KeyId);
        json.WriteString("encrypted-key-metadata", key.EncryptedKeyMetadata);
        if (key.EncryptedById is not null)
        {
            json.WriteString("encrypted-by-id", key.EncryptedById);
        }

        WriteProperties(json, key.Properties);
        SnapshotJson.WriteOthers(json, key.OtherFields);
        json.WriteEndObject();
    }

    private static BlobMetadata ReadBlob(JsonCursor at)
    {
        at.ExpectObject("a blob");
        return new BlobMetadata(
            at.Get("type").Text(), at.Get("snapshot-id").Long(), at.Get("sequence-number").Long(), at.Get("fields").List("field ids", id => id.Int()))
        {
            Properties = at.TryGet("properties", out var properties) ? properties.TextMap() : null,
            OtherFields = at.Others(BlobFields),
        };
    }

    private static void WriteProperties(Utf8JsonWriter json, IReadOnlyDictionary<string, string>? properties)
    {
        if (properties is not null)
        {
            json.WritePropertyName("properties");
            SnapshotJson.WriteTexts(json, properties);
        }
    }
}
