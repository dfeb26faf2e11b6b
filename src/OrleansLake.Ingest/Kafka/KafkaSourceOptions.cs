namespace OrleansLake.Ingest.Kafka;

/// <summary>What a <see cref="KafkaSource"/> reads from, and how much of each record.</summary>
public sealed record KafkaSourceOptions
{
    /// <summary>Brokers to begin with: host:port, separated by commas.</summary>
    public required string BootstrapServers { get; init; }

    /// <summary>Settings for librdkafka (security, buffers, time-outs …), see <see cref="KafkaSettings"/>.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>Where tokens come from, for a mechanism that wants them; null: none does.</summary>
    public Security.IBearerTokens? Tokens { get; init; }

    /// <summary>Copy keys into the batches.</summary>
    public bool Keys { get; init; } = true;

    /// <summary>Copy headers into the batches.</summary>
    public bool Headers { get; init; } = true;

    /// <summary>Copy timestamps into the batches; without it they are −1.</summary>
    public bool Timestamps { get; init; } = true;

    /// <summary>Gets the client's own log; without it the lines are dropped.</summary>
    public Action<KafkaLogLine>? Log { get; init; }
}
