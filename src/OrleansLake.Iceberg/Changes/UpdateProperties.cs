using System.Globalization;

namespace OrleansLake.Iceberg;

/// <summary>Sets and removes properties of a table. https://iceberg.apache.org/spec/#table-metadata-fields</summary>
/// <param name="metadata">The table.</param>
public sealed class UpdateProperties(TableMetadata metadata) : IMetadataChange
{
    /// <summary>What engines show as properties and is none: facts of the metadata.</summary>
    private static readonly HashSet<string> Reserved =
    [
        "uuid", "snapshot-count", "current-snapshot-summary", "current-snapshot-id", "current-snapshot-timestamp-ms", "current-schema",
        "default-partition-spec", "default-sort-order",
    ];

    private readonly Dictionary<string, string> _set = new(StringComparer.Ordinal);
    private readonly HashSet<string> _removed = new(StringComparer.Ordinal);
    private int? _formatVersion;

    /// <inheritdoc />
    public IReadOnlyList<TableRequirement> Requirements => [new TableRequirement.AssertTableUuid(metadata.TableUuid)];

    /// <inheritdoc />
    public IReadOnlyList<TableUpdate> Updates
    {
        get
        {
            var updates = new List<TableUpdate>();
            if (_formatVersion is int version && version != metadata.FormatVersion)
            {
                updates.Add(new TableUpdate.UpgradeFormatVersion(version));
            }

            if (_set.Count > 0)
            {
                updates.Add(new TableUpdate.SetProperties(_set));
            }

            if (_removed.Count > 0)
            {
                updates.Add(new TableUpdate.RemoveProperties([.. _removed]));
            }

            return updates;
        }
    }

    /// <summary>Sets a property; <c>format-version</c> upgrades the table, which cannot be taken back.</summary>
    public UpdateProperties Set(string name, string value)
    {
        if (name == "format-version")
        {
            _formatVersion = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int version) && version >= metadata.FormatVersion && version <= 3
                ? version
                : throw new ArgumentException($"table property format-version: expected {metadata.FormatVersion} to 3, got \"{value}\"");
            return this;
        }

        _set[Checked(name)] = value;
        _removed.Remove(name);
        return this;
    }

    /// <summary>Removes a property; one that is not there stays so.</summary>
    public UpdateProperties Remove(string name)
    {
        _removed.Add(Checked(name));
        _set.Remove(name);
        return this;
    }

    private static string Checked(string name) => !Reserved.Contains(name) && name != "format-version"
        ? name
        : throw new ArgumentException($"table property {name}: it is a fact of the metadata and cannot be set");
}

/// <summary>Changes where new files of a table go; those that are there stay. https://iceberg.apache.org/spec/#table-metadata-fields</summary>
/// <param name="metadata">The table.</param>
/// <param name="location">The new location.</param>
public sealed class UpdateLocation(TableMetadata metadata, string location) : IMetadataChange
{
    /// <inheritdoc />
    public IReadOnlyList<TableRequirement> Requirements => [new TableRequirement.AssertTableUuid(metadata.TableUuid)];

    /// <inheritdoc />
    public IReadOnlyList<TableUpdate> Updates => location.TrimEnd('/') == metadata.Location ? [] : [new TableUpdate.SetLocation(location.TrimEnd('/'))];
}

/// <summary>Sets and removes statistics files of snapshots. https://iceberg.apache.org/spec/#table-statistics</summary>
/// <param name="metadata">The table.</param>
public sealed class SetStatistics(TableMetadata metadata) : IMetadataChange
{
    private readonly List<TableUpdate> _updates = [];

    /// <inheritdoc />
    public IReadOnlyList<TableRequirement> Requirements => [new TableRequirement.AssertTableUuid(metadata.TableUuid)];

    /// <inheritdoc />
    public IReadOnlyList<TableUpdate> Updates => _updates;

    /// <summary>Gives a snapshot its statistics, in place of those that it has.</summary>
    public SetStatistics Set(StatisticsFile file) => Add(file.SnapshotId, new TableUpdate.SetStatistics(file));

    /// <summary>Gives a snapshot its partition statistics, in place of those that it has.</summary>
    public SetStatistics Set(PartitionStatisticsFile file) => Add(file.SnapshotId, new TableUpdate.SetPartitionStatistics(file));

    /// <summary>Takes the statistics of a snapshot out, of both kinds; the files stay.</summary>
    public SetStatistics Remove(long snapshotId) => Add(snapshotId, new TableUpdate.RemoveStatistics(snapshotId), new TableUpdate.RemovePartitionStatistics(snapshotId));

    private SetStatistics Add(long snapshotId, params ReadOnlySpan<TableUpdate> updates)
    {
        if (metadata.FindSnapshot(snapshotId) is null)
        {
            throw new ArgumentException($"statistics: expected a snapshot of the table, got {snapshotId}");
        }

        _updates.AddRange(updates);
        return this;
    }
}
