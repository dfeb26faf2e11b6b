namespace OrleansLake.Ingest.Kafka;

/// <summary>The Kafka client or a broker refused what was asked of it.</summary>
public sealed class KafkaClientException : Exception
{
    /// <summary>What failed, and what librdkafka or the broker said of it.</summary>
    public KafkaClientException(string message, int errorCode = 0, Exception? inner = null)
        : base(message, inner) => ErrorCode = errorCode;

    /// <summary>librdkafka's code: negative for its own errors, positive for a broker's; 0 unknown.</summary>
    public int ErrorCode { get; }
}

/// <summary>A Kafka setting that librdkafka does not know, whose value it refuses, or that OrleansLake must decide itself.</summary>
public sealed class KafkaSettingException(string setting, string message) : Exception(message)
{
    /// <summary>The setting's name.</summary>
    public string Setting { get; } = setting;
}

/// <summary>A line of the client's own log.</summary>
/// <param name="Level">Syslog level: 3 error, 4 warning, 6 information, 7 debug.</param>
/// <param name="Facility">What part of the client says it.</param>
/// <param name="Text">The line.</param>
public readonly record struct KafkaLogLine(int Level, string Facility, string Text);
