using System.Globalization;
using System.Text.Json;
using OrleansLake.Iceberg.Json;

namespace OrleansLake.Iceberg.Rest;

/// <summary>The small objects of the protocol in JSON. https://github.com/apache/iceberg/blob/main/open-api/rest-catalog-open-api.yaml (components)</summary>
internal static class RestJson
{
    public static void Write(Utf8JsonWriter json, TableIdentifier identifier)
    {
        json.WriteStartObject();
        json.WritePropertyName("namespace");
        Write(json, identifier.Namespace);
        json.WriteString("name", identifier.Name);
        json.WriteEndObject();
    }

    public static void Write(Utf8JsonWriter json, IReadOnlyList<string> texts)
    {
        json.WriteStartArray();
        foreach (string text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }

    /// <summary>CreateTableRequest. The format version has no field of its own there: it is a property that servers take out.</summary>
    public static void WriteCreation(Utf8JsonWriter json, string name, TableCreation creation, bool isStaged)
    {
        json.WriteStartObject();
        json.WriteString("name", name);
        if (creation.Location is { } location)
        {
            json.WriteString("location", location);
        }

        json.WritePropertyName("schema");
        SchemaJson.Write(json, creation.Schema);
        if (creation.PartitionSpec is { } spec)
        {
            json.WritePropertyName("partition-spec");
            SpecJson.Write(json, spec);
        }

        if (creation.SortOrder is { } order)
        {
            json.WritePropertyName("write-order");
            SpecJson.Write(json, order);
        }

        json.WriteBoolean("stage-create", isStaged);
        json.WritePropertyName("properties");
        SnapshotJson.WriteTexts(json, new Dictionary<string, string>(creation.Properties) { ["format-version"] = creation.FormatVersion.ToString(CultureInfo.InvariantCulture) });
        json.WriteEndObject();
    }

    public static TableIdentifier ReadIdentifier(JsonCursor at) => new(ReadLevels(at.ExpectObject("a table identifier").Get("namespace")), at.Get("name").Text());

    public static IReadOnlyList<string> ReadLevels(JsonCursor at) => at.List("levels", level => level.Text());
}
