using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansLake.Iceberg.Json;

namespace OrleansLake.Iceberg;

/// <summary>Snapshots and refs in JSON.</summary>
internal static class SnapshotJson
{
    private static readonly HashSet<string> SnapshotFields =
    [
        "snapshot-id", "parent-snapshot-id", "sequence-number", "timestamp-ms", "manifest-list", "manifests", "summary", "schema-id",
        "first-row-id", "added-rows",
    ];

    private static readonly HashSet<string> RefFields =
        ["snapshot-id", "type", "min-snapshots-to-keep", "max-snapshot-age-ms", "max-ref-age-ms"];

    public static Snapshot ReadSnapshot(JsonCursor at, int formatVersion)
    {
        at.ExpectObject("a snapshot");
        // Snapshots from the time when the table was v1 may name their manifests themselves.
        string? list = formatVersion == 1 || at.TryGet("manifests", out _) ? at.TextOrNull("manifest-list") : at.Get("manifest-list").Text();
        return new Snapshot
        {
            SnapshotId = at.Get("snapshot-id").Long(),
            ParentSnapshotId = at.LongOrNull("parent-snapshot-id") is long parent and not -1 ? parent : null,
            // A table that was v1 lists snapshots without sequence numbers: they count as 0.
            SequenceNumber = at.LongOrNull("sequence-number") ?? 0,
            TimestampMs = at.Get("timestamp-ms").Long(),
            ManifestList = list,
            Manifests = at.TryGet("manifests", out var manifests) ? manifests.List("manifest locations", location => location.Text()) : null,
            Summary = at.TryGet("summary", out var summary) ? summary.TextMap() : [],
            SchemaId = at.IntOrNull("schema-id"),
            FirstRowId = at.LongOrNull("first-row-id"),
            AddedRows = at.LongOrNull("added-rows"),
            OtherFields = at.Others(SnapshotFields),
        };
    }

    public static void Write(Utf8JsonWriter json, Snapshot snapshot, int formatVersion)
    {
        json.WriteStartObject();
        if (formatVersion > 1)
        {
            json.WriteNumber("sequence-number", snapshot.SequenceNumber);
        }

        json.WriteNumber("snapshot-id", snapshot.SnapshotId);
        if (snapshot.ParentSnapshotId is long parent)
        {
            json.WriteNumber("parent-snapshot-id", parent);
        }

        json.WriteNumber("timestamp-ms", snapshot.TimestampMs);
        if (snapshot.Summary.Count > 0 || formatVersion > 1)
        {
            json.WritePropertyName("summary");
            WriteTexts(json, snapshot.Summary);
        }

        if (snapshot.ManifestList is not null)
        {
            json.WriteString("manifest-list", snapshot.ManifestList);
        }

        if (snapshot.Manifests is { } manifests)
        {
            json.WriteStartArray("manifests");
            foreach (string manifest in manifests)
            {
                json.WriteStringValue(manifest);
            }

            json.WriteEndArray();
        }

        WriteNumber(json, "schema-id", snapshot.SchemaId);
        WriteNumber(json, "first-row-id", snapshot.FirstRowId);
        WriteNumber(json, "added-rows", snapshot.AddedRows);
        WriteOthers(json, snapshot.OtherFields);
        json.WriteEndObject();
    }

    public static SnapshotRef ReadRef(JsonCursor at)
    {
        at.ExpectObject("a snapshot reference");
        bool tag = at.Get("type").Text().ToLowerInvariant() switch
        {
            "branch" => false,
            "tag" => true,
            _ => throw at.Get("type").Expected("branch or tag"),
        };
        return new SnapshotRef(at.Get("snapshot-id").Long(), tag)
        {
            MinSnapshotsToKeep = at.IntOrNull("min-snapshots-to-keep"),
            MaxSnapshotAgeMs = at.LongOrNull("max-snapshot-age-ms"),
            MaxRefAgeMs = at.LongOrNull("max-ref-age-ms"),
            OtherFields = at.Others(RefFields),
        };
    }

    public static void Write(Utf8JsonWriter json, SnapshotRef reference)
    {
        json.WriteStartObject();
        WriteMembers(json, reference);
        json.WriteEndObject();
    }

    /// <summary>Likewise without the braces: an update has the name of the ref beside them.</summary>
    public static void WriteMembers(Utf8JsonWriter json, SnapshotRef reference)
    {
        json.WriteNumber("snapshot-id", reference.SnapshotId);
        json.WriteString("type", reference.IsTag ? "tag" : "branch");
        WriteNumber(json, "min-snapshots-to-keep", reference.MinSnapshotsToKeep);
        WriteNumber(json, "max-snapshot-age-ms", reference.MaxSnapshotAgeMs);
        WriteNumber(json, "max-ref-age-ms", reference.MaxRefAgeMs);
        WriteOthers(json, reference.OtherFields);
    }

    public static void WriteTexts(Utf8JsonWriter json, IReadOnlyDictionary<string, string> texts)
    {
        json.WriteStartObject();
        foreach (var (name, value) in texts)
        {
            json.WriteString(name, value);
        }

        json.WriteEndObject();
    }

    public static void WriteNumber(Utf8JsonWriter json, string name, long? value)
    {
        if (value is long number)
        {
            json.WriteNumber(name, number);
        }
    }

    public static void WriteOthers(Utf8JsonWriter json, JsonObject? others)
    {
        if (others is null)
        {
            return;
        }

        foreach (var (name, value) in others)
        {
            json.WritePropertyName(name);
            if (value is null)
            {
                json.WriteNullValue();
            }
            else
            {
                value.WriteTo(json);
            }
        }
    }
}
