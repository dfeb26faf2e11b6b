using System.Text.Json;
using OrleansLake.Iceberg.Json;

namespace OrleansLake.Iceberg;

/// <summary>
/// Updates as the REST specification spells them (<c>TableUpdate</c>), with the names that older clients give some fields.
/// https://github.com/apache/iceberg/blob/main/open-api/rest-catalog-open-api.yaml
/// </summary>
public static class TableUpdateJson
{
    /// <summary>Reads one.</summary>
    /// <param name="element">The JSON object.</param>
    /// <param name="place">What to call its source in errors.</param>
    /// <exception cref="IcebergFormatException">It is no update, or of an action that is not known.</exception>
    public static TableUpdate Read(JsonElement element, string place) => JsonCursor.Read(element, place, Read);

    /// <summary>Writes one.</summary>
    public static void Write(Utf8JsonWriter json, TableUpdate update)
    {
        json.WriteStartObject();
        switch (update)
        {
            case TableUpdate.AssignUuid(var uuid):
                json.WriteString("action", "assign-uuid");
                json.WriteString("uuid", uuid);
                break;
            case TableUpdate.UpgradeFormatVersion(int version):
                Number(json, "upgrade-format-version", "format-version", version);
                break;
            case TableUpdate.AddSchema add:
                json.WriteString("action", "add-schema");
                json.WritePropertyName("schema");
                SchemaJson.Write(json, add.Schema);
                json.WriteNumber("last-column-id", add.LastColumnId ?? add.Schema.AllFields().Select(field => field.Id).DefaultIfEmpty(0).Max());
                break;
            case TableUpdate.SetCurrentSchema(int id):
                Number(json, "set-current-schema", "schema-id", id);
                break;
            case TableUpdate.AddPartitionSpec(var spec):
                json.WriteString("action", "add-spec");
                json.WritePropertyName("spec");
                SpecJson.Write(json, spec);
                break;
            case TableUpdate.SetDefaultSpec(int id):
                Number(json, "set-default-spec", "spec-id", id);
                break;
            case TableUpdate.AddSortOrder(var order):
                json.WriteString("action", "add-sort-order");
                json.WritePropertyName("sort-order");
                SpecJson.Write(json, order);
                break;
            case TableUpdate.SetDefaultSortOrder(int id):
                Number(json, "set-default-sort-order", "sort-order-id", id);
                break;
            case TableUpdate.AddSnapshot(var snapshot):
                json.WriteString("action", "add-snapshot");
                json.WritePropertyName("snapshot");
                // Only a v1 table has snapshots without a sequence number.
                SnapshotJson.Write(json, snapshot, snapshot.SequenceNumber > 0 ? 2 : 1);
                break;
            case TableUpdate.SetSnapshotRef(var name, var reference):
                json.WriteString("action", "set-snapshot-ref");
                json.WriteString("ref-name", name);
                SnapshotJson.WriteMembers(json, reference);
                break;
            case TableUpdate.RemoveSnapshotRef(var name):
                json.WriteString("action", "remove-snapshot-ref");
                json.WriteString("ref-name", name);
                break;
            case TableUpdate.RemoveSnapshots(var ids):
                Numbers(json, "remove-snapshots", "snapshot-ids", ids);
                break;
            case TableUpdate.SetLocation(var location):
                json.WriteString("action", "set-location");
                json.WriteString("location", location);
                break;
            case TableUpdate.SetProperties(var updates):
                json.WriteString("action", "set-properties");
                json.WritePropertyName("updates");
                SnapshotJson.WriteTexts(json, updates);
                break;
            case TableUpdate.RemoveProperties(var removals):
                json.WriteString("action", "remove-properties");
                json.WriteStartArray("removals");
                foreach (string name in removals)
                {
                    json.WriteStringValue(name);
                }

                json.WriteEndArray();
                break;
            default:
                WriteRest(json, update);
                break;
        }

        json.WriteEndObject();
    }

