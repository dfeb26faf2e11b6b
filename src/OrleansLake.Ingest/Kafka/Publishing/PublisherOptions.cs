namespace OrleansLake.Ingest.Kafka.Publishing;

/// <summary>Where and how fast a <see cref="Publisher"/> sends.</summary>
public sealed record PublisherOptions
{
    /// <summary>Brokers to begin with: host:port, separated by commas.</summary>
    public required string BootstrapServers { get; init; }

    /// <summary>The topic. It must exist.</summary>
    public required string Topic { get; init; }

    /// <summary>Settings for librdkafka (compression.type, linger.ms, security …), see <see cref="KafkaSettings"/>.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>Where tokens come from, for a mechanism that wants them; null: none does.</summary>
    public Security.IBearerTokens? Tokens { get; init; }

    /// <summary>Records a second; null as fast as it goes.</summary>
    public double? RecordsPerSecond { get; init; }

    /// <summary>
    /// The next offset that the consumer has for good, by topic-partition (−1: none yet). With it, what the broker holds beyond
    /// that offset stays below <see cref="MaxUncommittedBytes"/> in each partition; without it nothing is waited for.
    /// It is called often and must not block.
    /// </summary>
    public Func<TopicPartition, long>? Committed { get; init; }

    /// <summary>
    /// Bytes as stored by the broker (estimated from what was sent over the wire) that one partition may hold beyond the
    /// consumer's offset. The default leaves room in what <see cref="EmbeddedBroker"/> retains.
    /// </summary>
    public long MaxUncommittedBytes { get; init; } = EmbeddedBroker.RetainedBytes * 6 / 10;

    /// <summary>Gets the client's own log; without it the lines are dropped.</summary>
    public Action<KafkaLogLine>? Log { get; init; }
}

/// <summary>How far a publisher is.</summary>
/// <param name="Records">Records handed to the producer.</param>
/// <param name="Delivered">Records that the broker has acknowledged.</param>
/// <param name="Bytes">Bytes of the records' values.</param>
/// <param name="Elapsed">Since it began.</param>
/// <param name="WaitingFor">The topic-partition whose consumer it is waiting for; null while it sends.</param>
/// <param name="Trouble">What stands in the way at the broker; null nothing.</param>
public sealed record PublishProgress(long Records, long Delivered, long Bytes, TimeSpan Elapsed, TopicPartition? WaitingFor, string? Trouble);

/// <summary>What was published: every record acknowledged by the broker.</summary>
/// <param name="Records">How many.</param>
/// <param name="Bytes">Bytes of their values.</param>
/// <param name="Elapsed">From the first to the last acknowledgement.</param>
/// <param name="Ranges">Where they lie: the high watermark before the first, the offset behind the last. Others' records may lie between.</param>
public sealed record PublishResult(long Records, long Bytes, TimeSpan Elapsed, IReadOnlyDictionary<TopicPartition, OffsetRange> Ranges);
