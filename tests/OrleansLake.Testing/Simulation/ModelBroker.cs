using System.Buffers;
using OrleansLake.Ingest;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Pump;

namespace OrleansLake.Testing.Simulation;

/// <summary>What stands at one offset of a model topic.</summary>
public enum ModelRecord : byte
{
    /// <summary>A record that becomes a row.</summary>
    Row,

    /// <summary>A record that becomes a dead letter.</summary>
    Bad,

    /// <summary>A record that is a dead letter by even schemas and a row by odd ones.</summary>
    Moody,

    /// <summary>Nothing that a consumer sees: a control record, an aborted or compacted one.</summary>
    Gap,
}

/// <summary>Topic-partitions as they are in truth.</summary>
public sealed class ModelBroker
{
    private readonly SortedDictionary<(string, int), ModelLog> _logs = [];

    public string ClusterId { get; set; } = "cluster";

    public string? Trouble { get; set; }

    public IEnumerable<ModelLog> Logs => _logs.Values;

    public ModelLog LogOf(TopicPartition topicPartition)
    {
        (string, int) key = (topicPartition.Topic, topicPartition.Partition);
        if (!_logs.TryGetValue(key, out ModelLog? log))
        {
            _logs[key] = log = new ModelLog(topicPartition);
        }

        return log;
    }

    /// <summary>Topics as they were before they were made anew.</summary>
    public Dictionary<(TopicPartition TopicPartition, int Life), ModelLog> Past { get; } = [];

    public string IdOf(string topic) => IdOf(topic, Logs.FirstOrDefault(log => log.TopicPartition.Topic == topic)?.Life ?? 0);

    public static string IdOf(string topic, int life) => life == 0 ? $"id of {topic}" : $"id {life} of {topic}";

    /// <summary>Deletes a topic and makes it again: offsets begin again, with other records.</summary>
    public void Recreate(string topic)
    {
        foreach (ModelLog log in Logs.Where(log => log.TopicPartition.Topic == topic).ToList())
        {
            Past[(log.TopicPartition, log.Life)] = log;
            _logs[(topic, log.TopicPartition.Partition)] = new ModelLog(log.TopicPartition) { Life = log.Life + 1 };
        }
    }

    public ModelLog LogOf(TopicPartition topicPartition, int life) =>
        LogOf(topicPartition) is var log && log.Life == life ? log : Past[(topicPartition, life)];

    public sealed class Facts(ModelBroker broker, SimulatedScheduler scheduler) : IClusterFacts
    {
        public Task<IReadOnlyDictionary<TopicPartition, long>> StartOffsetsAsync(
            IReadOnlyCollection<TopicPartition> topicPartitions, StartPosition start, CancellationToken cancellationToken) =>
            scheduler.Later<IReadOnlyDictionary<TopicPartition, long>>(
                TimeSpan.FromMilliseconds(scheduler.Random.Next(50)),
                () => topicPartitions.ToDictionary(tp => tp, tp => start == StartPosition.Earliest ? broker.LogOf(tp).LogStart
                    : start.Time is { } time ? broker.LogOf(tp).OffsetAt(time)
                    : broker.LogOf(tp).End));

        public Task<TopicIdentities> IdentitiesAsync(IReadOnlyCollection<string> topics, CancellationToken cancellationToken) =>
            scheduler.Later(
                TimeSpan.FromMilliseconds(scheduler.Random.Next(20)),
                () => new TopicIdentities(broker.ClusterId, topics.ToDictionary(topic => topic, topic => broker.IdOf(topic))));
    }
}

/// <summary>One topic-partition.</summary>
public sealed class ModelLog(TopicPartition topicPartition)
{
    private readonly List<ModelRecord> _records = [];
    private readonly List<long> _timestamps = [];

    public TopicPartition TopicPartition { get; } = topicPartition;

    /// <summary>How often the topic had been made anew.</summary>
    public int Life { get; init; }

    public long LogStart { get; set; }

    public long End => _records.Count;

    /// <summary>Below the end while a transaction is open.</summary>
    public long? LastStable { get; set; }

    public ModelRecord this[long offset] => _records[(int)offset];

    public long TimestampOf(long offset) => _timestamps[(int)offset];

    /// <summary>The first offset whose record is not older.</summary>
    public long OffsetAt(DateTimeOffset time)
    {
        int found = _timestamps.FindIndex(ms => ms >= time.ToUnixTimeMilliseconds());
        return found < 0 ? End : Math.Max(LogStart, found);
    }

    public void Append(ModelRecord record, DateTimeOffset at)
    {
        _records.Add(record);
        _timestamps.Add(at.ToUnixTimeMilliseconds());
    }