    internal static TableUpdate Read(JsonCursor at)
    {
        var action = at.ExpectObject("an update").Get("action");
        return action.Text() switch
        {
            "assign-uuid" => new TableUpdate.AssignUuid(at.Get("uuid").Uuid()),
            "upgrade-format-version" => new TableUpdate.UpgradeFormatVersion(at.Get("format-version").Int()),
            "add-schema" => new TableUpdate.AddSchema(SchemaJson.Read(at.Get("schema"), defaultId: 0)) { LastColumnId = at.IntOrNull("last-column-id") },
            "set-current-schema" => new TableUpdate.SetCurrentSchema(at.Get("schema-id").Int()),
            "add-spec" => new TableUpdate.AddPartitionSpec(SpecJson.ReadUnboundSpec(at.Get("spec"))),
            "set-default-spec" => new TableUpdate.SetDefaultSpec(at.Get("spec-id").Int()),
            "add-sort-order" => new TableUpdate.AddSortOrder(SpecJson.ReadOrder(at.Get("sort-order"))),
            "set-default-sort-order" => new TableUpdate.SetDefaultSortOrder(at.Get("sort-order-id").Int()),
            "add-snapshot" => new TableUpdate.AddSnapshot(SnapshotJson.ReadSnapshot(at.Get("snapshot"), formatVersion: 2)),
            "set-snapshot-ref" => new TableUpdate.SetSnapshotRef(at.Get("ref-name").Text(), SnapshotJson.ReadRef(at) with { OtherFields = null }),
            "remove-snapshot-ref" => new TableUpdate.RemoveSnapshotRef(at.Get("ref-name").Text()),
            "remove-snapshots" => new TableUpdate.RemoveSnapshots(at.Get("snapshot-ids").List("snapshot ids", id => id.Long())),
            "set-location" => new TableUpdate.SetLocation(at.Get("location").Text()),
            "set-properties" => new TableUpdate.SetProperties((at.TryGet("updated", out var older) ? older : at.Get("updates")).TextMap()),
            "remove-properties" => new TableUpdate.RemoveProperties((at.TryGet("removed", out var older) ? older : at.Get("removals")).List("names", name => name.Text())),
            "set-statistics" => new TableUpdate.SetStatistics(StatisticsJson.ReadFile(at.Get("statistics"))),
            "remove-statistics" => new TableUpdate.RemoveStatistics(at.Get("snapshot-id").Long()),
            "set-partition-statistics" => new TableUpdate.SetPartitionStatistics(StatisticsJson.ReadPartitionFile(at.Get("partition-statistics"))),
            "remove-partition-statistics" => new TableUpdate.RemovePartitionStatistics(at.Get("snapshot-id").Long()),
            "remove-partition-specs" => new TableUpdate.RemovePartitionSpecs(at.Get("spec-ids").List("spec ids", id => id.Int())),
            "remove-schemas" => new TableUpdate.RemoveSchemas(at.Get("schema-ids").List("schema ids", id => id.Int())),
            "add-encryption-key" => new TableUpdate.AddEncryptionKey(StatisticsJson.ReadKey(at.Get("encryption-key"))),
            "remove-encryption-key" => new TableUpdate.RemoveEncryptionKey(at.Get("key-id").Text()),
            _ => throw action.Expected("an action that is known"),
        };
    }

    private static void WriteRest(Utf8JsonWriter json, TableUpdate update)
    {
        switch (update)
        {
            case TableUpdate.SetStatistics(var file):
                json.WriteString("action", "set-statistics");
                // Beside the one in the file: older catalogs want it here.
                json.WriteNumber("snapshot-id", file.SnapshotId);
                json.WritePropertyName("statistics");
                StatisticsJson.Write(json, file);
                break;
            case TableUpdate.RemoveStatistics(long id):
                Number(json, "remove-statistics", "snapshot-id", id);
                break;
            case TableUpdate.SetPartitionStatistics(var file):
                json.WriteString("action", "set-partition-statistics");
                json.WritePropertyName("partition-statistics");
                StatisticsJson.Write(json, file);
                break;
            case TableUpdate.RemovePartitionStatistics(long id):
                Number(json, "remove-partition-statistics", "snapshot-id", id);
                break;
            case TableUpdate.RemovePartitionSpecs(var ids):
                Numbers(json, "remove-partition-specs", "spec-ids", ids.Select(id => (long)id));
                break;
            case TableUpdate.RemoveSchemas(var ids):
                Numbers(json, "remove-schemas", "schema-ids", ids.Select(id => (long)id));
                break;
            case TableUpdate.AddEncryptionKey(var key):
                json.WriteString("action", "add-encryption-key");
                json.WritePropertyName("encryption-key");
                StatisticsJson.Write(json, key);
                break;
            case TableUpdate.RemoveEncryptionKey(var id):
                json.WriteString("action", "remove-encryption-key");
                json.WriteString("key-id", id);
                break;
            default:
                throw new ArgumentException($"no JSON for {update}");
        }
    }

    private static void Number(Utf8JsonWriter json, string action, string field, long value)
    {
        json.WriteString("action", action);
        json.WriteNumber(field, value);
    }

    private static void Numbers(Utf8JsonWriter json, string action, string field, IEnumerable<long> values)
    {
        json.WriteString("action", action);
        json.WriteStartArray(field);
        foreach (long value in values)
        {
            json.WriteNumberValue(value);
        }

        json.WriteEndArray();
    }
}
