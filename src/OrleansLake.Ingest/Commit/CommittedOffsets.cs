using System.Collections.Immutable;

namespace OrleansLake.Ingest.Commit;

/// <summary>What the table says of one topic-partition.</summary>
/// <param name="Next">The next offset to read.</param>
/// <param name="LeaderEpoch">Leader epoch of the record before; −1 unknown.</param>
/// <param name="Rows">Records that became rows, since the pipeline began.</param>
/// <param name="Rejected">Records that went to the dead letters, likewise.</param>
/// <param name="Gap">Positions without a record, likewise.</param>
public readonly record struct PartitionOffset(long Next, int LeaderEpoch, long Rows, long Rejected, long Gap)
{
    /// <summary>The only writer whose records may be committed, as rows or as dead letters, until another has claimed them; null: any.</summary>
    public string? ClaimedBy { get; init; }
}

/// <summary>What the table says of one topic, for one pipeline.</summary>
public sealed class TopicOffsets
{
    internal static readonly PartitionOffset None = new(-1, -1, 0, 0, 0);

    private readonly PartitionOffset[] _partitions;

    internal TopicOffsets(string? clusterId, string? topicId, PartitionOffset[] partitions)
    {
        ClusterId = clusterId;
        TopicId = topicId;
        _partitions = partitions;
    }

    /// <summary>Id of the Kafka cluster; null where the broker did not tell.</summary>
    public string? ClusterId { get; }

    /// <summary>Id of the topic; null where the broker did not tell.</summary>
    public string? TopicId { get; }

    /// <summary>Places for partitions, 0 and up; <c>Next</c> is −1 in those that have no offset yet.</summary>
    public ReadOnlySpan<PartitionOffset> Partitions => _partitions;

    /// <summary>One partition; null when it has no offset yet.</summary>
    public PartitionOffset? Find(int partition) =>
        partition >= 0 && partition < _partitions.Length && _partitions[partition].Next >= 0 ? _partitions[partition] : null;

    internal PartitionOffset[] Copy(int length)
    {
        var copy = new PartitionOffset[Math.Max(length, _partitions.Length)];
        _partitions.CopyTo(copy, 0);
        copy.AsSpan(_partitions.Length).Fill(None);
        return copy;
    }
}

/// <summary>
/// What a table says of all that was ever read into it: for each pipeline and generation, topic and partition the next
/// offset and the counts so far. Immutable; every snapshot of ours carries one whole.
/// </summary>
/// <remarks>
/// A pipeline has one living generation. Those that it had before stay as names without topics, so that a writer that
/// outlived its pipeline is known as such.
/// </remarks>
public sealed class CommittedOffsets
{
    /// <summary>A table that nothing was read into.</summary>
    public static readonly CommittedOffsets Empty = new(ImmutableSortedDictionary.Create<string, ImmutableSortedDictionary<string, TopicOffsets>>(StringComparer.Ordinal));

    internal static readonly ImmutableSortedDictionary<string, TopicOffsets> NoTopics = ImmutableSortedDictionary.Create<string, TopicOffsets>(StringComparer.Ordinal);

    internal CommittedOffsets(ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, TopicOffsets>> pipelines) => Pipelines = pipelines;

    /// <summary>Topics by name, by <see cref="KeyOf"/>.</summary>
    public ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, TopicOffsets>> Pipelines { get; }

    /// <summary>The name under which a generation of a pipeline stands: <c>pipeline#generation</c>.</summary>
    public static string KeyOf(string pipeline, string generation) => $"{pipeline}#{generation}";

    /// <summary>The pipeline of a key.</summary>
    public static string PipelineOf(string key) => key[..key.LastIndexOf('#')];

    /// <summary>What is known of one topic; null when nothing.</summary>
    public TopicOffsets? FindTopic(string pipeline, string generation, string topic) =>
        Pipelines.TryGetValue(KeyOf(pipeline, generation), out var topics) ? topics.GetValueOrDefault(topic) : null;

    /// <summary>What is known of one topic-partition; null when it has no offset yet.</summary>
    public PartitionOffset? Find(string pipeline, string generation, TopicPartition topicPartition) =>
        FindTopic(pipeline, generation, topicPartition.Topic)?.Find(topicPartition.Partition);

    /// <summary>True for a generation that a later one has replaced.</summary>
    public bool IsRetired(string pipeline, string generation) =>
        Pipelines.TryGetValue(KeyOf(pipeline, generation), out var topics) && topics.IsEmpty;

    /// <summary>The offsets after a report of rows. Whether it fits is for <see cref="ReportJudge"/> to say.</summary>
    public CommittedOffsets Advance(DataWritten report) =>
        Change(report.Pipeline, report.Generation, report.ClusterId, report.TopicIds, report.Ranges, static range => range.TopicPartition, static (range, old) => old with
        {
            Next = range.Range.Next,
            LeaderEpoch = range.LeaderEpoch >= 0 ? range.LeaderEpoch : old.LeaderEpoch,
            Rows = old.Rows + range.Rows,
            Rejected = old.Rejected + range.Rejected,
            Gap = old.Gap + range.Gap,
        });

