using Microsoft.Extensions.Logging;

namespace OrleansLake.Grains;

internal static partial class MembershipWatchLog
{
    [LoggerMessage(1, LogLevel.Information, "The cluster has the silos {Now}; before {Before}")]
    public static partial void LogMembers(this ILogger logger, string now, string before);

    [LoggerMessage(2, LogLevel.Warning, "Pipelines could not be told that silos came or went; again in {Period}: {Reason}")]
    public static partial void LogWakeFailed(this ILogger logger, TimeSpan period, string reason);
}
