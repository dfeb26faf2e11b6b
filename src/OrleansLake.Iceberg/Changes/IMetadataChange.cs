namespace OrleansLake.Iceberg;

/// <summary>A change of metadata alone, made on one state of a table: its requirements and updates make a commit.</summary>
public interface IMetadataChange
{
    /// <summary>What must still hold of the table.</summary>
    IReadOnlyList<TableRequirement> Requirements { get; }

    /// <summary>The change, in order; none where nothing changes.</summary>
    IReadOnlyList<TableUpdate> Updates { get; }
}
