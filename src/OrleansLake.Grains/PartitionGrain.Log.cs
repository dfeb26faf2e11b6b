using Microsoft.Extensions.Logging;
using OrleansLake.Ingest;

namespace OrleansLake.Grains;

internal static partial class PartitionGrainLog
{
    [LoggerMessage(1, LogLevel.Warning, "{Pipeline} {TopicPartition}: the table goes on at {Next}, behind the {Remembered} that was remembered; the table decides")]
    public static partial void LogTableWentBack(this ILogger logger, string pipeline, TopicPartition topicPartition, long remembered, long next);
}
