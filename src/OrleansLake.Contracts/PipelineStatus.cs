namespace OrleansLake.Contracts;

/// <summary>What an operator wants of a pipeline.</summary>
[GenerateSerializer, Alias("orleanslake.WantedState")]
public enum WantedState
{
    /// <summary>Read and commit.</summary>
    Running,

    /// <summary>Hold: what was read is committed, nothing more is read.</summary>
    Paused,
}

/// <summary>One line of a list of pipelines.</summary>
[GenerateSerializer, Immutable, Alias("orleanslake.PipelineEntry")]
public sealed record PipelineEntry([property: Id(0)] string Name, [property: Id(1)] string Catalog, [property: Id(2)] string Table);

/// <summary>How a pipeline does.</summary>
[GenerateSerializer, Immutable, Alias("orleanslake.PipelineStatus")]
public sealed record PipelineStatus
{
    /// <summary>Its name.</summary>
    [Id(0)]
    public required string Name { get; init; }

    /// <summary>Its generation.</summary>
    [Id(1)]
    public required string Generation { get; init; }

    /// <summary>The table: <c>namespace.table</c>.</summary>
    [Id(2)]
    public required string Table { get; init; }

    /// <summary>What is wanted of it.</summary>
    [Id(3)]
    public required WantedState Wanted { get; init; }

    /// <summary>What stands in its way as a whole (no table, no broker, unknown topic); null when nothing does.</summary>
    [Id(4)]
    public string? Trouble { get; init; }

    /// <summary>Its topic-partitions, in order of topic and number.</summary>
    [Id(5)]
    public TopicPartitionStatus[] TopicPartitions { get; init; } = [];

    /// <summary>Records behind the end of the topics; null while some end is not known.</summary>
    public long? Lag => TopicPartitions.Any(status => status.Lag is null) ? null : TopicPartitions.Sum(status => status.Lag!.Value);

    /// <summary>What records had that is not in their columns as it came; null: nothing was counted.</summary>
    public RecordCounts? Counts => RecordCounts.Sum(TopicPartitions.Select(status => status.PumpCounts));

    /// <summary>The worst age of the oldest uncommitted record over the topic-partitions, in seconds; null when all is committed.</summary>
    public double? FreshnessSeconds => TopicPartitions.Max(status => status.FreshnessSeconds);
}
