using OrleansLake.Ingest.Kafka.Native;

namespace OrleansLake.Ingest.Kafka;

/// <summary>
/// The topic-partitions of a source, and what the client has yet to be told of them. Changes are gathered and told before
/// the next poll, in one call for all.
/// </summary>
internal sealed unsafe class AssignedPartitions(nint client) : IDisposable
{
    // What the client answers of a topic-partition that it has not begun to fetch, or whose end of before it still waits for.
    private const int WrongState = -172;
    private const int PreviousInProgress = -177;
    private const int InProgress = -178;
    private const int SeekTimeoutMs = 100;

    private readonly Dictionary<TopicPartition, AssignedPartition> _byName = [];
    private readonly Dictionary<(nint Topic, int Partition), AssignedPartition> _byHandle = [];
    private readonly Dictionary<string, nint> _topics = [];
    private readonly List<AssignedPartition> _assign = [];
    private readonly List<AssignedPartition> _unassign = [];
    private readonly List<AssignedPartition> _pauses = [];
    private readonly List<AssignedPartition> _restarts = [];
    private readonly List<AssignedPartition> _validations = [];
    private nint _lastTopic;
    private int _lastPartition;
    private AssignedPartition? _last;

    internal IReadOnlyCollection<AssignedPartition> All => _byName.Values;

    internal AssignedPartition? Find(TopicPartition topicPartition) => _byName.GetValueOrDefault(topicPartition);

    /// <summary>The assignment that a message belongs to; null for one that is no longer wanted.</summary>
    internal AssignedPartition? Find(nint topic, int partition)
    {
        if (topic != _lastTopic || partition != _lastPartition)
        {
            _lastTopic = topic;
            _lastPartition = partition;
            _last = _byHandle.GetValueOrDefault((topic, partition));
        }

        return _last;
    }

    internal void Assign(TopicPartition topicPartition, long position, int leaderEpoch)
    {
        Unassign(topicPartition);
        var partition = new AssignedPartition(topicPartition, position, leaderEpoch);
        _byName.Add(topicPartition, partition);
        _byHandle[(TopicOf(topicPartition.Topic), topicPartition.Partition)] = partition;
        _lastTopic = 0;
        _assign.Add(partition);
    }

    internal void Unassign(TopicPartition topicPartition)
    {
        if (!_byName.Remove(topicPartition, out AssignedPartition? partition))
            return;

        partition.Dropped = true;
        _byHandle.Remove((TopicOf(topicPartition.Topic), topicPartition.Partition));
        _lastTopic = 0;
        while (partition.Held.TryDequeue(out ReadyItem item))
            item.Batch?.Dispose();
        if (partition.AssignedInClient)
            _unassign.Add(partition);
    }

    internal void SetPaused(AssignedPartition partition, bool paused)
    {
        if (partition.Paused == paused)
            return;

        partition.Paused = paused;
        _pauses.Add(partition);
    }

    /// <summary>
    /// Begins anew at the position that was reached, after the client gave up for a reason that may not last. Until then
    /// nothing more is taken of it; its batches so far stay good.
    /// </summary>
    internal void Restart(AssignedPartition partition)
    {
        if (partition.Dropped || partition.Restarting)
            return;

        partition.Restarting = true;
        partition.Restarts++;
        _restarts.Add(partition);
    }

    /// <summary>Tells the client what changed.</summary>
    internal void Apply()
    {
        foreach (AssignedPartition partition in _restarts)
        {
            partition.Restarting = false;
            if (partition.Dropped || !partition.AssignedInClient)
                continue;

            _unassign.Add(partition);
            _assign.Add(partition);
            if (partition.Paused)
                _pauses.Add(partition);
        }

        _restarts.Clear();
        if (_unassign.Count > 0)
        {
            // A pause outlives an assignment in the client.
            Pause(_unassign.Where(p => p.PausedInClient), paused: false);
            Tell(_unassign, &Librdkafka.IncrementalUnassign, "unassigned");
            _unassign.Clear();
        }

        _assign.RemoveAll(static p => p.Dropped);
        if (_assign.Count > 0)
        {
            Tell(_assign, &Librdkafka.IncrementalAssign, "assigned");
            foreach (AssignedPartition partition in _assign)
            {
                partition.AssignedInClient = true;
                if (partition.LeaderEpoch >= 0 && !partition.Validating)
                {
                    partition.Validating = true;
                    _validations.Add(partition);
                }
            }

            _assign.Clear();
        }

        _validations.RemoveAll(static p => p.Dropped);
        if (_validations.Count > 0)
            Validate();

        if (_pauses.Count > 0)
        {
            var changed = _pauses.Where(static p => !p.Dropped && p.Paused != p.PausedInClient).Distinct().ToList();
            _pauses.Clear();
            Pause(changed.Where(static p => p.Paused), paused: true);
            Pause(changed.Where(static p => !p.Paused), paused: false);
        }
    }

