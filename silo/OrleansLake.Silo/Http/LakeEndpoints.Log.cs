namespace OrleansLake.Silo.Http;

internal static partial class LakeEndpointsLog
{
    [LoggerMessage(1, LogLevel.Warning, "{Method} {Path} failed")]
    public static partial void LogRequestFailed(this ILogger logger, string method, string path, Exception error);
}