    public long Records(long first, long next)
    {
        long count = 0;
        for (long offset = first; offset < next; offset++)
        {
            count += this[offset] == ModelRecord.Gap ? 0 : 1;
        }

        return count;
    }
}

/// <summary>One consumer of a model broker.</summary>
public sealed class ModelSource(ModelBroker broker, Random random) : IRecordSource
{
    private readonly List<Reader> _readers = [];
    private Exception? _failure;

    public bool IsDisposed { get; private set; }

    public int MaxBatch { get; set; } = 8;

    public string? Trouble => broker.Trouble;

    public IEnumerable<TopicPartition> Assigned => _readers.Select(reader => reader.Log.TopicPartition);

    /// <summary>Reports this once instead of records.</summary>
    public void Fail(Exception failure) => _failure = failure;

    public bool IsPaused(TopicPartition topicPartition) => Find(topicPartition)?.IsPaused ?? false;

    public long? PositionOf(TopicPartition topicPartition) => Find(topicPartition)?.Position;

    /// <summary>A fault of the client: the reader is elsewhere without having been moved.</summary>
    public void Displace(TopicPartition topicPartition, long position) => Find(topicPartition)!.Position = position;

    public void Assign(TopicPartition topicPartition, long position)
    {
        ModelLog log = broker.LogOf(topicPartition);
        if (position < log.LogStart)
        {
            throw new SourceStoppedException(topicPartition, $"{topicPartition}@{position}: the broker's oldest offset is {log.LogStart}");
        }

        Unassign(topicPartition);
        _readers.Add(new Reader(broker, topicPartition) { Position = position });
    }

    public void Unassign(TopicPartition topicPartition) => _readers.RemoveAll(reader => reader.Log.TopicPartition == topicPartition);

    public void SetPaused(TopicPartition topicPartition, bool paused)
    {
        if (Find(topicPartition) is { } reader)
        {
            reader.IsPaused = paused;
        }
    }

    public KafkaBatch? Poll(TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (_failure is { } failure)
        {
            _failure = null;
            throw failure;
        }

        if (_readers.Count == 0 || broker.Trouble is not null)
        {
            return null;
        }

        int begin = random.Next(_readers.Count);
        for (int i = 0; i < _readers.Count; i++)
        {
            Reader reader = _readers[(begin + i) % _readers.Count];
            long end = reader.Log.LastStable ?? reader.Log.End;
            if (reader.Log.Life > 0 && reader.Position > reader.Log.End)
            {
                _readers.Remove(reader);
                throw new SourceStoppedException(reader.Log.TopicPartition, $"{reader.Log.TopicPartition}@{reader.Position}: the topic ends at {reader.Log.End}: it was truncated or made anew");
            }

            if (!reader.IsPaused && reader.Position < end)
            {
                return BatchOf(reader, Math.Min(end, reader.Position + 1 + random.Next(MaxBatch)));
            }
        }

        return null;
    }

    public PartitionEnds? EndsOf(TopicPartition topicPartition)
    {
        ModelLog log = broker.LogOf(topicPartition);
        return new PartitionEnds(log.LogStart, log.LastStable ?? log.End, log.End);
    }

    public void Dispose() => IsDisposed = true;

    private Reader? Find(TopicPartition topicPartition) => _readers.Find(reader => reader.Log.TopicPartition == topicPartition);

    private static KafkaBatch BatchOf(Reader reader, long next)
    {
        var range = new OffsetRange(reader.Position, next);
        byte[] buffer = ArrayPool<byte>.Shared.Rent((2 * (int)range.Length) + KafkaBatch.Padding);
        KafkaRecord[] records = ArrayPool<KafkaRecord>.Shared.Rent((int)range.Length);
        int count = 0;
        for (long offset = range.First; offset < next; offset++)
        {
            if (reader.Log[offset] != ModelRecord.Gap)
            {
                buffer[2 * count] = (byte)reader.Log[offset];
                buffer[(2 * count) + 1] = (byte)reader.Log.Life;
                records[count] = new KafkaRecord
                {
                    Offset = offset,
                    TimestampMs = reader.Log.TimestampOf(offset),
                    ValueStart = 2 * count,
                    ValueLength = 2,
                    KeyLength = -1,
                };
                count++;
            }
        }

        reader.Position = next;
        return new KafkaBatch(reader.Log.TopicPartition, range, 0, buffer, records, count);
    }

    private sealed class Reader(ModelBroker broker, TopicPartition topicPartition)
    {
        public ModelLog Log => broker.LogOf(topicPartition);

        public long Position { get; set; }

        public bool IsPaused { get; set; }
    }
}
