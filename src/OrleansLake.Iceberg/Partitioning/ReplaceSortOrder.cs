namespace OrleansLake.Iceberg;

/// <summary>Gives a table another sort order, most significant field first; none added: unsorted. https://iceberg.apache.org/spec/#sorting</summary>
/// <param name="metadata">The table.</param>
public sealed class ReplaceSortOrder(TableMetadata metadata) : IMetadataChange
{
    private readonly List<SortField> _fields = [];

    /// <inheritdoc />
    public IReadOnlyList<TableRequirement> Requirements =>
    [
        new TableRequirement.AssertTableUuid(metadata.TableUuid),
        new TableRequirement.AssertCurrentSchemaId(metadata.CurrentSchemaId),
        new TableRequirement.AssertDefaultSortOrderId(metadata.DefaultSortOrderId),
    ];

    /// <inheritdoc />
    public IReadOnlyList<TableUpdate> Updates =>
    [
        new TableUpdate.AddSortOrder(new SortOrder { OrderId = _fields.Count == 0 ? 0 : metadata.SortOrders.Select(order => order.OrderId).Append(0).Max() + 1, Fields = [.. _fields] }),
        new TableUpdate.SetDefaultSortOrder(-1),
    ];

    /// <summary>Adds a column, or a transform of it, least value first.</summary>
    public ReplaceSortOrder Ascending(string path, Transform? transform = null, bool nullsLast = false) => Add(path, transform, descending: false, nullsLast);

    /// <summary>Adds a column, or a transform of it, greatest value first.</summary>
    public ReplaceSortOrder Descending(string path, Transform? transform = null, bool nullsLast = true) => Add(path, transform, descending: true, nullsLast);

    private ReplaceSortOrder Add(string path, Transform? transform, bool descending, bool nullsLast)
    {
        var source = metadata.CurrentSchema.FindField(path) ?? throw new ArgumentException($"sort order: expected a column {path}, got none in the schema");
        _fields.Add(new SortField([source.Id], transform ?? new Transform.Identity(), descending, nullsLast));
        SchemaRules.Check(new SortOrder { OrderId = 1, Fields = _fields }, metadata.CurrentSchema);
        return this;
    }
}
