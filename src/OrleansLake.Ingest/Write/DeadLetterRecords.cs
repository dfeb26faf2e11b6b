using OrleansLake.Ingest.Decode;
using OrleansLake.Ingest.Kafka;

namespace OrleansLake.Ingest.Write;

/// <summary>A record that could not be a row, on its way to a topic.</summary>
/// <param name="TopicPartition">Where it was read.</param>
/// <param name="Offset">Its offset there.</param>
/// <param name="TimestampMs">Its timestamp; −1: none.</param>
/// <param name="Key">Its key; null where Kafka's is.</param>
/// <param name="Value">Its value; null where Kafka's is.</param>
/// <param name="Headers">Its headers.</param>
/// <param name="ErrorClass">Why, in kebab case.</param>
/// <param name="JsonPath">Where in the document; empty for the document itself.</param>
/// <param name="Message">What was expected and what stood there.</param>
/// <param name="SchemaId">The schema that it did not fit.</param>
public sealed record DeadLetterRecord(
    TopicPartition TopicPartition, long Offset, long TimestampMs, byte[]? Key, byte[]? Value, IReadOnlyList<KeyValuePair<string, byte[]?>> Headers, string ErrorClass, string JsonPath, string Message, int SchemaId);

/// <summary>Takes dead letters in place of their table.</summary>
public interface IDeadLetterTopic
{
    /// <summary>Sends all of them, or none that a reader of committed records would see.</summary>
    Task SendAsync(IReadOnlyList<DeadLetterRecord> records, CancellationToken cancellationToken);
}

/// <summary>
/// The dead letters of one writer, kept until it closes: they are sent before its rows are reported, so that none is lost, and a
/// writer whose records are read again before that has sent nothing.
/// </summary>
internal sealed class DeadLetterRecords(IDeadLetterTopic topic)
{
    private readonly List<DeadLetterRecord> _records = [];

    /// <summary>Memory that they hold, roughly.</summary>
    public long SizeBytes { get; private set; }

    /// <summary>Keeps a batch's rejected records.</summary>
    public void Add(KafkaBatch batch, ReadOnlySpan<RejectedRecord> rejected, int schemaId)
    {
        foreach (ref readonly var reject in rejected)
        {
            ref readonly var record = ref batch.Records[reject.RecordIndex];
            _records.Add(new DeadLetterRecord(
                batch.TopicPartition,
                record.Offset,
                record.TimestampMs,
                record.KeyLength < 0 ? null : batch.KeyOf(record).ToArray(),
                record.ValueLength < 0 ? null : batch.ValueOf(record).ToArray(),
                KafkaHeaders.Read(batch.HeadersOf(record)),
                reject.Reason.ErrorClass(),
                reject.Path,
                reject.Message,
                schemaId));
            SizeBytes += 300 + Math.Max(0, record.KeyLength) + Math.Max(0, record.ValueLength) + record.HeadersLength + (2 * (reject.Path.Length + reject.Message.Length));
        }
    }

    /// <summary>Sends them.</summary>
    public async Task SendAsync(CancellationToken cancellationToken)
    {
        if (_records.Count > 0)
        {
            await topic.SendAsync(_records, cancellationToken).ConfigureAwait(false);
            _records.Clear();
            SizeBytes = 0;
        }
    }
}
