namespace OrleansLake.Ingest.Commit;

/// <summary>
/// Notices two writers that both believe to own a topic-partition: each refused as stale again and again while the other
/// is committed. Neither is wrong by itself, and no record is lost; but their owner must know.
/// </summary>
internal sealed class Duels
{
    private const int Limit = 3;

    private readonly Dictionary<(string Pipeline, TopicPartition TopicPartition), Duel> _duels = [];

    /// <summary>A range of a writer was committed.</summary>
    public void Committed(string pipeline, TopicPartition topicPartition, string writerId, DateTimeOffset now)
    {
        Duel duel = _duels.GetValueOrDefault((pipeline, topicPartition)) ?? new Duel();
        _duels[(pipeline, topicPartition)] = duel with { Winner = writerId, At = duel.Winner == writerId ? duel.At : now };
    }

    /// <summary>A range of a writer was stale. The other writer, when this is a duel by now.</summary>
    public string? Stale(string pipeline, TopicPartition topicPartition, string writerId, DateTimeOffset now)
    {
        Duel duel = _duels.GetValueOrDefault((pipeline, topicPartition)) ?? new Duel();
        if (duel.Winner is null || duel.Winner == writerId)
        {
            return null;
        }

        duel = duel with { Loser = writerId, Refusals = duel.Refusals + 1, At = now };
        _duels[(pipeline, topicPartition)] = duel;
        return duel.Refusals >= Limit ? duel.Winner : null;
    }

    /// <summary>Duels that were seen since a time.</summary>
    public IReadOnlyList<string> Describe(DateTimeOffset since) => _duels
        .Where(duel => duel.Value.Refusals >= Limit && duel.Value.At >= since)
        .Select(static duel => $"{duel.Key.Pipeline}: {duel.Key.TopicPartition} is reported by {duel.Value.Winner} and by {duel.Value.Loser}")
        .ToList();

    private sealed record Duel
    {
        public string? Winner { get; init; }

        public string? Loser { get; init; }

        public int Refusals { get; init; }

        public DateTimeOffset At { get; init; }
    }
}
