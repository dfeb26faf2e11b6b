using System.Globalization;
using OrleansLake.Contracts;
using OrleansLake.Ingest.Quality;

namespace OrleansLake.Grains;

/// <summary>
/// Watches the flow of one pipeline over all of its silos, by the positions of its topic-partitions: looked at again and again, by
/// one thread at a time.
/// </summary>
internal sealed class Heartbeat(string pipeline, Action<Alert> tell)
{
    private readonly Dictionary<string, (long Position, DateTimeOffset Since)> _topics = [];
    private readonly Queue<(DateTimeOffset At, long Position)> _past = new();
    private readonly HashSet<string> _raised = [];

    /// <summary>Begins anew: a pipeline that is held has no flow to watch.</summary>
    public void Reset()
    {
        _topics.Clear();
        _past.Clear();
    }

    /// <summary>Looks at how things stand.</summary>
    public void Look(HeartbeatSettings settings, IReadOnlyList<TopicPartitionStatus> partitions, DateTimeOffset now)
    {
        foreach (var topic in partitions.GroupBy(static partition => partition.Topic))
        {
            LookAtTopic(settings, topic.Key, topic.Sum(PositionOf), now);
        }

        LookAtVolume(settings, partitions.Sum(PositionOf), now);
        double? oldest = partitions.Max(static partition => partition.FreshnessSeconds);
        Say(AlertKind.Freshness, "freshness", oldest > settings.MaxFreshness?.TotalSeconds, now, () => string.Create(
            CultureInfo.InvariantCulture, $"the oldest record that is not in the table is {oldest ?? 0:0} s old, the bound is {settings.MaxFreshness?.TotalSeconds:0} s"));
    }

    private static long PositionOf(TopicPartitionStatus partition) => partition.Position ?? partition.Committed ?? 0;

    private void LookAtTopic(HeartbeatSettings settings, string topic, long position, DateTimeOffset now)
    {
        if (!_topics.TryGetValue(topic, out var last) || last.Position != position)
        {
            _topics[topic] = last = (position, now);
        }

        TimeSpan quiet = now - last.Since;
        Say(AlertKind.NoData, $"no data of {topic}", quiet >= settings.NoDataFor, now, () => string.Create(
            CultureInfo.InvariantCulture, $"topic {topic}: no record since {last.Since:HH:mm:ss} UTC, {quiet.TotalMinutes:0.#} min; the bound is {settings.NoDataFor?.TotalMinutes:0.#} min"));
    }

    private void LookAtVolume(HeartbeatSettings settings, long position, DateTimeOffset now)
    {
        if (_past.Count > 0 && position < _past.Last().Position)
        {
            _past.Clear(); // read again from further back: no measure of what comes in
        }

        _past.Enqueue((now, position));
        while (_past.Count > 2 && now - _past.ElementAt(1).At >= settings.Window)
        {
            _past.Dequeue();
        }

        TimeSpan span = now - _past.Peek().At;
        if (span < settings.Window)
        {
            return; // not a whole window yet
        }

        double perMinute = (position - _past.Peek().Position) / span.TotalMinutes;
        Say(AlertKind.Volume, "volume", perMinute < settings.LeastPerMinute || perMinute > settings.MostPerMinute, now, () => string.Create(
            CultureInfo.InvariantCulture, $"{perMinute:0.#} records a minute over {span.TotalMinutes:0.#} min, expected {settings.LeastPerMinute ?? 0:0.#} to {settings.MostPerMinute?.ToString("0.#", CultureInfo.InvariantCulture) ?? "any number"}"));
    }

    private void Say(AlertKind kind, string rule, bool isBad, DateTimeOffset now, Func<string> message)
    {
        if (isBad ? _raised.Add(rule) : _raised.Remove(rule))
        {
            tell(new Alert(kind, pipeline, rule, message(), now, IsOver: !isBad));
        }
    }
}
