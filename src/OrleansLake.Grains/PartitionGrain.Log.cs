using Microsoft.Extensions.Logging;
using OrleansLake.Ingest;

namespace OrleansLake.Grains;

internal static partial class PartitionGrainLog
{
    [LoggerMessage(1, LogLevel.Warning, "{Pipeline} {TopicPartition}: the table goes on at {Next}, behind the {Remembered} that was remembered; the table decides")]
    public static partial void LogTableWentBack(this ILogger logger, string pipeline, TopicPartition topicPartition, long remembered, long next);

    [LoggerMessage(2, LogLevel.Warning, "{Pipeline} {TopicPartition}: records [{From}, {LogStart}) were deleted by Kafka before they were read; reading goes on behind them: {Ending}")]
    public static partial void LogLoss(this ILogger logger, string pipeline, TopicPartition topicPartition, long from, long logStart, string ending);
}
