using Microsoft.Extensions.Logging;
using OrleansLake.Ingest;
using OrleansLake.Ingest.Commit;

namespace OrleansLake.Grains;

internal static partial class PumpHostLog
{
    [LoggerMessage(1, LogLevel.Information, "Pump of {Pipeline} started")]
    public static partial void LogPumpStarted(this ILogger logger, string pipeline);

    [LoggerMessage(2, LogLevel.Information, "Pump of {Pipeline} stopped: {Ending}")]
    public static partial void LogPumpStopped(this ILogger logger, string pipeline, string ending);

    [LoggerMessage(3, LogLevel.Error, "{Pipeline} {TopicPartition} stopped: {Reason}")]
    public static partial void LogStopped(this ILogger logger, string pipeline, TopicPartition topicPartition, string reason);

    [LoggerMessage(4, LogLevel.Information, "{Pipeline} has {Rows} rows in {Files} files in snapshot {SnapshotId}, {Milliseconds:0} ms after the report")]
    public static partial void LogReportCommitted(this ILogger logger, string pipeline, long snapshotId, int files, long rows, double milliseconds);

    [LoggerMessage(5, LogLevel.Warning, "{Pipeline} reads again from the table's offsets, {Reason}: {Why}")]
    public static partial void LogReportRefused(this ILogger logger, string pipeline, RefusalReason reason, string why);

    [LoggerMessage(6, LogLevel.Information, "{Pipeline} writes by schema {SchemaId} from {FirstOffsets} on")]
    public static partial void LogSchemaApplied(this ILogger logger, string pipeline, int schemaId, string firstOffsets);

    [LoggerMessage(7, LogLevel.Warning, "{Pipeline}: {Trouble}")]
    public static partial void LogTrouble(this ILogger logger, string pipeline, string trouble);

    [LoggerMessage(8, LogLevel.Information, "{Pipeline} goes on")]
    public static partial void LogTroubleOver(this ILogger logger, string pipeline);

    [LoggerMessage(9, LogLevel.Warning, "{Pipeline} {TopicPartition} is given up: its grain has not been heard of for {Age}")]
    public static partial void LogForsaken(this ILogger logger, string pipeline, TopicPartition topicPartition, TimeSpan age);

    [LoggerMessage(10, LogLevel.Error, "A round of the watchdog failed")]
    public static partial void LogWatchFailed(this ILogger logger, Exception error);

    [LoggerMessage(11, LogLevel.Information, "Draining: no more records are read; what was read is committed within {Limit}")]
    public static partial void LogDraining(this ILogger logger, TimeSpan limit);

    [LoggerMessage(12, LogLevel.Information, "Drained in {Milliseconds:0} ms")]
    public static partial void LogDrained(this ILogger logger, double milliseconds);

    [LoggerMessage(13, LogLevel.Warning, "{Pipeline}: the offsets of group {Group} could not be shown to Kafka: {Reason}; the table's are not concerned")]
    public static partial void LogGroupOffsetsFailed(this ILogger logger, string pipeline, string group, string reason);

    [LoggerMessage(14, LogLevel.Debug, "{Pipeline}: {Line}")]
    public static partial void LogKafkaLine(this ILogger logger, string pipeline, string line);
}
