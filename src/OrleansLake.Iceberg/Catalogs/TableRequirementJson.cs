using System.Text.Json;
using OrleansLake.Iceberg.Json;

namespace OrleansLake.Iceberg;

/// <summary>
/// Requirements as the REST specification spells them (<c>TableRequirement</c>).
/// https://github.com/apache/iceberg/blob/main/open-api/rest-catalog-open-api.yaml
/// </summary>
public static class TableRequirementJson
{
    /// <summary>Reads one.</summary>
    /// <param name="element">The JSON object.</param>
    /// <param name="place">What to call its source in errors.</param>
    /// <exception cref="IcebergFormatException">It is no requirement, or of a type that is not known.</exception>
    public static TableRequirement Read(JsonElement element, string place) => JsonCursor.Read(element, place, Read);

    /// <summary>Writes one.</summary>
    public static void Write(Utf8JsonWriter json, TableRequirement requirement)
    {
        json.WriteStartObject();
        switch (requirement)
        {
            case TableRequirement.AssertCreate:
                json.WriteString("type", "assert-create");
                break;
            case TableRequirement.AssertTableUuid(var uuid):
                json.WriteString("type", "assert-table-uuid");
                json.WriteString("uuid", uuid);
                break;
            case TableRequirement.AssertRefSnapshotId(var name, var id):
                json.WriteString("type", "assert-ref-snapshot-id");
                json.WriteString("ref", name);
                if (id is long snapshotId)
                {
                    json.WriteNumber("snapshot-id", snapshotId);
                }
                else
                {
                    // The field is required; null says that the ref must not exist.
                    json.WriteNull("snapshot-id");
                }

                break;
            case TableRequirement.AssertLastAssignedFieldId(int id):
                Number(json, "assert-last-assigned-field-id", "last-assigned-field-id", id);
                break;
            case TableRequirement.AssertCurrentSchemaId(int id):
                Number(json, "assert-current-schema-id", "current-schema-id", id);
                break;
            case TableRequirement.AssertLastAssignedPartitionId(int id):
                Number(json, "assert-last-assigned-partition-id", "last-assigned-partition-id", id);
                break;
            case TableRequirement.AssertDefaultSpecId(int id):
                Number(json, "assert-default-spec-id", "default-spec-id", id);
                break;
            case TableRequirement.AssertDefaultSortOrderId(int id):
                Number(json, "assert-default-sort-order-id", "default-sort-order-id", id);
                break;
            default:
                throw new ArgumentException($"no JSON for {requirement}");
        }

        json.WriteEndObject();
    }

    internal static TableRequirement Read(JsonCursor at)
    {
        var type = at.ExpectObject("a requirement").Get("type");
        return type.Text() switch
        {
            "assert-create" => new TableRequirement.AssertCreate(),
            "assert-table-uuid" => new TableRequirement.AssertTableUuid(at.Get("uuid").Uuid()),
            "assert-ref-snapshot-id" => new TableRequirement.AssertRefSnapshotId(at.Get("ref").Text(), at.LongOrNull("snapshot-id")),
            "assert-last-assigned-field-id" => new TableRequirement.AssertLastAssignedFieldId(at.Get("last-assigned-field-id").Int()),
            "assert-current-schema-id" => new TableRequirement.AssertCurrentSchemaId(at.Get("current-schema-id").Int()),
            "assert-last-assigned-partition-id" => new TableRequirement.AssertLastAssignedPartitionId(at.Get("last-assigned-partition-id").Int()),
            "assert-default-spec-id" => new TableRequirement.AssertDefaultSpecId(at.Get("default-spec-id").Int()),
            "assert-default-sort-order-id" => new TableRequirement.AssertDefaultSortOrderId(at.Get("default-sort-order-id").Int()),
            _ => throw type.Expected("a requirement that is known"),
        };
    }

    private static void Number(Utf8JsonWriter json, string type, string field, int value)
    {
        json.WriteString("type", type);
        json.WriteNumber(field, value);
    }
}
