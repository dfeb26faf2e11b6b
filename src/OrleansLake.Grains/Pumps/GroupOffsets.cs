using Microsoft.Extensions.Logging;
using OrleansLake.Ingest;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Kafka;

namespace OrleansLake.Grains;

/// <summary>
/// Tells Kafka's group how far the table is, for people's lag tools. After the table's commit and at leisure: what comes
/// meanwhile is told with the next round, what fails is told again, and nothing reads it back (rule 17).
/// </summary>
internal sealed class GroupOffsets(string pipeline, string group, Func<KafkaLookup> lookup, ILogger logger)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);

    private readonly Lock _lock = new();
    private readonly Dictionary<TopicPartition, long> _next = [];
    private bool _telling;
    private bool _failed;

    /// <summary>A report is in the table. Returns at once.</summary>
    public void Committed(DataWritten report)
    {
        lock (_lock)
        {
            foreach (WrittenRange range in report.Ranges)
            {
                _next[range.TopicPartition] = range.Range.Next;
            }

            if (_telling)
            {
                return;
            }

            _telling = true;
        }

        _ = Task.Run(TellAsync);
    }

    private async Task TellAsync()
    {
        while (true)
        {
            Dictionary<TopicPartition, long> round;
            lock (_lock)
            {
                if (_next.Count == 0)
                {
                    _telling = false;
                    return;
                }

                round = new Dictionary<TopicPartition, long>(_next);
                _next.Clear();
            }

            try
            {
                using var limit = new CancellationTokenSource(Limit);
                await lookup().CommitGroupOffsetsAsync(group, round, limit.Token);
                _failed = false;
            }
            catch (Exception error) when (error is KafkaClientException or OperationCanceledException or ObjectDisposedException)
            {
                if (!_failed)
                {
                    logger.LogGroupOffsetsFailed(pipeline, group, error.Message);
                }

                _failed = true;
                lock (_lock)
                {
                    foreach ((TopicPartition topicPartition, long next) in round)
                    {
                        _next.TryAdd(topicPartition, next); // a newer one stays
                    }

                    _telling = false; // with the next commit
                    return;
                }
            }
        }
    }
}
