namespace OrleansLake.Iceberg;

/// <summary>One step of a change, by the name that the REST specification gives it.
/// https://github.com/apache/iceberg/blob/main/open-api/rest-catalog-open-api.yaml</summary>
public abstract record TableUpdate
{
    private TableUpdate() { }

    /// <summary>assign-uuid</summary>
    public sealed record AssignUuid(Guid Uuid) : TableUpdate;

    /// <summary>upgrade-format-version</summary>
    public sealed record UpgradeFormatVersion(int FormatVersion) : TableUpdate;

    /// <summary>add-schema; the id is assigned by whoever applies it when another schema has it.</summary>
    public sealed record AddSchema(Schema Schema) : TableUpdate
    {
        /// <summary>The highest field id that was ever given out; older catalogs want it beside the schema.</summary>
        public int? LastColumnId { get; init; }
    }

    /// <summary>set-current-schema; −1: the one added last.</summary>
    public sealed record SetCurrentSchema(int SchemaId) : TableUpdate;

    /// <summary>add-spec</summary>
    public sealed record AddPartitionSpec(PartitionSpec Spec) : TableUpdate;

    /// <summary>set-default-spec; −1: the one added last.</summary>
    public sealed record SetDefaultSpec(int SpecId) : TableUpdate;

    /// <summary>add-sort-order</summary>
    public sealed record AddSortOrder(SortOrder SortOrder) : TableUpdate;

    /// <summary>set-default-sort-order; −1: the one added last.</summary>
    public sealed record SetDefaultSortOrder(int SortOrderId) : TableUpdate;

    /// <summary>add-snapshot</summary>
    public sealed record AddSnapshot(Snapshot Snapshot) : TableUpdate;

    /// <summary>set-snapshot-ref</summary>
    public sealed record SetSnapshotRef(string RefName, SnapshotRef Reference) : TableUpdate;

    /// <summary>remove-snapshot-ref</summary>
    public sealed record RemoveSnapshotRef(string RefName) : TableUpdate;

    /// <summary>remove-snapshots</summary>
    public sealed record RemoveSnapshots(IReadOnlyList<long> SnapshotIds) : TableUpdate;

    /// <summary>set-location</summary>
    public sealed record SetLocation(string Location) : TableUpdate;

    /// <summary>set-properties</summary>
    public sealed record SetProperties(IReadOnlyDictionary<string, string> Updates) : TableUpdate;

    /// <summary>remove-properties</summary>
    public sealed record RemoveProperties(IReadOnlyList<string> Removals) : TableUpdate;

    /// <summary>set-statistics: in place of those that the snapshot has.</summary>
    public sealed record SetStatistics(StatisticsFile Statistics) : TableUpdate;

    /// <summary>remove-statistics of a snapshot</summary>
    public sealed record RemoveStatistics(long SnapshotId) : TableUpdate;

    /// <summary>set-partition-statistics: in place of those that the snapshot has.</summary>
    public sealed record SetPartitionStatistics(PartitionStatisticsFile Statistics) : TableUpdate;

    /// <summary>remove-partition-statistics of a snapshot</summary>
    public sealed record RemovePartitionStatistics(long SnapshotId) : TableUpdate;

    /// <summary>remove-partition-specs; the default one stays.</summary>
    public sealed record RemovePartitionSpecs(IReadOnlyList<int> SpecIds) : TableUpdate;

    /// <summary>remove-schemas; the current one stays.</summary>
    public sealed record RemoveSchemas(IReadOnlyList<int> SchemaIds) : TableUpdate;

    /// <summary>add-encryption-key</summary>
    public sealed record AddEncryptionKey(EncryptedKey Key) : TableUpdate;

    /// <summary>remove-encryption-key</summary>
    public sealed record RemoveEncryptionKey(string KeyId) : TableUpdate;
}

/// <summary>What must hold for a change to be applied, by the name that the REST specification gives it.</summary>
public abstract record TableRequirement
{
    private TableRequirement() { }

    /// <summary>assert-create</summary>
    public sealed record AssertCreate : TableRequirement;

    /// <summary>assert-table-uuid</summary>
    public sealed record AssertTableUuid(Guid Uuid) : TableRequirement;

    /// <summary>assert-ref-snapshot-id; null: the ref must not exist.</summary>
    public sealed record AssertRefSnapshotId(string RefName, long? SnapshotId) : TableRequirement;

    /// <summary>assert-last-assigned-field-id</summary>
    public sealed record AssertLastAssignedFieldId(int LastAssignedFieldId) : TableRequirement;

    /// <summary>assert-current-schema-id</summary>
    public sealed record AssertCurrentSchemaId(int SchemaId) : TableRequirement;

    /// <summary>assert-last-assigned-partition-id</summary>
    public sealed record AssertLastAssignedPartitionId(int LastAssignedPartitionId) : TableRequirement;

    /// <summary>assert-default-spec-id</summary>
    public sealed record AssertDefaultSpecId(int SpecId) : TableRequirement;

    /// <summary>assert-default-sort-order-id</summary>
    public sealed record AssertDefaultSortOrderId(int SortOrderId) : TableRequirement;
}
