using System.Text.Json;
using OrleansLake.Iceberg.Json;

namespace OrleansLake.Iceberg;

/// <summary>
/// A commit as the body of a request (<c>CommitTableRequest</c>).
/// https://github.com/apache/iceberg/blob/main/open-api/rest-catalog-open-api.yaml
/// </summary>
public static class TableCommitJson
{
    /// <summary>Writes the requirements and updates; the name of the table too where <paramref name="identifier"/> is given, as a commit of several tables needs.</summary>
    public static void Write(Utf8JsonWriter json, TableIdentifier? identifier, IReadOnlyList<TableRequirement> requirements, IReadOnlyList<TableUpdate> updates)
    {
        json.WriteStartObject();
        if (identifier is not null)
        {
            json.WriteStartObject("identifier");
            json.WriteStartArray("namespace");
            foreach (string level in identifier.Namespace)
            {
                json.WriteStringValue(level);
            }

            json.WriteEndArray();
            json.WriteString("name", identifier.Name);
            json.WriteEndObject();
        }

        json.WriteStartArray("requirements");
        foreach (var requirement in requirements)
        {
            TableRequirementJson.Write(json, requirement);
        }

        json.WriteEndArray();
        json.WriteStartArray("updates");
        foreach (var update in updates)
        {
            TableUpdateJson.Write(json, update);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>Reads what <see cref="Write"/> wrote, or another client.</summary>
    /// <param name="element">The JSON object.</param>
    /// <param name="place">What to call its source in errors.</param>
    /// <exception cref="IcebergFormatException">It is no commit.</exception>
    public static (TableIdentifier? Identifier, IReadOnlyList<TableRequirement> Requirements, IReadOnlyList<TableUpdate> Updates) Read(JsonElement element, string place) =>
        JsonCursor.Read(element, place, Read);

    private static (TableIdentifier? Identifier, IReadOnlyList<TableRequirement> Requirements, IReadOnlyList<TableUpdate> Updates) Read(JsonCursor at)
    {
        at.ExpectObject("a commit");
        TableIdentifier? identifier = at.TryGet("identifier", out var name)
            ? new TableIdentifier(name.ExpectObject("a table identifier").Get("namespace").List("levels", level => level.Text()), name.Get("name").Text())
            : null;
        return (
            identifier,
            at.Get("requirements").List("requirements", TableRequirementJson.Read),
            at.Get("updates").List("updates", TableUpdateJson.Read));
    }
}