    /// <summary>
    /// The offsets of a dead-letter table after the same report: they move only where records were rejected, and never
    /// back. <c>Rows</c> counts the dead letters in it; <c>Rejected</c> is what the main table's count will be, so that a
    /// dead-letter table that is behind the main one shows.
    /// </summary>
    internal CommittedOffsets AdvanceDeadLetters(DataWritten report, CommittedOffsets main) =>
        Change(report.Pipeline, report.Generation, report.ClusterId, report.TopicIds, report.Ranges.Where(static range => range.Rejected > 0).ToList(), static range => range.TopicPartition, (range, old) => new PartitionOffset(
            Math.Max(old.Next, range.Range.Next),
            range.LeaderEpoch >= 0 ? range.LeaderEpoch : old.LeaderEpoch,
            old.Rows + (range.DeadLetters ?? range.Rejected),
            Math.Max(old.Rejected, (main.Find(report.Pipeline, report.Generation, range.TopicPartition)?.Rejected ?? 0) + range.Rejected),
            old.Gap));

    /// <summary>
    /// The offsets of a dead-letter table that is behind <paramref name="main"/>, once someone has accepted what it lacks.
    /// </summary>
    internal CommittedOffsets AcceptDeadLetters(string pipeline, string generation, CommittedOffsets main)
    {
        var behind = new List<(TopicPartition TopicPartition, PartitionOffset Main)>();
        foreach (var (name, topic) in main.Pipelines.GetValueOrDefault(KeyOf(pipeline, generation)) ?? NoTopics)
        {
            for (int partition = 0; partition < topic.Partitions.Length; partition++)
            {
                PartitionOffset place = topic.Partitions[partition];
                if (place.Rejected > (Find(pipeline, generation, new TopicPartition(name, partition))?.Rejected ?? 0))
                {
                    behind.Add((new TopicPartition(name, partition), place));
                }
            }
        }

        return Change(pipeline, generation, null, new Dictionary<string, string>(), behind, static item => item.TopicPartition, static (item, old) => old with
        {
            Next = Math.Max(old.Next, item.Main.Next),
            Rejected = item.Main.Rejected,
        });
    }

    /// <summary>The offsets after a seek, reset or accepted loss: counts stay.</summary>
    internal CommittedOffsets Move(OffsetMove move) =>
        Change(move.Pipeline, move.Generation, move.ClusterId, move.TopicIds, move.Positions, static position => position.TopicPartition, static (position, old) => old with
        {
            Next = position.Next,
            LeaderEpoch = position.LeaderEpoch,
        });

    /// <summary>The offsets after a report's writer has claimed the report's topic-partitions: nothing else moves.</summary>
    internal CommittedOffsets Claim(DataWritten report) =>
        Change(report.Pipeline, report.Generation, report.ClusterId, report.TopicIds, report.Ranges, static range => range.TopicPartition, (range, old) => old with { ClaimedBy = report.WriterId });

    /// <summary>
    /// The offsets with those of another pipeline as <paramref name="other"/> has them: its rows come in whole, in one swap. What was
    /// committed by an earlier generation of it is retired.
    /// </summary>
    internal CommittedOffsets Adopt(string pipeline, string generation, CommittedOffsets other)
    {
        string key = KeyOf(pipeline, generation);
        var pipelines = Pipelines;
        foreach (string earlier in pipelines.Keys.Where(earlier => PipelineOf(earlier) == pipeline).ToList())
        {
            pipelines = pipelines.SetItem(earlier, NoTopics);
        }

        return new CommittedOffsets(pipelines.SetItem(key, other.Pipelines[key]));
    }

    /// <summary>The writer that has claimed a topic-partition, with an offset or without; null: none has.</summary>
    internal string? ClaimedBy(string pipeline, string generation, TopicPartition topicPartition) =>
        FindTopic(pipeline, generation, topicPartition.Topic) is { } topic && topicPartition.Partition < topic.Partitions.Length ? topic.Partitions[topicPartition.Partition].ClaimedBy : null;

    private CommittedOffsets Change<T>(
        string pipeline,
        string generation,
        string? clusterId,
        IReadOnlyDictionary<string, string> topicIds,
        IReadOnlyList<T> changes,
        Func<T, TopicPartition> topicPartitionOf,
        Func<T, PartitionOffset, PartitionOffset> change)
    {
        string key = KeyOf(pipeline, generation);
        var pipelines = Pipelines;
        if (!pipelines.TryGetValue(key, out var topics))
        {
            topics = NoTopics;
            foreach (string other in pipelines.Keys.Where(other => PipelineOf(other) == pipeline).ToList())
            {
                pipelines = pipelines.SetItem(other, NoTopics);
            }
        }

        foreach (var ofTopic in changes.GroupBy(item => topicPartitionOf(item).Topic))
        {
            var topic = topics.GetValueOrDefault(ofTopic.Key) ?? new TopicOffsets(null, null, []);
            PartitionOffset[] partitions = topic.Copy(ofTopic.Max(item => topicPartitionOf(item).Partition) + 1);
            foreach (T item in ofTopic)
            {
                ref PartitionOffset place = ref partitions[topicPartitionOf(item).Partition];
                place = change(item, place);
            }

            topics = topics.SetItem(ofTopic.Key, new TopicOffsets(clusterId ?? topic.ClusterId, topicIds.GetValueOrDefault(ofTopic.Key) ?? topic.TopicId, partitions));
        }

        return topics.IsEmpty ? this : new CommittedOffsets(pipelines.SetItem(key, topics));
    }
}
