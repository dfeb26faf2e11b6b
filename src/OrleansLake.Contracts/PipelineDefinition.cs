namespace OrleansLake.Contracts;

/// <summary>
/// One pipeline: topics into a table. Connection settings and their secrets are no part of it; each silo has them from its
/// own configuration under the pipeline's name, so that none is ever kept as grain state.
/// </summary>
[GenerateSerializer, Immutable, Alias("orleanslake.PipelineDefinition")]
public sealed record PipelineDefinition
{
    /// <summary>Letters, digits, dot, dash, underscore.</summary>
    [Id(0)]
    public required string Name { get; init; }

    /// <summary>Another life of the same name: its offsets are not those of an earlier generation.</summary>
    [Id(1)]
    public string Generation { get; init; } = "1";

    /// <summary>The topics to read; see also <see cref="TopicPattern"/>.</summary>
    [Id(2)]
    public required string[] Topics { get; init; }

    /// <summary>The catalog that knows the table.</summary>
    [Id(3)]
    public string Catalog { get; init; } = "local";

    /// <summary>The table: <c>namespace.table</c>.</summary>
    [Id(4)]
    public required string Table { get; init; }

    /// <summary>The CREATE TABLE statement for a table that does not exist yet.</summary>
    [Id(5)]
    public string? Ddl { get; init; }

    /// <summary>Whether a missing table is made from <see cref="Ddl"/>.</summary>
    [Id(6)]
    public bool CreateTable { get; init; }

    /// <summary>How often files are closed and committed.</summary>
    [Id(7)]
    public TimeSpan FlushInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Where a topic-partition begins that the table knows no offset of.</summary>
    [Id(8)]
    public PipelineStart Start { get; init; }

    /// <summary>What happens when the broker no longer has the records that come next.</summary>
    [Id(9)]
    public DataLossAction OnDataLoss { get; init; }

    /// <summary>Size at which a data file is closed before the interval is over.</summary>
    [Id(10)]
    public long TargetFileSizeBytes { get; init; } = 512L << 20;

    /// <summary>How the topics' records differ from the table's rows; null: they do not.</summary>
    [Id(20)]
    public RecordSettings? Records { get; init; }

    /// <summary>What becomes of records that cannot be rows.</summary>
    [Id(30)]
    public DeadLetterSettings DeadLetters { get; init; } = new();

    /// <summary>What is expected of its rows and its flow.</summary>
    [Id(31)]
    public QualitySettings Quality { get; init; } = new();

    /// <summary>Reads every topic too whose whole name matches this regular expression, those that come later included; null: none.</summary>
    [Id(32)]
    public string? TopicPattern { get; init; }

    /// <summary>Begins with the first record that is not older, in milliseconds since 1970; null: see <see cref="Start"/>.</summary>
    [Id(33)]
    public long? StartAtMs { get; init; }

    /// <summary>Where single topic-partitions begin, whatever else is said: <c>topic-partition=offset</c>, with commas between.</summary>
    [Id(34)]
    public string? StartOffsets { get; init; }

    /// <summary>Which rows are for its table, as in SQL's WHERE, where a topic's records go to several; null: all.</summary>
    [Id(35)]
    public string? Where { get; init; }

    /// <summary>Whether two definitions say the same: arrays compare by what is in them.</summary>
    public bool SameAs(PipelineDefinition? other) =>
        other is not null && Topics.SequenceEqual(other.Topics) && this with { Topics = other.Topics } == other;
}

/// <summary>Where to begin without a committed offset.</summary>
[GenerateSerializer, Alias("orleanslake.PipelineStart")]
public enum PipelineStart
{
    /// <summary>At the oldest record that the broker has.</summary>
    Earliest,

    /// <summary>Behind the newest.</summary>
    Latest,
}

/// <summary>What to do when records are gone before they were read.</summary>
[GenerateSerializer, Alias("orleanslake.DataLossAction")]
public enum DataLossAction
{
    /// <summary>Stop the topic-partition and say so.</summary>
    Stop,

    /// <summary>Commit the lost range as lost and read on.</summary>
    Continue,
}
