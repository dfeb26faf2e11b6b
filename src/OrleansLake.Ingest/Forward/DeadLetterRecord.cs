namespace OrleansLake.Ingest.Forward;

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
/// <param name="Pipeline">The pipeline that read it.</param>
/// <param name="Generation">The generation of that.</param>
public sealed record DeadLetterRecord(
    TopicPartition TopicPartition, long Offset, long TimestampMs, byte[]? Key, byte[]? Value, IReadOnlyList<KeyValuePair<string, byte[]?>> Headers, string ErrorClass, string JsonPath, string Message, int SchemaId,
    string Pipeline, string Generation);

/// <summary>
/// Takes dead letters, in numbered groups that come in whole or not at all, and remembers the number of the last in the same step.
/// </summary>
public interface IDeadLetterTopic
{
    /// <summary>
    /// Ends whatever another process may still have on its way, so that it can come in no more, and says the number of the group
    /// that came in last; null: none has.
    /// </summary>
    /// <param name="line">Which numbers: those of one table.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task<long?> ConnectAsync(string line, CancellationToken cancellationToken);

    /// <summary>Sends a group together with its number. Where it fails, only <see cref="ConnectAsync"/> tells what became of it.</summary>
    Task SendAsync(IAsyncEnumerable<DeadLetterRecord> records, long number, CancellationToken cancellationToken);
}
