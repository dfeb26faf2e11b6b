using Microsoft.Extensions.Logging;

namespace OrleansLake.Grains;

internal static partial class TableGrainLog
{
    [LoggerMessage(1, LogLevel.Error, "Table {Table}: the commit loop has ended; a new activation begins anew")]
    public static partial void LogLoopEnded(this ILogger logger, string table, Exception error);

    [LoggerMessage(2, LogLevel.Warning, "Table {Table} could not be looked at: {Trouble}")]
    public static partial void LogLookFailed(this ILogger logger, string table, string trouble);

    [LoggerMessage(3, LogLevel.Information, "Table {Table} has schema {SchemaId} after {Before}")]
    public static partial void LogNewSchema(this ILogger logger, string table, int before, int schemaId);
}
