using System.Runtime.CompilerServices;
using System.Text;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Read;
using OrleansLake.Ingest.Write;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Forward;

/// <summary>Dead letters could not be sent to their topic; they stand in their table, and are tried again.</summary>
public sealed class DeadLetterForwardException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// Sends the dead letters of a pipeline to a topic, each once. Invariants:
/// <list type="number">
/// <item>Their table has them first, each once (rule 18), and with them in one swap a note that they are to be sent
/// (<see cref="ForwardNote"/>).</item>
/// <item>Those of one snapshot are one transaction, which also moves the number of the last snapshot that was sent, kept as an
/// offset of a consumer group.</item>
/// <item>Before anything is sent, whoever sends makes the transactional id its own, so that no earlier sender's transaction can
/// come in any more, and reads that number then and not before.</item>
/// <item>A note is removed once its number was sent, never before.</item>
/// </list>
/// </summary>
public sealed class DeadLetterForward(ICatalog catalog, TableIdentifier deadLetters, string pipeline, IDeadLetterTopic topic, IdSource ids, TimeProvider time)
{
    private static readonly string[] Columns =
    [
        DeadLetterSchema.Topic, DeadLetterSchema.Partition, DeadLetterSchema.Offset, DeadLetterSchema.Timestamp, DeadLetterSchema.Key, DeadLetterSchema.Value, DeadLetterSchema.Headers,
        DeadLetterSchema.ErrorClass, DeadLetterSchema.JsonPath, DeadLetterSchema.Message, DeadLetterSchema.SchemaId, DeadLetterSchema.Pipeline, DeadLetterSchema.Generation,
    ];

    /// <summary>The consumer group whose offset is the number of the last snapshot that was sent.</summary>
    public static string GroupOf(string pipeline, Guid table) => $"orleanslake-dead-letters-{pipeline}-{table:N}";

    /// <summary>Sends what is to be sent.</summary>
    /// <returns>How many groups were sent.</returns>
    /// <exception cref="DeadLetterForwardException">A file is gone.</exception>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        if (await catalog.LoadTableAsync(deadLetters, cancellationToken).ConfigureAwait(false) is not { } table)
        {
            return 0;
        }

        List<ForwardNote> notes = ForwardNote.Read(table.Metadata.Properties, pipeline);
        if (notes.Count == 0)
        {
            return 0;
        }

        int sent = 0;
        // Numbers are of one table: one that is made anew counts from the beginning.
        long last = await topic.ConnectAsync(GroupOf(pipeline, table.Metadata.TableUuid), cancellationToken).ConfigureAwait(false) ?? -1;
        foreach (ForwardNote note in notes.Where(note => note.Number > last))
        {
            List<DataFile> files = await FindAsync(table, note, cancellationToken).ConfigureAwait(false);
            await topic.SendAsync(ReadAsync(table, files, cancellationToken), note.Number, cancellationToken).ConfigureAwait(false);
            sent++;
        }

        string[] done = [.. notes.Select(static note => note.Name)];
        var remove = new Transaction(time).Then((now, _) => Task.FromResult(
            done.Where(now.Metadata.Properties.ContainsKey).ToList() is { Count: > 0 } left
                ? new StagedChange([new TableRequirement.AssertTableUuid(table.Metadata.TableUuid)], [new TableUpdate.RemoveProperties(left)])
                : new StagedChange([], [])));
        // Where this fails the notes stay, and the number says that they were sent.
        await new TableChanges(catalog, ids, time).CommitAsync(deadLetters, remove, cancellationToken).ConfigureAwait(false);
        return sent;
    }

    /// <summary>The files as they came in: a replay or the upkeep may have written their rows anew meanwhile.</summary>
    private static async Task<List<DataFile>> FindAsync(LoadedTable table, ForwardNote note, CancellationToken cancellationToken)
    {
        var wanted = note.Files.ToHashSet(StringComparer.Ordinal);
        var found = new List<DataFile>();
        IEnumerable<Snapshot> places = new[] { table.Metadata.FindRef(SnapshotRef.Main), table.Metadata.Snapshots.FirstOrDefault(snapshot => snapshot.SequenceNumber == note.Number) }.OfType<Snapshot>();
        foreach (Snapshot place in places.TakeWhile(_ => wanted.Count > 0))
        {
            await foreach (ManifestEntry entry in SnapshotFiles.LiveAsync(table, place, cancellationToken).ConfigureAwait(false))
            {
                if (wanted.Remove(entry.DataFile.FilePath))
                {
                    found.Add(entry.DataFile);
                }
            }
        }

        return wanted.Count == 0 ? found : throw new DeadLetterForwardException(
            $"{table.Identifier}: {wanted.First()} was written anew and its snapshot has expired before it was sent to the topic; its dead letters are in the table still: send them from there, then remove table property {note.Name}");
    }

    private static async IAsyncEnumerable<DeadLetterRecord> ReadAsync(LoadedTable table, List<DataFile> files, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var scan = new TableScan(table, new ScanOptions { Schema = table.Metadata.CurrentSchema, Columns = Columns });
        foreach (DataFile file in files)
        {
            await foreach (ColumnBatch batch in scan.ReadAsync(new FileScanTask(file, 0, [], new BoundExpression.Constant(true)), cancellationToken).ConfigureAwait(false))
            {
                foreach (DeadLetterRecord record in Records(batch))
                {
                    yield return record;
                }
            }
        }
    }

    private static List<DeadLetterRecord> Records(ColumnBatch batch)
    {
        LeafReader topic = new(batch.Columns[0]), partition = new(batch.Columns[1]), offset = new(batch.Columns[2]), timestamp = new(batch.Columns[3]), key = new(batch.Columns[4]), value = new(batch.Columns[5]),
            headers = new(batch.Columns[6]), errorClass = new(batch.Columns[7]), path = new(batch.Columns[8]), message = new(batch.Columns[9]), schema = new(batch.Columns[10]), of = new(batch.Columns[11]), generation = new(batch.Columns[12]);
        var records = new List<DeadLetterRecord>(batch.RowCount);
        for (int row = 0; row < batch.RowCount; row++)
        {
            bool hasTopic = topic.Next(row), hasPartition = partition.Next(row), hasOffset = offset.Next(row), hasTimestamp = timestamp.Next(row), hasKey = key.Next(row), hasValue = value.Next(row), hasHeaders = headers.Next(row);
            bool hasClass = errorClass.Next(row), hasPath = path.Next(row), hasMessage = message.Next(row), hasSchema = schema.Next(row), hasPipeline = of.Next(row), hasGeneration = generation.Next(row);
            records.Add(new DeadLetterRecord(
                new TopicPartition(hasTopic ? Text(topic.Bytes) : "", hasPartition ? (int)partition.Long : 0),
                hasOffset ? offset.Long : -1,
                hasTimestamp ? Math.DivRem(timestamp.Long, 1000).Quotient : -1,
                hasKey ? key.Bytes.ToArray() : null,
                hasValue ? value.Bytes.ToArray() : null,
                hasHeaders ? KafkaHeaders.Read(headers.Bytes) : [],
                hasClass ? Text(errorClass.Bytes) : "",
                hasPath ? Text(path.Bytes) : "",
                hasMessage ? Text(message.Bytes) : "",
                hasSchema ? (int)schema.Long : 0,
                hasPipeline ? Text(of.Bytes) : "",
                hasGeneration ? Text(generation.Bytes) : ""));
        }

        return records;

        static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);
    }
}
