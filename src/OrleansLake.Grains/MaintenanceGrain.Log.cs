using Microsoft.Extensions.Logging;

namespace OrleansLake.Grains;

internal static partial class MaintenanceGrainLog
{
    [LoggerMessage(1, LogLevel.Information, "Upkeep of {Table}: {Task} done in {Seconds:F1} s: {FilesRemoved} files gone, {FilesAdded} come, {BytesRemoved} bytes gone")]
    public static partial void LogDone(this ILogger logger, string table, string task, double seconds, long filesRemoved, long filesAdded, long bytesRemoved);

    [LoggerMessage(2, LogLevel.Error, "Upkeep of {Table}: {Task} failed {Failures} times in a row, again not before {Again}: {Error}")]
    public static partial void LogFailed(this ILogger logger, string table, string task, int failures, DateTimeOffset again, string error);

    [LoggerMessage(3, LogLevel.Warning, "Upkeep of {Table} is held up: {Trouble}")]
    public static partial void LogHeldUp(this ILogger logger, string table, string trouble);

    [LoggerMessage(4, LogLevel.Warning, "Upkeep of {Table}: job {Job} did not answer")]
    public static partial void LogJobLost(this ILogger logger, string table, string job, Exception error);
}