    public void Dispose()
    {
        foreach (TopicPartition topicPartition in _byName.Keys.ToList())
            Unassign(topicPartition);
        foreach (nint topic in _topics.Values)
            Librdkafka.TopicDestroy(topic);
        _topics.Clear();
    }

    // The source's own reference keeps the pointer that messages carry from being given to another topic.
    private nint TopicOf(string topic)
    {
        if (!_topics.TryGetValue(topic, out nint handle))
        {
            handle = Librdkafka.TopicNew(client, topic, 0);
            if (handle == 0)
                throw new KafkaClientException($"topic {topic}: {Librdkafka.TextOf(Librdkafka.LastError())}", Librdkafka.LastError());
            _topics.Add(topic, handle);
        }

        return handle;
    }

    private void Tell(
        List<AssignedPartition> partitions,
        delegate*<nint, Librdkafka.NativeTopicPartitionList*, nint> call,
        string what)
    {
        Librdkafka.NativeTopicPartitionList* list = ListOf(partitions);
        nint error = call(client, list);
        Librdkafka.TopicPartitionListDestroy(list);
        if (error != 0)
        {
            int code = Librdkafka.ErrorCode(error);
            string text = Librdkafka.Text(Librdkafka.ErrorString(error));
            Librdkafka.ErrorDestroy(error);
            throw new KafkaClientException($"{partitions.Count} topic-partitions ({partitions[0].TopicPartition}, …) were not {what}: {text}", code);
        }
    }

    // The client compares leader epochs when it learns of one, which it has already for a topic that it knew, and at a seek,
    // which it takes once it fetches: after an assignment before, it may first have to end that one. A log that was truncated
    // comes as an error of the topic-partition.
    private void Validate()
    {
        Librdkafka.NativeTopicPartitionList* list = ListOf(_validations);
        nint error = Librdkafka.SeekPartitions(client, list, SeekTimeoutMs);
        // What the call says of the whole (a time-out) each topic-partition says of itself.
        if (error != 0)
            Librdkafka.ErrorDestroy(error);
        for (int i = 0; i < list->Count; i++)
            _validations[i].Validating = list->Elements[i].Error is WrongState or PreviousInProgress or InProgress;
        Librdkafka.TopicPartitionListDestroy(list);
        _validations.RemoveAll(static p => !p.Validating);
    }

    private void Pause(IEnumerable<AssignedPartition> partitions, bool paused)
    {
        var changed = partitions.ToList();
        if (changed.Count == 0)
            return;

        Librdkafka.NativeTopicPartitionList* list = ListOf(changed);
        int error = paused ? Librdkafka.PausePartitions(client, list) : Librdkafka.ResumePartitions(client, list);
        for (int i = 0; i < list->Count && error == 0; i++)
            error = list->Elements[i].Error;
        Librdkafka.TopicPartitionListDestroy(list);
        if (error != 0)
            throw new KafkaClientException($"{changed.Count} topic-partitions ({changed[0].TopicPartition}, …) were not {(paused ? "paused" : "resumed")}: {Librdkafka.TextOf(error)}", error);

        foreach (AssignedPartition partition in changed)
            partition.PausedInClient = paused;
    }

    private static Librdkafka.NativeTopicPartitionList* ListOf(IEnumerable<AssignedPartition> partitions)
    {
        Librdkafka.NativeTopicPartitionList* list = Librdkafka.TopicPartitionListNew(16);
        foreach (AssignedPartition partition in partitions)
        {
            Librdkafka.NativeTopicPartition* added = Librdkafka.TopicPartitionListAdd(list, partition.TopicPartition.Topic, partition.TopicPartition.Partition);
            added->Offset = partition.Position;
            if (partition.LeaderEpoch >= 0)
                Librdkafka.TopicPartitionSetLeaderEpoch(added, partition.LeaderEpoch);
        }

        return list;
    }
}
