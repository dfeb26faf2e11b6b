using System.Diagnostics;
using OrleansLake.Ingest.Kafka.Native;
using OrleansLake.Ingest.Kafka.Security;

namespace OrleansLake.Ingest.Kafka;

/// <summary>The offsets of one consumer group, written and read through a consumer that is never assigned anything.</summary>
/// <remarks>
/// Not by librdkafka's requests of an administrator (AlterConsumerGroupOffsets, ListConsumerGroupOffsets): one whose time-out comes
/// before the group's coordinator was found is freed, and used once more when a broker is back, which ends the process
/// (rd_kafka_coord_req_fsm; seen with 2.15.1 and 2.16.0).
/// </remarks>
internal sealed unsafe class ConsumerGroup : IDisposable
{
    // How long a wait inside the client may last before cancellation is looked at.
    private const int WaitSliceMs = 100;

    private readonly NativeClient _client;
    private readonly Lock _lock = new();
    private int _asking;
    private volatile bool _ended;

    /// <summary>Makes the consumer; brokers are reached in the background.</summary>
    internal ConsumerGroup(string group, IReadOnlyDictionary<string, string> lookupSettings, Action<KafkaLogLine>? log, IBearerTokens? tokens)
    {
        var settings = new Dictionary<string, string>(lookupSettings) { ["group.id"] = group, ["enable.auto.commit"] = "false" };
        // Nobody polls it, so that its errors would pile up: without a listener the client logs them.
        _client = new NativeClient(Librdkafka.Consumer, settings, onError: null, log, tokens: tokens);
    }

    /// <summary>Another login for connections from now on; those that stand go on.</summary>
    internal void SetLogin(string username, string password) => _client.SetLogin(username, password);

    /// <summary>Commits the next offsets and waits for the coordinator's answer. Blocks its thread.</summary>
    /// <returns>0, or librdkafka's code of what went wrong.</returns>
    /// <remarks>What was not answered in time may still be committed, before anything that follows.</remarks>
    internal int Commit(IReadOnlyDictionary<TopicPartition, long> next, TimeSpan timeout, CancellationToken cancellationToken)
    {
        Begin();
        Librdkafka.NativeTopicPartitionList* list = Librdkafka.TopicPartitionListNew(next.Count);
        // A queue for each question, so that no late answer to another is taken for this one's.
        nint answers = Librdkafka.QueueNew(_client.Handle);
        try
        {
            foreach ((TopicPartition topicPartition, long offset) in next)
                Librdkafka.TopicPartitionListAdd(list, topicPartition.Topic, topicPartition.Partition)->Offset = offset;
            int refused = Librdkafka.CommitQueue(_client.Handle, list, answers, 0, 0);
            if (refused != 0)
                return refused;

            long begun = Stopwatch.GetTimestamp();
            while (!_ended && !cancellationToken.IsCancellationRequested && Stopwatch.GetElapsedTime(begun) < timeout)
            {
                nint answer = Librdkafka.QueuePoll(answers, WaitSliceMs);
                if (answer == 0)
                    continue;

                int error = FirstErrorOf(answer);
                Librdkafka.EventDestroy(answer);
                return error;
            }

            return Librdkafka.TimedOut;
        }
        finally
        {
            Librdkafka.QueueDestroy(answers);
            Librdkafka.TopicPartitionListDestroy(list);
            End();
        }
    }

    /// <summary>Adds the committed offsets to <paramref name="found"/>; a topic-partition without one stays out. Blocks its thread.</summary>
    /// <returns>0, or librdkafka's code of what went wrong.</returns>
    internal int Committed(IReadOnlyCollection<TopicPartition> topicPartitions, TimeSpan timeout, Dictionary<TopicPartition, long> found)
    {
        Begin();
        Librdkafka.NativeTopicPartitionList* list = Librdkafka.TopicPartitionListNew(topicPartitions.Count);
        try
        {
            foreach (TopicPartition topicPartition in topicPartitions)
                Librdkafka.TopicPartitionListAdd(list, topicPartition.Topic, topicPartition.Partition);
            int error = Librdkafka.Committed(_client.Handle, list, (int)timeout.TotalMilliseconds);
            for (int i = 0; error == 0 && i < list->Count; i++)
            {
                Librdkafka.NativeTopicPartition* told = list->Elements + i;
                if (told->Error == 0 && told->Offset >= 0)
                    found[new TopicPartition(Librdkafka.Text(told->Topic), told->Partition)] = told->Offset;
            }

            return error;
        }
        finally
        {
            Librdkafka.TopicPartitionListDestroy(list);
            End();
        }
    }

    /// <summary>Ends the consumer, or leaves that to the last question that still waits for its answer.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _ended = true;
            if (_asking > 0)
                return;
        }

        _client.Dispose();
    }

    private static int FirstErrorOf(nint answer)
    {
        int error = Librdkafka.EventErrorCode(answer);
        Librdkafka.NativeTopicPartitionList* list = Librdkafka.EventTopicPartitionList(answer);
        for (int i = 0; error == 0 && list != null && i < list->Count; i++)
            error = list->Elements[i].Error;
        return error;
    }

    private void Begin()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_ended, this);
            _asking++;
        }
    }

    private void End()
    {
        lock (_lock)
        {
            if (--_asking > 0 || !_ended)
                return;
        }

        _client.Dispose();
    }
}
