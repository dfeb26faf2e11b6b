namespace OrleansLake.Silo.Hosting;

internal static partial class HostingLog
{
    [LoggerMessage(1, LogLevel.Warning, "Pipeline {Pipeline} was not taken by its grain; again in {Period}")]
    public static partial void LogNotTaken(this ILogger logger, string pipeline, TimeSpan period, Exception error);

    [LoggerMessage(5, LogLevel.Warning, "Pipeline {Pipeline}: {Problem}; tried again")]
    public static partial void LogSecretTrouble(this ILogger logger, string pipeline, string problem);

    [LoggerMessage(6, LogLevel.Information, "Pipeline {Pipeline}: secret {Secret} changed; connections from now on use it")]
    public static partial void LogSecretChanged(this ILogger logger, string pipeline, string secret);

    [LoggerMessage(3, LogLevel.Information, "Silo up: {Pipelines} pipelines, warehouse {Warehouse}, HTTP {Url}")]
    public static partial void LogUp(this ILogger logger, int pipelines, string warehouse, Uri url);

    [LoggerMessage(4, LogLevel.Information, "Silo down")]
    public static partial void LogDown(this ILogger logger);

    [LoggerMessage(5, LogLevel.Warning, "Upkeep of {Table} was not told its settings; again in {Period}")]
    public static partial void LogNotTold(this ILogger logger, string table, TimeSpan period, Exception error);
}
