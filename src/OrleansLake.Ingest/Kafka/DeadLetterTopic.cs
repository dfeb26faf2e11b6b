using System.Globalization;
using System.Text;
using Confluent.Kafka;
using OrleansLake.Ingest.Kafka.Security;
using OrleansLake.Ingest.Write;

namespace OrleansLake.Ingest.Kafka;

/// <summary>Dead letters to a Kafka topic, all of a writer's in one transaction.</summary>
/// <remarks>
/// What holds: whoever reads committed records sees the dead letters of a writer all or not at all, and each of them before the
/// rows that were read with it are in the table; none is lost. What does not: the transaction and the table's swap are two, so
/// where a process dies between them its records are read again and their dead letters sent again; topic, partition and offset
/// in the headers tell that it is the same. Another process with the same transactional id is fenced off by the broker.
/// Headers are those of Starburst's example loader (<c>loader.processing.exception.*</c>), and our own beside them.
/// </remarks>
public sealed class DeadLetterTopic : IDeadLetterTopic, IDisposable
{
    private const string Theirs = "loader.processing.exception.";
    private const string Ours = "orleanslake.";
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(30);

    private readonly string _topic;
    private readonly string _pipeline;
    private readonly string _generation;
    private volatile IReadOnlyDictionary<string, string> _settings;
    private readonly Action<KafkaLogLine>? _log;
    private readonly IBearerTokens? _tokens;
    private readonly SemaphoreSlim _turn = new(1);
    private IProducer<byte[]?, byte[]?>? _producer;

    /// <summary>Connects with the first dead letter. <paramref name="transactionalId"/>: one for each pump, the same after a restart.</summary>
    public DeadLetterTopic(
        string topic, string pipeline, string generation, string transactionalId, string bootstrapServers, IReadOnlyDictionary<string, string>? settings = null, Action<KafkaLogLine>? log = null,
        IBearerTokens? tokens = null)
    {
        (_topic, _pipeline, _generation, _log, _tokens) = (topic, pipeline, generation, log, tokens);
        _settings = new Dictionary<string, string>(KafkaSettings.OfProducer(bootstrapServers, KafkaSettings.OfLookup(bootstrapServers, settings)))
        {
            ["client.id"] = "orleanslake-dead-letters",
            ["transactional.id"] = transactionalId,
            ["transaction.timeout.ms"] = "60000",
        };
    }

    /// <summary>Another login for the next connection; one that is refused for the old is made anew.</summary>
    public void SetLogin(string username, string password) =>
        _settings = new Dictionary<string, string>(_settings) { ["sasl.username"] = username, ["sasl.password"] = password };

    /// <inheritdoc />
    /// <exception cref="KafkaClientException">They were not sent; nobody who reads committed records sees any of them.</exception>
    public async Task SendAsync(IReadOnlyList<DeadLetterRecord> records, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // The client's calls block, and the caller may be a pump's thread.
            await Task.Run(() => Send(records, cancellationToken), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _producer?.Dispose();
        _turn.Dispose();
    }

    private void Send(IReadOnlyList<DeadLetterRecord> records, CancellationToken cancellationToken)
    {
        try
        {
            IProducer<byte[]?, byte[]?> producer = _producer ??= Connect();
            producer.BeginTransaction();
            Error? failed = null;
            foreach (DeadLetterRecord record in records)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Produce(producer, MessageOf(record), report => failed = report.Error.IsError ? report.Error : failed);
            }

            producer.Flush(cancellationToken);
            if (failed is not null)
            {
                throw new KafkaException(failed);
            }

            producer.CommitTransaction(CallTimeout);
        }
        catch (Exception error)
        {
            // A producer that failed may be fenced off or out of step: the next attempt begins with a new one, which ends what
            // this one had open. https://kafka.apache.org/documentation/#semantics
            _producer?.Dispose();
            _producer = null;
            if (error is KafkaException refused)
            {
                throw new KafkaClientException($"dead letters to topic {_topic}: {error.Message}", (int)refused.Error.Code, error);
            }

            throw;
        }
    }

    private void Produce(IProducer<byte[]?, byte[]?> producer, Message<byte[]?, byte[]?> message, Action<DeliveryReport<byte[]?, byte[]?>> report)
    {
        while (true)
        {
            try
            {
                producer.Produce(_topic, message, report);
                return;
            }
            catch (ProduceException<byte[]?, byte[]?> full) when (full.Error.Code == ErrorCode.Local_QueueFull)
            {
                producer.Poll(TimeSpan.FromMilliseconds(50)); // room comes with deliveries
            }
        }
    }

    private IProducer<byte[]?, byte[]?> Connect()
    {
        ProducerBuilder<byte[]?, byte[]?> builder = new ProducerBuilder<byte[]?, byte[]?>(_settings)
            .SetLogHandler((_, line) => _log?.Invoke(new KafkaLogLine((int)line.Level, line.Facility, line.Message)))
            .SetErrorHandler((_, error) => _log?.Invoke(new KafkaLogLine(4, "DEADLETTERS", error.Reason)));
        if (KafkaSecurity.NeedsTokens(_settings))
        {
            builder.SetOAuthBearerTokenRefreshHandler(AdminTokens.HandlerOf<byte[]?, byte[]?>(_tokens ?? throw KafkaSecurity.NoTokens()));
        }

        IProducer<byte[]?, byte[]?> producer = builder.Build();
        try
        {
            producer.InitTransactions(CallTimeout);
            return producer;
        }
        catch
        {
            producer.Dispose();
            throw;
        }
    }

    private Message<byte[]?, byte[]?> MessageOf(DeadLetterRecord record)
    {
        var headers = new Headers();
        foreach (var (name, value) in record.Headers)
        {
            headers.Add(name, value);
        }

        string place = record.JsonPath.Length > 0 ? $"{record.JsonPath}: " : "";
        Add(Theirs + "topic", record.TopicPartition.Topic);
        Add(Theirs + "offset", Text(record.Offset));
        Add(Theirs + "class", record.ErrorClass);
        Add(Theirs + "message", record.Message);
        Add(Theirs + "stacktrace", $"{record.TopicPartition}@{Text(record.Offset)} {place}{record.Message}");
        Add(Ours + "partition", Text(record.TopicPartition.Partition));
        Add(Ours + "json-path", record.JsonPath);
        Add(Ours + "schema-id", Text(record.SchemaId));
        Add(Ours + "pipeline", _pipeline);
        Add(Ours + "generation", _generation);
        return new Message<byte[]?, byte[]?>
        {
            Key = record.Key,
            Value = record.Value,
            Headers = headers,
            Timestamp = record.TimestampMs >= 0 ? new Timestamp(record.TimestampMs, TimestampType.CreateTime) : Timestamp.Default,
        };

        void Add(string name, string value) => headers.Add(name, Encoding.UTF8.GetBytes(value));
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
