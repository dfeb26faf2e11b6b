namespace OrleansLake.Contracts;

/// <summary>One line of a list of tables.</summary>
[GenerateSerializer, Immutable, Alias("orleanslake.TableEntry")]
public sealed record TableEntry([property: Id(0)] string Catalog, [property: Id(1)] string Table, [property: Id(2)] string[] Pipelines);

/// <summary>How a table does.</summary>
[GenerateSerializer, Immutable, Alias("orleanslake.TableStatus")]
public sealed record TableStatus
{
    /// <summary>The catalog.</summary>
    [Id(0)]
    public required string Catalog { get; init; }

    /// <summary>The table: <c>namespace.table</c>.</summary>
    [Id(1)]
    public required string Table { get; init; }

    /// <summary>Which table it is, whatever its name; null when there is none.</summary>
    [Id(2)]
    public Guid? Uuid { get; init; }

    /// <summary>Where it lies.</summary>
    [Id(3)]
    public string? Location { get; init; }

    /// <summary>The file that describes it now.</summary>
    [Id(4)]
    public string? MetadataLocation { get; init; }

    /// <summary>The current schema.</summary>
    [Id(5)]
    public int? SchemaId { get; init; }

    /// <summary>The current snapshot of main; null when there is none.</summary>
    [Id(6)]
    public long? SnapshotId { get; init; }

    /// <summary>When that was made, in milliseconds since 1970.</summary>
    [Id(7)]
    public long? SnapshotTimestampMs { get; init; }

    /// <summary>Snapshots that the metadata lists.</summary>
    [Id(8)]
    public int Snapshots { get; init; }

    /// <summary>Rows by the snapshot's own count.</summary>
    [Id(9)]
    public long? Rows { get; init; }

    /// <summary>Data files by the snapshot's own count.</summary>
    [Id(10)]
    public long? DataFiles { get; init; }

    /// <summary>Reports that wait for a commit.</summary>
    [Id(11)]
    public int WaitingReports { get; init; }

    /// <summary>What stands in the way of commits; null when nothing does.</summary>
    [Id(12)]
    public string? Trouble { get; init; }

    /// <summary>Age, at the last commit, of the oldest record that it took in, in seconds.</summary>
    [Id(13)]
    public double? FreshnessSeconds { get; init; }
}

/// <summary>The answer to a reload of a table's schema.</summary>
[GenerateSerializer, Immutable, Alias("orleanslake.SchemaReload")]
public sealed record SchemaReload
{
    /// <summary>The table: <c>namespace.table</c>.</summary>
    [Id(0)]
    public required string Table { get; init; }

    /// <summary>The schema that holds from now on.</summary>
    [Id(1)]
    public required int SchemaId { get; init; }

    /// <summary>
    /// The first record of each topic-partition that is read that is decoded by it; where it has been so since reading began,
    /// the one that reading began at.
    /// </summary>
    [Id(2)]
    public SchemaFirstOffset[] FirstOffsets { get; init; } = [];
}

/// <summary>From where on a schema applies to a topic-partition.</summary>
[GenerateSerializer, Immutable, Alias("orleanslake.SchemaFirstOffset")]
public sealed record SchemaFirstOffset(
    [property: Id(0)] string Pipeline, [property: Id(1)] string Topic, [property: Id(2)] int Partition, [property: Id(3)] long FirstOffset);
