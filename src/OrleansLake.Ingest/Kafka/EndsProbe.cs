using OrleansLake.Ingest.Kafka.Native;

namespace OrleansLake.Ingest.Kafka;

/// <summary>
/// Asks brokers what fetch responses do not tell, in the background and only while it matters: the last stable offset of a
/// topic-partition that is read to its end and yet below its high watermark, and whether brokers answer again after trouble.
/// </summary>
internal sealed unsafe class EndsProbe : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly nint _client;
    private readonly AssignedPartitions _partitions;
    private readonly BrokerTrouble _trouble;
    private readonly TimeProvider _time;
    private readonly nint _queue;
    private readonly nint _options;
    private long _lastAsked;
    private bool _asking;
    private bool _askedForAll;

    internal EndsProbe(nint client, AssignedPartitions partitions, BrokerTrouble trouble, TimeProvider time)
    {
        _client = client;
        _partitions = partitions;
        _trouble = trouble;
        _time = time;
        _lastAsked = time.GetTimestamp();
        _queue = Librdkafka.QueueNew(client);
        _options = Librdkafka.AdminOptionsNew(client, Librdkafka.AdminListOffsets);
        nint error = Librdkafka.AdminOptionsSetIsolationLevel(_options, Librdkafka.ReadCommitted);
        if (error != 0)
            Librdkafka.ErrorDestroy(error);
    }

    /// <summary>Takes an answer that has come, asks again when it is time. Never waits.</summary>
    internal void Serve()
    {
        if (_asking)
            Take();
        if (_asking || _time.GetElapsedTime(_lastAsked) < Interval)
            return;

        _lastAsked = _time.GetTimestamp();
        _askedForAll = _trouble.Line is not null;
        Ask(_askedForAll ? _partitions.All : _partitions.All.Where(IsHeldBack));
    }

    public void Dispose()
    {
        Librdkafka.AdminOptionsDestroy(_options);
        Librdkafka.QueueDestroy(_queue);
    }

    // The broker has nothing more for us, and yet records behind it: a transaction is open, or they were not polled yet.
    private bool IsHeldBack(AssignedPartition partition)
    {
        if (partition.EndAt != partition.Position)
            return false;

        long low;
        long high;
        return Librdkafka.GetWatermarkOffsets(_client, partition.TopicPartition.Topic, partition.TopicPartition.Partition, &low, &high) == 0
            && high > partition.Position;
    }

    private void Ask(IEnumerable<AssignedPartition> partitions)
    {
        Librdkafka.NativeTopicPartitionList* list = Librdkafka.TopicPartitionListNew(16);
        foreach (AssignedPartition partition in partitions)
            Librdkafka.TopicPartitionListAdd(list, partition.TopicPartition.Topic, partition.TopicPartition.Partition)->Offset = Librdkafka.OffsetEnd;
        if (list->Count > 0)
        {
            Librdkafka.ListOffsets(_client, list, _options, _queue);
            _asking = true;
        }

        Librdkafka.TopicPartitionListDestroy(list);
    }

    private void Take()
    {
        nint answer = Librdkafka.QueuePoll(_queue, 0);
        if (answer == 0)
            return;

        _asking = false;
        nint result = Librdkafka.EventErrorCode(answer) == 0 ? Librdkafka.EventListOffsetsResultOf(answer) : 0;
        if (result != 0)
        {
            nuint count;
            nint* infos = Librdkafka.ListOffsetsResultInfos(result, &count);
            bool all = count > 0;
            for (nuint i = 0; i < count; i++)
            {
                Librdkafka.NativeTopicPartition* told = Librdkafka.ListOffsetsResultInfoTopicPartition(infos[i]);
                all &= told->Error == 0;
                if (told->Error == 0 && _partitions.Find(new TopicPartition(Librdkafka.Text(told->Topic), told->Partition)) is { } partition)
                    partition.LastStable = told->Offset;
            }

            if (all && _askedForAll)
                _trouble.AllAnswered();
        }

        Librdkafka.EventDestroy(answer);
    }
}
