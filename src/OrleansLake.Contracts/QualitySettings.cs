namespace OrleansLake.Contracts;

/// <summary>Where a pipeline's rejected records go.</summary>
[GenerateSerializer, Alias("orleanslake.DeadLetterMode")]
public enum DeadLetterMode
{
    /// <summary>Into the table of dead letters, exactly once.</summary>
    Table,

    /// <summary>To a Kafka topic, by transactions.</summary>
    Topic,

    /// <summary>Nowhere: the topic-partition stops before the first one until it is told to go on.</summary>
    Halt,
}

/// <summary>What becomes of records that cannot be rows, and when they are too many.</summary>
[GenerateSerializer, Immutable, Alias("orleanslake.DeadLetterSettings")]
public sealed record DeadLetterSettings
{
    /// <summary>Where they go.</summary>
    [Id(0)]
    public DeadLetterMode Mode { get; init; }

    /// <summary>The topic, where they go to one.</summary>
    [Id(1)]
    public string? Topic { get; init; }

    /// <summary>The share of the records that are read, from which on an alert is raised; above 1: never.</summary>
    [Id(2)]
    public double AlertShare { get; init; } = 0.1;

    /// <summary>Fewer than these raise none.</summary>
    [Id(3)]
    public long AlertRecords { get; init; } = 100;

    /// <summary>Over how long they are counted.</summary>
    [Id(4)]
    public TimeSpan AlertWindow { get; init; } = TimeSpan.FromMinutes(1);
}

/// <summary>What becomes of a row that does not meet an expectation.</summary>
[GenerateSerializer, Alias("orleanslake.ExpectationAction")]
public enum ExpectationAction
{
    /// <summary>It stays; an alert says so.</summary>
    Warn,

    /// <summary>Its record becomes a dead letter.</summary>
    DeadLetter,

    /// <summary>The topic-partition stops before it.</summary>
    Halt,
}

/// <summary>What rows should be like; one of the kinds is set.</summary>
[GenerateSerializer, Immutable, Alias("orleanslake.ExpectationSettings")]
public sealed record ExpectationSettings
{
    /// <summary>Names it in alerts and dead letters.</summary>
    [Id(0)]
    public required string Name { get; init; }

    /// <summary>What becomes of rows that do not meet it.</summary>
    [Id(1)]
    public ExpectationAction Action { get; init; }

    /// <summary>Share of the batches that are looked at.</summary>
    [Id(2)]
    public double Sample { get; init; } = 1;

    /// <summary>A condition in SQL that every row satisfies.</summary>
    [Id(3)]
    public string? Where { get; init; }

    /// <summary>The column that the other kinds are about.</summary>
    [Id(4)]
    public string? Column { get; init; }

    /// <summary>Never null.</summary>
    [Id(5)]
    public bool NotNull { get; init; }

    /// <summary>Null or one of these.</summary>
    [Id(6)]
    public string[]? In { get; init; }

    /// <summary>Null or no less.</summary>
    [Id(7)]
    public string? Least { get; init; }

    /// <summary>Null or no more.</summary>
    [Id(8)]
    public string? Most { get; init; }

    /// <summary>Null or a match of this regular expression.</summary>
    [Id(9)]
    public string? Matches { get; init; }

    /// <summary>Columns whose values no two rows of a window share.</summary>
    [Id(10)]
    public string[]? Unique { get; init; }

    /// <summary>Null in no greater share of a window.</summary>
    [Id(11)]
    public double? MaxNullShare { get; init; }

    /// <summary>Rows that are compared with one another.</summary>
    [Id(12)]
    public int Window { get; init; } = 100_000;

    /// <summary>The column's type is one for values of these types of JSON.</summary>
    [Id(13)]
    public string[]? JsonTypes { get; init; }

    /// <inheritdoc />
    public bool Equals(ExpectationSettings? other) =>
        other is not null && (Name, Action, Sample, Where, Column, NotNull) == (other.Name, other.Action, other.Sample, other.Where, other.Column, other.NotNull)
        && (Least, Most, Matches, MaxNullShare, Window) == (other.Least, other.Most, other.Matches, other.MaxNullShare, other.Window)
        && (In ?? []).SequenceEqual(other.In ?? []) && (Unique ?? []).SequenceEqual(other.Unique ?? [])
        && (JsonTypes ?? []).SequenceEqual(other.JsonTypes ?? []);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Name, Action, Column, Where);
}

/// <summary>When a topic flows as it should.</summary>
[GenerateSerializer, Immutable, Alias("orleanslake.HeartbeatSettings")]
public sealed record HeartbeatSettings
{
    /// <summary>A topic without a new record for so long raises an alert; null: never.</summary>
    [Id(0)]
    public TimeSpan? NoDataFor { get; init; }

    /// <summary>Fewer records a minute, over all topics, raise one; null: any number is enough.</summary>
    [Id(1)]
    public double? LeastPerMinute { get; init; }

    /// <summary>More raise one; null: none are too many.</summary>
    [Id(2)]
    public double? MostPerMinute { get; init; }

    /// <summary>Over how long records a minute are counted.</summary>
    [Id(3)]
    public TimeSpan Window { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>A record that waits longer for the table raises one; null: never.</summary>
    [Id(4)]
    public TimeSpan? MaxFreshness { get; init; }

    /// <summary>Whether anything is watched.</summary>
    public bool IsAsked => NoDataFor is not null || LeastPerMinute is not null || MostPerMinute is not null || MaxFreshness is not null;
}

/// <summary>Write, audit, publish: rows go to a branch, and main follows as long as what is new there passes.</summary>
[GenerateSerializer, Immutable, Alias("orleanslake.PublishSettings")]
public sealed record PublishSettings
{
    /// <summary>The branch that is written to; made from main when the table does not have it.</summary>
    [Id(0)]
    public string Branch { get; init; } = "audit";

    /// <summary>What all new rows must meet before main has them.</summary>
    [Id(1)]
    public ExpectationSettings[] Audit { get; init; } = [];

    /// <inheritdoc />
    public bool Equals(PublishSettings? other) => other is not null && Branch == other.Branch && Audit.SequenceEqual(other.Audit);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Branch, Audit.Length);
}

/// <summary>What is expected of a pipeline's rows and of its flow.</summary>
[GenerateSerializer, Immutable, Alias("orleanslake.QualitySettings")]
public sealed record QualitySettings
{
    /// <summary>Of its rows.</summary>
    [Id(0)]
    public ExpectationSettings[] Expectations { get; init; } = [];

    /// <summary>Of its flow.</summary>
    [Id(1)]
    public HeartbeatSettings Heartbeat { get; init; } = new();

    /// <summary>How rows come to main by way of a branch; null: they go there at once.</summary>
    [Id(2)]
    public PublishSettings? Publish { get; init; }

    /// <inheritdoc />
    public bool Equals(QualitySettings? other) => other is not null && Heartbeat == other.Heartbeat && Publish == other.Publish && Expectations.SequenceEqual(other.Expectations);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Heartbeat, Expectations.Length);
}
