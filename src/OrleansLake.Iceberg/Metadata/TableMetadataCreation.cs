namespace OrleansLake.Iceberg;

/// <summary>The first metadata of a table.</summary>
public static class TableMetadataCreation
{
    /// <summary>Metadata of a table without snapshots; field ids are assigned anew from 1, partition field ids from 1000.</summary>
    /// <exception cref="ArgumentException">The creation contradicts itself.</exception>
    public static TableMetadata Create(TableCreation creation, string location, Guid uuid, DateTimeOffset now)
    {
        if (creation.FormatVersion is < 2 or > 3)
        {
            throw new ArgumentException($"a table is created with format version 2 or 3, got {creation.FormatVersion}");
        }

        int last = 0;
        var newIds = new Dictionary<int, int>();
        var fields = FreshIds.Assign(creation.Schema.Fields, ref last, newIds);
        var schema = new Schema
        {
            SchemaId = 0,
            Fields = fields,
            IdentifierFieldIds = [.. creation.Schema.IdentifierFieldIds.Select(NewId)],
        };
        SchemaRules.Check(schema, creation.FormatVersion);
        int partitionId = SpecJson.FirstFieldId;
        var spec = new PartitionSpec
        {
            SpecId = 0,
            Fields = [.. (creation.PartitionSpec?.Fields ?? []).Select(field => field with { FieldId = partitionId++, SourceIds = [.. field.SourceIds.Select(NewId)] })],
        };
        SchemaRules.Check(spec, schema);
        bool sorted = creation.SortOrder is { Fields.Count: > 0 };
        var order = new SortOrder
        {
            OrderId = sorted ? 1 : 0,
            Fields = [.. (creation.SortOrder?.Fields ?? []).Select(field => field with { SourceIds = [.. field.SourceIds.Select(NewId)] })],
        };
        SchemaRules.Check(order, schema);
        return new TableMetadata
        {
            FormatVersion = creation.FormatVersion,
            TableUuid = uuid,
            Location = location.TrimEnd('/'),
            LastUpdatedMs = now.ToUnixTimeMilliseconds(),
            LastColumnId = last,
            Schemas = [schema],
            CurrentSchemaId = 0,
            PartitionSpecs = [spec],
            DefaultSpecId = 0,
            LastPartitionId = partitionId - 1,
            SortOrders = [order],
            DefaultSortOrderId = order.OrderId,
            Properties = new Dictionary<string, string>(creation.Properties),
            NextRowId = creation.FormatVersion >= 3 ? 0 : null,
        };

        int NewId(int id) => newIds.TryGetValue(id, out int newId) ? newId : throw new ArgumentException($"expected a field of the schema, got id {id}");
    }
}
