namespace OrleansLake.Contracts;

/// <summary>Asks a pipeline to go on somewhere else.</summary>
/// <param name="To"><c>earliest</c>, <c>latest</c>, an offset, or a time in ISO 8601 (the first record that is not older).</param>
/// <param name="Topic">Only this topic; null: all of them.</param>
/// <param name="Partition">Only this partition; null: all of them.</param>
[GenerateSerializer, Immutable, Alias("orleanslake.PipelineSeek")]
public sealed record PipelineSeek([property: Id(0)] string To, [property: Id(1)] string? Topic, [property: Id(2)] int? Partition)
{
    /// <summary>The oldest record that the broker has.</summary>
    public const string Earliest = "earliest";

    /// <summary>Behind the newest.</summary>
    public const string Latest = "latest";
}

/// <summary>What became of a seek or an acceptance.</summary>
/// <param name="Done">Whether the table has it.</param>
/// <param name="Message">In words: the snapshot that says so, or why not.</param>
/// <param name="Positions">Where each topic-partition goes on.</param>
[GenerateSerializer, Immutable, Alias("orleanslake.PipelineMove")]
public sealed record PipelineMove([property: Id(0)] bool Done, [property: Id(1)] string Message, [property: Id(2)] MovedTo[] Positions);

/// <summary>Where a topic-partition goes on.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="Partition">Its number in the topic.</param>
/// <param name="Next">The next offset to read.</param>
/// <param name="From">The offset that the table must have for the move to apply; null: whatever it has.</param>
[GenerateSerializer, Immutable, Alias("orleanslake.MovedTo")]
public sealed record MovedTo([property: Id(0)] string Topic, [property: Id(1)] int Partition, [property: Id(2)] long Next, [property: Id(3)] long? From = null);

/// <summary>Why offsets are moved without records.</summary>
[GenerateSerializer, Alias("orleanslake.MoveKind")]
public enum MoveKind
{
    /// <summary>Other records are wanted.</summary>
    Seek,

    /// <summary>It begins anew, perhaps on a topic that was made anew.</summary>
    Reset,

    /// <summary>The table's offsets and rows are taken as they stand.</summary>
    Accept,

    /// <summary>The broker no longer has the records, and the pipeline may go on without.</summary>
    DataLoss,
}

/// <summary>Asks a table's committer to move offsets by an empty snapshot. Asked again with the same id it is done once.</summary>
[GenerateSerializer, Immutable, Alias("orleanslake.MoveRequest")]
public sealed record MoveRequest
{
    /// <summary>Made before it is first asked for.</summary>
    [Id(0)]
    public required Guid MoveId { get; init; }

    /// <summary>The pipeline.</summary>
    [Id(1)]
    public required string Pipeline { get; init; }

    /// <summary>Its generation.</summary>
    [Id(2)]
    public required string Generation { get; init; }

    /// <summary>Why.</summary>
    [Id(3)]
    public required MoveKind Kind { get; init; }

    /// <summary>The Kafka cluster from here on; null: as it stands.</summary>
    [Id(4)]
    public string? ClusterId { get; init; }

    /// <summary>Ids of topics from here on, by name; missing: as they stand.</summary>
    [Id(5)]
    public Dictionary<string, string> TopicIds { get; init; } = [];

    /// <summary>Where to.</summary>
    [Id(6)]
    public MovedTo[] Positions { get; init; } = [];
}
