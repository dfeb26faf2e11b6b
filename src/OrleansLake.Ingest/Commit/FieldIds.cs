using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Commit;

/// <summary>The ids of every field of a schema, at any depth.</summary>
internal static class FieldIds
{
    public static HashSet<int> Of(Schema schema) => [.. schema.AllFields().Select(static field => field.Id)];
}
