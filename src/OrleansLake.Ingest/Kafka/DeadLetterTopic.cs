using System.Globalization;
using System.Text;
using Confluent.Kafka;
using OrleansLake.Ingest.Forward;
using OrleansLake.Ingest.Kafka.Security;

namespace OrleansLake.Ingest.Kafka;

/// <summary>Dead letters to a Kafka topic, each group of them in one transaction with its number.</summary>
/// <remarks>
/// The number is the offset of a consumer group, committed by the transaction itself
/// (https://cwiki.apache.org/confluence/display/KAFKA/KIP-98), so that both are in or neither. The transactional id is the
/// pipeline's: whoever connects ends the transaction of whoever sent before, who is then fenced off.
/// Headers are those of Starburst's example loader (<c>loader.processing.exception.*</c>), and our own beside them.
/// </remarks>
public sealed class DeadLetterTopic : IDeadLetterTopic, IDisposable
{
    private const string Theirs = "loader.processing.exception.";
    private const string Ours = "orleanslake.";
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(30);

    private readonly string _topic;
    private readonly string _bootstrap;
    private volatile IReadOnlyDictionary<string, string> _connection;
    private readonly string _transactionalId;
    private readonly Action<KafkaLogLine>? _log;
    private readonly IBearerTokens? _tokens;
    private readonly SemaphoreSlim _turn = new(1);
    private IProducer<byte[]?, byte[]?>? _producer;
    private IConsumer<byte[]?, byte[]?>? _group;
    private string? _line;
    private long? _number;

    /// <summary>Connects when it is asked to.</summary>
    public DeadLetterTopic(string topic, string transactionalId, string bootstrapServers, IReadOnlyDictionary<string, string>? settings = null, Action<KafkaLogLine>? log = null, IBearerTokens? tokens = null)
    {
        (_topic, _transactionalId, _bootstrap, _log, _tokens) = (topic, transactionalId, bootstrapServers, log, tokens);
        _connection = KafkaSettings.OfLookup(bootstrapServers, settings);
    }

    /// <summary>Another login for the next connection; one that is refused for the old is made anew.</summary>
    public void SetLogin(string username, string password) =>
        _connection = new Dictionary<string, string>(_connection) { ["sasl.username"] = username, ["sasl.password"] = password };

    /// <inheritdoc />
    /// <exception cref="KafkaClientException">The broker gave no answer.</exception>
    public Task<long?> ConnectAsync(string line, CancellationToken cancellationToken) => InTurnAsync(
        () =>
        {
            if (_producer is null || _line != line)
            {
                Close();
                _producer = Connect();
                _group = ConnectGroup(line);
                // After the producer: what another had on its way is in or never will be.
                long offset = _group.Committed([new Confluent.Kafka.TopicPartition(_topic, 0)], CallTimeout).Single().Offset.Value;
                (_line, _number) = (line, offset >= 0 ? offset : null);
            }

            return Task.FromResult(_number);
        },
        cancellationToken);

    /// <inheritdoc />
    /// <exception cref="KafkaClientException">What became of it is not known.</exception>
    public Task SendAsync(IAsyncEnumerable<DeadLetterRecord> records, long number, CancellationToken cancellationToken) => InTurnAsync(
        async () =>
        {
            if (_producer is not { } producer || _group is not { } group)
            {
                throw new InvalidOperationException($"dead letters to topic {_topic}: expected to be connected");
            }

            producer.BeginTransaction();
            Error? failed = null;
            await foreach (DeadLetterRecord record in records.WithCancellation(cancellationToken).ConfigureAwait(false))
            {
                Produce(producer, MessageOf(record), report => failed = report.Error.IsError ? report.Error : failed);
            }

            producer.Flush(cancellationToken);
            if (failed is not null)
            {
                throw new KafkaException(failed);
            }

            producer.SendOffsetsToTransaction([new TopicPartitionOffset(_topic, 0, number)], group.ConsumerGroupMetadata, CallTimeout);
            producer.CommitTransaction(CallTimeout);
            _number = number;
            return _number;
        },
        cancellationToken);

    /// <inheritdoc />
    public void Dispose()
    {
        Close();
        _turn.Dispose();
    }

    private async Task<long?> InTurnAsync(Func<Task<long?>> work, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // The client's calls block.
            return await Task.Run(work, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            // A producer that failed may be fenced off or out of step: the next attempt begins with a new one, which ends what
            // this one had open. https://kafka.apache.org/documentation/#semantics
            Close();
            if (error is KafkaException refused)
            {
                string reason = refused is TopicPartitionOffsetException { Results: [var first, ..] } && first.Error.IsError ? first.Error.Reason : refused.Error.Reason;
                throw new KafkaClientException($"dead letters to topic {_topic}: {reason}", (int)refused.Error.Code, error);
            }

            throw;
        }
        finally
        {
            _turn.Release();
        }
    }

    private void Close()
    {
        _producer?.Dispose();
        _group?.Dispose();
        (_producer, _group, _line, _number) = (null, null, null, null);
    }

    private IConsumer<byte[]?, byte[]?> ConnectGroup(string line)
    {
        IConsumer<byte[]?, byte[]?> group = new ConsumerBuilder<byte[]?, byte[]?>(
                new Dictionary<string, string>(_connection) { ["group.id"] = line, ["isolation.level"] = "read_committed", ["enable.auto.commit"] = "false" })
            .SetLogHandler((_, logged) => _log?.Invoke(new KafkaLogLine((int)logged.Level, logged.Facility, logged.Message)))
            .SetErrorHandler((_, error) => _log?.Invoke(new KafkaLogLine(4, "DEADLETTERS", error.Reason)))
            .Build();
        if (KafkaSecurity.NeedsTokens(_connection))
        {
            // Nobody polls it, so it would never ask: it is connected to once.
            AdminTokens.Give(group, _tokens ?? throw KafkaSecurity.NoTokens());
        }

        return group;
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
        var settings = new Dictionary<string, string>(KafkaSettings.OfProducer(_bootstrap, _connection))
        {
            ["client.id"] = "orleanslake-dead-letters",
            ["transactional.id"] = _transactionalId,
            ["transaction.timeout.ms"] = "300000", // a whole commit's dead letters
        };
        ProducerBuilder<byte[]?, byte[]?> builder = new ProducerBuilder<byte[]?, byte[]?>(settings)
            .SetLogHandler((_, line) => _log?.Invoke(new KafkaLogLine((int)line.Level, line.Facility, line.Message)))
            .SetErrorHandler((_, error) => _log?.Invoke(new KafkaLogLine(4, "DEADLETTERS", error.Reason)));
        if (KafkaSecurity.NeedsTokens(settings))
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
        Add(Ours + "pipeline", record.Pipeline);
        Add(Ours + "generation", record.Generation);
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
