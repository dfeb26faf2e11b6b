using Microsoft.Extensions.Logging;
using OrleansLake.Contracts;

namespace OrleansLake.Grains;

internal static partial class PipelineGrainLog
{
    [LoggerMessage(1, LogLevel.Information, "Pipeline {Pipeline} {Change}: {Topics} into {Table}")]
    public static partial void LogConfigured(this ILogger logger, string pipeline, string change, string topics, string table);

    [LoggerMessage(2, LogLevel.Information, "Pipeline {Pipeline} shall be {Wanted}")]
    public static partial void LogWanted(this ILogger logger, string pipeline, WantedState wanted);

    [LoggerMessage(3, LogLevel.Information, "Pipeline {Pipeline} is removed; what it committed stays")]
    public static partial void LogRemoved(this ILogger logger, string pipeline);

    [LoggerMessage(4, LogLevel.Information, "Pipeline {Pipeline}: topic {Topic} has {Partitions} partitions")]
    public static partial void LogPartitionsFound(this ILogger logger, string pipeline, string topic, int partitions);

    [LoggerMessage(5, LogLevel.Information, "Table {Table} created at {Location}")]
    public static partial void LogCreated(this ILogger logger, string table, string location);

    [LoggerMessage(6, LogLevel.Information, "Pipeline {Pipeline}: {Kind} to {Positions}: {Ending}")]
    public static partial void LogMoved(this ILogger logger, string pipeline, MoveKind kind, string positions, string ending);

    [LoggerMessage(7, LogLevel.Information, "Pipeline {Pipeline}: silos came or went, so {Moves}")]
    public static partial void LogSpread(this ILogger logger, string pipeline, string moves);

    [LoggerMessage(8, LogLevel.Information, "Pipeline {Pipeline}: main of {Table} is at snapshot {SnapshotId} now, with {Rows} rows that passed their audit")]
    public static partial void LogPublished(this ILogger logger, string pipeline, string table, long snapshotId, long rows);

    [LoggerMessage(9, LogLevel.Information, "Pipeline {Pipeline}: dead letters of {Count} commits were sent to topic {Topic}")]
    public static partial void LogForwarded(this ILogger logger, string pipeline, int count, string topic);
}
