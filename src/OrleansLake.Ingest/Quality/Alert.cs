namespace OrleansLake.Ingest.Quality;

/// <summary>What an alert is about.</summary>
public enum AlertKind
{
    /// <summary>Too many records cannot be rows.</summary>
    DeadLetters,

    /// <summary>Rows do not meet an expectation.</summary>
    Expectation,

    /// <summary>A topic that should flow does not.</summary>
    NoData,

    /// <summary>Records come in slower or faster than they should.</summary>
    Volume,

    /// <summary>Records wait too long for the table.</summary>
    Freshness,

    /// <summary>A topic-partition has stopped and needs a person.</summary>
    Stopped,

    /// <summary>What was to be published did not pass its audit.</summary>
    Audit,

    /// <summary>A task of a table's upkeep fails.</summary>
    Upkeep,
}

/// <summary>Something that a person should know; told when it begins and when it is over.</summary>
/// <param name="Kind">What it is about.</param>
/// <param name="Pipeline">The pipeline.</param>
/// <param name="Rule">Which rule of the pipeline, or what of it: the same while it lasts.</param>
/// <param name="Message">In words: place, expectation, finding. Never what a record holds.</param>
/// <param name="At">When it was seen.</param>
/// <param name="IsOver">It is so no longer.</param>
public sealed record Alert(AlertKind Kind, string Pipeline, string Rule, string Message, DateTimeOffset At, bool IsOver = false);
